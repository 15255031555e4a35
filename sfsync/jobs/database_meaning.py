"""Checks what a job file says about databases: which keys belong together, and what a watermark rules out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.core.job import SECTIONS
from sfsync.jobs.mistakes import Mistake

_OF_FILES: Final = ("file", "kind", "delimiter", "encoding", "nested")


def database_mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with the sections that read a database, and with their lacking a source at all."""
    for name in SECTIONS:
        section = document.get(name)
        if not isinstance(section, Mapping):
            continue
        if "database" in section:
            yield from _mistakes(name, section)
        else:
            for key in ("query", "watermark", "overlap"):
                if key in section:
                    yield Mistake((name, key), "means nothing without database")
            if name != "contact_roles" and "file" not in section:
                yield Mistake((name, "file"), "is missing", "MISSING_KEY")
        if "watermark" in section:
            yield from _watermark_mistakes(name, section, document)


def _mistakes(name: str, section: Mapping[str, Any]) -> Iterator[Mistake]:
    for key in _OF_FILES:
        if key in section and not (name == "contact_roles" and key in ("file", "nested")):
            yield Mistake(
                (name, key), "belongs to files, and the rows come from a database; give one of both"
            )
    fields = section.get("fields")
    rules = fields.items() if isinstance(fields, Mapping) else ()
    declared: list[tuple[str, ...]] = [(name,)] if "numbers" in section else []
    declared += [
        (name, "fields", field) for field, rule in rules if isinstance(rule, Mapping) and "numbers" in rule
    ]
    for path in declared:
        # A typed 1.234 goes into the rejects as that text, which a locale would read as another number.
        yield Mistake(
            (*path, "numbers"), "is for text; a database gives numbers: make one of it in the query"
        )
    if "overlap" in section and "watermark" not in section:
        yield Mistake((name, "overlap"), "means nothing without watermark")


def _watermark_mistakes(
    name: str, section: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[Mistake]:
    if section.get("vanished", "ignore") != "ignore":
        message = "cannot be told with a watermark: a row that did not change is not in the result either"
        yield Mistake((name, "vanished"), message)
    roles = document.get("roles")
    if name == "contact_roles" and isinstance(roles, Mapping) and roles.get("policy") == "mirror":
        message = (
            '= "mirror" would delete the roles that did not change: a watermark leaves them out of the result'
        )
        yield Mistake(("roles", "policy"), message)
