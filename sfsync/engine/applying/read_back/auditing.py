"""Judges what was read back after a run: which values are not as they were sent, and by what the org tells, why.

The records come from the reading that the ledger needs anyway (`verifying`); an audit asks it for a few more fields
and costs no call of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sfsync.core.deals.second_writes import second_id
from sfsync.core.diff import held, scale_of
from sfsync.core.plans.plan import NEW, Action, Change
from sfsync.core.ports import Record
from sfsync.core.reports.audit import (
    OF_INTEREST,
    Audit,
    Compared,
    Finding,
    Kind,
    Moment,
    Stamp,
    is_of_our_write,
    kind_of,
    role_kind,
    running_user,
)
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import Value, parse_datetime
from sfsync.engine.applying.run_state import RunState

TIMES: Final = ("CreatedDate", "LastModifiedDate")

_NEVER: Final = Moment(None, None)


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A change that was written, what it wanted, and the record as it is now; None where it is gone.

    `completed_by` are the updates that gave a new record what came later.
    """

    change: Change
    record_id: str
    desired: Mapping[str, Value]
    record: Record | None
    completed_by: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether the run created the record, or made it out of a lead."""
        return self.change.action in NEW


def audited_fields(state: RunState, sobject: str) -> tuple[str, ...]:
    """What an audit reads of an sObject beside the fields that were sent, as far as this user sees it."""
    describe = state.gateway.describe(sobject)
    return tuple(each for each in (*TIMES, *OF_INTEREST.get(sobject, ())) if describe.field(each) is not None)


def audit_of(state: RunState, rows: Sequence[ReadBack]) -> Audit:
    """The audit of everything that the run has written."""
    stamps = {row.change.change_id: stamp_of_record(row.record) for row in rows if row.record is not None}
    us = user_of(state, rows)
    return Audit(
        len(rows),
        tuple(
            finding
            for row in rows
            for finding in (
                _missing(row) if row.record is None else _of_row(state, row, stamps[row.change.change_id], us)
            )
        ),
    )


def user_of(state: RunState, rows: Sequence[ReadBack]) -> str | None:
    """The user that the run writes as, by what its records tell; None where they do not."""
    return running_user(
        (stamp_of_record(row.record), _moment(state, row), row.is_new)
        for row in rows
        if row.record is not None
    )


def _missing(row: ReadBack) -> Iterator[Finding]:
    yield _finding(Kind.MISSING, row)


def _of_row(state: RunState, row: ReadBack, stamp: Stamp, us: str | None) -> Iterator[Finding]:
    assert row.record is not None
    change, describe = row.change, state.gateway.describe(row.change.sobject)
    now = held(describe, row.record, row.desired)
    moment = _moment(state, row)
    is_ours = is_of_our_write(stamp, moment, is_new=row.is_new) or any(
        state.moments.get(each, _NEVER).holds(stamp.at)
        for each in (*row.completed_by, second_id(change.change_id))
    )
    if change.action is Action.CONVERT:  # its values come some time after the conversion has made it
        is_ours = is_ours or is_of_our_write(stamp, moment, is_new=False)
    for name, sent in row.desired.items():
        if not row.is_new and name not in change.values:
            continue  # an update sends only what differed
        value = Compared(name, sent, now[name], change.before, row.is_new, scale_of(describe.field(name)))
        kind = kind_of(value, stamp, us=us, is_ours=is_ours)
        if kind is None:
            continue
        if change.sobject == CONTACT_ROLE:
            kind = role_kind(value, kind)
        by = stamp.by or "" if us is not None and stamp.by != us else ""
        yield _finding(kind, row, name, sent=sent, now=now[name], by=by)
    if row.is_new:
        yield from _defaulted(state, row)


def _defaulted(state: RunState, row: ReadBack) -> Iterator[Finding]:
    """What the platform filled in on create, of the fields that somebody wants to know."""
    assert row.record is not None
    describe = state.gateway.describe(row.change.sobject)
    names = dict.fromkeys(
        name
        for name in OF_INTEREST.get(row.change.sobject, ())
        if describe.field(name) is not None and name not in row.desired
    )
    for name, value in held(describe, row.record, names).items():
        if value is not None:
            yield _finding(Kind.DEFAULTED, row, name, now=value)


def _finding(
    kind: Kind, row: ReadBack, name: str = "", *, sent: Value = None, now: Value = None, by: str = ""
) -> Finding:
    change = row.change
    return Finding(
        kind, change.sobject, change.key, change.label, row.record_id, name, sent, now, by, change.row
    )


def _moment(state: RunState, row: ReadBack) -> Moment:
    return state.moments.get(row.change.change_id, _NEVER)


def stamp_of_record(record: Record) -> Stamp:
    """Who modified a record last, and when, as it was read with its audit fields."""
    return Stamp(
        by=_text(record, "LastModifiedById"),
        at=_time(record, "LastModifiedDate"),
        created_by=_text(record, "CreatedById"),
        created_at=_time(record, "CreatedDate"),
    )


def _text(record: Record, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) else None


def _time(record: Record, name: str) -> datetime | None:
    text = _text(record, name)
    return parse_datetime(text) if text else None
