"""Rows of a run in portions, kept on disk: what run_results.json and successes.csv tell of every row.

Each portion's entries are sorted and written to a file without a name; at the end they are read side by side, in
the order that one plan of all rows would have them in. Nothing but a line of each portion is in memory then.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import IO, Any, Final, Self

import orjson

from sfsync.core.reports.report import Report
from sfsync.core.reports.report_places import places
from sfsync.report.document import made_entries, made_parents, row_entries
from sfsync.report.files.successes import own_lines

_MOST_AT_ONCE: Final = 200
"""Files that are read side by side; a process may hold about a thousand."""

_Line = tuple[list[int], dict[str, Any]]


class OwnLines:
    """The lines of each source's own list of successes, kept on disk; a context manager, as `KeptRows`."""

    def __init__(self) -> None:
        self._files: dict[str, IO[bytes]] = {}

    def add(self, report: Report) -> None:
        """Keeps the lines of an applied portion."""
        for name, line in own_lines(report):
            if name not in self._files:
                self._files[name] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the lines
            self._files[name].write(line.encode())

    def sources(self) -> list[str]:
        """The sources that have lines."""
        return sorted(self._files)

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a source."""
        self._files[name].seek(0)
        return (line.decode() for line in self._files[name])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()


class KeptRows:
    """The entries of all rows that were added; a context manager, whose files are gone when it ends.

    `own` has the lines of the sources' own lists of what is in the org.
    """

    def __init__(self) -> None:
        self.own = OwnLines()
        self._rows: list[IO[bytes]] = []
        self._made: list[IO[bytes]] = []
        self._count = 0

    def add(self, report: Report) -> None:
        """Keeps what is told of every row of one portion."""
        self._count += 1
        changes = report.plan.changes
        at = {change.change_id: place for change, place in zip(changes, places(changes), strict=True)}
        rows = (at[change.change_id] for change in changes if change.row is not None)
        made = (at[change.change_id] for change in made_parents(report))
        self._keep(self._rows, rows, row_entries(report))
        self._keep(self._made, made, made_entries(report))
        if report.applied:
            self.own.add(report)

    def _keep(
        self, files: list[IO[bytes]], order: Iterable[tuple[int, ...]], entries: Iterable[dict[str, Any]]
    ) -> None:
        lines = [([*place, self._count], entry) for place, entry in zip(order, entries, strict=True)]
        if lines:
            files.append(_written(sorted(lines, key=lambda line: line[0])))
        if len(files) >= _MOST_AT_ONCE:
            together = _written(_lines(files))
            for file in files:
                file.close()
            files[:] = [together]

    def rows(self) -> Iterator[dict[str, Any]]:
        """One entry for every input row."""
        return (entry for _, entry in _lines(self._rows))

    def made(self) -> Iterator[dict[str, Any]]:
        """One entry for every record that rows refer to and that is in no file."""
        return (entry for _, entry in _lines(self._made))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.own.__exit__()
        for file in (*self._rows, *self._made):
            file.close()


def _written(lines: Iterable[_Line]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the rows
    for line in lines:
        file.write(orjson.dumps(line) + b"\n")
    return file


def _lines(files: Iterable[IO[bytes]]) -> Iterator[_Line]:
    return merge(*(_read(file) for file in files), key=lambda line: line[0])


def _read(file: IO[bytes]) -> Iterator[_Line]:
    file.seek(0)
    for line in file:
        order, entry = orjson.loads(line)
        yield order, entry
