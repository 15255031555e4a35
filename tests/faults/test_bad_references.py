"""I8, I10, I11, I14, C6: references that lead nowhere, jobs without sense, files that are none, and schedules."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_processes import Nursery
from main_job_bench import ALAN, LEUNG, Bench, deal, role
from workbook_writer import MAIN, workbook

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Hold
from sfsync.emulator.org_changes import change_org
from sfsync.errors import SourceError, SyncError

ROLE = "OpportunityContactRole"


def told(bench: Bench, *roles: dict[str, str]) -> tuple[str, str]:
    """The code, and message and hint, of the one role row that is not done; its deal is created."""
    bench.write_job([deal("D-1")], roles)
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.counts["Opportunity"]["created"] == 1
    [problem] = [
        each.problems[0]
        for change, each in ending.document.rows()
        if change.sobject == ROLE and each.outcome is Outcome.REJECTED
    ]
    return problem.code, f"{problem.message} {problem.hint}"


@pytest.mark.parametrize("name", ["Evaluater", "evaluator ", "EVALUATOR", "Boss"])
def test_I8_a_role_that_the_org_does_not_have_names_the_nearest(bench: Bench, name: str) -> None:
    """An unknown role is rejected with what the org offers; case and blanks may not make it another one."""
    bench.write_job([deal("D-1")], [role("D-1", name=name)])
    ending = bench.run()
    if name.strip().lower() == "evaluator":
        held = [each[1] for each in bench.roles("D-1")]
        assert held in ([], ["Evaluator"])
    else:
        [problem] = [each.problems[0] for change, each in ending.document.rows() if change.sobject == ROLE]
        assert problem.code == "UNKNOWN_ROLE"
        assert "Evaluator" in problem.hint + problem.message
        assert bench.inserted()[ROLE] == 0


def test_I8_a_role_that_an_admin_deactivated(bench: Bench) -> None:
    """A value that is not active any more is no role."""
    table = {"what": "drop_value", "object": ROLE, "field": "Role", "value": "Evaluator"}
    change_org(bench.emulator.org, bench.emulator.audit, table)
    code, text = told(bench, role("D-1", name="Evaluator"))
    assert code == "UNKNOWN_ROLE"
    assert "Evaluator" in text


def test_I10_a_contact_that_is_not_there(bench: Bench) -> None:
    """The role is rejected and names the cell's value; the deal goes without it."""
    code, text = told(bench, role("D-1", "nobody@getcloudy.example"))
    assert code == "NOT_FOUND"
    assert "nobody@getcloudy.example" in text
    assert bench.inserted()[ROLE] == 0


def test_I10_a_role_of_deals_that_share_a_key_waits_for_them(bench: Bench) -> None:
    """The slip is the deals'; their roles are blocked by it, and the line to correct is named."""
    bench.write_job([deal("D-1"), deal("D-1"), deal("D-2")], [role("D-1"), role("D-2")])
    ending = bench.run()
    assert ending.exit_code == 3
    [problem] = [each for _, _, each in ending.document.problems() if each.code == "BLOCKED_BY"]
    assert "(line 2) cannot be brought to the org" in problem.message
    assert problem.hint == "Correct the deal first, then import both again."
    assert bench.inserted()[ROLE] == 1


@pytest.mark.parametrize("matches", [2, 50])
def test_I10_of_several_contacts_none_is_taken(bench: Bench, matches: int) -> None:
    """The role is rejected with candidates' ids."""
    made = [bench.create("Contact", LastName=f"Twin {n}", Email="twin@x.example") for n in range(matches)]
    code, text = told(bench, role("D-1", "twin@x.example"))
    assert code == "AMBIGUOUS"
    assert f"{matches} records" in text
    assert any(each in text for each in made)
    assert bench.inserted()[ROLE] == 0


