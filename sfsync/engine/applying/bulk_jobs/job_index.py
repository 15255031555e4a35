"""Which row of a job a result belongs to, in memory that hardly grows: about 40 bytes a row, the names on disk.

A row is known by its mark (`core.sending.bulk.RowMarks`), as a multiset: rows with the same mark are
interchangeable, and each is taken once. Marks have 128 bits, so two rows that differ are not taken for each other.
The names of the rows lie in a private temporary file without a name.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from sfsync.core.org_jobs import no_room

_MARK_BYTES: Final = 16
_NAMES_AT_A_TIME: Final = 1_000
_EMPTY: Final = 0
_SPENT: Final = 0xFFFFFFFF
"""In a slot of the table: nothing was ever here; all rows of its mark are taken. Else a row, counted from 1."""


class RowName(NamedTuple):
    """A row of a run, wherever its plan may be."""

    run_id: str
    change_id: str


class JobIndex:
    """The rows of one job in the order added, numbered from 0."""

    def __init__(self) -> None:
        self._marks = bytearray()
        self._next = array("I")
        self._slots = array("I", bytes(4 * 1024))
        self._used = 0
        self._taken = bytearray()
        self._ends = array("Q", [0])
        self._run_of = array("H")
        self._runs: dict[str, int] = {}
        self._run_ids: list[str] = []
        self._names_read = b""
        self._read_from = self._read_at = -1
        try:
            self._file = tempfile.TemporaryFile("w+b", prefix="sfsync-")  # noqa: SIM115 - as long as the index
        except OSError as error:
            raise no_room(error) from None

    def __len__(self) -> int:
        return len(self._taken)

    @property
    def is_shared(self) -> bool:
        """Whether rows of several runs are in it."""
        return len(self._runs) > 1

    def add(self, name: RowName, mark: bytes) -> None:
        """Adds a row behind the others."""
        row = len(self)
        self._read_from = -1
        self._marks += mark
        self._taken.append(0)
        self._run_of.append(self._run(name.run_id))
        told = name.change_id.encode("utf-8", "surrogatepass")
        try:
            self._file.write(told)
        except OSError as error:
            raise no_room(error) from None
        self._ends.append(self._ends[-1] + len(told))
        slot = self._slot(mark)
        head = self._slots[slot]
        self._next.append(0 if head in (_EMPTY, _SPENT) else head)
        self._used += head == _EMPTY
        self._slots[slot] = row + 1
        if 3 * self._used > 2 * len(self._slots):
            self._grow()

    def take(self, mark: bytes) -> int | None:
        """A row with that mark that nobody has taken; None when there is none left."""
        slot = self._slot(mark)
        head = self._slots[slot]
        if head in (_EMPTY, _SPENT):
            return None
        row = head - 1
        self._slots[slot] = self._next[row] or _SPENT
        self._taken[row] = 1
        return row

    def is_in_other_run(self, mark: bytes, run_id: str) -> bool:
        """Whether a row with that mark is there which belongs to another run."""
        head = self._slots[self._slot(mark)]
        return head not in (_EMPTY, _SPENT) and self._run_of[head - 1] != self._runs.get(run_id)

    def left(self) -> Iterator[int]:
        """The rows that nobody has taken."""
        row = self._taken.find(0)
        while row >= 0:
            yield row
            row = self._taken.find(0, row + 1)

    def name(self, row: int) -> RowName:
        """Whose row it is."""
        first = row - row % _NAMES_AT_A_TIME
        if self._read_from != first:
            self._read(first)
        begin, end = self._ends[row] - self._read_at, self._ends[row + 1] - self._read_at
        told = self._names_read[begin:end].decode("utf-8", "surrogatepass")
        return RowName(self._run_ids[self._run_of[row]], told)

    def _read(self, first: int) -> None:
        """Reads the names of a stretch of rows: results come mostly in stretches of batches."""
        try:
            self._file.flush()
        except OSError as error:
            raise no_room(error) from None
        last = min(first + _NAMES_AT_A_TIME, len(self))
        self._read_from, self._read_at = first, self._ends[first]
        self._names_read = os.pread(self._file.fileno(), self._ends[last] - self._read_at, self._read_at)

    def names(self) -> Iterator[RowName]:
        """The names of all rows, in the order added."""
        return map(self.name, range(len(self)))

    def close(self) -> None:
        """Lets go of the file and the memory: the index may still be held while the next job is filled."""
        self._file.close()
        self._marks, self._taken = bytearray(), bytearray()
        self._next, self._slots, self._run_of = array("I"), array("I"), array("H")
        self._ends = array("Q")

    def _run(self, run_id: str) -> int:
        if run_id not in self._runs:
            self._runs[run_id] = len(self._run_ids)
            self._run_ids.append(run_id)
        return self._runs[run_id]

    def _slot(self, mark: bytes) -> int:
        """Where the rows of that mark begin, or would.

        A spent slot says nothing of its mark, so a mark that comes again behind one may begin anew further on.
        """
        slots, last = self._slots, len(self._slots) - 1
        place = int.from_bytes(mark[:8], "little") & last
        while (head := slots[place]) != _EMPTY:
            if head != _SPENT and self._mark(head - 1) == mark:
                return place
            place = (place + 1) & last
        return place

    def _mark(self, row: int) -> bytes:
        return bytes(self._marks[_MARK_BYTES * row : _MARK_BYTES * (row + 1)])

    def _grow(self) -> None:
        """Doubles the table; spent slots are left behind."""
        before = self._slots
        self._slots = array("I", bytes(8 * len(before)))
        self._used = 0
        for head in before:
            if head not in (_EMPTY, _SPENT):
                self._slots[self._slot(self._mark(head - 1))] = head
                self._used += 1
