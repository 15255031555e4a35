"""Runs the tests of a mapping: the job's own rules and the real planner, on rows that a test gives.

Part of the composition root. The org is whatever the job's profile leads to; the command line lets it lead to an
emulator in this process. Nothing is written: a plan is made and compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sfsync.app.given_rows import with_rows
from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import Job
from sfsync.core.plans.plan import Change
from sfsync.core.ports import Lookup, OrgGateway
from sfsync.core.reading.mapping_tests import Difference, MappingTest, Tested, differences
from sfsync.core.references.second_pass import in_the_end
from sfsync.core.wording import suggestion
from sfsync.engine.planning.reading import mapped_columns
from sfsync.engine.planning.schema import target
from sfsync.errors import ConfigError

NAMES: Mapping[str, tuple[str, ...]] = {
    "RecordType": ("DeveloperName", "Name"),
    "User": ("Username", "Email", "Name"),
    "Contact": ("Email", "Name"),
}
"""By what a test may call a record, best first; other sObjects by their name and their key."""


def run_tests(job: Job, tests: Iterable[MappingTest], around: Surroundings) -> Iterator[Tested]:
    """Each test's result, in order; the org must hold what the tests say that it holds.

    Raises:
        ConfigError: a test gives what the job does not read, or the job does not fit the org.
    """
    with opened(job, around) as place:
        org_id = place.gateway.identity().org_id
        place.journal.admit_job(job.name, org_id, at=place.bench.now())
        for test in tests:
            _refuse_strange(job, test)
            yield Tested(test, tuple(_compared(place, test)))


def _refuse_strange(job: Job, test: MappingTest) -> None:
    """Stops a slip of the pen in a column's name: such a test would pass or fail for no reason."""
    for name, rows in test.given.items():
        section = job.sections.get(name)
        if section is None:
            raise _refusal(test, f"the job has no section {name}")
        known = mapped_columns(section).keys() | set(section.ignore)
        for column in dict.fromkeys(column for row in rows for column in row):
            if column not in known:
                raise _refusal(
                    test, f'{name}: the job reads no column "{column}". {suggestion(column, known)}'
                )


def _refusal(test: MappingTest, message: str) -> ConfigError:
    return ConfigError(
        f'{test.file}: test "{test.name}": {message}', code="BAD_TEST", hint="Correct the test, or the job."
    )


def _compared(place: Workplace, test: MappingTest) -> Iterator[Difference]:
    rows = {name: list(test.given.get(name, ())) for name in place.job.sections}
    plan = replace(place, job=with_rows(place.job, **rows)).plan()
    aliases = _aliases(place.gateway, plan.changes, plan.key_fields)
    by_row = {
        (each.row.source, each.row.ordinal): each
        for each in in_the_end(plan.changes)
        if each.row and not each.is_derived
    }
    for name, expected in test.expect.items():
        for number, each in enumerate(expected, start=1):
            yield from differences(f"{name} row {number}", each, by_row[name, number], aliases)


def _aliases(
    gateway: OrgGateway, changes: Sequence[Change], key_fields: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """What the records that the changes refer to are called, by record id; those that are made, by their change."""
    wanted: dict[str, dict[str, None]] = {}
    for change in changes:
        describe = gateway.describe(change.sobject)
        for name, value in change.values.items():
            field = describe.field(name)
            if field is not None and field.type == "reference" and isinstance(value, str):
                wanted.setdefault(target(field), {})[value] = None
    lookups = [
        Lookup(sobject, ("Id", *_names(gateway, sobject, key_fields)), "Id", tuple(ids))
        for sobject, ids in wanted.items()
    ]
    made = {each.change_id: frozenset({each.label}) for each in changes if each.made_for}
    return made | {
        str(record["Id"]): frozenset(str(each) for name, each in record.items() if name != "Id" and each)
        for records in (gateway.fetch(lookups) if lookups else [])
        for record in records
    }


def _names(gateway: OrgGateway, sobject: str, key_fields: Mapping[str, str]) -> list[str]:
    names = [*NAMES.get(sobject, ("Name",)), *({key_fields[sobject]} if sobject in key_fields else ())]
    describe = gateway.describe(sobject)
    return [name for name in names if describe.field(name) is not None]
