"""Decodes the literals of a filter: escaped strings, numbers, dates, datetimes, date literals, lists.

Text in, Python values out; whether a value suits a field is decided later, in values.py.
Invariant: a string literal is decoded exactly once, and only the documented escapes are known.
"""

import math
import re
from datetime import UTC, date, datetime
from typing import Final

from sfsync.emulator.soql.date_ranges import is_named_date
from sfsync.emulator.soql.errors import QueryFault, malformed
from sfsync.emulator.soql.statement import Literal, LiteralValue, NamedDate

# Source: SOQL and SOSL Reference, "Quoted String Escape Sequences" [D].
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
# In LIKE these stay escaped, because the pattern still has to tell them from wildcards.
_LIKE_ESCAPES: Final = {"_": "\\_", "%": "\\%", "\\": "\\\\"}
# Source: Salesforce limits quick reference, SOQL: string length in a WHERE clause [D].
_MAX_STRING_CHARS: Final = 4_000
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|[\s\S])")
_ITEM: Final = re.compile(r"'([^'\\]*(?:\\[\s\S][^'\\]*)*)'|([^\s,'()]+)")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})", re.IGNORECASE | re.ASCII
)
_WORDS: Final[dict[str, LiteralValue]] = {"true": True, "false": False, "null": None}


def decode_string(quoted: str, *, offset: int, is_pattern: bool = False) -> str:
    """Return the text that a string literal (with its quotes) means.

    Raises:
        QueryFault: MALFORMED_QUERY for an escape that does not exist, or a literal over 4,000 characters.
    """
    body = quoted[1:-1]
    if len(body) > _MAX_STRING_CHARS:
        raise malformed(f"string literal exceeds {_MAX_STRING_CHARS} characters", offset=offset)
    if "\\" not in body:
        return body
    known = _ESCAPES | _LIKE_ESCAPES if is_pattern else _ESCAPES

    def decode(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) > 1:
            return chr(int(escape[1:], 16))
        if escape not in known:
            reason = (
                f"Invalid string literal '{body}'. Illegal character sequence '\\{escape}' in string literal."
            )
            raise malformed(reason, offset=offset)
        return known[escape]

    return _join_surrogates(_ESCAPE.sub(decode, body), offset=offset)


def _join_surrogates(decoded: str, *, offset: int) -> str:
    if decoded.isascii():
        return decoded
    try:
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise malformed("Invalid string literal: half of a surrogate pair.", offset=offset) from None


def decode_word(word: str, *, offset: int) -> LiteralValue:
    """Return the value of an unquoted literal.

    Raises:
        QueryFault: MALFORMED_QUERY for a word that is no literal, a bind variable, or an impossible date.
    """
    lowered = word.lower()
    if lowered in _WORDS:
        return _WORDS[lowered]
    if _NUMBER.fullmatch(word):
        return _number(word, offset=offset)
    if word[:1] == ":":
        raise malformed("Bind variables only allowed in Apex code")
    if moment := _date_or_datetime(word):
        return moment
    name, _, count = word.upper().partition(":")
    if is_named_date(name, has_count=bool(count)) and (not count or _COUNT.fullmatch(count)):
        return NamedDate(name, int(count) if count else None)
    raise malformed(f"unexpected token: '{word}'", offset=offset)


def _number(word: str, *, offset: int) -> int | float:
    if word.lstrip("+-").isdigit() and len(word) <= 18:  # longer ones do not fit 64 bits
        return int(word)
    number = float(word)
    if math.isinf(number):
        raise QueryFault("NUMBER_OUTSIDE_VALID_RANGE", f"{word} is out of range", offset=offset)
    return number


def _date_or_datetime(word: str) -> date | datetime | None:
    try:
        if _DATE.fullmatch(word):
            return date.fromisoformat(word)
        if _DATETIME.fullmatch(word):
            return datetime.fromisoformat(word.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None


def decode_list(listing: str, *, offset: int) -> tuple[Literal, ...]:
    """Return the items of `('a', 'b', 3)`; one regular expression walks lists of thousands.

    Raises:
        QueryFault: as for the single literals.
    """
    items = []
    for match in _ITEM.finditer(listing):
        item, start = match[0], offset + match.start()
        is_quoted = match[2] is None
        value = decode_string(item, offset=start) if is_quoted else decode_word(item, offset=start)
        items.append(Literal(value, start))
    return tuple(items)
