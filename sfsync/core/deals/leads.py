"""Leads in a plan: how the changes of one conversion are named, what is sent for it, and what a lead says of it.

One conversion is two changes: that of the lead (key: the lead's id; it becomes a contact), and that of the deal
that comes out of it, whose parent it is. The platform converts a lead once and refuses a second time, so a lost
answer is settled by reading the lead, and a lead that is still open may be sent again.
Source: SOAP API Developer Guide, convertLead (100 leads a call; CANNOT_UPDATE_CONVERTED_LEAD).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sfsync.core.plans.plan import WRITES, Action, Change
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sending.batches import Unit
from sfsync.core.sobject import LEAD, OPPORTUNITY, record_id
from sfsync.core.values import Pending
from sfsync.core.writes import ConvertCall, Node, Route

LEADS_PER_CALL: Final = 100

LONGEST_NAME: Final = 80
"""The most characters of a deal's name that a conversion takes; the rest comes with the update after it."""

LEAD_ROLE: Final = "role of the lead's contact"
"""Stands in a plan for the id of the role that the platform makes for the contact; unknown until then."""

LEAD_FIELDS: Final = (
    "Id",
    "Name",
    "Company",
    "Email",
    "Status",
    "OwnerId",
    "IsConverted",
    "ConvertedAccountId",
    "ConvertedContactId",
    "ConvertedOpportunityId",
)


def lead_change_id(lead_id: str) -> str:
    """The name of the change that converts a lead."""
    return f"{LEAD}:{lead_id}"


def comes_from_lead(change: Change) -> bool:
    """Whether a change is a deal that comes out of a lead in this plan."""
    return change.sobject == OPPORTUNITY and change.action is Action.CONVERT


def without_idle_leads(
    changes: Sequence[Change], unmade: Mapping[str, Problem] | None = None
) -> Sequence[Change]:
    """The changes without those of leads whose deal is not brought after all; what waits for these is blocked.

    So is what waits for `unmade`, which are not in the plan, with the problem that is given there.
    A completion stays as it is: its record goes without it, which the second pass says.
    """
    said = unmade or {}
    lost = set(said)
    while True:
        wanted = {each.parent for each in changes if comes_from_lead(each)}
        idle = {each.change_id for each in changes if each.sobject == LEAD} - wanted
        if not lost and not idle:
            return changes
        blocked = {each.change_id for each in changes if _waits_for(each, lost | idle)}
        if not idle and not blocked:
            return changes
        lost |= idle | blocked
        left = (each for each in changes if each.change_id not in idle)
        changes = [_blocked(each, lost, said) if each.change_id in blocked else each for each in left]


def _waits_for(change: Change, lost: Collection[str]) -> bool:
    """Whether a change that would be written needs one of these."""
    if change.action not in WRITES or change.row is None:
        return False
    return change.parent in lost or any(each in lost for each in change.waits_for())


def _blocked(change: Change, lost: Collection[str], said: Mapping[str, Problem]) -> Change:
    by = next((each for each in change.waits_for() if each in lost), change.parent or "")
    message = f"refers to {by}, which is not brought to the org"
    problem = said.get(by) or Problem("BLOCKED_BY", Stage.PLAN, message, "Correct that row first.")
    problems = (replace(problem, row=change.row),)
    return replace(change, action=Action.BLOCKED, values={}, before={}, problems=problems)


@dataclass(frozen=True, slots=True)
class Landed:
    """What a converted lead has become."""

    account_id: str
    contact_id: str
    deal_id: str | None


def landed(record: Mapping[str, Any]) -> Landed | None:
    """What the record of a lead says that it has become; None while it is open."""
    if record.get("IsConverted") is not True:
        return None
    names = ("ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId")
    account, contact, deal = (record_id(str(record.get(name))) for name in names)
    return Landed(account or "", contact or "", deal)


def lead_unit(change: Change, ids: Mapping[str, str] | None = None) -> Unit:
    """The conversion of one lead, with the ids of accounts and contacts that this run has created."""
    known = ids or {}
    body = {
        name: known.get(value.change_id) if isinstance(value, Pending) else value
        for name, value in change.values.items()
    }
    node = Node("lead", change.change_id, LEAD, change.key, body)
    account = body.get("ConvertedAccountId")
    return Unit(change.change_id, (node,), Route.BY_ID, account=account if isinstance(account, str) else None)


def convert_calls(units: Sequence[Unit]) -> Iterator[tuple[ConvertCall, tuple[Unit, ...]]]:
    """Calls that convert the leads in order; one that is kept alone goes by itself."""
    page: list[Unit] = []
    for unit in units:
        if page and (len(page) == LEADS_PER_CALL or unit.alone or page[-1].alone):
            yield _call(page)
            page = []
        page.append(unit)
    if page:
        yield _call(page)


def _call(page: Sequence[Unit]) -> tuple[ConvertCall, tuple[Unit, ...]]:
    return ConvertCall(tuple(unit.nodes[0] for unit in page)), tuple(page)
