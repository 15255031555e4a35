"""What a stored or deleted row does to others: siblings of a role, the deal of a line item, history.

Source: Object Reference, OpportunityContactRole, Opportunity.ContactId, OpportunityLineItem and
OpportunityHistory [D].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules import contact_roles, opportunity, products
from sfsync.emulator.rules.drafting import Draft

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_DEAL: Final = "Opportunity"
_ROLE: Final = "OpportunityContactRole"
_HISTORY: Final = "OpportunityHistory"
_COPIED: Final = ("StageName", "Amount", "ExpectedRevenue", "CloseDate", "Probability", "ForecastCategory")


def may_refuse(draft: Draft) -> bool:
    """Whether what follows the storing of a new row can still refuse it."""
    return draft.sobject.name == _DEAL and draft.values.get("ContactId") is not None


def settle(call: "Call", sobject: SObject, row: Row, *, before: Row | None) -> Draft | None:
    """Bring other rows in line with a stored one; return the role that a new deal with a contact needs."""
    if sobject.name == _ROLE:
        contact_roles.settle_primary(call, row, before=before)
    elif sobject.name == products.LINE_ITEM:
        show_line_items(call, row["OpportunityId"])
    elif sobject.name == _DEAL:
        keep_history(call, row, before=before)
        if before is None and row.get("ContactId"):
            values: Row = {"OpportunityId": row["Id"], "ContactId": row["ContactId"], "IsPrimary": 1}
            return Draft(call.org.schema[_ROLE], values=values)
    return None


def settle_after_delete(call: "Call", sobject: SObject, removed: Row) -> None:
    """Bring other rows in line after a row went."""
    if sobject.name == _ROLE:
        contact_roles.settle_after_delete(call, removed)
    elif sobject.name == products.LINE_ITEM:
        show_line_items(call, removed["OpportunityId"])


def show_line_items(call: "Call", opportunity_id: str) -> None:
    """Let a deal show the sum and the price book of its line items."""
    before = call.org.storage.get(_DEAL, opportunity_id)
    if before is None:
        return
    now = call.now_stamp
    stamps: Row = {"LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": call.user_id}
    row = {**before, **products.roll_up(call, opportunity_id), **stamps}
    row["ExpectedRevenue"] = opportunity.expected_revenue(row)
    changes = {name: value for name, value in row.items() if before[name] != value}
    call.org.storage.update(_DEAL, opportunity_id, changes)
    call.work.note(_DEAL, opportunity_id, "side_effect")
    keep_history(call, row, before=before)


def keep_history(call: "Call", row: Row, *, before: Row | None) -> None:
    """Write a row of history for a new deal and for a change of what history tells."""
    if before is not None and all(row[name] == before[name] for name in _COPIED):
        return
    org, now = call.org, call.now_stamp
    stamps = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
    entry: Row = {
        "Id": org.next_id(org.schema[_HISTORY]),
        "IsDeleted": 0,
        "OpportunityId": row["Id"],
        "CreatedById": call.user_id,
        "LastModifiedById": call.user_id,
        **stamps,
        **{name: row[name] for name in _COPIED},
    }
    org.storage.insert(_HISTORY, entry)
    if before is None:
        return
    pointers = {
        f"Last{name}ChangedHistoryId": entry["Id"]
        for name in ("Amount", "CloseDate")
        if row[name] != before[name]
    }
    org.storage.update(_DEAL, row["Id"], pointers)
