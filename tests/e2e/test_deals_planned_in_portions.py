"""A large job is planned in portions of whole groups, and comes to what it would come to at one time."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deal_desk import DealDesk, deal_desk, row
from joined_plan import joined
from parents_desk import ORG_FILE, ParentsDesk

import sfsync
from sfsync.app.books import apply_book, excess_of, planned_report
from sfsync.app.planning import Planned, saved_plan
from sfsync.app.workplace import Surroundings, opened
from sfsync.cli.run import plan_and_deliver, save_plan, write_and_deliver
from sfsync.core.job import Job, Limits
from sfsync.core.plans.condensed_plan import CondensedPlan
from sfsync.core.plans.guards import totals_of
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.ports import ApiUsage, Lookup
from sfsync.core.reading.rows import SourceRow
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import RowRef
from sfsync.emulator.server import running
from sfsync.engine.planning.remembered_lookups import RememberingGateway
from sfsync.errors import GuardError
from sfsync.report.document import run_document
from sfsync.report.files.folder import write_run_folder
from sfsync.salesforce.session import Answer

EVERYTHING = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"
[contacts]
file = "people.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "last"
Email = "email"
AccountId = { column = "firm", match = ["Sfsync_Key__c", "Name"] }
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { column = "firm", match = ["Sfsync_Key__c", "Name"] }
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "who", match = ["Email", "Sfsync_Key__c"] }
Role = "role"
"""
MADE = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Prospecting" }
CloseDate = { constant = "2027-01-31" }
AccountId = { column = "firm", match = "Name", missing = "create", create = { Site = "site" } }
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk for deals alone on a fresh org."""
    with deal_desk(tmp_path) as found:
        yield found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ParentsDesk]:
    """A desk for deals and what they refer to on a fresh org."""
    with running(ORG_FILE) as emulator:
        yield ParentsDesk(emulator, tmp_path)


def in_portions(job: Job, around: Surroundings, most: int = 3) -> Planned:
    """The job's plan in portions of at most so many rows."""
    with opened(job, replace(around, portion_rows=most)) as place:
        return place.plan_book()


def deals_of(desk: DealDesk) -> Job:
    """The desk's job."""
    return sfsync.load_job(desk.job, environ=desk.environ)


def picture(made: Plan) -> dict[str, Any]:
    """What a plan is about, whatever order its changes stand in."""
    return {
        "changes": {each.change_id: told(each) for each in made.changes},
        "count": len(made.changes),
        "notes": sorted(
            (each.code, sorted(each.message)) for each in made.notes
        ),  # of equal counts either first
        "sources": made.sources,
        "routes": dict(made.routes),
        "gone": (set(map(repr, made.gone.vanished)), dict(made.gone.known)),
        "off": made.off_stage_total,
        "open": set(made.open_references),
        "forecast": made.forecast,
    }


def told(change: Change) -> Mapping[str, Any]:
    """All that a change says, as a value that can be compared."""
    return {name: getattr(change, name) for name in Change.__dataclass_fields__}


def same_both_ways(job: Job, around: Surroundings, most: int = 3) -> Planned:
    """The book of a job, which is the plan of all its rows at one time."""
    made = in_portions(job, around, most)
    assert made.book.portions > 1
    assert picture(joined(made.book)) == picture(sfsync.plan(job, around=around))
    return made


def test_a_job_in_portions_plans_what_it_plans_at_one_time(desk: DealDesk) -> None:
    """New, changed and wrong rows are the same changes, whichever portion they are in."""
    desk.bring(*(row(f"D-{number}") for number in range(1, 12)))
    rows = [row(f"D-{number}", amount=f"{number}.00") for number in range(3, 30)]
    rows[4]["stage"], rows[9]["close"], rows[11]["id"] = "Dreaming", "soon", "D-20"
    desk.write(*rows)
    same_both_ways(deals_of(desk), desk.around)


