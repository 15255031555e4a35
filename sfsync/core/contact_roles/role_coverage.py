"""Of how many deals it is known that somebody is their contact, and who is the primary one, by stage.

Counted are the deals that rows bring and the contact roles that go with them, as they end: what the org holds
besides is not read for it. The numbers are words of a tally, so that those of portions add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.plans.plan import Change
from sfsync.core.reports.results import Outcome, RowResult
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.values import PlannedValue

_STANDING: Final = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
"""Ends of records that are in the org; looked through in order, as an enum's hash takes longer."""

_DEALS: Final = "coverage, deals: "
_WITH_ROLE: Final = "coverage, with a role: "
_WITH_PRIMARY: Final = "coverage, with a primary: "


@dataclass(frozen=True, slots=True)
class StageCoverage:
    """Deals of one stage ("" = not known): how many, with at least one contact role, and with a primary one."""

    stage: str
    deals: int
    with_role: int
    with_primary: int


def coverage_words(ends: Iterable[tuple[Change, RowResult]]) -> dict[str, int]:
    """The numbers of changes with what became of them, as words of the deals' tally; {} where no role is meant."""
    deals: dict[str, str] = {}
    with_role: set[str] = set()
    with_primary: set[str] = set()
    is_about_roles = False
    for change, result in ends:
        is_about_roles |= change.sobject == CONTACT_ROLE
        if result.outcome not in _STANDING:
            continue
        if change.sobject == OPPORTUNITY and change.row is not None:
            deals[change.change_id] = _stage(change)
        elif change.sobject == CONTACT_ROLE and change.parent is not None:
            with_role.add(change.parent)
            if _value(change, "IsPrimary") is True:
                with_primary.add(change.parent)
    if not is_about_roles:
        return {}
    found: Counter[str] = Counter()
    for name, stage in deals.items():
        found[_DEALS + stage] += 1
        found[_WITH_ROLE + stage] += name in with_role
        found[_WITH_PRIMARY + stage] += name in with_primary
    return dict(found)


def coverage_in(numbers: Mapping[str, int]) -> tuple[StageCoverage, ...]:
    """The coverage that the tally of the deals tells, by stage, in the order in which the stages first came."""
    stages = [word.removeprefix(_DEALS) for word in numbers if word.startswith(_DEALS)]
    return tuple(
        StageCoverage(
            stage,
            numbers[_DEALS + stage],
            numbers.get(_WITH_ROLE + stage, 0),
            numbers.get(_WITH_PRIMARY + stage, 0),
        )
        for stage in stages
    )


def _stage(change: Change) -> str:
    stage = _value(change, "StageName")
    return stage if isinstance(stage, str) else ""


def _value(change: Change, name: str) -> PlannedValue:
    """What the record holds in the end, as far as the change says."""
    for values in (change.values, change.desired, change.before):
        if name in values:
            return values[name]
    return None
