"""Makes a plan: rows and a picture of the org in, one change for every row out. Nothing is written.

Sections go in the order of writing, so that a row may refer to a row of an earlier section that is yet to
be created. Each section costs one read for its records and its references together, contact roles one more
for the roles that the deals already have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.checks import Invalid, missing_problem, row_problem
from sfsync.core.costs import predicted_calls
from sfsync.core.diff import difference, held
from sfsync.core.events import Listener, Noticed, PhaseAdvanced, PhaseStarted
from sfsync.core.job import FieldPolicy, Job, Mode, UpdateMode
from sfsync.core.models import Reference
from sfsync.core.plan import Action, Change, Plan, SourceImage
from sfsync.core.ports import ChangeRecord, Journal, LedgerEntry, OrgGateway, Record, RunRecord
from sfsync.core.resolve import BlockedBy, PlannedRecords, ReferenceTable
from sfsync.core.results import Problem, Stage
from sfsync.core.rows import RowSource
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER
from sfsync.core.values import Pending, PlannedValue, Value
from sfsync.core.writes import Route
from sfsync.engine.matching import full_id, learn_references, own_records, refuse_without_memory
from sfsync.engine.reading import CheckedRow, ReadSection, derived_roles, read_section
from sfsync.engine.role_planning import RolePlanner, rejected_deals
from sfsync.engine.routing import plan_routes
from sfsync.engine.row_problems import (
    already_there,
    gone,
    kept_note,
    lacks_key,
    moved,
    not_there,
    unclear_match,
    unsettled,
)
from sfsync.engine.schema import Schema, read_schema, target

MOST_STRICT: Final = 500
"""Updates of one plan that are each sent on a condition; more go without, two hundred times faster."""


@dataclass(frozen=True, slots=True)
class PlanStamp:
    """What a plan is given from outside, so that planning itself draws no clock and no randomness."""

    plan_id: str
    created_at: str


def make_plan(
    job: Job,
    sources: Mapping[str, RowSource],
    *,
    gateway: OrgGateway,
    journal: Journal,
    stamp: PlanStamp,
    listener: Listener,
    accepted: Collection[tuple[str, str]] = (),
) -> Plan:
    """The plan that makes the org agree with the job's rows. `sources` is keyed by section name.

    `accepted` are changes of earlier runs, by run and change id, that go again though nobody can say of them.

    Raises:
        ConfigError: the job does not fit the org.
        GuardError: rows have no key in the org, and the journal has never seen the job.
        SourceError: a source cannot be read.
    """
    org = gateway.identity()
    schema = read_schema(job, gateway)
    refuse_without_memory(job, org.org_id, journal)
    still_open = [
        (run, record)
        for run, record in journal.open_changes(job.name, org.org_id)
        if (run.run_id, record.change_id) not in accepted
    ]
    unfenced = _unfenced(still_open, journal)
    in_doubt = [record for _, record in still_open]
    planning = _Planning(job, schema, gateway, journal, org.org_id, listener, in_doubt, unfenced)
    for section in sorted(schema.sections.values(), key=lambda each: WRITE_ORDER.index(each.sobject)):
        planning.read(read_section(section, sources[section.name], schema.rules[section.sobject]))
    changes = planning.finish()
    routes = plan_routes(job, schema, changes, gateway)
    is_strict = _is_strict(job.update_mode, changes)
    return Plan(
        plan_id=stamp.plan_id,
        job=job.name,
        profile=job.org or "",
        job_digest=job.digest,
        org=org,
        schema_digest=schema.digest,
        serial=journal.serial(job.name, org.org_id),
        created_at=stamp.created_at,
        mode=job.mode,
        role_policy=job.role_policy,
        on_role_error=job.on_role_error,
        key_fields={each.sobject: each.key for each in schema.sections.values() if each.key},
        routes=routes,
        is_strict=is_strict,
        limits=job.limits,
        changes=changes,
        notes=tuple(planning.notes),
        sources=planning.images,
        predicted=predicted_calls(changes, routes, is_strict=is_strict),
    )


def _unfenced(still_open: Sequence[tuple[RunRecord, ChangeRecord]], journal: Journal) -> frozenset[str]:
    """The open changes that may have been sent without a key: a key that they have by now fences none of them."""
    sent = {run.run_id: journal.sendings(run.run_id) for run, _ in still_open}
    routes = ((record.change_id, sent[run.run_id].get(record.change_id)) for run, record in still_open)
    return frozenset(name for name, by in routes if by is None or by[0] is not Route.KEY_FENCE)


def _is_strict(mode: UpdateMode, changes: tuple[Change, ...]) -> bool:
    if mode is not UpdateMode.AUTO:
        return mode is UpdateMode.STRICT
    updates = [each for each in changes if each.action is Action.UPDATE and each.sobject != CONTACT_ROLE]
    return len(updates) <= MOST_STRICT


@dataclass(slots=True)
class _Planning:
    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str
    listener: Listener
    still_open: Sequence[ChangeRecord]
    unfenced: frozenset[str]
    notes: list[Problem] = field(default_factory=list)
    images: dict[str, SourceImage] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    planned: dict[str, PlannedRecords] = field(default_factory=dict)
    table: ReferenceTable = field(init=False)
    derived: list[CheckedRow] = field(default_factory=list)
    kept: Counter[tuple[str, str, FieldPolicy]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        describes = {name: rules.describe for name, rules in self.schema.rules.items()}
        self.table = ReferenceTable(self.planned, describes)

    def read(self, read: ReadSection) -> None:
        """Plans the rows of one section."""
        self.listener(PhaseStarted(f"plan {read.section.name}", len(read.rows)))
        self.notes.extend(read.notes)
        self.images.setdefault(read.image.name, read.image)
        if read.section.sobject == CONTACT_ROLE:
            self._plan_roles([*read.rows, *self.derived])
            self.derived = []
        else:
            if read.section.sobject == OPPORTUNITY:
                self.derived = derived_roles(read)
            self._plan_keyed(read)
        self.listener(PhaseAdvanced(f"plan {read.section.name}", len(read.rows)))

    def finish(self) -> tuple[Change, ...]:
        """All changes in the order of writing."""
        if self.derived:
            self._plan_roles(self.derived)
        changes = rejected_deals(self.changes, self.job.on_role_error)
        self.notes.extend(kept_note(*what, count=count) for what, count in self.kept.items())
        for note in self.notes:
            self.listener(Noticed(note.message))
        return tuple(changes)

    def _plan_keyed(self, read: ReadSection) -> None:
        sobject = read.section.sobject
        describe = self.schema.describe(sobject)
        own = own_records(read, describe, job=self.job.name, org_id=self.org_id, journal=self.journal)
        lookups = [own.lookup] if own.lookup else []
        lookups += self.table.lookups(self._references(sobject, read.rows))
        answers = list(zip(lookups, self.gateway.fetch(lookups) if lookups else [], strict=True))
        if own.lookup:
            own.learn(answers.pop(0)[1])
        learn_references(self.table, answers, self.gateway)
        planned = self.planned.setdefault(sobject, PlannedRecords(read.section.match_name))
        for row in read.rows:
            change = self._keyed_change(read, row, own.of(row), own.ledger.get(row.key))
            self.changes.append(change)
            planned.add(change)

    def _references(self, sobject: str, rows: Iterable[CheckedRow]) -> Iterable[tuple[str, Reference]]:
        describe = self.schema.describe(sobject)
        for row in rows:
            for name, value in row.values.items():
                reference_field = describe.field(name)
                if isinstance(value, Reference) and reference_field is not None:
                    yield target(reference_field), value

    def _keyed_change(
        self, read: ReadSection, row: CheckedRow, records: list[Record], entry: LedgerEntry | None
    ) -> Change:
        base = _base_change(read, row)
        if row.problems:
            return replace(base, action=Action.REJECT, problems=tuple(row.problems))
        desired, problems, is_blocked = self._resolved(read, row, records[0] if records else {})
        base = replace(base, desired=desired)
        if problems:
            return replace(
                base, action=Action.BLOCKED if is_blocked else Action.REJECT, problems=tuple(problems)
            )
        key_field = read.section.key
        if len(records) > 1 or (records and key_field and records[0].get(key_field) != row.key):
            return replace(base, action=Action.REJECT, problems=(unclear_match(row, records),))
        if records:
            return self._of_existing(read, row, base, record=records[0], entry=entry)
        return self._of_absent(read, row, base, entry=entry)

    def _resolved(
        self, read: ReadSection, row: CheckedRow, record: Record
    ) -> tuple[dict[str, PlannedValue], list[Problem], bool]:
        """The values with references resolved, the problems of those that are not, and if one is blocked."""
        describe = self.schema.describe(read.section.sobject)
        desired: dict[str, PlannedValue] = {}
        problems: list[Problem] = []
        is_blocked = False
        for name, value in row.values.items():
            reference_field = describe.field(name)
            if not isinstance(value, Reference) or reference_field is None:
                desired[name] = value
                continue
            goal, sobject, held = target(reference_field), read.section.sobject, record.get(name)
            resolved = self.table.resolve(goal, value, of=sobject, held=held)
            if isinstance(resolved, str | Pending):
                desired[name] = resolved
                continue
            is_blocked = is_blocked or isinstance(resolved, BlockedBy)
            invalid = blocked_by(resolved) if isinstance(resolved, BlockedBy) else resolved
            problem = row_problem(read.section, row.ref, name, invalid, value=value.value)
            problems.append(replace(problem, stage=Stage.MATCH))
        return desired, problems, is_blocked

    def _of_existing(
        self, read: ReadSection, row: CheckedRow, base: Change, *, record: Record, entry: LedgerEntry | None
    ) -> Change:
        rules = self.schema.rules[read.section.sobject]
        found_id = full_id(record)
        account = base.account or _text_or_none(record.get("AccountId"))
        base = replace(base, record_id=found_id, account=account, adopted=entry is None)
        if self.job.mode is Mode.INSERT:
            return replace(base, action=Action.SKIP, problems=(already_there(row),))
        emptied = missing_problem(read.section, row.ref, rules.emptied(base.desired))
        if emptied is not None:
            return replace(base, action=Action.REJECT, problems=(emptied,))
        if entry is not None and entry.record_id != found_id:
            entry = None
        remote = held(rules.describe, record, base.desired)
        policies = {rule.field: rule.policy for rule in read.section.rules}
        found = difference(
            rules.describe, base.desired, remote, entry, policies=policies, stages=rules.stages
        )
        self.kept.update((read.section.name, name, policies[name]) for name in found.kept)
        if found.conflicts:
            return replace(base, action=Action.CONFLICT, problems=(moved(row, found.conflicts),))
        if not found.values:
            return base
        return replace(base, action=Action.UPDATE, values=found.values, before=found.before)

    def _of_absent(
        self, read: ReadSection, row: CheckedRow, base: Change, *, entry: LedgerEntry | None
    ) -> Change:
        rules, key_field = self.schema.rules[read.section.sobject], read.section.key
        if entry is not None:
            was_keyless = key_field is not None and entry.key != row.key
            problem = lacks_key(row, entry, key_field or "") if was_keyless else gone(row, entry)
            return replace(base, action=Action.CONFLICT, problems=(problem,))
        if self.job.mode is Mode.UPDATE:
            return replace(base, action=Action.SKIP, problems=(not_there(row),))
        if base.change_id in self.unfenced:
            return replace(base, action=Action.UNKNOWN, problems=(unsettled(row, self.job, key_field),))
        missing = missing_problem(read.section, row.ref, rules.missing_on_create(base.desired))
        if missing is not None:
            return replace(base, action=Action.REJECT, problems=(missing,))
        values = {name: value for name, value in base.desired.items() if value is not None}
        return replace(base, action=Action.CREATE, values=values)

    def _plan_roles(self, rows: list[CheckedRow]) -> None:
        planner = RolePlanner(
            self.job, self.schema, self.gateway, self.journal, self.org_id, self.table, self.still_open
        )
        planned = planner.plan(rows, self.planned.get(OPPORTUNITY))
        self.changes.extend(planned.changes)
        self.notes.extend(planned.notes)


def blocked_by(blocked: BlockedBy) -> Invalid:
    """Why a row waits for another one of its job."""
    message = f"refers to {blocked.change_id}, which is not brought to the org"
    return Invalid("BLOCKED_BY", message, "Correct that row first, then import both again.")


def _base_change(read: ReadSection, row: CheckedRow) -> Change:
    sobject = read.section.sobject
    name = f"{sobject}:{row.key}"
    if row.problems or not row.key:
        name = f"{sobject}@{row.place}"
    return Change(name, sobject, Action.NOOP, row.key, row.label, row=row.ref, account=_account(row))


def _account(row: CheckedRow) -> str | None:
    account = row.values.get("AccountId")
    return account.value if isinstance(account, Reference) else None


def _text_or_none(value: Value) -> str | None:
    return value if isinstance(value, str) else None
