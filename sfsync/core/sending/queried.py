"""What the texts of a query job's records mean: the values that a query of the REST API would have answered with.

Source: Bulk API 2.0 and Bulk API Developer Guide, "Prepare CSV Files": an empty cell is no value, true and false,
numbers perhaps in powers of ten (`9.12260031E8`), moments with a Z.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from sfsync.core.orgs.describe import SObjectDescribe

if TYPE_CHECKING:
    from sfsync.core.ports import Record

_NUMBERS: Final = frozenset({"double", "currency", "percent", "int", "long"})
_BOOLEANS: Final = {"true": True, "false": False}
_MOMENT: Final = re.compile(r"(.+\.[0-9]{3})Z")


def typed_record(describe: SObjectDescribe, record: Record) -> Record:
    """The record with typed values; fields of parents (`Account.Name`) stay texts under their path.

    Raises:
        ValueError: a cell is no value of its field.
    """
    types = ((name, cell, describe.field(name)) for name, cell in record.items())
    return {name: _typed(cell, field.type if field else "string") for name, cell, field in types}


def _typed(cell: str | None, kind: str) -> Any:
    if cell is None:
        return False if kind == "boolean" else None  # a checkbox is never without a value
    if kind == "boolean":
        if cell.lower() not in _BOOLEANS:
            raise ValueError("a checkbox is neither true nor false")
        return _BOOLEANS[cell.lower()]
    if kind in _NUMBERS:
        try:
            return Decimal(cell)
        except InvalidOperation:
            raise ValueError("a number is none") from None
    if kind == "datetime":
        return _MOMENT.sub(r"\1+0000", cell)
    return cell
