"""A deal as it goes back to the local side: its key and ids, where it stands, who owns it, who takes part in it.

Columns come key first, so that the local side can follow by what it knows itself. Amounts and dates are written as
the org has them; a deal of which the org has nothing left is its key, its id and the word that it is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sfsync.core.ports import Record
from sfsync.core.records import full_id, value_at

OVERLAP: Final = timedelta(minutes=10)
"""So far before its watermark a pull asks again: what was committed late bears the time at which it began."""

MODSTAMP: Final = "SystemModstamp"
STAND: Final = ("StageName", "Probability", "Amount", "CloseDate", "IsClosed", "IsWon")
"""Where a deal stands."""

COLUMNS: Final = (
    "Key",
    "Id",
    "IsDeleted",
    "Name",
    *STAND,
    "OwnerId",
    "Owner.Name",
    "Owner.Email",
    MODSTAMP,
    "Roles",
)
"""The members of a pulled deal, in the order of the columns."""

TEXTS: Final = frozenset({"Key", "Name", "StageName", "Owner.Name", "Owner.Email"})
"""The columns whose text people wrote."""

ROLE_FIELDS: Final = (
    "Id",
    "OpportunityId",
    "ContactId",
    "Contact.Name",
    "Contact.Email",
    "Role",
    "IsPrimary",
    MODSTAMP,
)


@dataclass(frozen=True, slots=True)
class PulledDeal:
    """One deal; `values` has every member of `COLUMNS`, None where the org has nothing."""

    record_id: str
    values: Mapping[str, Any]


def deal_fields(names: Iterable[str], key_field: str | None) -> tuple[str, ...]:
    """The fields to ask of deals; `names` are those that the user may see."""
    visible = frozenset(names)
    plain = [name for name in COLUMNS if "." not in name and name in visible]
    owner = ("Owner.Name", "Owner.Email") if "OwnerId" in visible else ()
    return tuple(dict.fromkeys((*plain, *owner, *((key_field,) if key_field else ()))))


def pulled(record: Record, key: str, roles: Sequence[Record]) -> PulledDeal:
    """A deal of the org with its roles, which come in a fixed order."""
    values = {name: value_at(record, name) for name in COLUMNS}
    ordered = sorted(roles, key=lambda each: (not each.get("IsPrimary"), str(each["Id"])))
    members = [dict(_role(each)) for each in ordered]
    found = full_id(record)
    return PulledDeal(found, values | {"Key": key, "Id": found, "Roles": members})


def vanished_deal(found_id: str, key: str) -> PulledDeal:
    """A deal that the org does not know any more, not even in its recycle bin."""
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    return PulledDeal(found_id, values | {"Key": key, "Id": found_id, "IsDeleted": True, "Roles": []})


def _role(role: Record) -> Iterator[tuple[str, Any]]:
    for name in ROLE_FIELDS:
        if name not in ("OpportunityId", MODSTAMP):
            yield name, value_at(role, name)
