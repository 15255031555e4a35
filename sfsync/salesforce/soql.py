"""Builds the SOQL of look-ups so that no value can ever become syntax.

Names are checked against the form of an API name, values are quoted and escaped, and long lists are cut into
statements. Invariant: the text between a literal's quotes, unescaped as the platform does, is the value.
Source: SOQL and SOSL Reference, "Quoted String Escape Sequences"; statements have at most 100,000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from simple_salesforce.format import quote_soql_value

from sfsync.core.ports import Lookup
from sfsync.core.resync.org_changes import ChangeQuestion
from sfsync.core.sobject import NAME_HINT, is_api_name
from sfsync.errors import ConfigError

_MAX_VALUES: Final = 2_000
_MAX_STATEMENT_CHARS: Final = 90_000
_MAX_LITERAL_CHARS: Final = 4_000
"""Between the quotes. Source: Salesforce limits quick reference, SOQL: string length in a WHERE clause."""

# The library escapes the controls that have a letter of their own; the others travel by code point.
_OTHER_CONTROLS: Final = {
    code: f"\\u{code:04x}" for code in (*range(32), 127, 0x2028, 0x2029) if chr(code) not in "\b\t\n\f\r"
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One SOQL statement, and whether deleted records belong to its answer."""

    text: str = field(repr=False)
    include_deleted: bool = False


def quote(value: str | bool | None, /) -> str:  # noqa: FBT001 - a value of a field, no switch
    """The literal that means exactly this value."""
    text: str = quote_soql_value(value)
    return text.translate(_OTHER_CONTROLS)


def statements_of(lookup: Lookup) -> list[Statement]:
    """The statements that together answer a look-up; none for a list of no values.

    Empty values are left out: to the org they mean every record without a value, and never the one looked for. So
    are values longer than a literal may be, which no field that can be filtered by holds.

    Raises:
        ConfigError: a name in the look-up is no API name.
    """
    fields = ", ".join(map(_path, lookup.fields))
    head = f"SELECT {fields} FROM {_name(lookup.sobject)}"  # noqa: S608 - every name is checked
    filters = _filters(lookup)
    if lookup.where_field is None:
        return [_page(lookup, head, filters)]
    start = f"{_path(lookup.where_field)} IN ("
    room = _MAX_STATEMENT_CHARS - len(head) - len(start) - sum(len(each) + 5 for each in filters) - 20
    return [
        _page(lookup, head, [f"{start}{','.join(literals)})", *filters])
        for literals in _chunks(lookup.values, room)
    ]


def counting(lookup: Lookup) -> Statement:
    """The statement that counts the records of a look-up without a field to find them by.

    Raises:
        ConfigError: a name in the look-up is no API name.
    """
    head = f"SELECT COUNT() FROM {_name(lookup.sobject)}"  # noqa: S608 - the name is checked
    return _statement(lookup, head, _filters(lookup))


def counting_statement(
    sobject: str,
    *,
    before: Mapping[str, datetime],
    since: Mapping[str, datetime] | None = None,
    also: Mapping[str, str | bool | None] | None = None,
    include_deleted: bool = False,
) -> Statement:
    """The statement that counts the records of a span."""
    return counting(
        Lookup(
            sobject,
            (),
            before=before,
            since=since or {},
            also=also or {},
            include_deleted=include_deleted,
        )
    )


def changes_statement(question: ChangeQuestion) -> Statement:
    """The statement that lists what changed, deleted records with it.

    What our own user did before a time is left out where the question says so.
    """
    stamp, user = _name(question.stamp), question.user
    fields = ", ".join(map(_path, dict.fromkeys(("Id", question.stamp, *question.fields))))
    later = f"{stamp} >= {_moment(question.since)}"
    if user is not None and question.own_until is not None:
        later = f"{stamp} >= {_moment(question.own_until)} OR ({later} AND LastModifiedById != {quote(user)})"
    return Statement(f"SELECT {fields} FROM {_name(question.sobject)} WHERE {later}", include_deleted=True)  # noqa: S608


def _filters(lookup: Lookup) -> list[str]:
    equal = [f"{_path(name)} = {quote(value)}" for name, value in lookup.also.items()]
    earlier = [f"{_path(name)} < {_moment(at)}" for name, at in lookup.before.items()]
    later = [f"{_path(name)} >= {_moment(at)}" for name, at in lookup.since.items()]
    filled = [f"{_path(name)} != null" for name in lookup.filled]
    return [*equal, *earlier, *later, *filled, *([_like(*lookup.like)] if lookup.like else [])]


def _like(name: str, words: Sequence[str]) -> str:
    """The filter of texts that contain one of the words. Source: SOQL and SOSL Reference, "LIKE" (escapes)."""
    literals = (quote(word)[1:-1].replace("%", "\\%").replace("_", "\\_") for word in words)
    return "(" + " OR ".join(f"{_path(name)} LIKE '%{each}%'" for each in literals) + ")"


def _moment(at: datetime) -> str:
    """A literal of a moment, to the second. Source: SOQL and SOSL Reference, "Date Formats and Date Literals"."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _page(lookup: Lookup, head: str, filters: Sequence[str]) -> Statement:
    page = lookup.page
    if page is None:
        return _statement(lookup, head, filters)
    behind = [f"Id > {quote(page.after)}"] if page.after else []
    whole = _statement(lookup, head, [*filters, *behind])
    return Statement(f"{whole.text} ORDER BY Id LIMIT {page.most:d}", lookup.include_deleted)


def _statement(lookup: Lookup, head: str, filters: Sequence[str]) -> Statement:
    where = f" WHERE {' AND '.join(filters)}" if filters else ""
    return Statement(head + where, lookup.include_deleted)


def _chunks(values: Sequence[str], room: int) -> Iterator[list[str]]:
    """The values as literals, each once, in lists that fit a statement."""
    chunk: list[str] = []
    size = 0
    for literal in map(quote, filter(str.strip, dict.fromkeys(values))):
        if len(literal) > _MAX_LITERAL_CHARS + len("''"):
            continue
        if chunk and (len(chunk) == _MAX_VALUES or size + len(literal) + 1 > room):
            yield chunk
            chunk, size = [], 0
        chunk.append(literal)
        size += len(literal) + 1
    if chunk:
        yield chunk


def _path(name: str) -> str:
    """A field, or a field of a parent such as `Account.Name`."""
    return ".".join(_name(part) for part in name.split("."))


def _name(name: str) -> str:
    if not is_api_name(name):
        raise ConfigError(
            f"{name!r} is no API name of a field or an sObject", code="BAD_NAME", hint=NAME_HINT
        )
    return name
