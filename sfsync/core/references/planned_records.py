"""The rows of one section as records that others may mean: findable by the values they want to have.

Of a job that is planned in portions, those of earlier portions are found as well, wherever they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sfsync.core.plans.plan import Change
from sfsync.core.sobject import CONTACT
from sfsync.core.values import PlannedValue, clean_key


class EarlierRecords(Protocol):
    """The changes of one sObject in earlier portions."""

    def change(self, change_id: str) -> Change | None:
        """The change of that name."""
        ...

    def find(self, field_name: str, value: str, value_of: Callable[[Change], str | None]) -> list[Change]:
        """The changes of which `value_of` gives that value; it compares a field that is always the same one."""
        ...


@dataclass(slots=True)
class PlannedRecords:
    """The rows of one section, findable by the values they want to have."""

    key_field: str
    changes: dict[str, Change] = field(default_factory=dict)
    earlier: EarlierRecords | None = None
    _index: dict[str, dict[str, list[Change]]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Makes a row findable, in place of what was planned for it before; one without a key is never meant."""
        before = self.changes.get(change.change_id)
        self.changes[change.change_id] = change
        for name, index in self._index.items():
            if before is not None and (value := self._value(name, before)) is not None:
                index[value].remove(before)
            if (value := self._value(name, change)) is not None:
                index.setdefault(value, []).append(change)

    def find(self, field_name: str, value: str) -> list[Change]:
        """The rows whose wanted value of the field is this one."""
        if field_name not in self._index:
            self._index[field_name] = self._indexed(field_name)
        compared = self._compared(field_name, value)
        found = self._index[field_name].get(compared, [])
        if self.earlier is None:
            return found
        plain = PlannedRecords(self.key_field)  # what is kept to compare with is not this portion
        before = self.earlier.find(field_name, compared, partial(plain._value, field_name))
        return [*(each for each in before if each.change_id not in self.changes), *found]

    def change(self, change_id: str) -> Change | None:
        """The change of that name, of this portion or of an earlier one."""
        own = self.changes.get(change_id)
        return self.earlier.change(change_id) if own is None and self.earlier is not None else own

    def covers(self, field_name: str, value: str) -> bool:
        """Whether a hit among the rows makes a look in the org needless: keys are unique in both."""
        return self._is_key(field_name) and bool(self.find(field_name, value))

    def with_record(self, record_id: str) -> Change | None:
        """The row that is this record of the org."""
        return next((each for each in self.find("Id", record_id) if each.record_id == record_id), None)

    def _indexed(self, field_name: str) -> dict[str, list[Change]]:
        index: dict[str, list[Change]] = {}
        for change in self.changes.values():
            if (value := self._value(field_name, change)) is not None:
                index.setdefault(value, []).append(change)
        return index

    def _value(self, field_name: str, change: Change) -> str | None:
        """The value by which a row is found, as it is compared."""
        wanted = self._wanted(change, field_name)
        return self._compared(field_name, wanted) if isinstance(wanted, str) else None

    def _wanted(self, change: Change, field_name: str) -> PlannedValue:
        if self._is_key(field_name):
            return change.key
        if field_name == "Id":
            return change.record_id
        if field_name.lower() == "name" and change.sobject == CONTACT:
            return _full_name(change)
        return change.desired.get(field_name)

    def _compared(self, field_name: str, value: str) -> str:
        return clean_key(value) if self._is_key(field_name) else clean_key(value).casefold()

    def _is_key(self, field_name: str) -> bool:
        return field_name == self.key_field or field_name.lower() == self.key_field.lower()


def is_unread(change: Change) -> bool:
    """Whether a row was rejected before its record was looked up: what else is found may be that record."""
    return change.change_id.startswith(f"{change.sobject}@")


def _full_name(change: Change) -> str | None:
    """A contact's name as the platform makes it; of one that a lead will become, only the whole name is known.

    Source: Object Reference, Contact.Name: first and last name.
    """
    parts = [change.desired.get(name) for name in ("FirstName", "LastName")]
    made = " ".join(each for each in parts if isinstance(each, str) and each)
    whole = change.desired.get("Name")
    return made or (whole if isinstance(whole, str) else None)
