"""From a file to a reviewed plan: suggest, init, questions on a terminal, and the demo's second act."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import tomllib
from pathlib import Path

import pytest
from command_line import PROGRAM, Done, warm_sfsync
from command_line import sfsync as command
from conftest import ROOT

GERMAN = ROOT / "config" / "samples" / "hubspot_deals_de.csv"
PLAIN = """Deal ID,Deal Name,Stage,Closing Date,Amount,Company
A-1,Boots,Prospecting,03/04/2027,"1,200.50",Get Cloudy Consulting
A-2,Laces,closed won,31/01/2027,300.00,Get Cloudy Consulting
"""


def ask(desk: Path, environ: dict[str, str], *arguments: str) -> Done:
    """A command typed in the folder of the test."""
    return warm_sfsync(*arguments, environ=environ, cwd=desk)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a plain export."""
    (tmp_path / "deals.csv").write_text(PLAIN)
    return tmp_path


def test_an_export_becomes_a_job_that_loads_when_nothing_is_undecided(
    desk: Path, environ: dict[str, str]
) -> None:
    """Key, date order with its proof, numbers, stages and references are found, checked and written."""
    done = ask(desk, environ, "suggest", "deals.csv", "-o", "local", "--out", "job.toml")
    assert (done.exit_code, done.err) == (0, "")
    assert "nothing is undecided" in done.out
    text = (desk / "job.toml").read_text()
    assert 'line 3 "31/01/2027" disproves M/D/Y' in text
    deals = tomllib.loads(text)["opportunities"]
    assert deals["key"] == "Sfsync_Key__c"
    assert deals["fields"]["Sfsync_Key__c"] == "Deal ID"
    assert deals["fields"]["CloseDate"] == {"column": "Closing Date", "format": "D/M/Y"}
    assert deals["fields"]["Amount"] == {"column": "Amount", "numbers": "en_US"}
    assert deals["fields"]["StageName"]["map"] == {"Prospecting": "Prospecting", "closed won": "Closed Won"}
    assert ask(desk, environ, "check", "job.toml").exit_code == 0
    assert ask(desk, environ, "run", "job.toml", "--yes").exit_code == 0
    again = ask(desk, environ, "run", "job.toml", "--yes", "--json")
    assert again.document["api"]["writes"] == 0


def test_what_the_file_does_not_prove_is_refused_with_the_exact_edit(
    desk: Path, environ: dict[str, str]
) -> None:
    """Ambiguous dates, an unknown stage and an unknown column stand in the job, marked; check names each edit."""
    (desk / "deals.csv").write_text(
        "Deal ID,Deal Name,Stage,Closing Date,Mood\nA-1,Boots,Prospectin,03/04/2027,fine\n"
    )
    assert ask(desk, environ, "suggest", "deals.csv", "-o", "local", "--out", "job.toml").exit_code == 0
    done = ask(desk, environ, "check", "job.toml")
    assert done.exit_code == 2
    assert 'CloseDate.format is undecided: write format = "D/M/Y" or format = "M/D/Y"' in done.err
    assert 'StageName.map.Prospectin is undecided: write Prospectin = "Prospecting" or' in done.err
    assert (
        'ignore is undecided: write "Mood" to leave that column out, or take the entry out and add '
        'FIELD = "Mood" to [opportunities.fields]' in done.err
    )
    assert ask(desk, environ, "run", "job.toml", "--yes").exit_code == 2


def test_a_job_file_that_is_there_is_never_overwritten_without_force(
    desk: Path, environ: dict[str, str]
) -> None:
    """Suggest and init refuse, and leave the file as it was, until --force is given."""
    (desk / "job.toml").write_text("mine")
    for line in (["suggest", "deals.csv"], ["init"], ["init", "hubspot-deals"]):
        done = ask(desk, environ, *line, "--out", "job.toml")
        assert done.exit_code == 2
        assert "--force" in done.err
        assert (desk / "job.toml").read_text() == "mine"
    assert ask(desk, environ, "suggest", "deals.csv", "--out", "job.toml", "--force").exit_code == 0
    assert (desk / "job.toml").read_text() != "mine"


def test_three_readings_are_shown_where_the_encoding_is_not_proven(
    desk: Path, environ: dict[str, str]
) -> None:
    """A German export of cp1252 is read whole, its preset is known, and its encoding is left to a person."""
    done = ask(desk, environ, "suggest", str(GERMAN), "-o", "local", "--json")
    assert done.exit_code == 0
    found = done.document
    assert found["schema"] == "sfsync.suggest/1"
    assert found["undecided"] == 2
    [deals, roles] = found["sections"]
    assert deals["settings"]["encoding"]["choices"] == ["cp1252", "cp852", "cp850"]
    assert (deals["preset"]["value"], roles["preset"]["value"]) == ("hubspot-deals", "hubspot-deals")
    numbers = {each["field"]: each["numbers"]["value"] for each in deals["rules"] if each["numbers"]}
    assert numbers == {"Amount": "de_DE", "Probability": "de_DE"}


