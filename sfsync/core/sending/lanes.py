"""Which calls may be in flight at the same time: those that share no record that the platform locks.

A write of a deal or a contact locks its account, a role locks its deal and that deal's account; two writes that
want one lock at the same time make the platform refuse one of them after a wait. What the plan knows of no
account for is taken to lock nothing: should it, the refusal is answered like any (see `pace`).
A lane is what is tied together by locks. A call holds whole lanes where that costs no further call, because calls
are the scarce thing; a lane that is cut goes by several calls, one after the other.
Source: Record-level locking cheat sheet; Bulk API Developer Guide, general guidelines (order by parent).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sfsync.core.sending.batches import Unit
from sfsync.core.writes import WriteCall

Pack = Callable[[Sequence[Unit]], Iterator[tuple[WriteCall, tuple[Unit, ...]]]]
"""Puts units into full calls, in order; each call comes with the units that it carries."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A call that waits to be sent, the units it carries, and what a write of them locks."""

    call: WriteCall
    units: tuple[Unit, ...]
    locks: frozenset[str]


def locks_of(unit: Unit) -> tuple[str, ...]:
    """The records that a write of the unit locks besides its own, each by its id or by the change that makes it."""
    return (unit.account, *unit.also_locks) if unit.account is not None else unit.also_locks


def lanes(units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """The units by what ties them together: no two lanes lock one record, and every unit is in one lane.

    Lanes come in the order of their first units, and their units in the order given.
    """
    ties = _Ties()
    for number, unit in enumerate(units):
        for lock in locks_of(unit):
            ties.tie(number, lock)
    found: dict[object, list[Unit]] = {}
    for number, unit in enumerate(units):
        found.setdefault(ties.root(number), []).append(unit)
    return [tuple(lane) for lane in found.values()]


class _Ties:
    """Union-find over places of units (numbers) and locks (texts)."""

    def __init__(self) -> None:
        self._above: dict[object, object] = {}

    def root(self, name: object) -> object:
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = above
        return name

    def tie(self, number: int, lock: str) -> None:
        first, second = self.root(lock), self.root(number)
        if first != second:
            self._above[second] = first


def packed(units: Sequence[Unit], pack: Pack) -> Iterator[Packed]:
    """The units in calls as full as can be, in the order given."""
    for call, taken in pack(units):
        yield Packed(call, taken, frozenset(lock for unit in taken for lock in locks_of(unit)))


def packed_by_lanes(units: Sequence[Unit], pack: Pack) -> list[Packed]:
    """The units in as few calls as `packed` needs, and where no call more is needed for it, in whole lanes."""
    full = list(packed(units, pack))
    if len(full) < 2 or not _is_any_shared(full):
        return full
    whole = _whole_lanes(lanes(units), pack)
    return whole if len(whole) <= len(full) else full


def _is_any_shared(calls: Iterable[Packed]) -> bool:
    seen: set[str] = set()
    for each in calls:
        if not seen.isdisjoint(each.locks):
            return True
        seen |= each.locks
    return False


def _whole_lanes(tied: Sequence[tuple[Unit, ...]], pack: Pack) -> list[Packed]:
    """Calls of which none ends in the middle of a lane, but for lanes that no call can hold."""
    calls: list[Packed] = []
    ordered = [unit for lane in tied for unit in lane]
    ends = _ends(tied)
    start = 0
    while start < len(ordered):
        first = next(packed(ordered[start:], pack))
        end = start + len(first.units)
        place = bisect_right(ends, end)
        whole = ends[place - 1] if place else 0
        if whole <= start or whole == end:
            calls.append(first)
            start = end
        else:
            calls += packed(ordered[start:whole], pack)
            start = whole
    return calls


def _ends(tied: Sequence[tuple[Unit, ...]]) -> list[int]:
    ends, end = [], 0
    for lane in tied:
        end += len(lane)
        ends.append(end)
    return ends


def first_free(waiting: Sequence[Packed], held: Collection[frozenset[str]]) -> int | None:
    """The place of the first call that wants none of the locks that calls in flight hold; None when all do."""
    return next(
        (place for place, each in enumerate(waiting) if all(each.locks.isdisjoint(locks) for locks in held)),
        None,
    )


def pieces(whole: Packed, pack: Pack, *, most_rows: int) -> list[Packed]:
    """The call in smaller ones of so many rows at most, or of one unit where that has more."""
    made: list[Packed] = []
    taken: list[Unit] = []
    rows = 0
    for unit in whole.units:
        if taken and rows + unit.size > most_rows:
            made += packed(taken, pack)
            taken, rows = [], 0
        taken.append(unit)
        rows += unit.size
    made += packed(taken, pack)
    return made