def test_a_job_of_one_portion_is_one_plan_as_it_always_was(desk: DealDesk) -> None:
    """As many rows as a portion has are no book, and nothing in their plan speaks of one."""
    desk.write(*(row(f"D-{number}") for number in range(3)))
    made = in_portions(deals_of(desk), desk.around)
    assert (made.book.portions, made.shown.whole, made.shown.portion) == (1, "", 0)
    assert made.shown is made.book.plan(1)


@pytest.mark.parametrize("seed", range(6))
def test_rows_refer_to_accounts_and_contacts_of_earlier_portions(office: ParentsDesk, seed: int) -> None:
    """A contact's account, a deal's account and a role's contact are found by key, name and address, as ever."""
    chance = random.Random(seed)
    firms = [f"F-{number}" for number in range(7)]
    names = {each: chance.choice(["Acme", "Hooli", "Initech", f"Firm {each}"]) for each in firms}
    people = {f"P-{number}": chance.choice([*firms, "Hooli", "nobody", ""]) for number in range(9)}
    deals = {f"D-{number}": chance.choice([*firms, "acme", "HOOLI", "nowhere", ""]) for number in range(12)}
    who = [*people, *(f"{each}@x.example".lower() for each in people), "ghost@x.example"]
    roles = [
        (chance.choice([*deals, "D-99"]), chance.choice(who), chance.choice(["Evaluator", ""]))
        for _ in range(20)
    ]
    job = office.job(
        EVERYTHING,
        accounts="id,name\n" + "".join(f"{key},{name}\n" for key, name in names.items()),
        people="id,last,email,firm\n" + "".join(f"{k},{k},{k}@x.example,{f}\n" for k, f in people.items()),
        deals="id,firm\n" + "".join(f"{key},{firm}\n" for key, firm in deals.items()),
        roles="id,who,role\n" + "".join(f"{deal},{one},{role}\n" for deal, one, role in roles),
    )
    same_both_ways(job, office.around, most=chance.choice([1, 2, 5]))


def test_one_parent_is_made_for_the_rows_of_all_portions(office: ParentsDesk) -> None:
    """Its name is the spelling of most rows, its values are those of any, and rows that disagree are told."""
    rows = ["Acme,", "acme,", "ACME,Main", "acme,", "acme,Side", "Hooli,", "hooli,HQ", "Initech,"]
    deals = "id,firm,site\n" + "".join(f"D-{number},{each}\n" for number, each in enumerate(rows))
    made = same_both_ways(office.job(MADE, deals=deals), office.around, most=1)
    parents = [each for each in made.book.plan(1).changes if each.sobject == "Account"]
    assert {each.label.casefold(): each.made_for for each in parents} == {"acme": 4}
    assert made.shown.figures.marks["Account"] == {"created_for_references": 3}  # type: ignore[attr-defined]


def test_deals_that_the_source_has_no_more_are_planned_when_all_portions_are_read(desk: DealDesk) -> None:
    """What vanished is judged by the keys of all portions, and closed in the last one."""
    desk.bring(*(row(f"D-{number}") for number in range(9)))
    desk.write(*(row(f"D-{number}") for number in range(2, 9)), options='vanished = "close"')
    made = same_both_ways(deals_of(desk), desk.around)
    last = made.book.plan(made.book.portions)
    assert [each.key for each in last.changes] == ["D-0", "D-1"]


def test_what_many_portions_refer_to_is_asked_once(office: ParentsDesk) -> None:
    """Forty deals in portions of two cost the reads of one portion."""
    office.sync(MADE, deals="id,firm,site\nD-0,Acme,\nD-1,Hooli,\n")
    deals = "".join(f"N-{number},{'Acme' if number % 2 else 'hooli'},\n" for number in range(40))
    job = office.job(
        MADE.replace('org = "local"', 'org = "local"\ndescription = "new"'), deals="id,firm,site\n" + deals
    )
    with opened(job, replace(office.around, portion_rows=2)) as place:
        made = place.plan_book()
        reads = place.gateway.usage.reads
    assert made.book.portions >= 20
    assert reads <= 10


