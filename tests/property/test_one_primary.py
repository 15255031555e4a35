"""One primary contact a deal: whatever the rows say, in whichever order, and however the platform behaves.

Each example is an org with deals that have roles already, and one or two files of rows brought one after the other
by the real engine. The org is looked at before every request of the job, so between any two writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inner_org import InnerBench, inner_bench
from long_proofs import examples
from main_job_bench import deal, org_document, role

from sfsync.app.books import sync
from sfsync.app.workplace import plan
from sfsync.core.job import Limits
from sfsync.core.plans.plan import PLANNED_OUTCOME, Action, Plan
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import NOT_DONE
from sfsync.emulator.switches import PrimaryDuplicateDeleted, SecondPrimary
from sfsync.jobs import load_job

PEOPLE = tuple(f"{name}@getcloudy.example" for name in ("ada", "ben", "cleo", "dora"))
ROLES = ("Decision Maker", "Evaluator", "Influencer")
RULES = {"given": '"given"', "keep": '"keep"', "first": '"first"', "list": '["Evaluator", "Decision Maker"]'}
DEALS = ("D-0", "D-1", "D-2", "D-3")


@dataclass(frozen=True)
class Row:
    """A row of roles.csv."""

    deal: str
    person: str
    role: str
    mark: str


@dataclass(frozen=True)
class Case:
    """An org, a job, and the files that it is run with."""

    held: dict[str, list[tuple[str, str | None]]]
    primary: dict[str, str]
    files: list[list[Row]]
    policy: str
    rule: str
    same_contact: str
    switches: dict[str, Any]
    has_receipts: bool


_rows = st.builds(
    Row,
    st.sampled_from([*DEALS, "D-NEW"]),
    st.sampled_from(PEOPLE),
    st.sampled_from([*ROLES, "None"]),
    st.sampled_from(["yes", "no", "no", "", ""]),
)
_held = st.lists(st.tuples(st.sampled_from(PEOPLE[:3]), st.sampled_from([*ROLES, None])), max_size=4)
_switches = st.fixed_dictionaries(
    {
        "second_primary": st.sampled_from(SecondPrimary),
        "primary_duplicate_deleted": st.sampled_from(PrimaryDuplicateDeleted),
        "same_contact_shares_primary": st.booleans(),
        "demotion_moves_modstamp": st.booleans(),
    }
)
cases = st.builds(
    Case,
    st.fixed_dictionaries(dict.fromkeys(DEALS, _held)),
    st.fixed_dictionaries(dict.fromkeys(DEALS, st.sampled_from([*PEOPLE[:3], ""]))),
    st.lists(st.lists(_rows, min_size=1, max_size=14), min_size=1, max_size=2),
    st.sampled_from(["append", "merge", "mirror"]),
    st.sampled_from(sorted(RULES)),
    st.sampled_from(["both", "first", "error"]),
    _switches,
    st.booleans(),
)


@settings(max_examples=examples(100, quick=30), deadline=None, suppress_health_check=list(HealthCheck))
@given(cases)
def test_a_deal_has_one_primary_contact_whatever_the_rows_their_order_and_the_platform(case: Case) -> None:
    """Never two at any moment, exactly one where one is asked for, and nothing left to do afterwards."""
    with inner_bench(_org(case)) as bench:
        bench.switch(**case.switches)
        bench.emulator_watch(lambda *_: _assert_at_most_one(bench))
        for rows in case.files:
            before = _primaries(bench)
            report = _run(bench, case, rows)
            _assert_at_most_one(bench)
            for key in {each.deal for each in rows}:
                _assert_as_asked(bench, case, [each for each in rows if each.deal == key], before, report)
            if _is_clean(report):
                assert _writes(plan(load_job(bench.job, environ=bench.environ), around=bench.around)) == []


def _org(case: Case) -> dict[str, Any]:
    """The example org with the people and the deals of the case."""
    document = deepcopy(org_document(has_receipts=case.has_receipts, has_jobs=False))
    records = document["records"]
    for person in PEOPLE:
        values = {"LastName": person[:4], "Email": person, "AccountId": "@get_cloudy"}
        records.append({"object": "Contact", "local": _local(person), "values": values})
    for key in DEALS:
        values = {"Sfsync_Key__c": key, "Name": f"Deal {key}", "StageName": "Prospecting"}
        values |= {"AccountId": "@get_cloudy", "CloseDate": "2027-01-31"}
        records.append({"object": "Opportunity", "local": _local(key), "values": values})
        for person, name in case.held[key]:
            ends = {"OpportunityId": f"@{_local(key)}", "ContactId": f"@{_local(person)}"}
            values = {**ends, "IsPrimary": person == case.primary[key], **({"Role": name} if name else {})}
            records.append({"object": "OpportunityContactRole", "values": values})
    return document


def _local(name: str) -> str:
    return "own_" + "".join(each if each.isalnum() else "_" for each in name).lower()


def _run(bench: InnerBench, case: Case, rows: Sequence[Row]) -> Report:
    keys = dict.fromkeys(each.deal for each in rows)
    bench.write_job(
        [deal(key) for key in keys],
        [role(each.deal, each.person, each.role, each.mark) for each in rows],
        policy=case.policy,
    )
    with Path(bench.job).open("a", encoding="utf-8") as file:
        file.write(f'primary = {RULES[case.rule]}\nsame_contact = "{case.same_contact}"\n')
    around = replace(bench.around, limits=Limits(allow_deletes=True))
    return sync(load_job(bench.job, environ=bench.environ), around=around)


def _primaries(bench: InnerBench) -> dict[str, set[str]]:
    """The primary contacts of each deal of the case."""
    found: dict[str, set[str]] = {}
    storage = bench.emulator.org.storage
    deals = {row["Id"]: row["Sfsync_Key__c"] for row in storage.select("Opportunity", "1 = 1")}
    people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
    for row in storage.select("OpportunityContactRole", '"IsDeleted" = 0 AND "IsPrimary" = 1'):
        found.setdefault(deals[row["OpportunityId"]], set()).add(people[row["ContactId"]])
    return found


def _assert_at_most_one(bench: InnerBench) -> None:
    assert [key for key, people in _primaries(bench).items() if len(people) > 1] == []


def _is_clean(report: Report) -> bool:
    """Whether every change ended as it was planned."""
    return report.stopped is None and all(
        result.outcome is PLANNED_OUTCOME[change.action] for change, result in report.ends()
    )


def _writes(made: Plan) -> list[tuple[str, Any, Any]]:
    return [
        (each.change_id, each.action, each.values)
        for each in made.changes
        if each.action in (Action.CREATE, Action.UPDATE, Action.DELETE)
    ]


def _assert_as_asked(
    bench: InnerBench, case: Case, rows: Sequence[Row], before: dict[str, set[str]], report: Report
) -> None:
    """Where all rows of a deal went as they say, the deal has the primary contact that they and the rule want."""
    key = rows[0].deal
    bad = {change.parent for change, result in report.rows() if result.outcome in NOT_DONE}
    wanted = [each for each in rows if each.role != "None"]
    assert report.stopped is None
    if f"Opportunity:{key}" in bad or not wanted:
        return
    had = before.get(key, set())
    gone = case.policy == "mirror" and not had & {each.person for each in wanted}
    marked = {each.person for each in wanted if each.mark == "yes"}
    asked = set() if gone else had
    if case.rule != "keep" or not asked:
        asked = marked or ({} if case.rule == "given" else asked) or _chosen(case, wanted)
    if asked and case.policy == "append":
        notes = [each for each in report.plan.notes if each.code == "NOT_PRIMARY"]
        assert _primaries(bench).get(key) == asked or notes
    elif asked:
        assert _primaries(bench).get(key) == asked


def _chosen(case: Case, wanted: Sequence[Row]) -> set[str]:
    """Whom the rule takes where nobody is marked."""
    if case.rule == "first":
        return {wanted[0].person}
    of_person = {each.person: each for each in reversed(wanted)}
    counting = [each for each in wanted if case.same_contact != "first" or of_person[each.person] is each]
    for name in ("Evaluator", "Decision Maker"):
        able = [each for each in counting if each.role == name]
        if able and case.rule == "list":
            return {able[0].person}
    return set()
