"""Says in plain lines what of a snapshot's org the emulator cannot play, so that nobody takes it for granted.

A describe tells that a field is a formula, but not how it is computed; it tells nothing of rules and triggers.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sfsync.emulator.org.definition import Table
from sfsync.emulator.org.from_snapshot import PLAYED_TYPES, default_of
from sfsync.emulator.org.snapshot_file import Snapshot
from sfsync.emulator.org.standard import default_picklists, standard_objects

_MOST_NAMES: Final = 8
_WITH_RULES: Final = frozenset(standard_objects(default_picklists()))
_ALWAYS: Final = (
    "validation rules, triggers, flows, duplicate rules and sharing: a snapshot does not have them;"
    " name hooks in an org file (--org)"
)


def not_played(snapshot: Snapshot | None) -> list[str]:
    """Return one line for each thing of the snapshot that is not played; none without a snapshot."""
    if snapshot is None:
        return []
    lines = [_ALWAYS]
    for name, table in sorted(snapshot.objects.items()):
        lines += _object_lines(name, table)
    if snapshot.organization.get("multi_currency"):
        lines.append("currency conversion: the rates are not in a snapshot")
    return lines


def _object_lines(name: str, table: Table) -> Iterator[str]:
    if not table.get("keyPrefix") and name not in _WITH_RULES:
        yield f"{name}: it has no key prefix, so it is left out"
        return
    if not table.get("custom") and name not in _WITH_RULES:
        yield f"{name}: its fields are there, the rules of its own are not"
    for judge, what in _REASONS:
        fields = [field for field, each in sorted(table["fields"].items()) if judge(each)]
        if fields:
            yield f"{name}: {_listed(fields)}: {what}"


def _is_formula(field: Table) -> bool:
    return bool(field.get("calculated") and field.get("custom"))


def _is_auto_number(field: Table) -> bool:
    return bool(field.get("autoNumber"))


def _is_dependent(field: Table) -> bool:
    return bool(field.get("dependentPicklist"))


def _has_another_type(field: Table) -> bool:
    return field["type"] not in PLAYED_TYPES


def _has_unknown_default(field: Table) -> bool:
    is_known = default_of(field) is not None or any(
        value.get("defaultValue") for value in field.get("picklistValues", ())
    )
    is_ours = field.get("custom") and field.get("createable") and field["type"] != "boolean"
    return bool(is_ours and field.get("defaultedOnCreate") and not is_known)


_REASONS: Final[tuple[tuple[Callable[[Table], bool], str], ...]] = (
    (_is_formula, "formulas and roll-ups stay empty"),
    (_is_auto_number, "auto numbers are not counted"),
    (_is_dependent, "dependent picklists take every value, whatever the controlling field says"),
    (_has_another_type, "a type that is not played: empty, and not writable"),
    (_has_unknown_default, "the default is a formula: it stays empty, and is missed where it is required"),
)


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
