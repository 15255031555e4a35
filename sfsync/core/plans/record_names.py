"""Decides which records that a plan refers to are shown by their names beside their ids.

Only names that were read for other reasons; none is asked for. Only of as many changes as a report shows field by
field, so that a plan of a hundred thousand rows does not carry a hundred thousand names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import WRITES, Change
from sfsync.core.ports import Record
from sfsync.core.records import full_id
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import text_or_none

MOST_NAMED: Final = 100
"""Changes of each sObject whose references are named."""

_ID: Final = 18
"""Characters of an id as the API answers it. Source: REST API Developer Guide, "ID field type"."""


def referred_names(
    changes: Iterable[Change],
    found: Callable[[str], Record],
    read: Iterable[Record],
    describes: Mapping[str, SObjectDescribe],
) -> tuple[tuple[str, str], ...]:
    """Record ids with their names, of what the first changes of each sObject refer to.

    `found` tells by its id what was learned of a record that references were looked up in; `read` are records of
    rows, with what they refer to inside them (`Owner.Name` with `OwnerId`); `describes`
    name the record types of their sObjects.
    """
    all_changes = tuple(changes)
    asked = dict.fromkeys(_referred(all_changes))
    if not asked:
        return ()
    known = {each.record_id: _own_name(each) for each in all_changes if each.record_id}
    known |= {kind.id: kind.label for each in describes.values() for kind in each.record_types}
    known |= dict(_names_inside(read))
    looked_up = ((each, text_or_none(found(each).get("Name"))) for each in asked)
    known |= {each: name for each, name in looked_up if name}
    return tuple((each, known[each]) for each in asked if known.get(each))


def _own_name(change: Change) -> str:
    """What a row calls its own record; a role has no name."""
    return text_or_none(change.desired.get("Name")) or (
        "" if change.sobject == CONTACT_ROLE else change.label
    )


def _referred(changes: Iterable[Change]) -> Iterator[str]:
    """The texts among the first changes' values that may be ids of other records."""
    shown: Counter[str] = Counter()
    for each in changes:
        if each.action in WRITES and shown[each.sobject] < MOST_NAMED:
            shown[each.sobject] += 1
            for value in (*each.values.values(), *each.before.values()):
                if isinstance(value, str) and len(value) == _ID:
                    yield value


def _names_inside(records: Iterable[Record]) -> Iterator[tuple[str, str]]:
    """Ids and names of what records refer to, where the name came along with the record."""
    for record in records:
        for relation, inner in record.items():
            name = text_or_none(inner.get("Name")) if isinstance(inner, Mapping) else None
            referred = text_or_none(record.get(f"{relation}Id"))
            if name and referred:
                yield full_id({"Id": referred}), name