def test_I10_keys_that_differ_in_case_alone_are_two_where_the_org_tells_them_apart(bench: Bench) -> None:
    """Each deal gets the account of its own key, as the field is case-sensitive."""
    keys = ("X-a", "X-A")
    made = {key: bench.create("Account", Name=f"Firm {key}", Sfsync_Key__c=key) for key in keys}
    bench.write_job([deal("D-1", account="X-a"), deal("D-2", account="X-A")], [role("D-1", name="None")])
    assert bench.run().exit_code == 0
    assert [bench.deal(key)["AccountId"] for key in ("D-1", "D-2")] == [made["X-a"], made["X-A"]]


def test_I10_a_key_in_another_case_is_no_hit_where_the_org_tells_them_apart(bench: Bench) -> None:
    """That another row names the account rightly makes a key that nobody has no more right."""
    bench.create("Account", Name="Firm", Sfsync_Key__c="X-A")
    bench.write_job([deal("D-1", account="X-A"), deal("D-2", account="X-a")], [role("D-1", name="None")])
    ending = bench.run()
    assert ending.exit_code == 3
    assert ending.codes() == {"Opportunity:D-2": "NOT_FOUND"}


def test_I10_case_is_nothing_where_the_org_does_not_tell_it_apart(bench: Bench) -> None:
    """An e-mail address in another case is the contact's; of two contacts that have it none is taken."""
    assert told(bench, role("D-1", LEUNG.upper()), role("D-1", "nobody@x.example"))[0] == "NOT_FOUND"
    assert [each[0] for each in bench.roles("D-1")] == [LEUNG]
    for name in ("twin@x.example", "Twin@x.example"):
        bench.create("Contact", LastName="Twin", Email=name)
    bench.write_job([deal("D-2")], [role("D-2", "twin@x.example")])
    assert set(bench.run().codes().values()) == {"AMBIGUOUS"}


def test_I10_a_contact_in_the_recycle_bin_is_not_there(bench: Bench) -> None:
    """A deleted contact is no contact, and is not brought back."""
    bench.delete("Contact", bench.find("Contact", Email=ALAN))
    assert told(bench, role("D-1", ALAN))[0] == "NOT_FOUND"


def test_I10_a_contact_of_another_account_is_taken_as_it_is(bench: Bench) -> None:
    """The platform allows it, so the role is written once; the contact keeps its account."""
    other = bench.create("Account", Name="Other")
    bench.create("Contact", LastName="Far", Email="far@x.example", AccountId=other)
    bench.write_job([deal("D-1")], [role("D-1", "far@x.example")])
    bench.run()
    assert len(bench.roles("D-1")) <= 1
    assert bench.find("Contact", Email="far@x.example", AccountId=other)