def test_a_book_is_saved_read_and_refused_when_a_byte_of_it_was_changed(
    desk: DealDesk, tmp_path: Path
) -> None:
    """`--out` writes one file; altered, cut short or with pages of another book it is no plan any more."""
    desk.write(*(row(f"D-{number}") for number in range(9)))
    made = in_portions(deals_of(desk), desk.around)
    file = tmp_path / "deals.plan"
    made.book.copy_to(file)  # type: ignore[attr-defined]
    read = saved_plan(file)
    assert (read.book.portions, read.book.totals) == (made.book.portions, made.book.totals)
    assert [read.book.plan(each) for each in range(1, 4)] == [made.book.plan(each) for each in range(1, 4)]
    assert picture(read.shown) == picture(made.shown)
    data = file.read_bytes()
    for place in (20, len(data) // 2, len(data) - 200, len(data) - 5):
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(GuardError) as refused:
            saved_plan(file)
        assert refused.value.code == "PLAN_ALTERED"
    file.write_bytes(data[:-60])
    with pytest.raises(GuardError):
        saved_plan(file)


def test_what_a_person_sees_of_a_book_is_of_the_whole(desk: DealDesk) -> None:
    """Counts, calls, guarantee and forecast are those of all portions; undone rows are listed one by one."""
    desk.bring(*(row(f"D-{number}") for number in range(6)))
    rows = [row(f"D-{number}", amount=f"{number}.50") for number in range(300)]
    rows[7]["stage"] = rows[250]["stage"] = "Dreaming"
    desk.write(*rows)
    made = in_portions(deals_of(desk), desk.around, most=40)
    whole = sfsync.plan(deals_of(desk), around=desk.around)
    reports = (planned_report(made.book), Report(whole, False, whole.plan_id, ApiUsage(), 0.0))
    documents = [run_document(each, files={}) for each in reports]
    for name in ("counts", "changes", "guarantee", "forecast", "probability_total"):
        assert documents[0][name] == documents[1][name], name
    assert len(documents[0]["problems"]) == len(documents[1]["problems"]) == 2
    assert isinstance(made.shown, CondensedPlan)
    assert len(made.shown.changes) < 200
    assert made.shown.figures.totals.actions == totals_of(whole).actions
    assert sum(made.shown.sources["opportunities"].rows.keys()) == 8 + 251


def test_a_guard_judges_the_whole_and_not_a_portion(desk: DealDesk) -> None:
    """No portion has so many changes as are too many, all together have."""
    desk.write(*(row(f"D-{number}") for number in range(9)))
    made = in_portions(deals_of(desk), desk.around)
    with opened(deals_of(desk), replace(desk.around, limits=Limits(max_changes=5))) as place:
        stopped = excess_of(place, made.book)
    assert stopped is not None
    assert stopped.message == "the plan writes 9 records, and at most 5 were allowed"


def test_a_job_whose_rows_hang_together_is_planned_at_one_time_and_says_why(desk: DealDesk) -> None:
    """The reason stands in a note; the plan is whole."""
    desk.write(
        *(row(f"D-{number}", lead="") for number in range(9)),
        columns=["lead"],
        options='lead = { column = "lead" }',
    )
    made = in_portions(deals_of(desk), desk.around)
    assert made.book.portions == 1
    [told_why] = [each.message for each in made.shown.notes if each.code == "PLANNED_AT_ONCE"]
    assert "the 9 rows are planned at one time, because opportunities come out of leads" in told_why


def test_a_large_job_runs_to_its_end(desk: DealDesk) -> None:
    """All portions are written, and the same job has nothing to do afterwards."""
    desk.write(*(row(f"D-{number}") for number in range(9)))
    around = replace(desk.around, portion_rows=3)
    with opened(deals_of(desk), around) as place, place.locked():
        report = apply_book(place, place.plan_book().book, is_fresh=True)
    assert report.counts()["Opportunity"]["created"] == 9
    again = in_portions(deals_of(desk), desk.around)
    assert again.book.totals.actions == {"Opportunity": {Action.NOOP.value: 9}}


def test_what_a_portion_held_is_freed_without_a_search_for_garbage(desk: DealDesk) -> None:
    """Circles of references would keep the rows and answers of many portions in memory at one time."""
    desk.write(*(row(f"D-{number}") for number in range(9)))
    job, around = deals_of(desk), replace(desk.around, portion_rows=3)
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        with opened(job, around) as place, place.locked():
            report = apply_book(place, place.plan_book().book, is_fresh=True)
        gc.collect()
        in_circles = {type(each) for each in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert report.counts()["Opportunity"]["created"] == 9
    assert in_circles
    assert not in_circles & {Change, RowRef, SourceRow, Answer}


def test_a_saved_book_is_what_run_writes(
    desk: DealDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plan --out` and `run --plan` of a large job: it is applied once, and not after a change of the job."""
    desk.write(*(row(f"D-{number}") for number in range(9)))
    around, file = replace(desk.around, portion_rows=3), tmp_path / "deals.plan"
    code, planned = plan_and_deliver(deals_of(desk), around, as_json=False)
    save_plan(planned, file)
    said = capsys.readouterr().out
    assert (code, file.read_bytes()[:13]) == (0, b"sfsync.book/1")
    assert "9 deals by key fence" in said
    changed = replace(deals_of(desk), digest="another")
    with pytest.raises(GuardError) as refused:
        write_and_deliver(changed, around, plan_file=file, yes=True, as_json=True)
    assert refused.value.code == "JOB_CHANGED"
    assert write_and_deliver(deals_of(desk), around, plan_file=file, yes=True, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["Opportunity"]["created"] == 9
    with pytest.raises(GuardError):
        write_and_deliver(deals_of(desk), around, plan_file=file, yes=True, as_json=True)


def test_the_files_of_a_large_plan_have_every_row_that_is_not_possible(
    desk: DealDesk, tmp_path: Path
) -> None:
    """Rejects come back as the source wrote them, in its order, whichever portion they were in."""
    rows = [row(f"D-{number}") for number in range(30)]
    for number in (3, 11, 12, 28):
        rows[number] |= {"stage": "Dreaming", "name": 'says "no", loudly'}
    desk.write(*rows)
    both = []
    whole = desk.plan()
    reports = (
        planned_report(in_portions(deals_of(desk), desk.around).book),
        Report(whole, False, whole.plan_id, ApiUsage(), 0.0),
    )
    for number, report in enumerate(reports):
        folder = tmp_path / f"run{number}"
        folder.mkdir(mode=0o700)
        files = write_run_folder(report, folder)
        both.append(Path(str(files["rejects"])).read_text(encoding="utf-8"))
    assert both[0] == both[1]
    assert both[0].count("UNKNOWN_STAGE") == 4


def test_answers_of_the_org_are_remembered_value_by_value(office: ParentsDesk) -> None:
    """What was asked for is not asked again, what nobody has is remembered too, and the oldest goes first."""
    office.sync(MADE, deals="id,firm,site\nD-0,Acme,\nD-1,Hooli,\n")
    job = sfsync.load_job(office.folder / "parents.toml", environ=office.environ)
    with opened(job, office.around) as place:
        org = RememberingGateway(place.gateway, most=2)

        def asked(*names: str) -> tuple[int, list[str]]:
            before = place.gateway.usage.reads
            [found] = org.fetch([Lookup("Account", ("Id", "Name"), "Name", names)])
            return place.gateway.usage.reads - before, sorted(str(each["Name"]) for each in found)

        assert asked("Acme", "nobody") == (1, ["Acme"])
        assert asked("nobody", "Acme") == (0, ["Acme"])
        assert asked("ACME", "Acme") == (1, ["Acme"])  # another spelling may mean another record
        assert asked("Hooli", "Acme") == (1, ["Acme", "Hooli"])
        assert asked("nobody") == (1, [])
