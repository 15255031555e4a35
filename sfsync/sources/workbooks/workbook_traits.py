"""What of a sheet a person should know although no row is wrong: blank rows, hidden rows, percentages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.sources.workbooks.workbook_sheet import SheetRow, column_letters


@dataclass(slots=True)
class Traits:
    """The traits of one reading of a sheet; `percents` has the first percentage of each column that rules read."""

    sheet: str
    blank: int = 0
    hidden: int = 0
    percents: dict[int, int] = field(default_factory=dict)

    def took(self, row: SheetRow, *, blank: int, wanted: Collection[int]) -> None:
        """Counts a row; `blank` rows without a value stood before it."""
        self.blank += blank
        self.hidden += row.is_hidden
        for column in row.percents:
            if column in wanted:
                self.percents.setdefault(column, row.line)

    def notes(self, ref: RowRef) -> tuple[Problem, ...]:
        """The notes about the sheet as a whole."""
        return tuple(
            Problem(code=code, stage=Stage.PARSE, message=f"{ref.file}: {message}", hint=hint, row=ref)
            for code, message, hint in self._found()
        )

    def _found(self) -> Iterator[tuple[str, str, str]]:
        if self.blank:
            message = f"sheet {self.sheet}: {_rows(self.blank)} without a value skipped"
            yield "BLANK_ROWS", message, "Nothing to do, unless something should stand there."
        if self.hidden:
            message = (
                f"sheet {self.sheet}: {_rows(self.hidden)} read that the sheet hides (a filter, perhaps)"
            )
            yield "HIDDEN_ROWS", message, "Delete them from the sheet if they are not meant."
        for column, line in sorted(self.percents.items()):
            address = f"{self.sheet}!{column_letters(column)}{line}"
            message = (
                f"{address} and others are percentages: 25% is 25 for a percent field, and 0.25 for any other"
            )
            yield "PERCENTAGES", message, 'Where another field wants 25, say times = "100" in its rule.'


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
