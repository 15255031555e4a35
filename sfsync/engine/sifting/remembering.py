"""What a run forgets before it begins and remembers when it has ended, so that the next one can leave rows out.

The order makes it safe (see `sifting`): the prints of all groups that a plan is about are gone before its run is in
the journal, and come back only when it has ended there. A plan without knowledge of its own (retry, undo, adoption,
import) forgets the groups of its changes, and remembers nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sfsync.core.job_memory import JobMemory
from sfsync.core.plans.plan import WRITES, Change, Plan
from sfsync.core.ports import Record
from sfsync.core.reading.row_groups import group_of_key
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome
from sfsync.core.resync.memory import FIRST_READ, MARK, KnownStamp, Whose, unpacked_stamps
from sfsync.core.resync.org_changes import MODSTAMP, mark_of, seconds_of, stamp_of
from sfsync.core.resync.prints import group_print
from sfsync.core.resync.settled import settled_prints
from sfsync.core.resync.sifted import Sifted
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

_DEAL_CHANGE: Final = f"{OPPORTUNITY}:"
_WRITTEN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED})


def sifted_of(plan: Plan) -> Sifted | None:
    """The plan's own knowledge; a plan made out of another one has none."""
    own = plan.sifted
    return own if own is not None and own.plan_id == plan.plan_id and plan.undoes is None else None


def unsettle(plan: Plan, memory: JobMemory) -> None:
    """Forgets the prints of all groups that a plan is about; to be done before its run begins."""
    sifted, prints = sifted_of(plan), memory.prints
    if sifted is not None:
        prints.drop(plan.org.org_id, plan.job, None if sifted.is_whole else sifted.groups())
        return
    groups = [_group_of(each, plan) for each in plan.changes if each.action in WRITES]
    known = {each for each in groups if each is not None}
    prints.drop(plan.org.org_id, plan.job, known if None not in groups else None)


def _group_of(change: Change, plan: Plan) -> bytes | None:
    """The group of a change; None where it does not tell."""
    if change.sobject != CONTACT_ROLE:
        return group_print(group_of_key(change.sobject, change.key)) if change.key else None
    parent = next((each for each in plan.changes if each.change_id == change.parent), None)
    if parent is not None and parent.sobject == OPPORTUNITY and parent.key:
        return group_print(group_of_key(OPPORTUNITY, parent.key))
    if change.parent is not None and change.parent.startswith(_DEAL_CHANGE):
        return group_print(group_of_key(OPPORTUNITY, change.parent.removeprefix(_DEAL_CHANGE)))
    return None


def remember(
    report: Report,
    memory: JobMemory,
    *,
    there: Mapping[str, Record],
    read_at: datetime | None,
    user: str | None,
) -> None:
    """Remembers what a run that has ended settled, and how far the org is known.

    `there` are the records that it read back, by id, from `read_at` on by the org's clock; `user` is who wrote
    them.
    """
    plan = report.plan
    sifted = sifted_of(plan)
    if sifted is None:
        return
    org_id, job, prints = plan.org.org_id, plan.job, memory.prints
    prints.keep(org_id, job, settled_prints(sifted, report))
    if not sifted.document:  # a portion of a book, whose last one brings the mark
        own = list(_own_stamps(report, there, read_at, user))
        prints.keep_stamps(org_id, job, own, since=0)
        if own and read_at is not None:
            _first_read(plan, memory, read_at)
        return
    mark = mark_of(sifted.document["mark"])
    us = user or mark.user
    own = list(_own_stamps(report, there, read_at, us))
    if own and us is not None and read_at is not None:
        mark = replace(mark, own_until=_first_read(plan, memory, read_at), user=us)
    elif user is not None:
        mark = replace(mark, user=user)
    mark = replace(mark, roles=_roles_left(report, mark.roles, sifted, memory))
    stamps = {each.record_id: each for each in (*unpacked_stamps(sifted.seen), *own)}
    prints.keep_stamps(org_id, job, stamps.values(), since=seconds_of(mark.since))
    kept = {name: each for name, each in sifted.document.items() if name != "young_roles"}
    document = {**kept, "mark": mark.as_document()}
    memory.put_watermark(org_id, job, MARK, json.dumps(document, sort_keys=True))


def _first_read(plan: Plan, memory: JobMemory, read_at: datetime) -> datetime:
    """When the first portion of the plan's book was read back; later edits of its records are no writes of the run.

    What our own user edits between two portions, with another tool, would else count as what the run wrote.
    """
    if not plan.whole:
        return read_at
    org_id, job = plan.org.org_id, plan.job
    whole, _, first = (memory.watermark(org_id, job, FIRST_READ) or "").partition(" ")
    if whole == plan.whole:
        return min(datetime.fromisoformat(first), read_at)
    memory.put_watermark(org_id, job, FIRST_READ, f"{plan.whole} {read_at.isoformat()}")
    return read_at


def _roles_left(report: Report, counted: int | None, sifted: Sifted, memory: JobMemory) -> int | None:
    """The count of roles without those that this run deleted; None where nobody knows which of them it counted."""
    deleted = {
        change.record_id
        for change in report.plan.changes
        if change.sobject == CONTACT_ROLE and change.record_id and _is_deleted(report, change)
    }
    counted_ones = deleted - set(sifted.document.get("young_roles", ()))
    if counted is None or not counted_ones:
        return counted
    known = memory.prints.stamps(report.plan.org.org_id, report.plan.job, counted_ones)
    if any(each.whose is not Whose.SEEN for each in known.values()):
        return None
    return counted - len(counted_ones)


def _is_deleted(report: Report, change: Change) -> bool:
    result = report.results.get(change.change_id)
    return result is not None and result.outcome is Outcome.DELETED


def _own_stamps(
    report: Report, there: Mapping[str, Record], read_at: datetime | None, us: str | None
) -> Iterator[KnownStamp]:
    """The stamps that this run left on the records that it wrote."""
    for change in report.plan.changes:
        result = report.results.get(change.change_id)
        if result is None or result.outcome not in _WRITTEN or result.record_id is None:
            continue
        record = there.get(result.record_id, {})
        moment = stamp_of(record.get(MODSTAMP))
        if moment is None or read_at is None:
            continue
        whose = Whose.OURS if us is not None and record.get("LastModifiedById") == us else Whose.OTHERS
        if whose is Whose.OURS and moment >= read_at:
            whose = Whose.DOUBTFUL
        yield KnownStamp(result.record_id, seconds_of(moment), whose)