MISTAKES = {
    "an unknown field": ('NextStep = "next_step"', 'NextStepp__c = "next_step"'),
    "a field of the platform": ('NextStep = "next_step"', 'LastModifiedDate = "next_step"'),
    "a computed field": ('NextStep = "next_step"', 'ExpectedRevenue = "next_step"'),
    "an unknown column": ('NextStep = "next_step"', 'NextStep = "next_stepp"'),
    "a field twice": ('NextStep = "next_step"', 'NextStep = "next_step"\nNEXTSTEP = "deal"'),
    "a reference by a field that is none": ('match = "Sfsync_Key__c" }', 'match = "Nonsense__c" }'),
    "a deal under itself": ('NextStep = "next_step"', 'ParentId = "deal_id"'),
    "a key that clashes in type": ('key = "Sfsync_Key__c"', 'key = "Amount"'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_I11_a_job_that_makes_no_sense_is_refused_before_any_write(bench: Bench, mistake: str) -> None:
    """Exit 2 with the place, before anything is written."""
    bench.write_job([deal("D-1")], [role("D-1")])
    old, new = MISTAKES[mistake]
    text = Path(bench.job).read_text()
    assert old in text
    Path(bench.job).write_text(text.replace(old, new, 1))
    try:
        code = bench.run().exit_code
    except SyncError as error:  # a mistake that loading finds
        code = error.exit_code
    assert code in (2, 5)
    assert bench.inserted() == {}
    assert bench.write_count() == 0


@pytest.mark.parametrize("name", ["deals.xls", "deals.xlsb", "deals.ods", "deals.csv.gz", "deals.zip"])
def test_I14_an_archive_or_a_spreadsheet_of_another_form_is_refused_unopened(bench: Bench, name: str) -> None:
    """Nothing is unpacked, so that no bomb goes off; the refusal says what to do."""
    bench.write_job([deal("D-1")], [role("D-1")])
    Path(bench.job).write_text(Path(bench.job).read_text().replace("deals.csv", name))
    (bench.folder / name).write_bytes(b"PK\x03\x04" + b"\x00" * 100)
    with pytest.raises(SyncError) as refused:
        bench.plan()
    assert refused.value.exit_code in (2, 5)
    assert name in f"{refused.value} {refused.value.hint}" or "workbook" in str(refused.value)
    assert not bench.emulator.audit.requests


SHEET = "xl/worksheets/sheet1.xml"
ROWS = f'<worksheet xmlns="{MAIN}"><sheetData><row><c t="str"><v>deal_id</v></c></row>'
HOSTILE = {
    "a sheet of spaces": {SHEET: ROWS + " " * 50_000_000 + "</sheetData></worksheet>"},
    "a document type": {SHEET: f'<!DOCTYPE x [<!ENTITY a "b">]>{ROWS}</sheetData></worksheet>'},
    "a document type in UTF-16": {"xl/workbook.xml": "<!DOCTYPE x><workbook/>".encode("utf-16")},
    "a path out of it": {"xl/../../../deals.csv": "x"},
    "an archive in it": {"xl/embeddings/more.zip": "x"},
    "deep nesting": {SHEET: ROWS + "<x>" * 5_000},
    "half a sheet": {SHEET: ROWS + '<row><c t="str"><v>D-1'},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_I14_a_workbook_that_could_be_an_attack_stops_the_run_before_anything_is_written(
    bench: Bench, name: str
) -> None:
    """A small file that grows, XML that can do more than hold cells, names that lead elsewhere, a broken copy."""
    bench.write_job([deal("D-1")], [role("D-1")])
    Path(bench.job).write_text(Path(bench.job).read_text().replace("deals.csv", "deals.xlsx"))
    (bench.folder / "deals.xlsx").write_bytes(workbook(["deal_id"], ["D-1"], parts=HOSTILE[name]))
    with pytest.raises(SourceError) as refused:
        bench.plan()
    assert "deals.xlsx" in refused.value.message
    assert refused.value.hint
    assert bench.write_count() == 0
    assert sorted(each.name for each in bench.folder.glob("*.csv")) == ["deals.csv", "roles.csv"]


RUN = ("run", "trailhead", "--json")


def test_C6_a_schedule_that_overtakes_itself(bench: Bench, nursery: Nursery) -> None:
    """While one run is at work every further start ends at once with 99, and the work is done once."""
    first = nursery.start(*RUN, environ=bench.environ, folder=bench.folder)
    late = [nursery.start(*RUN, environ=bench.environ, folder=bench.folder) for _ in range(3)]
    bench.strike(Hold(cut="hang"), nth=2)
    first.go()
    assert bench.emulator.faults.wait_for_held()
    assert [each.run() for each in late] == [99, 99, 99]
    bench.emulator.faults.release()
    bench.emulator.faults.clear()
    first.end()
    assert bench.run().exit_code == 3
    assert bench.inserted() == {"Contact": 1, "Opportunity": 2, "OpportunityContactRole": 4}


def test_C6_a_run_that_was_missed_is_caught_up_once(bench: Bench) -> None:
    """The source moved on twice and was read once: one run brings the last state, and the next one nothing."""
    bench.write_job([deal("D-1")], [role("D-1", LEUNG)])
    assert bench.run().exit_code == 0
    bench.write_job([deal("D-1", amount="150.00"), deal("D-2")], [role("D-1", LEUNG)])  # nobody ran it
    bench.write_job([deal("D-1", amount="200.00"), deal("D-2"), deal("D-3")], [role("D-1", LEUNG)])
    assert bench.run().exit_code == 0
    assert bench.deal("D-1")["Amount"] == 200.0
    written = bench.write_count()
    assert bench.run().exit_code == 0
    assert bench.write_count() == written
