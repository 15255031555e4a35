"""The last line on stderr of a command that runs a job is one sentence: job, org, exit code, cause, what next."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from main_job_bench import ORG_FILE, Before
from safety_desk import SafetyDesk

from sfsync.app.job_locks import job_locked
from sfsync.cli.main import run
from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.jobs import load_job
from sfsync.journal import open_journal, state_place

WRITES = "/composite/graph"
LIMIT = Refuse(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])


@pytest.fixture(scope="module")
def org() -> Iterator[RunningEmulator]:
    """One org for all of them; each test has keys of its own."""
    with running(ORG_FILE) as emulator:
        yield emulator


@dataclass
class Typist:
    """Types commands in this process, and keeps what the last one said on stderr."""

    desk: SafetyDesk
    read: Callable[[], tuple[str, str]]
    out: str = ""
    err: str = ""

    def type(self, *arguments: str, expected: int) -> str:
        """Runs a command; its last line on stderr, if it has one."""
        code = run(list(arguments))
        self.out, self.err = self.read()
        assert code == expected, self.out + self.err
        return self.err.splitlines()[-1] if self.err else ""


@pytest.fixture
def typist(
    org: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Typist]:
    """A typist whose job brings two deals, whose keys are the folder's."""
    desk = SafetyDesk(org, tmp_path)
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    write(desk)
    yield Typist(desk, lambda: (said := capsys.readouterr(), (said.out, said.err))[1])
    org.faults.clear()


def write(desk: SafetyDesk, *, stage: str = "Prospecting") -> None:
    """Two deals, the second in that stage."""
    key = desk.folder.name
    desk.write(f"{key}-1,{key} one,Prospecting,2027-01-31\n{key}-2,{key} two,{stage},2027-01-31\n")


def test_a_run_that_wrote_says_how_to_take_it_back_and_a_second_that_nothing_had_to_be_written(
    typist: Typist,
) -> None:
    """Exit code 0: what is to be typed next stands behind the colon, as it is typed."""
    last = typist.type("run", "./job.toml", "--yes", expected=0)
    found = re.fullmatch(
        r"sfsync: job on local ended with 0: 2 rows done, none left; to take it back: sfsync undo (\S+)", last
    )
    assert found, last
    again = typist.type("run", "./job.toml", "--yes", "--json", expected=0)
    assert again == "sfsync: job on local ended with 0: nothing had to be written, 2 rows as before"
    json.loads(typist.out)
    undone = typist.type("undo", found[1], "--yes", expected=0)
    assert undone == f"sfsync: job on local ended with 0: run {found[1]} is taken back"


def test_a_plan_says_what_it_would_write_and_the_command_that_writes_it(typist: Typist) -> None:
    """Exit codes 0 and 8; a plan that is saved is the one that is named."""
    last = typist.type("plan", "./job.toml", "--detailed-exitcode", "--out", "p.json", expected=8)
    assert last == (
        "sfsync: job on local ended with 8: a plan that writes 2 records, and nothing was written; "
        "write it: sfsync run ./job.toml --plan p.json"
    )


