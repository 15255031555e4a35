"""Opens all sources of a job together: queries of one database are read in one transaction.

From where on a section is read is known from what the journal has kept of it, unless all is asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from sfsync.core.job import Job, Section
from sfsync.core.reading.rows import RowSource
from sfsync.core.reading.source_marks import bound_from, mark_name
from sfsync.errors import ConfigError
from sfsync.sources.opening import open_source, wanted_columns

if TYPE_CHECKING:
    from sfsync.sources.databases.database_query import Query

Kept = Callable[[str], str | None]
"""What the journal has kept under the name of a mark."""


def open_sources(job: Job, *, kept: Kept | None = None) -> dict[str, RowSource]:
    """The sources of a job, by section name; without `kept` everything is read from the first row on.

    Raises:
        SourceError: one of them is missing, unreadable or empty.
        ConfigError: a source is of a kind that is not read, or its driver is not installed.
    """
    found: dict[str, RowSource] = {}
    queries = {name: each for name, each in job.sections.items() if each.source.kind == "database"}
    if queries:
        found |= _databases(job, queries, kept)
    for name, section in job.sections.items():
        if name not in queries:
            found[name] = open_source(section)
    return found


def _databases(job: Job, sections: Mapping[str, Section], kept: Kept | None) -> dict[str, RowSource]:
    from sfsync.sources.databases.database import DatabaseSource
    from sfsync.sources.databases.database_address import DatabaseAddress, read_address
    from sfsync.sources.databases.database_query import BadQuery, read_query
    from sfsync.sources.databases.database_reading import Asked, read_queries

    together: dict[str, tuple[DatabaseAddress, list[Asked]]] = {}
    basis: dict[str, str] = {}
    for name, section in sections.items():
        spec = section.source
        assert spec.path is not None
        try:
            query = read_query(spec.query)
        except BadQuery as bad:
            message = f"{spec.path.name} {bad}"
            raise ConfigError(message, code="QUERY", hint="Correct the query; nothing was sent.") from None
        _require_since(section, query)
        address = read_address(spec.database, folder=spec.folder, key=f"{name}.database")
        basis[name] = _basis(job, spec.query, address.place)
        since = None
        if kept is not None and spec.watermark is not None and not spec.is_full:
            overlap = timedelta(minutes=spec.overlap_min)
            since = bound_from(kept(mark_name(name)), basis=basis[name], overlap=overlap)
        asked = Asked(name, spec.path.name, query, wanted_columns(section), spec.watermark, since)
        together.setdefault(spec.database, (address, []))[1].append(asked)
    found: dict[str, RowSource] = {}
    for address, asked_here in together.values():
        for asked, reading in zip(asked_here, read_queries(address, asked_here), strict=True):
            found[asked.section] = DatabaseSource(asked, reading, basis=basis[asked.section])
    return found


def _require_since(section: Section, query: Query) -> None:
    """A watermark without `:since` would read everything each time; `:since` without one would stay empty."""
    spec = section.source
    if query.has_since == (spec.watermark is not None):
        return
    assert spec.path is not None
    if query.has_since:
        message = f"{spec.path.name} has :since, and [{section.name}] names no watermark"
        hint = 'Name the column that grows with every change: watermark = "updated_at".'
    else:
        message = f"[{section.name}] has the watermark {spec.watermark}, and {spec.path.name} has no :since"
        hint = f"Let the query read only what changed: WHERE :since IS NULL OR {spec.watermark} >= :since."
    raise ConfigError(message, code="QUERY", hint=hint)


def _basis(job: Job, query: str, place: str) -> str:
    """What a mark is for: with another query, job or database everything is read once more."""
    return hashlib.blake2b(f"{job.digest}\n{place}\n{query}".encode(), digest_size=16).hexdigest()
