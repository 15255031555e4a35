"""Keeps on disk what portions plan for accounts and contacts, so that rows of later portions can refer to it.

A field by which rows look is indexed when the first of them does. What a portion asked for is remembered until the
next one begins; nothing else of it is in memory.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sfsync.core.plans.plan import Change
from sfsync.core.scratch import Scratch


@dataclass(slots=True)
class EarlierOnDisk:
    """The changes of one sObject that earlier portions planned; implements `PlannedRecords.earlier`."""

    scratch: Scratch
    sobject: str
    _values_of: dict[str, Callable[[Change], str | None]] = field(default_factory=dict)
    _changes: dict[str, Change | None] = field(default_factory=dict)
    _found: dict[tuple[str, str], list[Change]] = field(default_factory=dict)
    count: int = 0

    def keep(self, changes: Iterable[Change]) -> None:
        """Takes in what a portion has planned, and forgets what that portion had asked for."""
        taken = [replace(each, values={}, before={}, problems=()) for each in changes]
        self.count += len(taken)
        self.scratch.put(self._space, ((each.change_id, pickle.dumps(each)) for each in taken))
        for name in self._values_of:
            self._index(name, taken)
        self._changes.clear()
        self._found.clear()

    def change(self, change_id: str) -> Change | None:
        """The change of that name; what was kept last counts."""
        if not self.count:
            return None
        if change_id not in self._changes:
            found = self.scratch.get(self._space, (change_id,)).get(change_id)
            self._changes[change_id] = _change(found[-1]) if found else None
        return self._changes[change_id]

    def find(self, field_name: str, value: str, value_of: Callable[[Change], str | None]) -> list[Change]:
        """The changes of which `value_of` gives that value."""
        if not self.count:
            return []
        if field_name not in self._values_of:
            self._values_of[field_name] = value_of
            self._index(field_name, (_change(data) for _, data in self.scratch.all(self._space)))
        place = (field_name, value)
        if place not in self._found:
            names = self.scratch.get(f"{self._space} {field_name}", (value,)).get(value, [])
            ids = dict.fromkeys(name.decode("utf-8", "surrogatepass") for name in names)
            found = [change for each in ids if (change := self.change(each)) is not None]
            self._found[place] = [each for each in found if value_of(each) == value]
        return self._found[place]

    @property
    def _space(self) -> str:
        return f"planned {self.sobject}"

    def _index(self, field_name: str, changes: Iterable[Change]) -> None:
        value_of = self._values_of[field_name]
        entries = (
            (value, each.change_id.encode("utf-8", "surrogatepass"))
            for each in changes
            if (value := value_of(each)) is not None
        )
        self.scratch.put(f"{self._space} {field_name}", entries)


def _change(data: bytes) -> Change:
    change: Change = pickle.loads(data)  # noqa: S301 - kept by this process alone
    return change
