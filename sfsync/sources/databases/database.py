"""A query of a database as a source: its rows as they were at one moment, read on from a watermark if there is one.

A row's line is its place in the result, so the words of problems stay those of files. Rejects are a CSV in UTF-8
with the columns of the query, which an import by the same job reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.core.reading.rows import SourceForm, SourceRow, UnreadableRow
from sfsync.core.reading.source_mark import SourceMark
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.errors import SourceError
from sfsync.sources.cells import OWN_PREFIX, BadRow
from sfsync.sources.databases.database_reading import Asked, Reading
from sfsync.sources.packed_cells import unpacked


class DatabaseSource:
    """The rows that a query gave; see `core.reading.rows.RowSource`."""

    def __init__(self, asked: Asked, reading: Reading, *, basis: str) -> None:
        self._asked = asked
        self._reading = reading
        self._basis = basis
        self._form = SourceForm(asked.section, asked.file, "csv", reading.columns)

    @property
    def form(self) -> SourceForm:
        """A CSV in UTF-8 with the query's columns: so its rejects are written."""
        return self._form

    @property
    def mark(self) -> SourceMark | None:
        """How far the reading came; None without a watermark."""
        if self._asked.watermark is None:
            return None
        read = self._reading
        return SourceMark(self._asked.section, self._asked.watermark, read.kind, read.greatest, self._basis)

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every row in the order of the result.

        Raises:
            SourceError: there is none, though nothing was left out.
        """
        if self._reading.rows.count == 0 and self._asked.since is None:
            raise SourceError(
                f"{self._form.file}: the query gives no rows",
                code="SOURCE_EMPTY",
                hint="Is it the right database, and the right query?",
            )
        for line, (raw, cells, problem, types) in enumerate(self._reading.rows.entries(), start=1):
            ref = RowRef(self._form.name, self._form.file, line, line)
            if problem is not None:
                code, message, hint, column = problem
                yield BadRow(code, message, hint, column=column).row(ref, tuple(raw), types)
                continue
            named = unpacked(*cells)
            yield SourceRow(
                ref,
                {name: cell for name, cell in named.items() if not name.startswith(OWN_PREFIX)},
                tuple(raw),
                types=types,
            )

    def notes(self) -> tuple[Problem, ...]:
        """From where on the rows are, and how many have no watermark."""
        asked = self._asked
        if asked.watermark is None:
            return ()
        from_where = f"from {asked.since} on" if asked.since is not None else "from the first on"
        words = (
            f"{asked.file}: rows by {asked.watermark} {from_where}; a row that is not among them is not gone"
        )
        said = [("WATERMARK", words, "sfsync run --full reads all rows.")]
        if count := self._reading.without_mark:
            words = f"{asked.file}: {count:,} rows have no {asked.watermark}: later runs miss their changes"
            said.append(("WATERMARK_BLANK", words, "Give them one, or use coalesce in the query."))
        return tuple(Problem(code, Stage.PARSE, words, hint) for code, words, hint in said)
