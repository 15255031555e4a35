"""How far one reading of a source has come, as a plan keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceMark:
    """The watermark of a section: its column, what kind its values are, and the greatest one that was read.

    `greatest` is None where no row had one. `basis` names the query, the job and the database that the mark is for.
    """

    section: str
    column: str
    kind: str
    greatest: str | None
    basis: str
