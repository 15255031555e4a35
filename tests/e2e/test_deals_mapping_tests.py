"""A job's mapping on fixture rows: `sfsync test JOB` plans them against an emulator and compares each field."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, warm_sfsync

ROOT = Path(__file__).resolve().parents[2]
JOB = """
[opportunities]
file = "not there.csv"
{key}
[opportunities.fields]
{mapped}
Name = {{ compose = "{{product}} - {{id}}" }}
StageName = {{ column = "stage", map = {{ "Won" = "Closed Won", "New" = "Prospecting" }} }}
CloseDate = {{ column = "close", format = "%d.%m.%Y" }}
Amount = "amount"
NextStep = {{ column = "next", blank = "null" }}
[contact_roles]
file = "not there either.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = {{ column = "contact", match = "Email" }}
Role = "role"
"""
ROW = '{ id = "D-1", product = "Sandals", stage = "New", close = "31.01.2027", amount = "12.50", next = "" }'
NAMED = 'Sfsync_Key__c = "D-1", Name = "Sandals - D-1", StageName = "Prospecting", CloseDate = 2027-01-31'
SENT = f"{NAMED}, Amount = 12.5"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a job whose source files are not there."""
    (tmp_path / "deals.toml").write_text(
        JOB.format(key='key = "Sfsync_Key__c"', mapped='Sfsync_Key__c = "id"')
    )
    return tmp_path


def a_test(expect: str, *, row: str = ROW, name: str = "a new deal", more: str = "") -> str:
    """One test of one deal."""
    return f"""
[[test]]
name = "{name}"
{more}
[test.given]
opportunities = [ {row} ]
[[test.expect.opportunities]]
{expect}
"""


def run(folder: Path, tests: str, *arguments: str) -> Done:
    """Runs the tests of the job deals.toml, in an environment that leads to no org at all."""
    (folder / "deals.test.toml").write_text(f'org = "{ROOT / "config/emulator/org.toml"}"\n{tests}')
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "SFSYNC_STATE": str(folder / "state")}
    return warm_sfsync("test", "./deals.toml", *arguments, environ=environ, cwd=folder)


def differing(folder: Path, tests: str) -> list[dict[str, Any]]:
    """The differences of the one test, which fails."""
    done = run(folder, tests, "--json")
    assert done.exit_code == 3, done.out + done.err
    [test] = done.document["tests"]
    found: list[dict[str, Any]] = test["differences"]
    return found


def test_the_shipped_example_passes() -> None:
    """`sfsync test trailhead` in the project's folder, with no org and no login."""
    environ = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = warm_sfsync("test", "trailhead", "--json", environ=environ, cwd=ROOT)
    assert done.exit_code == 0, done.out + done.err
    assert (done.document["schema"], done.document["failed"]) == ("sfsync.test/1", 0)
    assert done.document["passed"] == len(done.document["tests"]) == 5


def test_rows_of_a_job_with_a_preset_go_by_the_presets_own_names() -> None:
    """`sfsync test hubspot` needs no export: a test names canonical columns."""
    environ = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = warm_sfsync("test", "hubspot", "--json", environ=environ, cwd=ROOT)
    assert (done.exit_code, done.document["passed"]) == (0, 1), done.out + done.err


def test_all_that_is_sent_is_compared_field_by_field(folder: Path) -> None:
    """A date, a number and text are compared as what they are; no source file and no journal is needed."""
    done = run(folder, a_test(f'action = "create"\nsends = {{ {SENT} }}'))
    assert done.exit_code == 0, done.out + done.err
    assert done.out == "ok   a new deal\n1 test passed.\n"
    assert not (folder / "state").exists()


def test_a_difference_names_row_and_field_and_both_values(folder: Path) -> None:
    """What is expected and not sent, sent and not expected, and sent otherwise."""
    sent = SENT.replace('"Prospecting"', '"Closed Won"').replace("Amount = 12.5", 'LeadSource = "Web"')
    found = {
        each["what"]: (each["expected"], each["actual"])
        for each in differing(folder, a_test(f"sends = {{ {sent} }}"))
    }
    assert found["StageName"] == ("Closed Won", "Prospecting")
    assert found["LeadSource"] == ("Web", "(not sent)")
    assert found["Amount"] == ("(not sent)", "12.50")
    out = run(folder, a_test(f"sends = {{ {sent} }}")).out
    assert "FAIL a new deal" in out
    assert (
        "opportunities row 1, StageName\n         expected: Closed Won\n         actual:   Prospecting\n"
        in out
    )
    assert out.endswith("1 of 1 test failed.\n")


