"""Sections over small files, for the tests of the sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sfsync.core.job import FieldRule, Section
from sfsync.core.reading.rows import ModelRow, RowSource, SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.sources import open_source


def a_section(path: Path | None, kind: str = "csv", *, column: str = "a", **spec: Any) -> Section:
    """Deals from a file, of which a rule reads one column; roles name their deal by `deal_id`."""
    name, rules = "opportunities", [FieldRule("Name", column=column)]
    if kind == "nested":
        name, rules = "contact_roles", [*rules, FieldRule("OpportunityId", column="deal_id")]
    return Section(name, "Opportunity", SourceSpec(kind, path, **spec), tuple(rules))


def opened(path: Path, content: str | bytes, kind: str = "csv", **given: Any) -> RowSource:
    """The source of a file with that content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_source(a_section(path, kind, **given))


def cells(source: RowSource) -> list[dict[str, Any]]:
    """The cells of all rows, which are all readable."""
    found = []
    for row in source.rows():
        assert isinstance(row, SourceRow), row
        found.append(dict(row.cells))
    return found


def lines(source: RowSource) -> list[int]:
    """The lines of all rows."""
    return [row.ref.line for row in source.rows()]


def unreadable(source: RowSource) -> list[UnreadableRow]:
    """The rows that cannot be read."""
    return [row for row in source.rows() if isinstance(row, UnreadableRow)]


def models(source: RowSource) -> list[ModelRow]:
    """The rows that are local models."""
    return [row for row in source.rows() if isinstance(row, ModelRow)]
