"""Every exit code of the command line is one that a command ends with, and the pages list these and no others."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import exit_table
import pytest
from main_job_bench import Before
from safety_desk import ORG_FILE, SafetyDesk, row

from sfsync import errors
from sfsync.app.job_locks import job_locked
from sfsync.cli.main import run
from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running
from sfsync.explanations.catalogue import groups
from sfsync.jobs import load_job
from sfsync.journal import open_journal, state_place

WRITES = "/composite/graph"
JOB = ("run", "./job.toml", "--yes")
LIMIT = Refuse(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
Scene = Callable[[SafetyDesk], AbstractContextManager[None]]


@contextmanager
def all_is_well(_: SafetyDesk) -> Iterator[None]:
    """The desk's job as it is: two deals that the org takes."""
    yield


@contextmanager
def the_journal_is_damaged(desk: SafetyDesk) -> Iterator[None]:
    """Where the journal should be there is something else."""
    (desk.folder / "state").mkdir()
    (desk.folder / "state" / "journal.sqlite").write_bytes(b"no journal" * 1000)
    yield


@contextmanager
def a_row_is_bad(desk: SafetyDesk) -> Iterator[None]:
    """The second row has a stage that the org does not know."""
    key = desk.folder.name
    desk.write(row(f"{key}-1") + f"{key}-2,Deal {key}-2,Prospectin,2027-01-31\n")
    yield


@contextmanager
def the_token_is_refused(_: SafetyDesk) -> Iterator[None]:
    """The org does not know the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFSYNC_ORGS__LOCAL__ACCESS_TOKEN", "of-yesterday")
        yield


@contextmanager
def the_source_is_gone(desk: SafetyDesk) -> Iterator[None]:
    """The export has not come."""
    (desk.folder / "deals.csv").unlink()
    yield


@contextmanager
def the_day_is_used_up(desk: SafetyDesk) -> Iterator[None]:
    """The org refuses every write by its limit of API requests."""
    desk.emulator.faults.add(FaultScript(LIMIT, path=WRITES, count=None))
    yield


@contextmanager
def another_run_is_at_work(desk: SafetyDesk) -> Iterator[None]:
    """The job's lock is held."""
    org_id = desk.command("plan", "./job.toml", "--json").document["org"]["id"]
    job = load_job("./job.toml", environ=desk.environ)
    with (
        open_journal(state_place(desk.environ), clock=lambda: datetime.now(UTC)) as journal,
        job_locked(journal, job, org_id, None),
    ):
        yield


def signalled(number: int) -> Scene:
    """The process gets a signal while its first write is under way."""

    @contextmanager
    def scene(desk: SafetyDesk) -> Iterator[None]:
        strike = Before(Refuse(), path=WRITES, deed=lambda: os.kill(os.getpid(), number))
        desk.emulator.faults.add(strike)
        yield

    return scene


CASES: dict[int, tuple[Scene, tuple[str, ...]]] = {
    0: (all_is_well, JOB),
    1: (the_journal_is_damaged, JOB),
    2: (all_is_well, ("run", "./jbo.toml")),
    3: (a_row_is_bad, JOB),
    4: (the_token_is_refused, JOB),
    5: (the_source_is_gone, JOB),
    6: (all_is_well, (*JOB, "--max-changes", "1")),
    8: (all_is_well, ("plan", "./job.toml", "--detailed-exitcode")),
    75: (the_day_is_used_up, JOB),
    99: (another_run_is_at_work, JOB),
    130: (signalled(signal.SIGINT), JOB),
    143: (signalled(signal.SIGTERM), JOB),
}
"""Exit code -> what is the matter, and the command that ends with it."""

WRITE = {0, 3}
"""Codes by which, in these scenes, the first deal has come to the org; a write that a signal met may have."""


@pytest.fixture(scope="module")
def org() -> Iterator[RunningEmulator]:
    """One org for all of them; each test has deals of its own."""
    with running(ORG_FILE) as emulator:
        yield emulator


@pytest.fixture
def desk(org: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SafetyDesk]:
    """A job of two deals, whose keys are the folder's."""
    made = SafetyDesk(org, tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    made.write(row(f"{tmp_path.name}-1") + row(f"{tmp_path.name}-2"))
    yield made
    org.faults.clear()


@pytest.mark.parametrize("code", exit_table.CODES)
def test_a_command_ends_with_each_exit_code(
    desk: SafetyDesk, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scene is played, the command is typed, and the process would end with this code."""
    scene, arguments = CASES[code]
    with scene(desk):
        ended = run(list(arguments))
    said = capsys.readouterr()
    assert ended == code, said.out + said.err
    if code < 128:
        assert bool(desk.deals(f"Deal {desk.folder.name}-1")) == (code in WRITE)


def test_the_pages_and_the_help_list_the_same_exit_codes() -> None:
    """What a scheduler is told, what a newcomer reads, and what `--help` says are one table."""
    codes = set(exit_table.CODES)
    assert codes == set(CASES) == set(exit_table.MEANING) == exit_table.in_the_help()
    assert exit_table.in_the_table("README.md", "## Exit codes") == codes
    assert exit_table.in_the_table("docs/schedulers.md", "## What an exit code means") == codes - {8}
    night = (exit_table.ROOT / "docs/howto/at-three-in-the-morning.md").read_text(encoding="utf-8")
    told = re.findall(r"^## ((?:\d+(?:, | and |: )?)+)", night, re.MULTILINE)
    assert {int(each) for heading in told for each in re.findall(r"\d+", heading)} == codes - {8}


def test_no_error_and_no_explanation_has_an_exit_code_of_its_own() -> None:
    """Whatever ends a command ends it with a code of the table."""
    of_errors = {
        each.exit_code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.SyncError)
    }
    explained = {code for group in groups() for each in group.explanations for code in each.exits}
    assert of_errors | explained <= set(exit_table.CODES)


def test_the_tests_that_the_page_names_are_there() -> None:
    """Each exists and ends something with its exit code."""
    for code, files in exit_table.SHOWN.items():
        end = str(code) if code < 128 else rf"{code}|128 \+ number"
        form = re.compile(rf"(?:== |expected=|ended with |\()(?:{end})\b")
        for name in files:
            assert form.search((exit_table.ROOT / name).read_text(encoding="utf-8")), f"{name}: {code}"
