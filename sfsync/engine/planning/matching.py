"""Which record of the org each row is: by the key that the org keeps, or by what the journal remembers.

A row without a key in the org is known by its row key and by nothing else, so a job with such rows is refused
where the journal may not be the one that saw its earlier runs. What rows refer to is learned here too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sfsync.core.job import Job, Section
from sfsync.core.models import Reference
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_book import first_part
from sfsync.core.plans.plan_codec import saved_key_fields
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import full_id
from sfsync.core.references.candidates import TELLING
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import clean_key
from sfsync.core.wording import typed
from sfsync.engine.planning.deal_rules import watched_fields
from sfsync.engine.planning.forecasting import forecast_fields
from sfsync.engine.planning.merged_references import learn_merged
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.errors import GuardError


def refuse_without_memory(job: Job, org_id: str, journal: Journal) -> None:
    """Stops a job whose rows only the journal can tell from records, when this journal may not be the one.

    Raises:
        GuardError: the journal has no run of the job against the org, and nobody said that there never was one;
            or the newest run knew its rows by a key that the job no longer names.
    """
    keyless = [each for each in job.sections.values() if each.row_key is not None]
    if not keyless:
        return
    if journal.knows_job(job.name, org_id):
        _refuse_dropped_keys(job, keyless, org_id, journal)
        return
    names = " and ".join(each.name for each in keyless)
    refuse_restored(f"{names} of job {job.name}", _init(job), journal)
    raise GuardError(
        f"{names} of job {job.name} have no key in the org, and this journal has never seen the job: if it ran"
        " before with another journal, every row would be created a second time",
        code="JOURNAL_NEW",
        hint=f"If it never ran, say so once: {_init(job)}. Else set SFSYNC_STATE to its journal.",
    )


def _refuse_dropped_keys(job: Job, keyless: Sequence[Section], org_id: str, journal: Journal) -> None:
    """Stops rows that the newest run knew by a key of the org: the journal knows none of them by its row key."""
    newest = next((each for each in journal.runs(job.name) if each.org_id == org_id), None)
    saved = journal.plan(first_part(newest.run_id, newest.portions)) if newest else None
    if newest is None or saved is None:
        return
    keys = saved_key_fields(saved)
    dropped = [each for each in keyless if each.sobject in keys]
    if not dropped or journal.knows_job(job.name, org_id, since=newest.started_at):
        return
    names = " and ".join(each.name for each in dropped)
    fields = " and ".join(keys[each.sobject] for each in dropped)
    raise GuardError(
        f"{names} of job {job.name} went by the key {fields} until run {newest.run_id}, and go without it now: the"
        " journal would know none of them, and every row would be created a second time",
        code="KEY_DROPPED",
        hint=f'Put key = "{fields}" back. If none of the rows is in the org yet, say so once: {_init(job)}.',
    )


def refuse_forgotten(plan: Plan, journal: Journal, keyless: Collection[str] | None = None) -> None:
    """Stops an earlier plan whose rows only the journal can tell from records, when the journal may have
    forgotten some. `keyless` are the sObjects of such rows, where the plan is a portion of all.

    Raises:
        GuardError: it was put back from a backup since a person last vouched for it.
    """
    names = sorted(plan.keyless() if keyless is None else keyless)
    if names and not journal.knows_job(plan.job, plan.org.org_id):
        refuse_restored(" and ".join(names), f"sfsync state init {plan.job}", journal)


def refuse_restored(what: str, command: str, journal: Journal) -> None:
    """Stops rows without a key when the journal was put back from a backup and nobody has reconciled it since.

    `command` is what a person types to say that all is known.

    Raises:
        GuardError: it was.
    """
    restored_at = journal.restored_at()
    if restored_at is None:
        return
    raise GuardError(
        f"{what} have no key in the org, and this journal was found at {restored_at} to be an older copy of itself:"
        " what it has forgotten would be created a second time",
        code="JOURNAL_RESTORED",
        hint=f"Compare the org with the last runs' reports, then say that all is known: {command}.",
    )


def _init(job: Job) -> str:
    """The command that lets the job begin, to be typed as it is."""
    name, org = typed(job.file or job.name, job.org)
    return f"sfsync state init {name}{org}"


@dataclass(slots=True)
class OwnRecords:
    """The records that the rows of one section are; `learn` takes in the answer to `lookup`."""

    section: Section
    ledger: Mapping[str, LedgerEntry]
    lookup: Lookup | None
    folds_case: bool
    _found: dict[str, list[Record]] = field(default_factory=dict)

    def learn(self, records: Iterable[Record]) -> None:
        """Takes in the records that the org has."""
        keys = {entry.record_id: key for key, entry in self.ledger.items()}
        key_field = self.section.key
        for record in records:
            key = str(record.get(key_field)) if key_field else keys.get(full_id(record), "")
            self._found.setdefault(self._compared(clean_key(key)), []).append(record)

    def of(self, row: CheckedRow) -> list[Record]:
        """The records that the row may be; more than one is for a person."""
        return self._found.get(self._compared(row.key), [])

    def _compared(self, key: str) -> str:
        """The key as it is compared: a field of the org may not tell case apart, the journal does."""
        return key.casefold() if self.folds_case else key


def own_records(
    read: ReadSection, describe: SObjectDescribe, *, job: str, org_id: str, journal: Journal
) -> OwnRecords:
    """What is needed to find the records of a section's rows: the journal's memory of them, and one query."""
    section = read.section
    keys = tuple(dict.fromkeys(each.key for each in read.rows if each.key and not each.problems))
    ledger: dict[str, LedgerEntry] = {}
    for key_field in dict.fromkeys((None, section.key)):  # what went without a key before is still remembered
        names = {ledger_key(job, key, key_field=key_field): key for key in keys}
        entries = journal.ledger(org_id, section.sobject, names)
        ledger |= {names[name]: entry for name, entry in entries.items()}
    described = describe.field(section.key) if section.key else None
    folds_case = described is not None and not described.case_sensitive
    return OwnRecords(section, ledger, _lookup(read, keys, ledger, describe), folds_case)


def _lookup(
    read: ReadSection, keys: Sequence[str], ledger: Mapping[str, LedgerEntry], describe: SObjectDescribe
) -> Lookup | None:
    sobject, key_field = read.section.sobject, read.section.key
    values = keys if key_field else [ledger[key].record_id for key in keys if key in ledger]
    return (
        Lookup(sobject, compared_fields(read, describe), key_field or "Id", tuple(values)) if values else None
    )


def compared_fields(read: ReadSection, describe: SObjectDescribe) -> tuple[str, ...]:
    """What is read of the records that the rows of a section may be."""
    names: dict[str, None] = {"Id": None}
    for row in read.rows:
        names |= dict.fromkeys(row.values)
    if read.section.sobject == OPPORTUNITY:
        names |= dict.fromkeys(("AccountId", *forecast_fields(describe)))
    return tuple(names | watched_fields(describe))


def learn_references(
    table: ReferenceTable, answers: Iterable[tuple[Lookup, Iterable[Record]]], gateway: OrgGateway
) -> None:
    """Teaches the table what the org answered; where letter case decides, the describe says whether it counts."""
    for lookup, records in answers:
        table.learn(lookup, records)
    learn_merged(table, gateway)
    for place in table.doubtful_case():
        sobject, name = place
        described = gateway.describe(sobject).field(name)
        table.settle_case(place, matters=described is not None and described.case_sensitive)


def learn_what_tells_apart(
    table: ReferenceTable, wanted: Iterable[tuple[str, Reference]], gateway: OrgGateway, *, of: str
) -> None:
    """Asks what tells records apart among which a person will have to choose; nothing where there are none.

    Fields that the running user does not see are not asked for.
    """
    lookups = []
    for sobject, ids in table.untold(wanted, of=of).items():
        describe = gateway.describe(sobject)
        seen = [path for path in TELLING.get(sobject, ()) if _is_seen(path, describe)] or ["CreatedDate"]
        lookups.append(Lookup(sobject, ("Id", *seen), "Id", tuple(ids)))
    for lookup, records in zip(lookups, gateway.fetch(lookups) if lookups else [], strict=True):
        table.learn_telling(records, lookup.fields[1:])


def _is_seen(path: str, describe: SObjectDescribe) -> bool:
    head, dot, _ = path.partition(".")
    return describe.field(f"{head}Id" if dot else head) is not None
