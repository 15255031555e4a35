"""Makes sure that the results of a collection belong to its rows, before anything is written that refers to them.

The results of the platform carry no name of ours: a row is known by its place alone. Were the places shuffled on
the way, every id would be another row's, and a deal would go to another account. So the records are read by
their ids: one that has another row's key, or another row's values where there is no key, shows that no place can
be trusted, and the rows count as unanswered. A result that stands alone cannot be shuffled and costs no read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfsync.core.plans.plan import Change
from sfsync.core.ports import Lookup, Record
from sfsync.core.records import full_id
from sfsync.core.values import clean_key
from sfsync.core.writes import Answers, CollectionCall, Node, Unanswered, WriteCall, Written
from sfsync.engine.applying.in_doubt.settling import holds
from sfsync.engine.applying.run_state import RunState

SHUFFLED = "the answer's results are not in the order of the rows"


def in_place(state: RunState, call: WriteCall, answers: Answers) -> Answers:
    """The answers, those of a collection only where its records show that they are in order.

    Raises:
        SyncError: the records cannot be read now; the rows stay open in the journal.
    """
    if not isinstance(call, CollectionCall):
        return answers
    made = [(rows, ids) for rows in call.collections if len(rows) > 1 and (ids := _made(rows, answers))]
    read = state.gateway.fetch([_lookup(state, ids) for _, ids in made]) if made else []
    checked = dict(answers)
    for (rows, ids), records in zip(made, read, strict=True):
        if not _are_own(state, ids, records):
            checked |= {node.change_id: Unanswered(SHUFFLED) for node in rows}
    return checked


def _made(rows: Sequence[Node], answers: Answers) -> dict[str, str]:
    """Record id -> change id of the rows that the collection is said to have made."""
    return {
        answer.record_id: node.change_id
        for node in rows
        if node.record_id is None and isinstance(answer := answers.get(node.change_id), Written)
    }


def _lookup(state: RunState, ids: Mapping[str, str]) -> Lookup:
    """What is read of the records that a collection is said to have made."""
    changes = [state.by_id[name] for name in ids.values()]
    key_field = state.plan.key_fields.get(changes[0].sobject)
    names = [key_field] if key_field else [name for each in changes for name in each.desired]
    return Lookup(changes[0].sobject, tuple(dict.fromkeys(("Id", *names))), "Id", tuple(ids))


def _are_own(state: RunState, ids: Mapping[str, str], records: Sequence[Record]) -> bool:
    changes = {found: state.by_id[name] for found, name in ids.items()}
    key_field = state.plan.key_fields.get(next(iter(changes.values())).sobject)
    for record in records:
        change = changes[full_id(record)]
        if key_field:
            if clean_key(str(record[key_field])) != change.key:
                return False
        elif not holds(state, change, record) and _is_anothers(state, change, record, changes):
            return False
    return True


def _is_anothers(state: RunState, own: Change, record: Record, changes: Mapping[str, Change]) -> bool:
    """Whether the record holds what another row wants; values that an automation rewrote prove nothing."""
    return any(holds(state, each, record) for each in changes.values() if each is not own)
