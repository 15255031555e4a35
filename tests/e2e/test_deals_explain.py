"""What each code means: `sfsync explain`, what a report says beside a code, and whose words a refusal has."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safety_desk import SafetyDesk, desk_on, org_without_keys, row

from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript

ORG_FILE = Path(__file__).resolve().parents[2] / "config" / "emulator" / "org.toml"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org, and a job of one deal."""
    with desk_on(ORG_FILE, tmp_path) as made:
        made.write(row("D-1"))
        yield made


def test_explain_says_cause_effect_and_next_step_of_a_code(desk: SafetyDesk) -> None:
    """Capitals do not count, and no org, job or journal is asked for."""
    done = desk.command("explain", "unknown_stage")
    assert done.exit_code == 0
    first, *rest = done.out.splitlines()
    assert first == "UNKNOWN_STAGE: The org has no such stage"
    assert [each.split(":")[0].strip() for each in rest if each.startswith("  ") and each[2] != " "] == [
        "Why",
        "The data",
        "What to do",
        "Who",
        "Try again",
        "Part",
    ]
    assert not (desk.folder / "state").exists()


def test_explain_for_programs_says_the_same(desk: SafetyDesk) -> None:
    """With --json it is one document, which names where Salesforce documents a code of its own."""
    said = desk.command("explain", "REQUEST_LIMIT_EXCEEDED", "--json").document
    assert (said["schema"], said["from"], said["exit_codes"]) == ("sfsync.explanation/1", "salesforce", [75])
    assert said["causes"]
    assert said["next_steps"]
    assert "SOAP API Developer Guide" in said["source"]


def test_explain_alone_lists_all_codes_by_group(desk: SafetyDesk) -> None:
    """Groups follow a row from its file to the org; what Salesforce says stands last."""
    done = desk.command("explain")
    assert done.exit_code == 0
    titles = [each for each in done.out.splitlines() if each and not each.startswith(" ")]
    assert titles[0] == "Source files and their rows"
    assert titles[-1] == "sfsync explain CODE says more."
    assert titles[-2].startswith("Salesforce:")
    assert "  UNKNOWN_STAGE: The org has no such stage\n" in done.out
    document = desk.command("explain", "--json").document
    assert {"UNKNOWN_STAGE", "DUPLICATE_VALUE"} <= {each["code"] for each in document["codes"]}


def test_an_unknown_code_is_told_with_the_nearest_ones(desk: SafetyDesk) -> None:
    """Exit 2, as for every word that the command line does not know."""
    done = desk.command("explain", "UNKNWON_STAGE")
    assert (done.exit_code, done.out) == (2, "")
    assert 'there is no code "UNKNWON_STAGE"' in done.err
    assert "Did you mean UNKNOWN_STAGE" in done.err
    assert desk.command("explain", "xyzzy", "--json").document["code"] == "NO_SUCH_CODE"


def test_explain_imports_nothing_that_talks_to_an_org(tmp_path: Path) -> None:
    """It starts fast: neither the client, the journal nor the forms of job files are loaded for it."""
    program = (
        "import sys\n"
        "from sfsync.cli.main import run\n"
        "run(['explain', 'BLANK'])\n"
        "heavy = ('requests', 'sqlalchemy', 'pydantic', 'simple_salesforce', 'rich', 'jinja2', 'lark')\n"
        "print([each for each in heavy if each in sys.modules])\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": root},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_plan_says_the_title_beside_the_code_and_once_where_to_read_more(desk: SafetyDesk) -> None:
    """A person sees what UNKNOWN_STAGE is about before reading the rows of it."""
    desk.write("D-1,One,Prospectin,2027-01-31\nD-2,Two,Prospecting,soon\n")
    done = desk.command("plan", "./job.toml")
    assert "  UNKNOWN_STAGE - the org has no such stage: 1 row\n" in done.out
    assert "  BAD_VALUE - a value that cannot be used: 1 row\n" in done.out
    mentions = [each for each in done.out.splitlines() if "sfsync explain" in each]
    assert len(mentions) == 1
    code = mentions[0].split()[2]
    assert desk.command("explain", code).exit_code == 0


def test_the_report_for_a_browser_says_why_beside_a_group_of_problems(desk: SafetyDesk) -> None:
    """The cause comes from the catalogue, below the title of the code."""
    desk.write("D-1,One,Prospectin,2027-01-31\n")
    page = Path(desk.command("plan", "./job.toml", "--json").document["files"]["report"]).read_text()
    assert "UNKNOWN_STAGE - the org has no such stage" in page
    assert "Why: The cell, or the word that the job&#39;s map gives, is no stage name of the org" in page


def test_a_refusal_of_the_org_is_told_in_our_words_with_the_orgs_own_behind_them(desk: SafetyDesk) -> None:
    """What it means and the field's label come first; the org's text, which nobody translated, is quoted."""
    refusal = FailRows(
        keys=("D-1",),
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="Bitte einen\nnächsten Schritt angeben",
        fields=("NextStep", "Strange__c"),
    )
    desk.emulator.faults.add(FaultScript(refusal, path="/composite", count=None))
    [problem] = desk.run(expected=3)["problems"]
    assert problem["message"] == (
        "the org refused the row: a validation rule of the org speaks (Next Step, Strange__c)."
        ' The org says: "Bitte einen nächsten Schritt angeben"'
    )
    assert problem["hint"] == "Change the row as the rule asks, or ask the admin about the rule."
    assert problem["field"] == "NextStep"


def test_a_refusal_by_a_code_that_nobody_knows_keeps_the_orgs_text(desk: SafetyDesk) -> None:
    """A new code of the platform loses nothing: its text and the code are there, and a next step."""
    refusal = FailRows(keys=("D-1",), code="CODE_OF_TOMORROW", message="not on a Sunday")
    desk.emulator.faults.add(FaultScript(refusal, path="/composite", count=None))
    [problem] = desk.run(expected=3)["problems"]
    assert problem["code"] == "CODE_OF_TOMORROW"
    assert problem["message"] == 'the org refused the row. The org says: "not on a Sunday"'
    assert problem["hint"] == "Correct the row as the org says, then import the rejects file."


def test_an_error_that_stops_a_run_names_the_command_that_says_more(tmp_path: Path) -> None:
    """A guard's message is not all there is to know; that of a slip in the command is."""
    with desk_on(org_without_keys(), tmp_path) as desk:
        desk.write(row("D-1"), has_key=False)
        refused = desk.command("plan", "./job.toml")
        assert refused.exit_code == 6
        assert refused.err.splitlines()[-2] == "       sfsync explain JOURNAL_NEW says more"
        slip = desk.command("plan", "./jbo.toml")
        assert slip.exit_code == 2
        assert "sfsync explain" not in slip.err
