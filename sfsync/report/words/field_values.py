"""What a change's fields say to a person: old and new, with the names of what they refer to.

A field that is sent along with another one, at the value that the org has already, is no change and is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.values import Pending, PlannedValue, is_same, shown
from sfsync.report.nouns import noun
from sfsync.report.safe_text import shortened


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field: its name, what the org holds ("" where nothing is replaced), and what it is to hold."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Named:
    """The changes of a plan by their names, and the names of the records that it refers to by their ids."""

    changes: Mapping[str, Change]
    records: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> Named:
        """All that a plan can name."""
        return cls({each.change_id: each for each in plan.changes}, dict(plan.names))

    def value(self, value: PlannedValue, *, most: int = 160) -> str:
        """A value for a person: `Get Cloudy Consulting (001...)` where a record's name is known."""
        if isinstance(value, Pending):
            new = self.changes.get(value.change_id)
            label = new.label if new else self.records.get(value.change_id)
            sobject = new.sobject if new else value.change_id.partition(":")[0]
            return f"(the new {noun(sobject)} {shortened(label, most=80)})" if label else shown(value)
        name = self.records.get(value) if isinstance(value, str) else None
        return f"{shortened(name, most=80)} ({value})" if name else shortened(shown(value), most=most)

    def label(self, value: PlannedValue) -> str:
        """A value whose new record is given by its name alone."""
        new = self.changes.get(value.change_id) if isinstance(value, Pending) else None
        label = (
            new.label if new else self.records.get(value.change_id) if isinstance(value, Pending) else None
        )
        return shortened(label, most=80) if label else self.value(value)

    def contact(self, role: Change) -> str:
        """Whom a role is for: by the name where the row gave only an id or a key, else as the row says."""
        value = role.desired.get("ContactId") or role.values.get("ContactId")
        new = self.changes.get(value.change_id) if isinstance(value, Pending) else None
        known = value.change_id if isinstance(value, Pending) else value
        name = new.label if new else self.records.get(known) if isinstance(known, str) else None
        says_who = not name or "@" in role.label or name.casefold() in role.label.casefold()
        return role.label if says_who else f"{name} ({role.label})"

    def fields(self, change: Change) -> Iterator[FieldLine]:
        """The fields that a change sends; of an update those that it changes, and all where it changes none."""
        if change.action is not Action.UPDATE:
            for name, value in change.values.items():
                yield FieldLine(name, "", self.value(value))
            return
        different = [name for name in change.values if not _is_as_before(change, name)]
        for name in different or change.values:
            old = self.value(change.before.get(name))
            new = self.value(change.values[name]) if different else "the same, sent again"
            yield FieldLine(name, old, new)


def _is_as_before(change: Change, name: str) -> bool:
    return name in change.before and is_same(change.values[name], change.before[name])
