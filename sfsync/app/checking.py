"""Checks a job against what its org is made of: the org itself, or a snapshot of it where there is no org.

Part of the composition root. Both ways give the same findings by the same code; neither reads a record, and
what only records can tell is said to be unchecked. With a snapshot there is no login, no network, and no
journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sfsync.app.planning import open_sources
from sfsync.app.snapshots import read_snapshot
from sfsync.app.workplace import Surroundings, connected, org_of
from sfsync.core.job import Job, Section
from sfsync.core.orgs.pins import pin_notes
from sfsync.core.orgs.snapshot import Snapshot
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.ports import OrgSchema
from sfsync.core.presets.fitting import fitted_to_sources
from sfsync.core.presets.telling import EffectiveSection, effective_sections
from sfsync.core.reports.results import Problem
from sfsync.core.sending.guarantees import Guarantee, guarantee_of
from sfsync.core.sending.receipts import RECEIPT, can_keep_receipts
from sfsync.core.sending.routes import Means, choose_routes
from sfsync.core.sobject import LEAD
from sfsync.core.writes import Route
from sfsync.engine.planning.lead_checks import UNCHECKED, lead_note
from sfsync.engine.planning.lead_planning import converted_statuses
from sfsync.engine.planning.offered_values import OfferedValues
from sfsync.engine.planning.reading import ReadSection, read_section
from sfsync.engine.planning.record_types import Offered, record_type_problems
from sfsync.engine.planning.routing import OrgOffers, means_of
from sfsync.engine.planning.schema import read_schema, target


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """What a check found: rows and guarantee of each sObject, and the problems of rows that can be judged alone.

    `snapshot` is the file that stood in for the org, or None. `unchecked` are sentences. `presets` are the sections
    with presets, as they are for the files.
    """

    job: str
    org: OrgIdentity
    rows: Mapping[str, int]
    creates: Mapping[str, Guarantee]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    unchecked: tuple[str, ...]
    snapshot: str | None = None
    presets: tuple[EffectiveSection, ...] = ()


def check(job: Job, *, around: Surroundings | None = None, snapshot: Path | None = None) -> CheckedJob:
    """Checks a job and its sources against its org, or against a snapshot; nothing is written.

    Raises:
        ConfigError: the job does not fit the org, or the snapshot cannot be used.
        SourceError: a source cannot be read.
    """
    if snapshot is not None:
        taken = read_snapshot(snapshot)
        statuses = [each.api_name for each in taken.lead_statuses if each.converted]
        means = _means_in(taken)
        return _checked(
            job, taken, means, offered=taken.offered, statuses=lambda: statuses, file=str(snapshot)
        )
    given = around or Surroundings()
    profile = org_of(job, given)
    with connected(profile, given) as gateway:
        offered = OfferedValues(gateway)
        checked = _checked(
            job,
            gateway,
            means_of(OrgOffers(gateway)),
            offered=offered.of,
            statuses=lambda: converted_statuses(gateway),
        )
        pins = tuple(pin_notes(checked.org, profile))
        return replace(checked, notes=(*checked.notes, *offered.notes, *pins))


def _means_in(snapshot: Snapshot) -> Means:
    """What the org surely offered when the snapshot was taken; whether jobs are allowed is not in it."""
    has_receipts = RECEIPT in snapshot.objects and can_keep_receipts(snapshot.describe(RECEIPT))
    return Means(has_receipts=has_receipts, has_jobs=False)


def _checked(
    job: Job,
    org: OrgSchema,
    means: Means,
    *,
    offered: Offered,
    statuses: Callable[[], list[str]],
    file: str | None = None,
) -> CheckedJob:
    sources = open_sources(job)
    written, job = job, fitted_to_sources(job, sources)
    schema = read_schema(job, org)
    routes = choose_routes(schema.writing, means, wanted=job.route)
    read = [
        read_section(section, sources[name], schema.rules[section.sobject])
        for name, section in schema.sections.items()
    ]
    for each in read:
        record_type_problems(each, schema.rules[each.section.sobject], offered=offered)
    return CheckedJob(
        job=job.name,
        org=org.identity(),
        rows={each.section.sobject: len(each.rows) for each in read},
        creates={
            section.sobject: guarantee_of(section, schema.describe(section.sobject), routes[section.sobject])
            for section in schema.writing
        },
        problems=tuple(problem for each in read for row in each.rows for problem in row.problems),
        notes=(*(note for each in read for note in each.notes), *_lead_notes(schema.sections, org, statuses)),
        unchecked=(*_unchecked(read, org), *(_offline(routes) if file else ())),
        snapshot=file,
        presets=effective_sections(written, job),
    )


def _lead_notes(
    sections: Mapping[str, Section], org: OrgSchema, statuses: Callable[[], list[str]]
) -> Iterator[Problem]:
    for section in sections.values():
        if section.lead is not None:
            yield lead_note(section.lead, org.describe(LEAD), statuses())


def _offline(routes: Mapping[str, Route]) -> Iterator[str]:
    yield "the login, and what the user may do today: the snapshot tells what was so when it was taken"
    if Route.AT_MOST_ONCE in routes.values():
        yield "whether the user may run bulk jobs: if so, what is at most once here goes by the job fence"


def _unchecked(read: Iterable[ReadSection], org: OrgSchema) -> list[str]:
    """What only the records of the org can tell, one sentence each."""
    found = [line for each in read for line in _unchecked_references(each.section, org)]
    keyed = [each.section.sobject for each in read if each.section.key]
    if keyed:
        found.append(f"which rows of {', '.join(keyed)} are in the org already, and what they hold there")
    if any(each.section.lead for each in read):
        found.append(UNCHECKED)
    return [*found, "validation rules, duplicate rules, triggers and dependent picklists"]


def _unchecked_references(section: Section, org: OrgSchema) -> list[str]:
    describe = org.describe(section.sobject)
    found = []
    for rule in section.rules:
        field = describe.field(rule.field)
        if field is None or field.type != "reference" or target(field) == "RecordType":
            continue
        by = " or ".join(rule.match)
        found.append(f"{section.sobject}.{field.name}: whether there is one {target(field)} by {by}")
    return found
