"""Looks after what the journal remembers, at a person's word: which jobs may begin, what is to be forgotten.

Part of the composition root. Nothing here writes to the org; `adopt` looks a record up there first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sfsync.app import Surroundings, Workplace, opened
from sfsync.core.job import Job, Section
from sfsync.core.keys import ledger_key
from sfsync.core.ports import ChangeRecord, ChangeState, LedgerEntry, Lookup, RunRecord
from sfsync.core.results import Outcome
from sfsync.core.sobject import CONTACT_ROLE, record_id
from sfsync.errors import ConfigError


def admit(job: Job, *, around: Surroundings | None = None) -> str:
    """Notes a person's word that a job without keys never ran against its org with another journal.

    Returns the id of the org.
    """
    with opened(job, around or Surroundings()) as place:
        org_id = place.gateway.identity().org_id
        place.journal.admit_job(job.name, org_id, at=place.bench.now())
    return org_id


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal holds for one job and org: its runs, what is open, and how many records it knows."""

    org_id: str
    may_begin: bool
    runs: tuple[RunRecord, ...]
    still_open: tuple[tuple[RunRecord, ChangeRecord], ...]
    known: dict[str, int]


def remembered(job: Job, *, around: Surroundings | None = None) -> Memory:
    """What the journal remembers of a job."""
    with opened(job, around or Surroundings()) as place:
        org_id = place.gateway.identity().org_id
        journal = place.journal
        return Memory(
            org_id=org_id,
            may_begin=journal.knows_job(job.name, org_id),
            runs=tuple(each for each in journal.runs(job.name) if each.org_id == org_id),
            still_open=tuple(journal.open_changes(job.name, org_id)),
            known=journal.count_ledger(org_id),
        )


def forget(job: Job, names: Iterable[str], *, around: Surroundings | None = None) -> list[str]:
    """Forgets rows by their keys or change ids: open changes count as not saved, ledger entries are dropped.

    Returns the change ids that were forgotten. What is forgotten is planned anew, as if it had never been sent.

    Raises:
        ConfigError: the journal knows none of the names.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        org_id = place.gateway.identity().org_id
        forgotten = [each for name in names for each in _forget(place, org_id, name)]
    if not forgotten:
        raise ConfigError(
            "the journal knows none of these rows", code="NOT_KNOWN", hint="sfsync state show JOB lists them."
        )
    return sorted(set(forgotten))


def _forget(place: Workplace, org_id: str, name: str) -> list[str]:
    found: list[str] = []
    for run, record in place.journal.open_changes(place.job.name, org_id):
        if name in (record.change_id, record.change_id.partition(":")[2]):
            place.journal.record(run.run_id, [_as_not_saved(record.change_id)])
            found.append(record.change_id)
    for section in _sections(place.job):
        key = name.removeprefix(f"{section.sobject}:")
        entry = _entry(place, org_id, section, key)
        if entry is not None:
            place.journal.drop_ledger(org_id, section.sobject, [entry.record_id])
            found.append(f"{section.sobject}:{key}")
    return found


def _as_not_saved(change_id: str) -> ChangeRecord:
    detail = {"code": "FORGOTTEN"}
    return ChangeRecord(change_id, ChangeState.REFUSED, Outcome.UNPROCESSED.value, detail=detail)


def _sections(job: Job) -> list[Section]:
    return [each for each in job.sections.values() if each.sobject != CONTACT_ROLE]


def _entry(place: Workplace, org_id: str, section: Section, key: str) -> LedgerEntry | None:
    name = ledger_key(place.job.name, key, key_field=section.key)
    return place.journal.ledger(org_id, section.sobject, [name]).get(name)


def adopt(job: Job, name: str, found_id: str, *, around: Surroundings | None = None) -> str:
    """Says that a row without a key in the org is that record; the next run updates it. Returns the change id.

    Raises:
        ConfigError: the record is not there, or no section of the job has rows without a key of its sObject.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        org_id = place.gateway.identity().org_id
        section = _keyless_section(job, found_id)
        full_id = record_id(found_id, section.sobject)
        if (
            full_id is None
            or not place.gateway.fetch([Lookup(section.sobject, ("Id",), "Id", (full_id,))])[0]
        ):
            raise ConfigError(
                f"the org has no {section.sobject} with the id {found_id}",
                code="NO_SUCH_RECORD",
                hint="Copy the id from the record's address in the org.",
            )
        key = name.removeprefix(f"{section.sobject}:")
        entry = LedgerEntry(
            section.sobject, ledger_key(job.name, key, key_field=None), full_id, sent={}, seen={}
        )
        place.journal.put_ledger(org_id, [entry])
        _settle_as_saved(place, org_id, f"{section.sobject}:{key}", full_id)
    return f"{section.sobject}:{key}"


def _keyless_section(job: Job, found_id: str) -> Section:
    for section in _sections(job):
        if section.row_key is not None and record_id(found_id, section.sobject) is not None:
            return section
    raise ConfigError(
        f"{found_id} is the id of nothing that job {job.name} writes without a key",
        code="NOT_ADOPTABLE",
        hint="Rows with a key in the org are found by it; only rows with row_key are adopted.",
    )


def _settle_as_saved(place: Workplace, org_id: str, change_id: str, full_id: str) -> None:
    for run, record in place.journal.open_changes(place.job.name, org_id):
        if record.change_id == change_id:
            saved = ChangeRecord(change_id, ChangeState.DONE, Outcome.CREATED.value, full_id)
            place.journal.record(run.run_id, [saved])
