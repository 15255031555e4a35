"""Contact roles out of a list in a cell of their deal: one row for each entry.

Invariants: a role's place is its deal's line, so that a reject comes back as the deal's row; an entry's own cells
win over its deal's; an entry that is not written as the pattern says is a problem of its role alone, which names
it. A row that cannot be read is the deals' problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sfsync.core.presets.entries import ENTRY_COLUMNS, EntryPattern
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import PassedLine, RowSource, SourceForm, SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import ListedRoles
from sfsync.core.reports.results import RowRef
from sfsync.sources.cells import BadRow


class ListedSource:
    """The roles in one column of the deals' source."""

    def __init__(self, deals: RowSource, listed: ListedRoles) -> None:
        self._deals = deals
        self._listed = listed
        self._pattern = EntryPattern(listed.pattern)
        self._form = replace(deals.form, entry_columns=ENTRY_COLUMNS)

    @property
    def form(self) -> SourceForm:
        """The form of the deals' file."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every entry of every deal as a role.

        Raises:
            SourceError: the deals' source cannot be read on.
        """
        number = 0
        for row in self._deals.rows():
            if isinstance(row, PassedLine):
                continue
            number += 1
            if not isinstance(row, SourceRow):
                continue
            ref = replace(row.ref, ordinal=row.ref.ordinal or number)
            text = as_text(row.cells.get(self._listed.column))
            for entry in text.split(self._listed.split):
                if entry.strip():
                    yield self._role(row, ref, entry.strip())

    def _role(self, row: SourceRow, ref: RowRef, entry: str) -> SourceRow | UnreadableRow:
        cells = self._pattern.cells(entry)
        if cells is not None:
            return SourceRow(ref, {**row.cells, **cells}, row.raw, row.quotes, row.types)
        message = f'"{entry[:200]}" is not written as {self._listed.pattern}'
        hint = f'Write each entry as {self._listed.pattern}, with "{self._listed.split}" between two of them.'
        return BadRow("BAD_ENTRY", message, hint, column=self._listed.column).row(ref, row.raw, row.types)
