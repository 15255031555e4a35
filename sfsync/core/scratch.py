"""What planning puts aside because memory is not the place for it: texts and what is kept under them, on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol


class Scratch(Protocol):
    """Entries in spaces, gone with the process. Several entries may be under one key; they keep their order."""

    def put(self, space: str, entries: Iterable[tuple[str, bytes]]) -> None:
        """Adds entries to a space."""
        ...

    def get(self, space: str, keys: Collection[str]) -> dict[str, list[bytes]]:
        """The entries under those keys that have any."""
        ...

    def all(self, space: str) -> Iterator[tuple[str, bytes]]:
        """All entries of a space, in the order in which they came."""
        ...
