"""Translates the date functions of filters and groups: CALENDAR_YEAR(CloseDate), DAY_ONLY(CreatedDate) ...

Days are days in UTC, and the fiscal year is the calendar year, as for the date literals. Weeks are counted
from the first of January or of the month, seven days each; the first day of a week is Sunday.
Source: SOQL and SOSL Reference, "Date Functions" [D].
"""

from typing import Final

from sfsync.emulator.soql.errors import invalid_field
from sfsync.emulator.soql.scope import FoundField
from sfsync.emulator.soql.statement import Call
from sfsync.emulator.soql.values import Family, family_of

_YEAR: Final = "CAST(substr({0}, 1, 4) AS INTEGER)"
_MONTH: Final = "CAST(substr({0}, 6, 2) AS INTEGER)"
_QUARTER: Final = "(CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3"
_DAY_IN_MONTH: Final = "CAST(substr({0}, 9, 2) AS INTEGER)"
_DAY_IN_YEAR: Final = "CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)"
_FUNCTIONS: Final = {
    "CALENDAR_YEAR": _YEAR,
    "CALENDAR_QUARTER": _QUARTER,
    "CALENDAR_MONTH": _MONTH,
    "FISCAL_YEAR": _YEAR,
    "FISCAL_QUARTER": _QUARTER,
    "FISCAL_MONTH": _MONTH,
    "DAY_IN_MONTH": _DAY_IN_MONTH,
    "DAY_IN_YEAR": _DAY_IN_YEAR,
    "DAY_IN_WEEK": "CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1",
    "WEEK_IN_MONTH": f"({_DAY_IN_MONTH} + 6) / 7",
    "WEEK_IN_YEAR": f"({_DAY_IN_YEAR} + 6) / 7",
    "HOUR_IN_DAY": "CAST(substr({0}, 12, 2) AS INTEGER)",
    "DAY_ONLY": "substr({0}, 1, 10)",
}
_OF_TIMES_ONLY: Final = frozenset({"HOUR_IN_DAY", "DAY_ONLY"})


def is_date_function(call: Call) -> bool:
    """Say whether a call is one of a date function on a field."""
    return call.name in _FUNCTIONS and call.argument is not None


def date_function(call: Call, found: FoundField) -> tuple[str, str]:
    """Return the SQL of a date function on a field, and the describe type of its value.

    Raises:
        QueryFault: INVALID_FIELD when the field is no date, or no datetime where one is needed.
    """
    family = family_of(found.field.type)
    allowed = {Family.DATETIME} if call.name in _OF_TIMES_ONLY else {Family.DATE, Family.DATETIME}
    if family not in allowed:
        reason = f"field {call.argument} does not support the date function {call.name}"
        raise invalid_field(reason, offset=call.offset)
    sql = _FUNCTIONS[call.name].format(found.sql)
    return f"({sql})", "date" if call.name == "DAY_ONLY" else "int"
