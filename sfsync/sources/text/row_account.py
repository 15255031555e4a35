"""The account of one reading of a delimited file: what was read is what was yielded, refused or left out.

Left out are blank lines alone: lines of nothing, of delimiters (spreadsheets leave them where cells were used
once), or of the end mark of old programs (Ctrl-Z). They are told. A count that does not come out is a fault
of sfsync, never of the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sfsync.core.reports.results import Problem, RowRef, Stage

END_MARK: Final = "\x1a"
_SHOWN_LINES: Final = 3


class RowsUnaccounted(Exception):
    """Rows were read and became nothing: a fault of sfsync."""


@dataclass(slots=True)
class RowAccount:
    """Counts of one reading, the header not among them; `records` is counted where the file is read."""

    records: int = 0
    rows: int = 0
    unreadable: int = 0
    blank: int = 0
    of_delimiters: int = 0
    first_blank: list[int] = field(default_factory=list)

    def leave_out(self, line: int, *, holds_delimiters: bool) -> None:
        """Counts a blank line."""
        self.blank += 1
        self.of_delimiters += holds_delimiters
        if len(self.first_blank) < _SHOWN_LINES:
            self.first_blank.append(line)

    def require_settled(self, file: str) -> None:
        """Returns when every record is accounted for.

        Raises:
            RowsUnaccounted: one is not.
        """
        told = self.rows + self.unreadable + self.blank
        if told != self.records:
            raise RowsUnaccounted(f"{file}: {self.records} records were read, {told} are accounted for")

    def notes(self, source: str, file: str) -> tuple[Problem, ...]:
        """The note on what was left out, if anything was."""
        if self.blank == 0:
            return ()
        more = self.blank - len(self.first_blank)
        places = ", ".join(str(each) for each in self.first_blank) + (f" and {more:,} more" if more else "")
        lines = "line" if self.blank == 1 else "lines"
        alone = f"; of delimiters alone: {self.of_delimiters:,}" if self.of_delimiters else ""
        message = f"{file}: {self.blank:,} blank {lines} left out ({lines} {places}){alone}"
        first = RowRef(source, file, self.first_blank[0])
        return (Problem("BLANK_LINES", Stage.PARSE, message, "Nothing is lost by it.", row=first),)
