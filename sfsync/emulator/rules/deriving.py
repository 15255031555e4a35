"""What the platform computes on a row before it is stored, object by object.

Source: Object Reference, the objects named [D].
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules import contact_roles, opportunity, products

if TYPE_CHECKING:
    from sfsync.emulator.call import Call


def complete(call: "Call", sobject: SObject, row: Row, *, sent: Row, before: Row | None) -> None:
    """Fill the derived columns of a row in place.

    Raises: RowRefusedError when the object's own rules refuse the row.
    """
    step = _STEPS.get(sobject.name)
    if step is not None:
        step(call, row, sent, before)


def _deal(call: "Call", row: Row, sent: Row, before: Row | None) -> None:
    if before is not None:
        products.check_book_and_currency(row, before)
        if before["HasOpportunityLineItem"]:
            row["Amount"] = before["Amount"]
        opportunity.convert_amount(call, row, sent=sent, before=before)
    row.update(opportunity.derive(call, row, sent=sent, before=before))


def _role(call: "Call", row: Row, _sent: Row, _before: Row | None) -> None:
    contact_roles.check_second_primary(call, row)


def _person(_call: "Call", row: Row, _sent: Row, _before: Row | None) -> None:
    row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)


def _entry(call: "Call", row: Row, _sent: Row, before: Row | None) -> None:
    products.settle_entry(call, row, before=before)


def _line_item(call: "Call", row: Row, sent: Row, before: Row | None) -> None:
    products.settle_line_item(call, row, sent=sent, before=before)


_STEPS: Final[dict[str, Callable[["Call", Row, Row, Row | None], None]]] = {
    "Opportunity": _deal,
    "OpportunityContactRole": _role,
    "Contact": _person,
    "Lead": _person,
    products.ENTRY: _entry,
    products.LINE_ITEM: _line_item,
}
