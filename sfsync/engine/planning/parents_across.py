"""What the rows of all portions say of the parents that are made for them, put together before any is planned.

So a parent has the same key and the same values whichever portion its rows are in, and rows that disagree about it
are told however far apart they stand. Each parent is made once, in portions of their own that are written first.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Final

from sfsync.core.models import Reference
from sfsync.core.plans.plan import Change
from sfsync.core.references.parents import Identity, Naming, Told, identity
from sfsync.core.scratch import Scratch
from sfsync.core.sobject import WRITE_ORDER
from sfsync.engine.planning.reading import CheckedRow

_MADE: Final = "made parents"
_CHANGES: Final = "changes that make parents"
_NAMINGS: Final = "namings"
_CLAIMED: Final = "claimed"

Claim = tuple[Identity, str, int]
"""The parent that a row gives a key to, what the row calls it, and the row's line."""


@dataclass(slots=True)
class ParentsAcross:
    """The parents of one book; `waiting` counts the rows that wait for each, by the change that makes it."""

    scratch: Scratch
    waiting: Counter[str] = field(default_factory=Counter)
    _rules: dict[tuple[str, bool, str], Told] = field(default_factory=dict)
    _namings: dict[tuple[str, Identity], list[Naming]] = field(default_factory=dict)
    _made: dict[Identity, str | None] = field(default_factory=dict)
    _made_of: dict[str, str | None] = field(default_factory=dict)

    def note(
        self,
        sobject: str,
        rows: Sequence[CheckedRow],
        *,
        goal_of: Callable[[str, str], str | None],
        compared: Callable[[str, str], str],
    ) -> None:
        """Takes in what rows of `sobject` say of parents.

        `goal_of` says what a field of an sObject points at, `compared` how a key of an sObject is compared.
        """
        entries: list[tuple[str, bytes]] = []
        rank = WRITE_ORDER.index(sobject)
        for row in rows:
            for name, told in row.told.items() if not row.problems else ():
                reference, goal = row.values.get(name), goal_of(sobject, name)
                named = identity(goal, reference) if goal and isinstance(reference, Reference) else None
                if named is None or not isinstance(reference, Reference):
                    continue
                self._rules.setdefault((sobject, row.is_derived, name), told)
                said = (dict(told.texts), told.key, dict(told.unreadable))
                place = (row.is_derived, number_of(row))
                entry = (place, name, row.ref, reference, said)
                entries.append((_place(sobject, named), pickle.dumps(entry)))
                if told.key:
                    key = f"{_CLAIMED}\n{named.sobject}\n{compared(named.sobject, told.key)}"
                    entries.append(
                        (key, pickle.dumps(((rank, *place), named, reference.value, row.ref.line)))
                    )
        self.scratch.put(_NAMINGS, entries)

    def namings(self, sobject: str, named: Identity) -> list[Naming]:
        """What all rows of `sobject` that name a parent say of it, in the order of their source."""
        place = (sobject, named)
        if place not in self._namings:
            self._namings[place] = [
                Naming(ref, reference, self._told((sobject, place_of[0], name), said))
                for place_of, name, ref, reference, said in self._sorted(_place(*place))
            ]
        return self._namings[place]

    def _told(self, rule: tuple[str, bool, str], said: tuple[Any, str | None, Any]) -> Told:
        texts, key, unreadable = said
        return replace(self._rules[rule], texts=texts, key=key, unreadable=unreadable)

    def _sorted(self, key: str) -> list[Any]:
        found = self.scratch.get(_NAMINGS, (key,)).get(key, [])
        return sorted((pickle.loads(each) for each in found), key=itemgetter(0))  # noqa: S301 - our own

    def first_claim(self, sobject: str, compared: str) -> Claim | None:
        """Which parent the rows give a key to first, in the order of planning."""
        found = self._sorted(f"{_CLAIMED}\n{sobject}\n{compared}")
        return (found[0][1], found[0][2], found[0][3]) if found else None

    def made_for(self, named: Identity) -> str | None:
        """The change that makes a parent, where an earlier portion planned it."""
        if named not in self._made:
            found = self.scratch.get(_MADE, (_place("", named),)).get(_place("", named))
            self._made[named] = found[0].decode("utf-8", "surrogatepass") if found else None
        return self._made[named]

    def keep(self, made: Iterable[tuple[str, Identity, Change]]) -> None:
        """Takes in the parents that a portion has planned, and forgets what that portion had asked for.

        Each comes with the sObject of the rows that it was planned for first, and with what they name.
        """
        taken = list(made)
        names = (
            (_place("", named), each.change_id.encode("utf-8", "surrogatepass")) for _, named, each in taken
        )
        self.scratch.put(_MADE, names)
        self.scratch.put(_CHANGES, ((each.change_id, pickle.dumps((of, each))) for of, _, each in taken))
        self._namings.clear()
        self._made.clear()
        self._made_of.clear()

    def made_of(self, change_id: str) -> str | None:
        """For rows of which sObject an earlier portion planned a parent first; None for any other change."""
        if change_id not in self._made_of:
            found = self.scratch.get(_CHANGES, (change_id,)).get(change_id)
            self._made_of[change_id] = str(pickle.loads(found[0])[0]) if found else None  # noqa: S301 - our own
        return self._made_of[change_id]

    def changes(self) -> Iterator[Change]:
        """The parents that rows wait for, each with how many do."""
        for name, data in self.scratch.all(_CHANGES):
            change: Change = pickle.loads(data)[1]  # noqa: S301 - kept by this process alone
            if self.waiting[name]:
                yield replace(change, made_for=self.waiting[name])


def number_of(row: CheckedRow) -> int:
    """The number of a row in its section, by its place (`contacts:7`, `opportunities:7 primary contact`)."""
    return int(row.place.partition(":")[2].partition(" ")[0])


def _place(sobject: str, named: Identity) -> str:
    return f"{sobject}\n{named.sobject}\n{named.field}\n{named.compared}"
