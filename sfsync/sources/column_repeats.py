"""Counts which values of a column repeat, exactly, in memory that does not grow with the rows.

Each value is kept as a digest beside its line, in a temporary file without a name; they are counted in portions
by digest. Two values are the same when they differ in case alone, as an org's keys do. 64 bits of digest: among a
million values two different ones meet once in 37 million files, and a person is told a repeat that is none.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from sfsync.core.suggesting.keys import Repeats

_PAIR: Final = struct.Struct("<QQ")
_TOGETHER: Final = 100_000
_READ: Final = _PAIR.size * 4096
_EARLY: Final = 5_000
_HOPELESS: Final = 20
"""A column of which among the first rows one in twenty repeats is no key, and is not counted on."""


class ColumnRepeats:
    """Feed it the texts of one column; `close` it."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._file: IO[bytes] | None = tempfile.TemporaryFile()  # noqa: SIM115 - close lets it go
        self._early: set[int] | None = set()
        self._count = 0
        self._blank = 0

    def add(self, line: int, text: str) -> None:
        """Takes the next text; blanks are counted."""
        if self._file is None:
            return
        if text == "":
            self._blank += 1
            return
        digest = int.from_bytes(hashlib.blake2b(text.casefold().encode(), digest_size=8).digest(), "little")
        self._count += 1
        self._file.write(_PAIR.pack(digest, line))
        if self._early is not None:
            self._early.add(digest)
            if self._count >= _EARLY:
                hopeless = (len(self._early) + self._count // _HOPELESS) < self._count
                self._early = None
                if hopeless:
                    self.close()

    def repeats(self) -> Repeats | None:
        """What repeats; None for a column that is no key by far."""
        if self._file is None:
            return None
        portions = max(1, -(-self._count // _TOGETHER))
        distinct, first = 0, None
        for portion in range(portions):
            seen: dict[int, int] = {}
            for digest, line in self._pairs():
                if digest % portions != portion:
                    continue
                before = seen.setdefault(digest, line)
                if before != line and (first is None or line < first[1]):
                    first = (before, line)
            distinct += len(seen)
        return Repeats(self._column, distinct, self._count - distinct, first, self._blank)

    def close(self) -> None:
        """Lets the temporary file go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _pairs(self) -> Iterator[tuple[int, int]]:
        assert self._file is not None
        self._file.seek(0)
        while block := self._file.read(_READ):
            yield from _PAIR.iter_unpack(block)
