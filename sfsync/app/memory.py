"""Looks after what the journal remembers, at a person's word: which jobs may begin, what is to be forgotten.

Part of the composition root. Nothing here writes to the org; `adopt` looks a record up there first. Where the id
of the org is given, or the journal knows it, nobody logs in. A job that has no file any more, as an import has
none, is known by its name alone.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import Job
from sfsync.core.ports import ChangeRecord, ChangeState, Journal, LedgerEntry, Lookup, RunRecord
from sfsync.core.reading.keys import ledger_key
from sfsync.core.references.parents import made_parents
from sfsync.core.reports.results import Outcome
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.core.wording import typed
from sfsync.errors import ConfigError, GuardError

if TYPE_CHECKING:
    from sfsync.journal import SqlJournal

KEYED: Final = (ACCOUNT, CONTACT, OPPORTUNITY)
"""The sObjects whose rows the ledger knows by a key."""


@contextmanager
def _journal(around: Surroundings) -> Iterator[SqlJournal]:
    """The journal, without any org."""
    from sfsync.journal import open_journal, state_place

    with open_journal(state_place(around.environ), clock=around.clock) as journal:
        yield journal


def admit(job: Job, *, org_id: str | None = None, around: Surroundings | None = None) -> str:
    """Notes a person's word that a job without keys never ran against its org with another journal.

    Logs in to learn the id of the org, unless it is given. Returns it.
    """
    given = around or Surroundings()
    at = given.clock().isoformat(timespec="seconds")
    if org_id is not None:
        with _journal(given) as journal:
            journal.admit_job(job.name, org_id, at=at)
        return org_id
    with opened(job, given) as place:
        org_id = place.gateway.identity().org_id
        place.journal.admit_job(job.name, org_id, at=at)
    return org_id


@dataclass(frozen=True, slots=True)
class Memory:
    """What the journal holds for one job and org: its runs, what is open, and how many records it knows.

    `org_id` is "" where the journal has never seen the job; `other_jobs` are then those it has seen.
    """

    org_id: str
    may_begin: bool
    runs: tuple[RunRecord, ...]
    still_open: tuple[tuple[RunRecord, ChangeRecord], ...]
    known: dict[str, int]
    other_jobs: tuple[str, ...] = ()


def remembered(name: str, *, org_id: str | None = None, around: Surroundings | None = None) -> Memory:
    """What the journal remembers of the job of that name; the org is not asked.

    Raises:
        ConfigError: the job has run against several orgs, and none is named.
    """
    with _journal(around or Surroundings()) as journal:
        org = org_id or _only_org(journal, name)
        if not org:
            others = tuple(sorted({each.job for each in journal.runs()}))
            return Memory("", may_begin=False, runs=(), still_open=(), known={}, other_jobs=others)
        return Memory(
            org_id=org,
            may_begin=journal.knows_job(name, org),
            runs=tuple(each for each in journal.runs(name) if each.org_id == org),
            still_open=tuple(journal.open_changes(name, org)),
            known=journal.count_ledger(org),
        )


def _only_org(journal: Journal, name: str) -> str:
    orgs = journal.org_ids(name)
    if len(orgs) > 1:
        raise ConfigError(
            f"job {name} has run against several orgs: {', '.join(orgs)}",
            code="SEVERAL_ORGS",
            hint=f"Say which: --org-id {orgs[0]}.",
        )
    return orgs[0] if orgs else ""


def forget(
    job: Job, names: Iterable[str], *, org_id: str | None = None, around: Surroundings | None = None
) -> list[str]:
    """Forgets rows by their keys or change ids: open changes count as not saved, ledger entries are dropped.

    Returns the change ids that were forgotten. What is forgotten is planned anew, as if it had never been sent.
    Logs in and settles what can be settled first, unless the org is named by its id. An interrupted run of the job
    ends then, because its plan knows nothing of the word.

    Raises:
        ConfigError: the journal knows none of the names, or rows of several sObjects by one of them.
        GuardError: the org is named by its id, and a run of the job against it is interrupted.
    """
    given = around or Surroundings()
    wanted = list(names)
    if org_id is None:
        with opened(job, given) as place, place.locked():
            forgotten = _forget(place.journal, job, place.gateway.identity().org_id, wanted)
            if forgotten:
                place.end_earlier()
    else:
        with _journal(given) as journal, journal.locked(f"{job.name}-{org_id}"):
            _refuse_interrupted(job, org_id, journal)
            forgotten = _forget(journal, job, org_id, wanted)
    if not forgotten:
        raise ConfigError(
            "the journal knows none of these rows",
            code="NOT_KNOWN",
            hint=f"sfsync state show {job.name} lists those that are open.",
        )
    return sorted(forgotten)


def _refuse_interrupted(job: Job, org_id: str, journal: Journal) -> None:
    """Stops a word that goes by an org's id while a run is interrupted.

    The run cannot be left as it is: resumed, it would write to the rows that were forgotten. Nor can it be ended
    without its org: what it has saved and not read back is in no ledger, and would be created a second time.
    """
    runs = (each for each in journal.runs(job.name) if each.org_id == org_id and each.exit_code is None)
    if (run := next(runs, None)) is not None:
        name, option = typed(job.file or job.name, job.org)
        raise GuardError(
            f"run {run.run_id} of job {job.name} was interrupted: only the org can say what it has saved",
            code="RUN_INTERRUPTED",
            hint=f"End it with sfsync resume {run.run_id} or sfsync run {name}{option} first,"
            " or leave --org-id out.",
        )


def _forget(journal: Journal, job: Job, org_id: str, names: Iterable[str]) -> set[str]:
    """Forgets the rows, all or none; returns their change ids."""
    still_open = journal.open_changes(job.name, org_id)
    found: dict[str, list[LedgerEntry]] = {}
    for name in names:
        entries = _entries(journal, job, org_id, name)
        own = {
            record.change_id
            for _, record in still_open
            if name in (record.change_id, record.change_id.partition(":")[2])
        }
        _refuse_several(job, name, own | entries.keys())
        found |= {each: entries.get(each, []) for each in own | entries.keys()}
    for run, record in still_open:
        if record.change_id in found:
            journal.record(run.run_id, [_as_not_saved(record.change_id)])
    if found:
        journal.memory.prints.drop(org_id, job.name)  # a person's word may be about any row
    for entry in (each for entries in found.values() for each in entries):
        journal.drop_ledger(org_id, entry.sobject, [entry.record_id])
    return set(found)


def _entries(journal: Journal, job: Job, org_id: str, name: str) -> dict[str, list[LedgerEntry]]:
    """What the ledger knows of rows of that name, by change id: with their key, and from when they had none."""
    found: dict[str, list[LedgerEntry]] = {}
    for sobject, key_field in _named(job):
        key = name.removeprefix(f"{sobject}:")
        rows = {ledger_key(job.name, key, key_field=each) for each in (None, key_field)}
        if entries := journal.ledger(org_id, sobject, rows):
            found[f"{sobject}:{key}"] = list(entries.values())
    return found


def _refuse_several(job: Job, name: str, found: Collection[str]) -> None:
    """Stops a name that several rows have: all but one of them may well be in the org."""
    if len(found) > 1:
        commands = " or ".join(
            f"sfsync state forget {job.name} {shlex.quote(each)}" for each in sorted(found)
        )
        raise ConfigError(
            f'the journal knows several rows of job {job.name} by "{name}"',
            code="SEVERAL_ROWS",
            hint=f"Say which one: {commands}.",
        )


def _as_not_saved(change_id: str) -> ChangeRecord:
    detail = {"code": "FORGOTTEN"}
    return ChangeRecord(change_id, ChangeState.REFUSED, Outcome.UNPROCESSED.value, detail=detail)


def _named(job: Job) -> list[tuple[str, str | None]]:
    """The sObjects of the job with their key fields; of a job without a file, all of them without a key."""
    if not job.sections:
        return [(each, None) for each in KEYED]
    own = {each.sobject: each.key for each in job.sections.values() if each.sobject != CONTACT_ROLE}
    return list((made_parents(job) | own).items())


def adopt(job: Job, name: str, found_id: str, *, around: Surroundings | None = None) -> str:
    """Says that a row without a key in the org is that record; the next run updates it. Returns the change id.

    Raises:
        ConfigError: the record is not there, it is another row's already, or no section of the job has rows
            without a key of its sObject.
    """
    with opened(job, around or Surroundings()) as place, place.locked():
        sobject = _keyless_sobject(job, found_id)
        full_id = record_id(found_id, sobject) or ""
        if not _is_there(place, sobject, full_id):
            raise ConfigError(
                f"the org has no {sobject} with the id {found_id}",
                code="NO_SUCH_RECORD",
                hint="Copy the id from the record's address in the org.",
            )
        key = name.removeprefix(f"{sobject}:")
        remember_adopted(place, sobject, key, full_id)
    return f"{sobject}:{key}"


def remember_adopted(place: Workplace, sobject: str, key: str, full_id: str) -> None:
    """Lets the journal remember that a row without a key in the org is that record.

    Raises:
        ConfigError: it is another row's already.
    """
    org_id = place.gateway.identity().org_id
    own = ledger_key(place.job.name, key, key_field=None)
    _refuse_anothers(place.job, own, place.journal.ledger_keys(org_id, sobject, full_id), full_id)
    place.end_earlier()  # their plans know the row as one to create
    place.journal.memory.prints.drop(org_id, place.job.name)
    entry = LedgerEntry(sobject, own, full_id, sent={}, seen={})
    place.journal.put_ledger(org_id, [entry])
    _settle_as_saved(place, org_id, f"{sobject}:{key}", full_id)


def _refuse_anothers(job: Job, own: str, known: Iterable[str], found_id: str) -> None:
    """Two rows of a job that are one record would overwrite each other's values in every run."""
    of_job = ledger_key(job.name, "", key_field=None)
    others = [each.removeprefix(of_job) for each in known if each.startswith(of_job) and each != own]
    if others:
        name, option = typed(job.name, job.org)
        key = shlex.quote(others[0])
        raise ConfigError(
            f'{found_id} is the record of row "{others[0]}" of job {job.name} already',
            code="ADOPTED_ALREADY",
            hint=f"Correct the id. If that row is wrong: sfsync state forget {name} {key}{option}, then adopt.",
        )


def _is_there(place: Workplace, sobject: str, full_id: str) -> bool:
    return bool(place.gateway.fetch([Lookup(sobject, ("Id",), "Id", (full_id,))])[0])


def _keyless_sobject(job: Job, found_id: str) -> str:
    for sobject, key_field in _named(job):
        if key_field is None and record_id(found_id, sobject) is not None:
            return sobject
    raise ConfigError(
        f"{found_id} is the id of nothing that job {job.name} writes without a key",
        code="NOT_ADOPTABLE",
        hint="Rows with a key in the org are found by it: sfsync adopt JOB --candidates seeks deals that lack it.",
    )


def _settle_as_saved(place: Workplace, org_id: str, change_id: str, full_id: str) -> None:
    for run, record in place.journal.open_changes(place.job.name, org_id):
        if record.change_id == change_id:
            saved = ChangeRecord(change_id, ChangeState.DONE, Outcome.CREATED.value, full_id)
            place.journal.record(run.run_id, [saved])
