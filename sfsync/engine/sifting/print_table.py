"""What sifting needs of a place on disk where the prints of a reading are compared with those that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from sfsync.core.resync.memory import KnownPrint
from sfsync.core.resync.prints import RowPrint


class PrintTable(Protocol):
    """Prints of a reading beside known ones, on disk; a row is its number in the reading and its print."""

    def put_rows(self, section: str, rows: Iterable[tuple[int, RowPrint]]) -> None:
        """Adds rows of a section."""
        ...

    def put_known(self, prints: Sequence[KnownPrint]) -> None:
        """Adds prints of settled rows."""
        ...

    def compare(self) -> None:
        """Touches every group of which a row is new, gone, or there another number of times."""
        ...

    def touch(self, groups: Iterable[bytes] | None) -> None:
        """Touches groups, or all."""
        ...

    def touched(self) -> int:
        """How many groups are touched."""
        ...

    def is_touched(self, group: bytes) -> bool:
        """Whether a group is touched."""
        ...

    def is_left_out(self, group: bytes) -> bool:
        """Whether a group is in the source and not touched."""
        ...

    def lost(self) -> Iterator[bytes]:
        """The touched groups of which the source has no row."""
        ...

    def rows(self, section: str) -> Iterator[tuple[int, RowPrint]]:
        """The rows of touched groups, in the order of the reading."""
        ...

    def close(self) -> None:
        """Lets go of the disk."""
        ...
