"""Checks what a job file says about gone rows: which policies fit which section, and which fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.jobs.mistakes import Mistake

_KEYED: Final = ("accounts", "contacts", "opportunities")


def gone_mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with the policies for gone rows."""
    for name in _KEYED:
        section = document.get(name)
        if isinstance(section, Mapping):
            yield from _mistakes(name, section, mode=document.get("mode"))


def _mistakes(name: str, section: Mapping[str, Any], *, mode: object) -> Iterator[Mistake]:
    vanished = section.get("vanished")
    writes = vanished in ("close", "delete")
    if writes and name != "opportunities":
        # Source: cascadeDelete of the describes. An account takes its deals with it, a contact its roles.
        message = (
            f'= "{vanished}" is for deals: what hangs on the record would go too; give "report" or "ignore"'
        )
        yield Mistake((name, "vanished"), message)
    if writes and mode == "insert":
        yield Mistake((name, "vanished"), f'= "{vanished}" changes records, and mode = "insert" only creates')
    if "vanished_stage" in section and vanished != "close":
        yield Mistake((name, "vanished_stage"), 'means nothing without vanished = "close"')
    if "merged" in section and name == "opportunities":
        yield Mistake((name, "merged"), "is for accounts and contacts; deals cannot be merged")
