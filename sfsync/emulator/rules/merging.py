"""Merging duplicates: one record is kept, one or two go, and what belonged to them moves to the kept one.

The kept record takes no value of the others unless the caller sends it. The others are deleted and name
the kept one in MasterRecordId. Two roles that coincide afterwards stay two rows.
Source: SOAP API Developer Guide, merge [D]; Object Reference, MasterRecordId [D].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.standard import typed_field
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.contact_roles import show_primary_contact
from sfsync.emulator.rules.deleting import delete_row
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.field_checks import checked_value
from sfsync.emulator.rules.saving import Outcome, update_row

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

MERGEABLE: Final = frozenset({"Account", "Contact", "Lead"})
_MOST_LOSERS: Final = 2
_ROLE: Final = "OpportunityContactRole"


@dataclass(frozen=True, slots=True)
class MergeOutcome(Outcome):
    """What became of one merge: the records that went, and the children that moved."""

    merged: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


def merge(call: "Call", master: Draft, losers: list[str]) -> Outcome:
    """Merge records into the one that the draft names, and set the values of the draft on it."""
    try:
        call.check_row_fault(master, master.sent_id)
        with call.work.unit():
            return _merge(call, master, losers)
    except RowRefusedError as refused:
        return Outcome(errors=(refused.error,))


def _merge(call: "Call", master: Draft, losers: list[str]) -> Outcome:
    kept, *gone = _checked_ids(call, master, losers)
    update_row(call, master, kept)
    moved = [child for loser in gone for child in _move_children(call, master.sobject, loser, kept=kept)]
    for loser in gone:
        delete_row(call, master.sobject, loser)
        call.org.storage.update(master.sobject.name, loser, {"MasterRecordId": kept})
    return MergeOutcome(kept, merged=tuple(gone), moved=tuple(dict.fromkeys(moved)))


def _checked_ids(call: "Call", master: Draft, losers: list[str]) -> list[str]:
    label = master.sobject.label
    if not losers or len(losers) > _MOST_LOSERS:
        raise RowRefusedError("LIMIT_EXCEEDED", f"one or two records merge into one, not {len(losers)}")
    if master.sent_id is None:
        raise RowRefusedError("MISSING_ARGUMENT", "Id not specified in a merge call", "Id")
    reference = typed_field("Id", f"ref:{master.sobject.name}", label=f"{label} ID")
    ids = [str(checked_value(call, reference, given)) for given in (master.sent_id, *losers)]
    if len(set(ids)) < len(ids):
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "a record cannot be merged with itself")
    if master.sobject.name == "Lead" and any(
        call.org.storage.value("Lead", each, "IsConverted") for each in ids
    ):
        raise RowRefusedError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    return ids


def _move_children(call: "Call", sobject: SObject, loser: str, *, kept: str) -> Iterator[str]:
    """Let everything that names a record name the kept one instead; yields the ids of what moved."""
    for relation in sobject.children:
        shape = call.org.schema[relation.child]
        if relation.field == "MasterRecordId":
            continue
        alive = ' AND "IsDeleted" = 0' if shape.has_recycle_bin else ""
        for child in call.org.storage.select(relation.child, f'"{relation.field}" = ?{alive}', loser):
            parent = None if child["Id"] == kept else kept
            _move(call, shape, child, field=relation.field, parent=parent)
            yield child["Id"]


def _move(call: "Call", shape: SObject, child: Row, *, field: str, parent: str | None) -> None:
    changes = {field: parent, "SystemModstamp": call.now_stamp}
    call.org.storage.update(shape.name, child["Id"], changes)
    call.work.note(shape.name, child["Id"], "side_effect")
    if shape.name == _ROLE:
        show_primary_contact(call, child["OpportunityId"])
