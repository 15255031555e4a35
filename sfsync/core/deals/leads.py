"""Leads in a plan: how the changes of one conversion are named, what is sent for it, and what a lead says of it.

One conversion is two changes: that of the lead (key: the lead's id; it becomes a contact), and that of the deal
that comes out of it, whose parent it is. The platform converts a lead once and refuses a second time, so a lost
answer is settled by reading the lead, and a lead that is still open may be sent again.
Source: SOAP API Developer Guide, convertLead (100 leads a call; CANNOT_UPDATE_CONVERTED_LEAD).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfsync.core.plan import Action, Change
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


def without_idle_leads(changes: Sequence[Change]) -> Sequence[Change]:
    """The changes without those of leads whose deal is not brought after all."""
    wanted = {each.parent for each in changes if comes_from_lead(each)}
    return [each for each in changes if each.sobject != LEAD or each.change_id in wanted]


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
