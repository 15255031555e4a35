"""How a ledger entry's values stand in the journal: only what its key and the other column do not say already.

`sent` is a JSON list: first the names of the fields, those that many entries have as numbers, then their values.
`seen` is "" where it is the same, an object of the values that differ by their place, or a list of its own. Text
stands as it is, a date as its number of days, a number as [digits], a moment as ["", ISO]; what the key says is [],
or the number of the key's part in a list. Everything comes back as exactly the same.
Entries of before are objects by field (`encoding`); they are read as they are, and written anew when they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import orjson

from sfsync.core.values import Value
from sfsync.journal.encoding import READ, WRITE, no_value, read_values, unreadable

NAMES: Final = (
    "OpportunityId",
    "ContactId",
    "Role",
    "IsPrimary",
    "Name",
    "StageName",
    "CloseDate",
    "Amount",
    "AccountId",
    "OwnerId",
    "Probability",
    "NextStep",
    "Description",
    "Type",
    "LeadSource",
    "RecordTypeId",
    "ForecastCategoryName",
    "CampaignId",
    "CurrencyIsoCode",
    "FirstName",
    "LastName",
    "Email",
    "Sfsync_Key__c",
)
"""The fields that stand as their number. Released: names may come at the end, none may move or go."""

_NUMBERS: Final = {name: number for number, name in enumerate(NAMES)}

_OLD: Final = "{"
_DAMAGE: Final = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)


def write_entry(key: str, sent: Mapping[str, Value], seen: Mapping[str, Value]) -> tuple[str, str]:
    """The two texts of an entry.

    Raises:
        JournalError: a value is of a kind that would not come back as it was.
    """
    parts = _parts(key)
    first = _coded(sent, sent, key, parts)
    text = _dumped([_numbered(tuple(sent)), *first])
    if seen is sent:
        return text, ""
    if len(seen) != len(sent) or not all(name in seen for name in sent):
        return text, _dumped([_numbered(tuple(seen)), *_coded(seen, seen, key, parts)])
    second = _coded(sent, seen, key, parts)
    if first == second and [*map(type, first)] == [*map(type, second)]:
        return text, ""
    pairs = enumerate(zip(first, second, strict=True))
    differing = {str(place): new for place, (old, new) in pairs if old != new or type(old) is not type(new)}
    return text, _dumped(differing)


def read_entry(key: str, sent: str, seen: str) -> tuple[dict[str, Value], dict[str, Value]]:
    """What was sent and what was seen, of the two texts that `write_entry` or an earlier version wrote.

    Raises:
        JournalError: the texts are no entry.
    """
    if sent.startswith(_OLD):
        return read_values(sent), read_values(seen)
    try:
        parts = _parts(key)
        first = _values(_loaded(sent), key, parts)
        if seen == "":
            return first, dict(first)
        other = _loaded(seen)
        if isinstance(other, list):
            return first, _values(other, key, parts)
        names, second = list(first), dict(first)
        for place, raw in other.items():
            second[names[int(place)]] = _value(raw, key, parts)
    except _DAMAGE as error:
        raise unreadable() from error
    return first, second


def _parts(key: str) -> Sequence[str]:
    """The deal, the contact and the role that the key of a role tells; nothing for most other keys."""
    parts = key.split("/", 2)
    return parts if len(parts) == 3 else ()


@lru_cache(maxsize=512)
def _numbered(names: tuple[str, ...]) -> list[int | str]:
    return [_NUMBERS.get(name, name) for name in names]


@lru_cache(maxsize=512)
def _named(numbered: tuple[int | str, ...]) -> tuple[str, ...]:
    return tuple([each if isinstance(each, str) else NAMES[each] for each in numbered])


def _coded(names: Iterable[str], values: Mapping[str, Value], key: str, parts: Sequence[str]) -> list[Any]:
    coded: list[Any] = []
    for name in names:
        value = values[name]
        if isinstance(value, str):
            is_told = value == key or value in parts
            coded.append(([] if value == key else [parts.index(value)]) if is_told else value)
        elif value is None or isinstance(value, bool):
            coded.append(value)
        elif isinstance(value, Decimal):
            coded.append([str(value)])
        elif isinstance(value, datetime):
            coded.append(["", value.isoformat()])
        elif isinstance(value, date):
            coded.append(value.toordinal())
        else:
            raise no_value(name, value)
    return coded


def _values(raw: Any, key: str, parts: Sequence[str]) -> dict[str, Value]:
    names = _named(tuple(raw[0]))
    return {
        name: each if isinstance(each, str) else _value(each, key, parts)
        for name, each in zip(names, raw[1:], strict=True)
    }


def _value(raw: Any, key: str, parts: Sequence[str]) -> Value:
    if raw is None or isinstance(raw, str | bool):
        return raw
    if type(raw) is int:
        return date.fromordinal(raw)
    match raw:
        case []:
            return key
        case [str(digits)]:
            return Decimal(digits)
        case [int(place)] if 0 <= place < len(parts):
            return parts[place]
        case ["", str(text)]:
            return datetime.fromisoformat(text)
    raise ValueError("no value of an entry")


def _dumped(raw: Any) -> str:
    """JSON of ASCII alone: NUL and lone surrogates survive every database."""
    try:
        text = orjson.dumps(raw).decode()
    except TypeError:  # half a character
        return WRITE(raw)
    return text if text.isascii() else WRITE(raw)


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:  # half a character, or no JSON at all
        return READ(text)
