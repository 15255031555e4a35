"""Reads the snapshot file of an org and judges whether its parts fit together.

The shape is judged in `snapshot_form.py`. Invariant: a snapshot that was read can be played: names are API
names (they become names of tables and columns), numbers are small enough to compute with, and what refers to
something finds it.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.snapshot_form import SnapshotError, check_shape

_MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_FIELDS: Final = 1900  # SQLite holds 2,000 columns in a table
_API_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_KEY_PREFIX: Final = re.compile(r"[0-9A-Za-z]{3}")
_WHOLE: Final = 100  # percent
_MOST: Final = {"length": 10_000_000, "precision": 100, "scale": 100, "digits": 100}
_MOST_SHOWN: Final = 60

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The parts of a checked snapshot, as the file has them; absent lists are empty."""

    organization: Table
    objects: Mapping[str, Table]
    stages: tuple[Table, ...] = ()
    lead_statuses: tuple[Table, ...] = ()


def load_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in a JSON file.

    Raises: SnapshotError for anything that cannot be played; OSError when there is no such file.
    """
    with path.open("rb") as opened:
        data = opened.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise SnapshotError(path.name, f"it is larger than {_MAX_BYTES // 1024 // 1024} MiB")
    try:
        document = json.loads(data, parse_constant=_refused_number, parse_float=_finite)
    except RecursionError:
        raise SnapshotError(path.name, "it is nested too deeply") from None
    except ValueError as problem:
        raise SnapshotError(path.name, f"it is not JSON, or cut off: {problem}") from None
    if b"\\ud" in data.lower() and not _is_text(document):
        raise SnapshotError(path.name, "it is not JSON: a text holds half of a surrogate pair")
    if not isinstance(document, dict):
        raise SnapshotError(path.name, "it is no JSON object")
    return snapshot_from(document)


def _is_text(document: object) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refused_number(digits)


def _refused_number(digits: str) -> NoReturn:
    raise ValueError(f"{digits[:_MOST_SHOWN]} is no number that can be played")


def snapshot_from(document: Table) -> Snapshot:
    """Return the snapshot in a parsed document.

    Raises: SnapshotError for another schema version, unknown keys, wrong types, and parts that do not fit.
    """
    check_shape(document)
    _check_month(document["organization"])
    snapshot = Snapshot(
        document["organization"],
        document["objects"],
        tuple(document.get("stages", ())),
        tuple(document.get("lead_statuses", ())),
    )
    _check_sense(snapshot)
    return snapshot


def _check_month(organization: Table) -> None:
    month = organization.get("fiscal_year_start_month", 1)
    if month not in range(1, 13):
        raise SnapshotError("organization.fiscal_year_start_month", f"it is no month: {month}")


def _check_sense(snapshot: Snapshot) -> None:
    _check_names(snapshot.objects, "objects")
    prefixes: dict[str, str] = {}
    for name, table in snapshot.objects.items():
        place = f"objects.{name}"
        prefix = table.get("keyPrefix")
        if prefix is not None and (
            not _KEY_PREFIX.fullmatch(prefix) or prefixes.setdefault(prefix, name) != name
        ):
            raise SnapshotError(f"{place}.keyPrefix", f"{prefix!r} is no key prefix of its own")
        _check_fields(table["fields"], f"{place}.fields")
        _check_record_types(table, place)
        _check_children(table, snapshot, place)
    _check_stages(snapshot)


def _check_names(names: Iterable[str], place: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not _API_NAME.fullmatch(name):
            raise SnapshotError(f"{place}.{name[:_MOST_SHOWN]}", "it is no API name")
        if name.lower() in seen:
            raise SnapshotError(f"{place}.{name}", "it is there twice")
        seen.add(name.lower())


def _check_fields(fields: Mapping[str, Table], place: str) -> None:
    _check_names(fields, place)
    if len(fields) > _MAX_FIELDS:
        raise SnapshotError(place, f"more than {_MAX_FIELDS} fields")
    if fields.get("Id", {}).get("type") != "id":
        raise SnapshotError(f"{place}.Id", "there is no field Id of the type id")
    for name, field in fields.items():
        for key, most in _MOST.items():
            if not 0 <= field.get(key, 0) <= most:
                raise SnapshotError(f"{place}.{name}.{key}", f"it is not between 0 and {most}")
        relationship = field.get("relationshipName")
        _check_names([relationship] if relationship else [], f"{place}.{name}.relationshipName")
        _check_names(field.get("referenceTo", ()), f"{place}.{name}.referenceTo")
        if field["type"] == "reference" and not field.get("referenceTo"):
            raise SnapshotError(f"{place}.{name}.referenceTo", "a reference refers to nothing")


def _check_record_types(table: Table, place: str) -> None:
    seen: set[str] = set()
    for number, kind in enumerate(table.get("recordTypes", ())):
        where = f"{place}.recordTypes[{number}]"
        record_id = kind["recordTypeId"]
        if normalised(record_id) != record_id or not record_id.startswith("012") or record_id in seen:
            raise SnapshotError(f"{where}.recordTypeId", f"{record_id!r} is no id of its own")
        seen.add(record_id)
        for name, values in kind.get("picklists", {}).items():
            known = {entry["value"] for entry in table["fields"].get(name, {}).get("picklistValues", ())}
            unknown = [value for value in values if value not in known]
            if unknown:
                raise SnapshotError(f"{where}.picklists.{name}", f"{unknown[0]!r} is no value of the field")


def _check_children(table: Table, snapshot: Snapshot, place: str) -> None:
    for number, child in enumerate(table.get("childRelationships", ())):
        of_child = snapshot.objects.get(child["childSObject"], {}).get("fields", {})
        if of_child.get(child["field"], {}).get("type") != "reference":
            raise SnapshotError(
                f"{place}.childRelationships[{number}]",
                f"{child['childSObject']}.{child['field']} is no reference in this snapshot",
            )


def _check_stages(snapshot: Snapshot) -> None:
    names = [stage["api_name"] for stage in snapshot.stages]
    for number, stage in enumerate(snapshot.stages):
        if stage["api_name"] in names[:number]:
            raise SnapshotError(f"stages[{number}]", f"{stage['api_name']!r} is there twice")
        if not 0 <= stage.get("probability", 0) <= _WHOLE:
            raise SnapshotError(f"stages[{number}].probability", "it is no percentage")
    field = snapshot.objects.get("Opportunity", {}).get("fields", {}).get("StageName", {})
    for entry in field.get("picklistValues", ()):
        if entry.get("active") and entry["value"] not in names:
            raise SnapshotError("stages", f"the stage {entry['value']!r} of Opportunity.StageName is missing")