def test_rows_that_were_not_done_are_counted_by_code_and_the_file_to_correct_is_named(typist: Typist) -> None:
    """Exit code 3, of a run and of an import."""
    write(typist.desk, stage="Prospectin")
    last = typist.type("run", "./job.toml", "--yes", expected=3)
    begin, _, typed = last.partition("; correct that file and import it: ")
    assert begin == "sfsync: job on local ended with 3: 1 of 2 rows was not done (UNKNOWN_STAGE 1)"
    words = typed.split(" ")
    assert Path(words[2]).read_text().count("Prospectin,") == 1
    assert words[3:] == ["--job", "./job.toml", "-o", "local"]
    again = typist.type(*words[1:], "--yes", expected=3)
    assert "correct that file and import it with the same options: sfsync import" in again


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (2, ("run",), "sfsync: run ended with 2: Missing argument 'JOB' (USAGE); nothing was written; see "),
        (2, ("run", "nope.toml"), "sfsync: nope.toml ended with 2: "),
        (
            2,
            ("retry",),
            "sfsync: retry ended with 2: there is no ended run (NO_SUCH_RUN); nothing was written",
        ),
        (2, ("resume",), "sfsync: resume ended with 2: there is no interrupted run (NO_SUCH_RUN)"),
        (4, ("run", "./job.toml"), "sfsync: job on local ended with 4: the org answered: "),
        (5, ("run", "./job.toml"), "sfsync: job on local ended with 5: "),
        (
            6,
            ("run", "./job.toml", "--max-changes", "1"),
            "sfsync: job on local ended with 6: the plan writes 2 records, and at most 1 were allowed (TOO_MANY_",
        ),
        (1, ("run", "./job.toml"), "sfsync: job on local ended with 1: "),
    ],
    ids=["usage", "job", "retry", "resume", "login", "source", "guard", "journal"],
)
def test_a_command_that_ends_by_an_error_says_its_cause_and_that_nothing_was_written(
    typist: Typist, code: int, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit codes 1, 2, 4, 5 and 6, with --json too."""
    if code == 4:
        monkeypatch.setenv("SFSYNC_ORGS__LOCAL__ACCESS_TOKEN", "bad-token")
    if code == 5:
        (typist.desk.folder / "deals.csv").unlink()
    if code == 1:
        (typist.desk.folder / "state").mkdir()
        (typist.desk.folder / "state" / "journal.sqlite").write_bytes(b"no journal" * 1000)
    last = typist.type(*arguments, "--json", expected=code)
    assert last.startswith(said)
    assert "; nothing was written" in last
    assert json.loads(typist.out)["exit_code"] == code


def test_a_run_that_the_org_stops_says_how_far_it_came_and_how_to_go_on(
    typist: Typist, org: RunningEmulator
) -> None:
    """Exit code 75, and the command that it names goes on."""
    org.faults.add(FaultScript(LIMIT, path=WRITES, count=None))
    last = typist.type("run", "./job.toml", "--yes", expected=75)
    org.faults.clear()
    begin, _, typed = last.partition("; go on with it: sfsync ")
    assert begin.startswith("sfsync: job on local ended with 75: it was stopped (REQUEST_LIMIT_EXCEEDED")
    assert begin.endswith(") after 0 of 2 rows")
    done = typist.type(*typed.split(" "), expected=0)
    assert done.startswith("sfsync: job on local ended with 0: 2 rows done, none left")


def test_a_second_run_of_the_job_says_that_another_holds_the_lock(typist: Typist) -> None:
    """Exit code 99."""
    desk = typist.desk
    typist.type("run", "./job.toml", "--yes", expected=0)
    org_id = json.loads(run_json(typist, "plan", "./job.toml", "--json"))["org"]["id"]
    job = load_job("./job.toml", environ=desk.environ)
    with (
        open_journal(state_place(desk.environ), clock=lambda: datetime.now(UTC)) as journal,
        job_locked(journal, job, org_id, None),
    ):
        last = typist.type("run", "./job.toml", "--yes", expected=99)
    assert last.startswith("sfsync: job on local ended with 99: ")
    assert "; nothing was written" in last


def run_json(typist: Typist, *arguments: str) -> str:
    """What a command says on stdout."""
    typist.type(*arguments, expected=0)
    return typist.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_a_signal_stops_says_so_and_how_to_go_on(
    typist: Typist, org: RunningEmulator, number: int
) -> None:
    """Exit codes 143 and 130; what it sent is settled by the command that it names."""
    org.faults.add(Before(Refuse(), path=WRITES, deed=lambda: os.kill(os.getpid(), number)))
    last = typist.type("run", "./job.toml", "--yes", expected=128 + number)
    org.faults.clear()
    assert last.startswith(f"sfsync: job on local ended with {128 + number}: it was stopped (INTERRUPTED: ")
    assert " of 2 rows; go on with it: sfsync resume " in last
    done = typist.type("resume", expected=0)
    assert done.startswith("sfsync: job on local ended with 0: ")


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_an_answer_of_no_is_told_as_the_cause_and_how_to_write_the_plan_after_all(
    typist: Typist, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Exit code 130 of a run and of an undo, which a signal has too; an empty answer and none are a no."""
    cause = "ended with 130: nothing was written, because the answer was no; "
    typist.type("run", "./job.toml", "--yes", "--json", expected=0)
    run_id = json.loads(typist.out)["run"]
    write(typist.desk, stage="Qualification")
    for module in ("run", "output", "undo"):
        monkeypatch.setattr(f"sfsync.cli.{module}.is_terminal", lambda: True)
    monkeypatch.setattr("sfsync.cli.output.line_asked", lambda _: answer)
    for command in (("run", "./job.toml"), ("undo", run_id)):
        last = typist.type(*command, expected=130)
        assert last.endswith(f"{cause}type the same command again and answer y to write the plan"), last


def test_an_undo_that_leaves_a_record_says_how_many_and_what_takes_them_back_too(typist: Typist) -> None:
    """A later run changed the second deal again: the sentences count it, and their commands take it back."""
    typist.type("run", "./job.toml", "--yes", expected=0)
    both = typist.desk.folder / "deals.csv"
    runs = []
    for first, second in (("Qualification", "Qualification"), ("Qualification", "Needs Analysis")):
        one, two = both.read_text().splitlines()[1:]
        lines = (
            re.sub(r"[^,]+(,[^,]+)$", stage + r"\1", row) for stage, row in ((first, one), (second, two))
        )
        typist.desk.write("\n".join(lines) + "\n")
        runs.append(json.loads(run_json(typist, "run", "./job.toml", "--yes", "--json"))["run"])
    first_run, later = runs
    how = f"what later runs wrote to goes back by sfsync undo {later} && sfsync undo {first_run}"
    planned = typist.type("undo", first_run, "--dry-run", expected=0)
    assert planned.endswith("nothing was written; 1 record stays as it is (NOT_UNDONE 1)")
    last = typist.type("undo", first_run, "--yes", expected=0)
    stays = f"1 record stays as it is (NOT_UNDONE 1); {how}"
    assert last == (f"sfsync: job on local ended with 0: run {first_run} is taken back in part; {stays}")
    said = " ".join(typist.out.split())
    assert said.endswith(
        f"Finished: 1 record done; 1 record stays as it is (NOT_UNDONE 1). The notes say why; {how}"
    )
    newest = json.loads(run_json(typist, "runs", "list", "--limit", "1", "--json"))["runs"][0]["run"]
    assert f"  next: 1 record stays as it is; {how}\n" in run_json(typist, "runs", "show", newest)
    again = typist.type("undo", first_run, "--yes", "--json", expected=0)
    assert f": nothing more of run {first_run} could be taken back; {stays}" in again
    assert json.loads(typist.out)["stays"] == {"records": 1, "later_runs": [later]}
    typist.type("undo", later, "--yes", expected=0)
    last = typist.type("undo", first_run, "--yes", expected=0)
    assert last == f"sfsync: job on local ended with 0: run {first_run} is taken back"
    assert "Finished: 1 record done, none left." in typist.out


def test_pull_and_adopt_end_with_it_too(typist: Typist) -> None:
    """They make no report, and say what they did in their own words."""
    typist.type("run", "./job.toml", "--yes", expected=0)
    last = typist.type("pull", "./job.toml", "--out", "pulled.csv", expected=0)
    assert (
        last
        == "sfsync: job on local ended with 0: 2 deals are in pulled.csv, and nothing was written to the org"
    )
    last = typist.type("adopt", "./job.toml", "--candidates", expected=0)
    assert last.startswith(
        "sfsync: job on local ended with 0: 0 candidates were found, and nothing was adopted; "
    )


def test_where_progress_is_json_lines_the_sentence_is_one_of_them(typist: Typist) -> None:
    """So a program reads every line of stderr in one way."""
    last = typist.type("run", "./job.toml", "--yes", "--progress", "json", expected=0)
    told = [json.loads(line) for line in typist.err.splitlines()]
    assert json.loads(last) == told[-1]
    assert (told[-1]["event"], told[-1]["exit_code"]) == ("ended", 0)
    assert told[-1]["sentence"].startswith("sfsync: job on local ended with 0: ")
