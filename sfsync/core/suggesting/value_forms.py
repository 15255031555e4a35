"""How the numbers and dates of a column are to be declared: what its texts prove, or the choices with two lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfsync.core.orgs.describe import Field
from sfsync.core.reading.reading_hints import Standing, Verdict
from sfsync.core.suggesting.column_account import ColumnFacts
from sfsync.core.suggesting.undecided import Decision

NUMBER_TYPES: Final = frozenset({"currency", "double", "percent", "int", "long"})
DATE_TYPES: Final = frozenset({"date"})
_MOST: Final = 4


def numbers_of(field: Field | None, columns: Sequence[ColumnFacts]) -> Decision | None:
    """How the numbers of a field's columns are written; None where the field has none or no text to read."""
    if field is None or field.type not in NUMBER_TYPES:
        return None
    return _agreed([each.verdict.numbers for each in columns])


def dates_of(field: Field | None, columns: Sequence[ColumnFacts]) -> Decision | None:
    """How the dates of a field's columns are written; None where the field has none or no text to read."""
    if field is None or field.type not in DATE_TYPES:
        return None
    return _agreed([each.verdict.dates for each in columns])


def _agreed(verdicts: Sequence[Verdict]) -> Decision | None:
    found = [_decision(each) for each in verdicts if each.standing is not Standing.EMPTY]
    if not found:
        return None
    if len({each.value for each in found}) == 1 and not found[0].is_open:
        return found[0]
    if len(found) == 1:
        return found[0]
    choices = dict.fromkeys(name for each in found for name in (each.choices or (each.value,)) if name)
    return _open(tuple(choices), "; ".join(each.why for each in found))


def _decision(verdict: Verdict) -> Decision:
    """Only a reading of every text is proof; a form that reads most of them may read those wrongly."""
    match verdict.standing:
        case Standing.DECIDED:
            return Decision(verdict.name, why=verdict.sentence)
        case Standing.AMBIGUOUS:
            return _open(tuple(each.name for each in verdict.rivals), verdict.sentence)
        case Standing.MIXED:
            names = dict.fromkeys(each.name for each in (*verdict.rivals, *verdict.disproved))
            return _open(tuple(names)[:_MOST], verdict.sentence)
    return _open((), verdict.sentence)


def _open(choices: tuple[str, ...], why: str) -> Decision:
    advice = (
        f"{choices[0]} if rows that it does not read may be rejected" if choices else "nothing reads it so"
    )
    return Decision("", choices if len(choices) > 1 else (), advice, why)
