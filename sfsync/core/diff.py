"""One row against the record in the org, three ways: what we last brought, what is there, what is wanted.

A field is written when it differs and nobody else touched it. A field that moved in the org since our last
sync, and is not what the row wants, is a conflict: it belongs to whoever wrote it, and nothing of the record
is touched. A value that the platform rewrote on our last write (trimmed, rounded, automation) is not sent
again as long as the row still says the same. A field's policy may give one side the say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import FieldPolicy
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.values import PlannedValue, Value, from_json, is_same

_NO_POLICIES: Final[Mapping[str, FieldPolicy]] = {}

STAGE_DEPENDENTS = ("Probability", "ForecastCategoryName")
"""Fields that the platform recomputes when the stage changes; a row's own value goes in the same write.

Source: Object Reference, Opportunity.StageName.
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Which fields to send, what they hold now, which moved in the org, and which a policy left to the org."""

    values: Mapping[str, PlannedValue]
    before: Mapping[str, Value]
    conflicts: tuple[str, ...]
    kept: tuple[str, ...] = ()


def held(describe: SObjectDescribe, record: Record, names: Mapping[str, object]) -> dict[str, Value]:
    """The record's values of the named fields, typed by describe."""
    values: dict[str, Value] = {}
    for name in names:
        field = describe.field(name)
        values[name] = from_json(record.get(name), field.type if field else "string")
    return values


def scale_of(field: Field | None) -> int | None:
    """The decimals that a field keeps, to which its values are compared; None where there are none to keep."""
    return field.scale if field is not None and field.type in ("currency", "double", "percent") else None


def difference(
    describe: SObjectDescribe,
    desired: Mapping[str, PlannedValue],
    remote: Mapping[str, Value],
    entry: LedgerEntry | None,
    *,
    policies: Mapping[str, FieldPolicy] = _NO_POLICIES,
    stages: StageCatalogue | None = None,
) -> Difference:
    """What a row changes about a record. `remote` holds the record's values of the desired fields."""
    values: dict[str, PlannedValue] = {}
    conflicts: list[str] = []
    kept: list[str] = []
    for name, wanted in desired.items():
        field = describe.field(name)
        if field is None or not field.updateable:
            continue
        scale = scale_of(field)
        now = remote.get(name)
        if is_same(wanted, now, scale=scale):
            continue
        policy = policies.get(name, FieldPolicy.GUARD)
        is_known = entry is not None and name in entry.seen
        has_moved = entry is not None and is_known and not is_same(entry.seen[name], now, scale=scale)
        if _is_left_to_org(policy, wanted, now, stages=stages, is_ours=is_known and not has_moved):
            kept.append(name)
        elif has_moved and policy is FieldPolicy.GUARD:
            conflicts.append(name)
        elif (
            has_moved
            or entry is None
            or not is_known
            or not is_same(wanted, entry.sent.get(name), scale=scale)
        ):
            values[name] = wanted
    if "StageName" in values:
        along = (name for name in STAGE_DEPENDENTS if name not in kept)
        values |= {name: desired[name] for name in along if desired.get(name) is not None}
    if "CurrencyIsoCode" in values:
        values |= {name: desired[name] for name in _amounts(describe, desired) if name not in kept}
    return Difference(values, {name: remote.get(name) for name in values}, tuple(conflicts), tuple(kept))


def _amounts(describe: SObjectDescribe, desired: Mapping[str, PlannedValue]) -> list[str]:
    """The wanted amounts of a record, which go along with its new currency: left out, they would be converted.

    Source: Object Reference, Opportunity.CurrencyIsoCode.
    """
    found = ((name, describe.field(name)) for name, value in desired.items() if value is not None)
    return [name for name, field in found if field and field.type == "currency" and field.updateable]


def _is_left_to_org(
    policy: FieldPolicy, wanted: PlannedValue, now: Value, *, stages: StageCatalogue | None, is_ours: bool
) -> bool:
    """Whether a field that differs stays as the org has it; `is_ours` says that the org's value is our last one."""
    match policy:
        case FieldPolicy.CREATE_ONLY:
            return True
        case FieldPolicy.FILL_EMPTY:
            return not is_same(now, None)
        case FieldPolicy.ORG:
            return not is_ours and not is_same(now, None)
        case FieldPolicy.FORWARD_ONLY:
            return stages is None or not stages.is_forward(str(now), str(wanted))
        case FieldPolicy.SOURCE | FieldPolicy.GUARD:
            return False
