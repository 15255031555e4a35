"""Prices and products: entries of price books, line items of deals, and what they do to the deal.

A product has one standard price before any other; a price book holds it once per currency. The first line
item settles the price book of its deal, the amount of a deal with line items is their sum.
Source: Object Reference, PricebookEntry, OpportunityLineItem and Opportunity.Amount, .Pricebook2Id [D];
codes and texts of refusals reported [P]; the amount after the last line item went follows a switch [I].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.money import exact, product, rounded, total
from sfsync.emulator.switches import LastProductDeleted

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

ENTRY: Final = "PricebookEntry"
LINE_ITEM: Final = "OpportunityLineItem"
_INTEGRITY: Final = "FIELD_INTEGRITY_EXCEPTION"
_PERCENT: Final = 100


def settle_entry(call: "Call", row: Row, *, before: Row | None) -> None:
    """Complete a price book entry that is about to be stored.

    Raises: RowRefusedError without a standard price, and for a second entry of the product.
    """
    _take_names(call, row)
    if before is not None:
        return
    twins = _entries(call, row, '"Pricebook2Id" = ?', row["Pricebook2Id"])
    if twins:
        raise RowRefusedError(_INTEGRITY, "This price definition already exists in this price book")
    if call.org.storage.value("Pricebook2", row["Pricebook2Id"], "IsStandard"):
        return
    standard = _entries(call, row, '"Pricebook2Id" IN (SELECT "Id" FROM "Pricebook2" WHERE "IsStandard" = 1)')
    if not standard:
        raise RowRefusedError("STANDARD_PRICE_NOT_DEFINED", "No standard price defined for this product")
    if row["UseStandardPrice"]:
        row["UnitPrice"] = standard[0]["UnitPrice"]


def _entries(call: "Call", row: Row, where: str, *parameters: str) -> list[Row]:
    found = call.org.storage.select(
        ENTRY, f'"Product2Id" = ? AND {where} AND "IsDeleted" = 0', row["Product2Id"], *parameters
    )
    return [entry for entry in found if entry.get("CurrencyIsoCode") == row.get("CurrencyIsoCode")]


def _take_names(call: "Call", row: Row) -> None:
    named = call.org.storage.get("Product2", row["Product2Id"]) or {}
    row["Name"], row["ProductCode"] = named.get("Name"), named.get("ProductCode")


def settle_line_item(call: "Call", row: Row, *, sent: Row, before: Row | None) -> None:
    """Complete a line item that is about to be stored: its product, price and total.

    Raises: RowRefusedError for an entry that does not go with the deal, and without any price.
    """
    if before is None:
        _take_entry(call, row)
    _price(row, sent=sent, before=before)


def _take_entry(call: "Call", row: Row) -> None:
    entry = call.org.storage.get(ENTRY, row["PricebookEntryId"]) or {}
    deal = call.org.storage.get("Opportunity", row["OpportunityId"]) or {}
    if not entry.get("IsActive"):
        raise RowRefusedError(_INTEGRITY, "pricebook entry is inactive", "PricebookEntryId")
    if deal.get("Pricebook2Id") not in {None, entry["Pricebook2Id"]}:
        message = "pricebook entry is in a different pricebook than the one assigned to the opportunity"
        raise RowRefusedError(_INTEGRITY, message, "PricebookEntryId")
    if "CurrencyIsoCode" in row:
        row["CurrencyIsoCode"] = deal["CurrencyIsoCode"]
        if entry["CurrencyIsoCode"] != deal["CurrencyIsoCode"]:
            message = "The pricebook entry currency code does not match the opportunity's"
            raise RowRefusedError(_INTEGRITY, message, "PricebookEntryId")
    row["Product2Id"], row["ListPrice"] = entry["Product2Id"], entry["UnitPrice"]
    _take_names(call, row)
    row["Name"] = f"{deal['Name']} {row['Name']}"


def _price(row: Row, *, sent: Row, before: Row | None) -> None:
    """Let the total follow the unit price, or the unit price a total that was sent alone."""
    kept = (_PERCENT - (row["Discount"] or 0.0)) / _PERCENT
    total_alone = sent.get("TotalPrice") is not None and sent.get("UnitPrice") is None
    if total_alone and row["Quantity"] and kept:
        row["UnitPrice"] = rounded(exact(row["TotalPrice"]) / exact(row["Quantity"]) / exact(kept))
    elif row["UnitPrice"] is None:
        raise RowRefusedError(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", "UnitPrice"
        )
    elif before is None or {"UnitPrice", "Quantity", "Discount"} & sent.keys():
        row["TotalPrice"] = product(row["Quantity"], row["UnitPrice"], kept)


def line_items(call: "Call", opportunity_id: str) -> list[Row]:
    """Return the line items of a deal."""
    return call.org.storage.select(LINE_ITEM, '"OpportunityId" = ? AND "IsDeleted" = 0', opportunity_id)


def roll_up(call: "Call", opportunity_id: str) -> Row:
    """Return what the line items of a deal make of it."""
    items = line_items(call, opportunity_id)
    if items:
        amount = total(item["TotalPrice"] for item in items)
        entry = items[0]["PricebookEntryId"]
        book = call.org.storage.value(ENTRY, entry, "Pricebook2Id")
        return {"HasOpportunityLineItem": 1, "Amount": amount, "Pricebook2Id": book}
    changes: Row = {"HasOpportunityLineItem": 0}
    if call.org.switches.last_product_deleted is LastProductDeleted.ZERO_AMOUNT:
        changes["Amount"] = 0.0
    return changes


def check_book_and_currency(row: Row, before: Row) -> None:
    """Refuse another price book or currency for a deal that has line items.

    Raises: RowRefusedError.
    """
    if not before["HasOpportunityLineItem"]:
        return
    for name in ("Pricebook2Id", "CurrencyIsoCode"):
        if row.get(name) != before.get(name):
            message = "The price book and the currency of an opportunity with products cannot be changed."
            raise RowRefusedError(_INTEGRITY, message, name)
