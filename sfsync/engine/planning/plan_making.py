"""Makes a plan: rows and a picture of the org in, one change for every row out. Nothing is written.

Sections go in the order of writing, so that a row may refer to a row of an earlier section that is yet to
be created. Each section costs one read for its records and its references together, contact roles one more
for the roles that the deals already have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import date
from functools import partial

from sfsync.core.deals.forecast_basis import ForecastBasis
from sfsync.core.deals.gone import GoneRows, VanishedRow
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.events import Listener, Noticed, PhaseAdvanced, PhaseStarted
from sfsync.core.job import Job, Section
from sfsync.core.plans.plan import Change, Plan, SourceImage
from sfsync.core.plans.record_names import referred_names
from sfsync.core.ports import ChangeRecord, Journal, OrgGateway, Record
from sfsync.core.reading.repeated_keys import repeated_note
from sfsync.core.reading.rows import RowSource
from sfsync.core.reading.source_marks import marks_of
from sfsync.core.references.owners import sandbox_suffixes
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.references.second_pass import without_lost_ends
from sfsync.core.reports.announced import announced
from sfsync.core.reports.results import Problem
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER
from sfsync.engine.planning.across_portions import AcrossPortions
from sfsync.engine.planning.brought_changes import brought
from sfsync.engine.planning.deal_rules import DealRules
from sfsync.engine.planning.forecasting import forecast_basis
from sfsync.engine.planning.gone_rows import LostRows, lost_rows, plan_vanished
from sfsync.engine.planning.ground import Ground
from sfsync.engine.planning.lead_planning import lead_planner
from sfsync.engine.planning.left_out import LeftOut
from sfsync.engine.planning.matching import (
    learn_references,
    learn_what_tells_apart,
    own_records,
)
from sfsync.engine.planning.parent_planning import ParentPlanner, wanted_parents
from sfsync.engine.planning.reading import CheckedRow, ReadSection, derived_roles, read_section
from sfsync.engine.planning.repeated_rows import roles_left_out
from sfsync.engine.planning.role_planning import RolePlanner
from sfsync.engine.planning.routing import plan_sending
from sfsync.engine.planning.row_planning import RowPlanner
from sfsync.engine.planning.row_problems import kept_note
from sfsync.engine.planning.row_references import ReferencePolicies, referred
from sfsync.engine.planning.schema import Schema
from sfsync.engine.planning.self_references import SelfReferences


@dataclass(frozen=True, slots=True)
class PlanStamp:
    """What a plan is given from outside, so that planning itself draws no clock and no randomness."""

    plan_id: str
    created_at: str


def plan_on(
    ground: Ground,
    job: Job,
    sources: Mapping[str, RowSource],
    *,
    journal: Journal,
    stamp: PlanStamp,
    listener: Listener,
    across: AcrossPortions | None = None,
    left_out: LeftOut | None = None,
) -> Plan:
    """The plan that makes the org agree with the job's rows, with `across` with those of one portion.

    Raises:
        ConfigError: the job does not fit the org.
        SourceError: a source cannot be read.
    """
    gateway, schema = ground.org, ground.schema
    org = gateway.identity()
    deals = DealRules(schema, ground.offered, date.fromisoformat(stamp.created_at[:10]))
    planning = _Planning(
        job, schema, gateway, journal, org.org_id, listener, ground.in_doubt, deals, ground.unfenced, across
    )
    planning.left_out = left_out or planning.left_out
    planning.read_all(sources)
    changes = planning.finish()
    sending = plan_sending(job, schema, changes, ground.offers, earlier=planning.earlier_updates)
    return Plan(
        plan_id=stamp.plan_id,
        job=job.name,
        profile=job.org or "",
        job_digest=job.digest,
        org=org,
        schema_digest=schema.digest,
        serial=journal.serial(job.name, org.org_id, job.share),
        created_at=stamp.created_at,
        mode=job.mode,
        role_policy=job.role_policy,
        on_role_error=job.on_role_error,
        key_fields={each.sobject: each.key for each in schema.writing if each.key},
        routes=sending.routes,
        is_strict=sending.is_strict,
        choices=sending.choices,
        org_calls=sending.org_calls,
        limits=job.limits,
        is_audited=bool(job.verify),
        gone=planning.gone(),
        names=planning.names(changes),
        changes=changes,
        notes=tuple(planning.notes),
        sources=planning.images,
        predicted=sending.predicted,
        forecast=planning.forecast(changes),
        open_references=tuple(planning.references.open),
        off_stage=deals.off_stage[0],
        off_stage_total=deals.off_stage[1],
        marks=marks_of(sources),
        share=job.share,
    )


@dataclass(slots=True)
class _Planning:
    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str
    listener: Listener
    still_open: Sequence[ChangeRecord]
    rules: DealRules
    unfenced: InitVar[frozenset[str]]
    across: AcrossPortions | None = None
    notes: list[Problem] = field(default_factory=list)
    images: dict[str, SourceImage] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    planned: dict[str, PlannedRecords] = field(default_factory=dict)
    table: ReferenceTable = field(init=False)
    references: ReferencePolicies = field(init=False)
    derived: list[CheckedRow] = field(default_factory=list)
    vanished: list[VanishedRow] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    rows: RowPlanner = field(init=False)
    parents: ParentPlanner = field(init=False)
    ahead: SelfReferences = field(init=False)
    places: dict[str, int] = field(default_factory=dict)
    earlier_updates: int = 0
    deals: list[Record] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)

    def __post_init__(self, unfenced: frozenset[str]) -> None:
        if self.across is not None:
            self.planned |= self.across.planned()
            self.earlier_updates = self.across.updates
        parents = self.across.parents if self.across is not None else None
        describes = {name: rules.describe for name, rules in self.schema.rules.items()}
        suffixes = sandbox_suffixes(self.gateway.identity())
        self.table = ReferenceTable(self.planned, describes, self.job.picks, suffixes)
        self.references = ReferencePolicies(self.table)
        self.rows = RowPlanner(self.job, self.schema, self.references, unfenced, self.rules)
        self.parents = ParentPlanner(
            self.job,
            self.schema,
            self.gateway,
            self.journal,
            self.org_id,
            self.table,
            self.planned,
            unfenced,
            parents,
        )
        # A method of the planning would close a circle, and keep all of a portion's rows in memory for a while.
        put = partial(_put_anew, self.changes, self.places, self.planned)
        self.ahead = SelfReferences(self.schema, self.table, self.rows, self.parents, put)

    def read_all(self, sources: Mapping[str, RowSource]) -> None:
        """Plans the rows of all sections, in the order of writing."""
        sections = self.schema.sections.values()
        for section in sorted(sections, key=lambda each: WRITE_ORDER.index(each.sobject)):
            if section.name in sources:
                rules = self.schema.rules[section.sobject]
                self.read(read_section(section, sources[section.name], rules))
            elif self.across is not None and self.across.is_last:
                self.plan_vanished(section)

    def read(self, read: ReadSection) -> None:
        """Plans the rows of one section."""
        self.listener(PhaseStarted(f"plan {read.section.name}", len(read.rows)))
        self.notes.extend(read.notes)
        if self.across is not None:
            self.across.begin_section(read)
        elif read.repeated.rows:
            self.notes.append(repeated_note(read.section.name, read.section.duplicate_keys, read.repeated))
        self.images.setdefault(read.image.name, read.image)
        self.changes += read.left_out
        if read.section.sobject == CONTACT_ROLE:
            self.changes += roles_left_out(read, tuple(self.changes))
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
        changes = self._completed()
        if self.across is not None:
            self.notes = self.across.notes.take(self.notes, self.rules, self.rows.kept)
            return tuple(changes)
        self.notes.extend(kept_note(*what, count=count) for what, count in self.rows.kept.items())
        self.notes.extend(self.rules.notes())
        self.rules.tell(self.left_out, changes)
        for message in announced(self.notes):
            self.listener(Noticed(message))
        return tuple(changes)

    def names(self, changes: Sequence[Change]) -> tuple[tuple[str, str], ...]:
        """What the records are called that the first changes refer to."""
        found = referred_names(changes, self.table.record, self.deals, self.table.record_types)
        return found if self.across is None else (*found, *self.across.labels(changes))

    def forecast(self, changes: Iterable[Change]) -> ForecastBasis | None:
        """What is needed to say the plan's effect on the forecast; None when the job has no deals."""
        rules = self.schema.rules.get(OPPORTUNITY)
        if rules is None or rules.stages is None:
            return None
        return forecast_basis(
            changes,
            self.deals,
            rules.describe,
            stages=rules.stages.stages,
            owners=self.table.names("User"),
            fiscal_year_start=self.gateway.fiscal_year_start(),
        )

    def gone(self) -> GoneRows:
        """The rows that are gone from the source or from the org."""
        known = {name: count for name, count in self.known.items() if count and self.vanished}
        return GoneRows(tuple(self.vanished), tuple(self.rows.gone.followed.values()), known)

    def _completed(self) -> Sequence[Change]:
        """The changes with the parents that are made for them, and what is written when all are created."""
        self.ahead.settle(None)
        changes = brought(self.changes, self.job.on_role_error, self.parents)
        if self.across is not None:
            return self.across.end_portion(changes, self.parents)
        further = self.ahead.completions(changes)
        if not self.parents.made and not self.ahead.is_used:
            return changes
        return wanted_parents(without_lost_ends([*self.parents.made.values(), *changes, *further]))

    def _take(self, change: Change, planned: PlannedRecords) -> None:
        self.places[change.change_id] = len(self.changes)
        self.changes.append(change)
        planned.add(change)
        if comes_from_lead(change):
            self.rules.observe(change, {})

    def _plan_keyed(self, read: ReadSection) -> None:
        sobject = read.section.sobject
        describe = self.schema.describe(sobject)
        own = own_records(read, describe, job=self.job.name, org_id=self.org_id, journal=self.journal)
        leads = lead_planner(
            read, self.references, self.planned, self.gateway, self.journal, self.org_id, self.job.name
        )
        references = [*referred(read, describe), *(leads.references(read.rows) if leads else ())]
        lookups = [own.lookup] if own.lookup else []
        lookups += self.table.lookups(references, of=sobject)
        answers = list(zip(lookups, self.gateway.fetch(lookups) if lookups else [], strict=True))
        if own.lookup:
            records = answers.pop(0)[1]
            own.learn(records)
            self.deals += records if sobject == OPPORTUNITY else []
        learn_references(self.table, answers, self.gateway)
        self.rows.gone.learn(
            read, own, gateway=self.gateway, journal=self.journal, job=self.job.name, org_id=self.org_id
        )
        learn_what_tells_apart(self.table, references, self.gateway, of=sobject)
        self.parents.judge(sobject, read.rows)
        self.ahead.hold_back(read)
        self.parents.settle(sobject, read.rows)
        planned = self.planned.setdefault(sobject, PlannedRecords(read.section.match_name))
        if leads:
            leads.prepare(read, own, describe)
            self.deals += leads.deals

        def plan(row: CheckedRow, records: list[Record], lead: str | None = None) -> Change:
            return self.ahead.change(read, row, records, own.ledger.get(row.key), lead=lead)

        for row in read.rows:
            found = own.of(row)
            for each in leads.changes(read, row, found, plan) if leads else [plan(row, found)]:
                self._take(each, self.planned.setdefault(each.sobject, planned))
        self.ahead.settle(sobject)
        if self.across is None:
            known = self.journal.memory.pages(self.org_id, self.job.name, sobject)
            self._plan_lost(read.section, lost_rows(read, self.schema, known, self.left_out.is_present))

    def plan_vanished(self, section: Section) -> None:
        """Plans what a section's source has no more, when all portions are read."""
        assert self.across is not None  # else each section does so when it is read
        lost = self.across.lost_rows(
            section,
            job=self.job.name,
            org_id=self.org_id,
            journal=self.journal,
            is_left_out=self.left_out.is_present,
        )
        self._plan_lost(section, lost)

    def _plan_lost(self, section: Section, lost: LostRows) -> None:
        found = plan_vanished(
            section,
            lost,
            self.schema,
            job=self.job.name,
            org_id=self.org_id,
            journal=self.journal,
            gateway=self.gateway,
        )
        self.changes += found.changes
        self.notes += found.notes
        self.vanished += found.rows
        self.deals += found.deals
        self.known[section.sobject] = found.known

    def _plan_roles(self, rows: list[CheckedRow]) -> None:
        planner = RolePlanner(
            self.job,
            self.schema,
            self.gateway,
            self.journal,
            self.org_id,
            self.references,
            self.still_open,
            self.parents,
        )
        planned = planner.plan(rows, self.planned.get(OPPORTUNITY))
        self.changes.extend(planned.changes)
        self.notes.extend(planned.notes)
        self.left_out.told |= planned.told


def _put_anew(
    changes: list[Change], places: Mapping[str, int], planned: Mapping[str, PlannedRecords], change: Change
) -> None:
    """Takes a change that was planned anew, in place of the one with the same id."""
    changes[places[change.change_id]] = change
    planned[change.sobject].add(change)