def test_a_problem_is_expected_by_its_code(folder: Path) -> None:
    """The right code passes; another one, or none where one is expected, is a difference that says which."""
    row = ROW.replace('"New"', '"Lost"')
    [known] = run(folder, a_test("", row=row), "--json").document["tests"][0]["differences"]
    code = known["actual"].partition(" ")[0]
    assert run(folder, a_test(f'action = "reject"\nproblem = "{code}"', row=row)).exit_code == 0
    [other] = differing(folder, a_test('problem = "BAD_DATE"', row=row))
    assert (other["expected"], other["actual"].partition(" ")[0]) == ("BAD_DATE", code)
    [none] = differing(folder, a_test('problem = "BAD_DATE"'))
    assert none["actual"] == "none"


def test_a_record_that_the_test_puts_into_the_org_is_updated(folder: Path) -> None:
    """Only what differs is sent; a field that is to be cleared is expected as empty text."""
    more = f"""
[[test.org.records]]
object = "Opportunity"
values = {{ {NAMED}, Amount = 10, NextStep = "Call" }}
"""
    done = run(folder, a_test('action = "update"\nsends = { Amount = 12.5, NextStep = "" }', more=more))
    assert done.exit_code == 0, done.out + done.err


def test_roles_name_their_deal_and_contact_by_what_they_are_called(folder: Path) -> None:
    """A new deal by its key, a contact by e-mail; each row has its expectation at the same place."""
    roles = '{ id = "D-1", contact = "leung.chan@getcloudy.example", role = "Evaluator" }'
    tests = a_test('action = "create"').replace(
        "[[test.expect", f"contact_roles = [ {roles} ]\n[[test.expect"
    )
    expected = 'OpportunityId = "D-1", ContactId = "leung.chan@getcloudy.example", Role = "Evaluator"'
    done = run(folder, f"{tests}\n[[test.expect.contact_roles]]\nsends = {{ {expected} }}\n")
    assert done.exit_code == 0, done.out + done.err
    wrong = expected.replace("leung.chan", "alan.johnson")
    [found] = differing(folder, f"{tests}\n[[test.expect.contact_roles]]\nsends = {{ {wrong} }}\n")
    assert found["row"] == "contact_roles row 1"
    assert "leung.chan" in found["actual"] or "Leung Chan" in found["actual"]


def test_rows_without_a_key_in_the_org_can_be_tested_too(folder: Path) -> None:
    """The journal of a test is a fresh one, which has never seen the job."""
    (folder / "deals.toml").write_text(JOB.format(key='row_key = "id"', mapped=""))
    assert run(folder, a_test('action = "create"\nincludes = { Name = "Sandals - D-1" }')).exit_code == 0


@pytest.mark.parametrize(
    ("tests", "code", "said"),
    [
        ("[[test]]\nname = 3", "MISSING_KEY", "deals.test.toml:3: "),
        (a_test('acton = "create"'), "UNKNOWN_KEY", 'did you mean "action"?'),
        (a_test('action = "insert"'), "BAD_VALUE", "is none of"),
        (
            a_test("", row=ROW.replace("stage =", "stge =")),
            "BAD_TEST",
            'no column "stge". Did you mean "stage"?',
        ),
        (a_test("").replace("[[test.expect.opp", "[[test.expect.op"), "BAD_VALUE", "is no section"),
        (a_test("", row=f"{ROW}, {ROW}"), "BAD_VALUE", "expects 1 rows, and 2 are given"),
        (
            a_test("", more='[[test.org.records]]\nobject = "Shoe__c"\nvalues = { Name = "x" }'),
            "BAD_TEST_ORG",
            "Shoe__c",
        ),
        ("[[test", "BAD_FILE", "is not TOML"),
    ],
)
def test_a_broken_file_is_exit_2_and_named(folder: Path, tests: str, code: str, said: str) -> None:
    """With file, line where there is one, and the nearest name; no test runs."""
    done = run(folder, tests, "--json")
    assert (done.exit_code, done.document["code"]) == (2, code), done.out
    assert said in done.document["message"]


def test_a_mistake_is_named_with_the_line_of_its_own_test(folder: Path) -> None:
    """A file has many tests; the first one's slip is not looked for in the last."""
    tests = a_test('action = "create"').replace('name = "a new deal"', 'nme = "a new deal"')
    message = run(folder, tests + a_test('action = "create"'), "--json").document["message"]
    assert 'deals.test.toml:4: test.0.nme is not a key; did you mean "name"?' in message


def test_a_job_without_tests_says_where_to_write_them(folder: Path) -> None:
    """Beside the job, or in a folder beside it."""
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    done = warm_sfsync("test", "./deals.toml", "--json", environ=environ, cwd=folder)
    assert (done.exit_code, done.document["code"]) == (2, "NO_TESTS")
    assert "deals.test.toml" in done.document["hint"]


def test_files_of_the_folder_beside_the_job_are_run_too(folder: Path) -> None:
    """In the order of their names, after the file beside the job."""
    (folder / "deals.tests").mkdir()
    (folder / "deals.tests" / "more.toml").write_text(a_test('action = "create"', name="one more"))
    document = run(folder, a_test('action = "create"'), "--json").document
    assert [each["name"] for each in document["tests"]] == ["a new deal", "one more"]
