"""Which role of a deal gets the primary flag back when the run that moved it is undone.

The run's plan knows who had the flag: it took it by a change of its own, or deleted the role. That role gets it
back together with what takes it from whom the run made primary, unless the flag has moved on since. All roles of
one contact share the flag, so the promoted contact may hold it on roles that the run never wrote.
Source: Object Reference, OpportunityContactRole; NPSP's published tests on duplicate and primary roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.contact_roles.role_rows import HeldRole
from sfsync.core.contact_roles.roles import moves_flag
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.engine.undoing.later_runs import PREFIX

MOVED_ON: Final = (
    "it was primary before the run, but another contact was made primary since, and keeps the flag"
)
STAYS: Final = "the role that the run made primary stays, and keeps the flag"
UNSETTLED: Final = "the primary flag stays where it is until the role that had it before is settled"


@dataclass(frozen=True, slots=True)
class DealFlag:
    """What a run did to the primary flag of one deal, and the deal's roles as they are now.

    `promoted` maps the roles that the run made primary to their contacts; `demoted` holds the contacts who surely
    were not primary before. `is_unsettled` says that nobody knows whether the earlier primary role is back.
    """

    deal_id: str
    now: Sequence[HeldRole]
    promoted: Mapping[str, str]
    demoted: frozenset[str]
    is_unsettled: bool = False


@dataclass(frozen=True, slots=True)
class FlagPlan:
    """The role changes of a deal, and why some of them leave the flag alone."""

    changes: tuple[Change, ...]
    left: tuple[tuple[Change, str], ...] = ()


def took_flag(change: Change) -> bool:
    """Whether a change of a run took the flag from a role that had it."""
    had_it = change.before.get("IsPrimary") is True
    return had_it and (change.action is Action.DELETE or change.values.get("IsPrimary") is False)


def made_primary(change: Change) -> bool:
    """Whether a change of a run gave the flag to a role; sending it again to one that had it does not count."""
    is_primary = change.values.get("IsPrimary") is True
    return is_primary and change.action is not Action.DELETE and change.before.get("IsPrimary") is not True


def with_flag_back(deal: DealFlag, planned: Sequence[Change]) -> FlagPlan:
    """The changes planned for the roles of a deal, with all that giving its flag back takes."""
    back = [each for each in planned if _takes_flag(each)]
    going = {each.record_id for each in planned if not _takes_flag(each) and _lets_go(each)}
    if deal.is_unsettled:
        return _without(planned, [each for each in planned if _is_about_flag(deal, each)], UNSETTLED)
    if back and _others(deal, back):
        return _without(planned, back, MOVED_ON)
    held = [each for each in deal.now if each.is_primary and each.contact_id in deal.promoted.values()]
    stays = any(each.record_id in deal.promoted and each.record_id not in going for each in held)
    if back and stays:
        return _without(planned, [each for each in planned if _is_about_flag(deal, each)], STAYS)
    shared = [each for each in held if each.record_id not in {*deal.promoted, *going} and not stays]
    siblings = [each for role in shared for each in _of_sibling(deal, role, planned)]
    if not back and not siblings:
        return FlagPlan(tuple(planned))
    return FlagPlan(tuple(_of_deal(deal, each) for each in (*planned, *siblings)))


def _takes_flag(change: Change) -> bool:
    return change.action is not Action.DELETE and change.values.get("IsPrimary") is True


def _lets_go(change: Change) -> bool:
    return change.action is Action.DELETE or change.values.get("IsPrimary") is False


def _is_about_flag(deal: DealFlag, change: Change) -> bool:
    return moves_flag(_of_deal(deal, change))


def _others(deal: DealFlag, back: Iterable[Change]) -> bool:
    """Whether a contact has the flag to whom neither the run gave it nor the undo gives it back."""
    contacts = {each.record_id: each.contact_id for each in deal.now}
    own = {contacts.get(each.record_id or "", str(each.values.get("ContactId"))) for each in back}
    primary = {each.contact_id for each in deal.now if each.is_primary}
    return bool(primary - own - set(deal.promoted.values()))


def _of_deal(deal: DealFlag, change: Change) -> Change:
    """The change with its deal; the deletion of a role that has the flag says so."""
    primary = {each.record_id for each in deal.now if each.is_primary}
    desired = {**change.desired, "OpportunityId": deal.deal_id}
    if change.action is Action.DELETE and change.record_id in primary:
        return replace(change, desired=desired, before={"IsPrimary": True})
    return replace(change, desired=desired)


def _of_sibling(deal: DealFlag, role: HeldRole, planned: Sequence[Change]) -> Iterable[Change]:
    """What becomes of a role that the run did not write, and that has the flag with the contact of one it wrote.

    Where the contact may have been primary before the run, the flag is sent again: deleting one of several
    primary roles of a contact can clear the flag on all roles of the deal (comment in NPSP's merge of primary
    contact roles).
    """
    parent = planned[0]
    is_demoted = role.contact_id in deal.demoted
    if is_demoted or any(
        each.action is Action.DELETE and each.record_id in deal.promoted for each in planned
    ):
        yield Change(
            change_id=f"{PREFIX}{CONTACT_ROLE}:{deal.deal_id}/{role.record_id}/shared flag",
            sobject=CONTACT_ROLE,
            action=Action.UPDATE,
            key=role.record_id,
            label=role.record_id,
            record_id=role.record_id,
            values={"IsPrimary": not is_demoted},
            before={"IsPrimary": True},
            parent=parent.parent,
            account=parent.account,
        )


def _without(planned: Sequence[Change], left: Sequence[Change], why: str) -> FlagPlan:
    """The plan without what the given changes do to the flag; what else they do is done."""
    rest = [each if each not in left else _flagless(each) for each in planned]
    return FlagPlan(tuple(each for each in rest if each is not None), tuple((each, why) for each in left))


def _flagless(change: Change) -> Change | None:
    if change.action is Action.CREATE:
        values = {**change.values, "IsPrimary": False}
        return replace(change, values=values, desired=values)
    values = {name: each for name, each in change.values.items() if name != "IsPrimary"}
    if change.action is Action.DELETE or not values:
        return None
    before = {name: each for name, each in change.before.items() if name in values}
    desired = {**change.desired, "IsPrimary": change.before["IsPrimary"]}
    return replace(change, values=values, before=before, desired=desired)