def test_a_snapshot_stands_in_for_the_org(desk: Path, environ: dict[str, str]) -> None:
    """With a snapshot the same job comes of it, but for the name of the org."""
    assert ask(desk, environ, "org", "snapshot", "-o", "local", "--out", "org.json").exit_code == 0
    by_org = ask(desk, environ, "suggest", "deals.csv", "-o", "local", "--json").document
    by_file = ask(desk, environ, "suggest", "deals.csv", "--snapshot", "org.json", "--json").document
    assert by_file["sections"] == by_org["sections"]
    assert (by_org["undecided"], by_file["undecided"]) == (0, 1)


def test_init_writes_jobs_whose_marks_check_explains(desk: Path, environ: dict[str, str]) -> None:
    """A blank job and one for a preset are TOML, and the next commands are named."""
    for line in ([], ["hubspot-deals"], ["dataloader"]):
        done = ask(desk, environ, "init", *line, "--out", "new.toml", "--force")
        assert done.exit_code == 0
        assert "sfsync check new.toml" in done.out
        assert "is undecided" in ask(desk, environ, "check", "new.toml").err


def on_a_terminal(
    desk: Path, environ: dict[str, str], arguments: list[str], answers: list[tuple[str, str]]
) -> tuple[int, str]:
    """Types each answer when its question is on the screen; exit code and screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        env={**environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        cwd=desk,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    screen, seen = "", 0
    waiting = list(answers)
    while select.select([ours], [], [], 60)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        if not data:
            break
        screen += data.decode(errors="replace").replace("\r", "")
        while waiting and waiting[0][0] in screen[seen:]:
            seen = screen.index(waiting[0][0], seen) + len(waiting[0][0])
            os.write(ours, waiting.pop(0)[1].encode() + b"\n")
    code = process.wait(timeout=60)
    os.close(ours)
    assert waiting == [], screen
    return code, screen


def test_a_terminal_walks_a_newcomer_from_a_file_to_a_plan(desk: Path, environ: dict[str, str]) -> None:
    """Each undecided thing is asked with its evidence; the answers are saved as a job that asks nothing again."""
    (desk / "deals.csv").write_text(
        "Deal ID,Deal Name,Stage,Closing Date,Company,Mood\n"
        "A-1,Müller Boots,Trial,03/04/2027,Get Cloudy Consulting,fine\n",
        encoding="cp1252",
    )
    answers = [
        ("1 to 3: ", "7"),
        ("1 to 3: ", "1"),
        ("The field of the org that it fills, or - to leave it out: ", "-"),
        ("1 to 2: ", "D/M/Y"),
        ("1 to 10: ", "Qualification"),
        ("Write this plan to the org? [y/N]: ", "y"),
    ]
    line = ["import", "deals.csv", "-o", "local", "--save-job", "job.toml", "--progress", "none"]
    code, screen = on_a_terminal(desk, environ, line, answers)
    assert code == 0, screen
    for shown in (
        "Please give the number",
        "How the dates are written of CloseDate?",
        'What "Trial" is as StageName?',
    ):
        assert shown in screen
    assert 'looked at line 2 "03/04/2027"' in screen
    assert "Next time: sfsync run job.toml" in screen
    deals = tomllib.loads((desk / "job.toml").read_text())["opportunities"]
    assert (deals["encoding"], deals["ignore"]) == ("cp1252", ["Mood"])
    assert deals["fields"]["CloseDate"]["format"] == "D/M/Y"
    again = ask(desk, environ, "run", "job.toml", "--yes", "--json")
    assert (again.exit_code, again.document["api"]["writes"]) == (0, 0)


def test_a_person_who_says_no_has_written_nothing(desk: Path, environ: dict[str, str]) -> None:
    """The plan is shown before the question; the answers are printed as a job file."""
    line = ["import", "deals.csv", "-o", "local", "--progress", "none"]
    code, screen = on_a_terminal(desk, environ, line, [("Write this plan to the org? [y/N]: ", "n")])
    assert code == 130
    assert "sfsync run NAME.toml asks nothing" in screen
    assert 'file = "deals.csv"' in screen


def test_off_a_terminal_nothing_is_asked(desk: Path, environ: dict[str, str]) -> None:
    """The refusal names the flag to give, as before."""
    done = ask(desk, environ, "import", "deals.csv", "-o", "local")
    assert done.exit_code == 2
    assert "Give --key COLUMN" in done.err


def test_the_demo_brings_a_german_export_in_its_second_act(environ: dict[str, str], tmp_path: Path) -> None:
    """Suggest's two marks are answered, the plan is written, and the second run writes nothing."""
    done = command("demo", "--state", str(tmp_path / "demo"), environ=environ, cwd=ROOT)
    assert (done.exit_code, done.err) == (0, "")
    assert 'encoding = "cp1252"' in done.out
    assert "8104 is 1234.5 in Closed Won, closes 2026-11-20: 1.234,50 in the file" in done.out
    assert "the second run of the export wrote nothing" in done.out
    assert "NOT " not in done.out
