"""What the platform does to the other roles of a deal when one is written or deleted.

One primary contact per deal: the platform counts contacts, not rows, so all rows of one contact share
the flag. The deal's ContactId always shows the contact of the primary role. No rule of uniqueness
exists.
Source: Object Reference, OpportunityContactRole and Opportunity.ContactId [D]; sharing of the flag [P];
the rest follows the switches.
"""

from typing import TYPE_CHECKING

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.storage import Row
from sfsync.emulator.switches import PrimaryDuplicateDeleted, SecondPrimary

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_ROLE = "OpportunityContactRole"


def _siblings(call: "Call", row: Row) -> list[Row]:
    where = '"OpportunityId" = ? AND "Id" IS NOT ? AND "IsDeleted" = 0'
    return call.org.storage.select(_ROLE, where, row["OpportunityId"], row["Id"])


def check_second_primary(call: "Call", row: Row) -> None:
    """Refuse a second primary contact when the switch says so.

    Raises: RowRefusedError.
    """
    if not row["IsPrimary"] or call.org.switches.second_primary is not SecondPrimary.REFUSE:
        return
    if any(role["IsPrimary"] and role["ContactId"] != row["ContactId"] for role in _siblings(call, row)):
        message = "An opportunity can have only one primary contact."
        raise RowRefusedError("FIELD_INTEGRITY_EXCEPTION", message, "IsPrimary")


def settle_primary(call: "Call", row: Row, *, before: Row | None) -> None:
    """Bring the other roles of the deal in line after a role was inserted or updated."""
    siblings = _siblings(call, row)
    new_to_contact = before is None or before["ContactId"] != row["ContactId"]
    moved = before is not None and before["IsPrimary"] != row["IsPrimary"]
    for role in siblings:
        flag = _flag_of_sibling(call, row, role, spreads=bool(row["IsPrimary"]) or moved)
        if flag != role["IsPrimary"]:
            _set_flag(call, role, flag)
    if not row["IsPrimary"] and new_to_contact and call.org.switches.same_contact_shares_primary:
        shared = any(role["IsPrimary"] and role["ContactId"] == row["ContactId"] for role in siblings)
        if shared and not moved:
            _set_flag(call, row, 1)
            row["IsPrimary"] = 1
    show_primary_contact(call, row["OpportunityId"])


def _flag_of_sibling(call: "Call", row: Row, role: Row, *, spreads: bool) -> int:
    switches = call.org.switches
    if role["ContactId"] == row["ContactId"]:
        shares = switches.same_contact_shares_primary and spreads
        return int(row["IsPrimary"]) if shares else int(role["IsPrimary"])
    if row["IsPrimary"] and switches.second_primary is SecondPrimary.LAST_WINS:
        return 0
    return int(role["IsPrimary"])


def _set_flag(call: "Call", role: Row, flag: int) -> None:
    changes: Row = {"IsPrimary": flag}
    if call.org.switches.demotion_moves_modstamp:
        changes["SystemModstamp"] = call.now_stamp
    call.org.storage.update(_ROLE, role["Id"], changes)
    call.work.note(_ROLE, role["Id"], "side_effect")


def show_primary_contact(call: "Call", opportunity_id: str) -> None:
    """Let the deal's ContactId show the contact of its primary role."""
    where = '"OpportunityId" = ? AND "IsPrimary" = 1 AND "IsDeleted" = 0'
    primaries = call.org.storage.select(_ROLE, where, opportunity_id)
    contact = primaries[0]["ContactId"] if primaries else None
    call.org.storage.update("Opportunity", opportunity_id, {"ContactId": contact})


def settle_after_delete(call: "Call", removed: Row) -> None:
    """Apply the platform's habit of clearing every flag when a primary duplicate goes."""
    siblings = _siblings(call, removed)
    duplicates = any(role["ContactId"] == removed["ContactId"] for role in siblings)
    clears = call.org.switches.primary_duplicate_deleted is PrimaryDuplicateDeleted.CLEAR_ALL
    if removed["IsPrimary"] and duplicates and clears:
        for role in siblings:
            if role["IsPrimary"]:
                _set_flag(call, role, 0)
    show_primary_contact(call, removed["OpportunityId"])
