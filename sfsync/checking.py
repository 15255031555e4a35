"""Checks a job against what its org is made of: the org itself, or a snapshot of it where there is no org.

Part of the composition root. Both ways give the same findings by the same code; neither reads a record, and
what only records can tell is said to be unchecked. With a snapshot there is no login, no network, and no
journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sfsync.app import Surroundings, connected, open_sources, org_of
from sfsync.core.job import Job, Section
from sfsync.core.plan import OrgIdentity
from sfsync.core.ports import OrgSchema
from sfsync.core.results import Problem
from sfsync.core.snapshot import Snapshot
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Route
from sfsync.engine.reading import ReadSection, read_section
from sfsync.engine.record_types import record_type_problems
from sfsync.engine.schema import read_schema, target
from sfsync.snapshots import read_snapshot


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """What a check found: rows and route of each sObject, and the problems of rows that can be judged alone.

    `snapshot` is the file that stood in for the org, or None. `unchecked` are sentences.
    """

    job: str
    org: OrgIdentity
    rows: Mapping[str, int]
    routes: Mapping[str, Route]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    unchecked: tuple[str, ...]
    snapshot: str | None = None


def check(job: Job, *, around: Surroundings | None = None, snapshot: Path | None = None) -> CheckedJob:
    """Checks a job and its sources against its org, or against a snapshot; nothing is written.

    Raises:
        ConfigError: the job does not fit the org, or the snapshot cannot be used.
        SourceError: a source cannot be read.
    """
    if snapshot is not None:
        return _checked(job, read_snapshot(snapshot), file=str(snapshot))
    given = around or Surroundings()
    with connected(org_of(job, given), given) as gateway:
        return _checked(job, gateway)


def _checked(job: Job, org: OrgSchema, *, file: str | None = None) -> CheckedJob:
    schema = read_schema(job, org)
    sources = open_sources(job)
    read = [
        read_section(section, sources[name], schema.rules[section.sobject])
        for name, section in schema.sections.items()
    ]
    offered = org.offered if isinstance(org, Snapshot) else None
    for each in read:
        record_type_problems(each, schema.rules[each.section.sobject], offered=offered)
    return CheckedJob(
        job=job.name,
        org=org.identity(),
        rows={each.section.sobject: len(each.rows) for each in read},
        routes={each.section.sobject: _route(each.section.sobject) for each in read},
        problems=tuple(problem for each in read for row in each.rows for problem in row.problems),
        notes=tuple(note for each in read for note in each.notes),
        unchecked=(*_unchecked(read, org), *(_OFFLINE if file else ())),
        snapshot=file,
    )


_OFFLINE = ("the login, and what the user may do today: the snapshot tells what was so when it was taken",)


def _unchecked(read: Iterable[ReadSection], org: OrgSchema) -> list[str]:
    """What only the records of the org can tell, one sentence each."""
    found = [line for each in read for line in _unchecked_references(each.section, org)]
    keyed = [each.section.sobject for each in read if each.section.key]
    if keyed:
        found.append(f"which rows of {', '.join(keyed)} are in the org already, and what they hold there")
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


def _route(sobject: str) -> Route:
    return Route.AT_MOST_ONCE if sobject == CONTACT_ROLE else Route.KEY_FENCE
