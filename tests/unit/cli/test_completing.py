"""What a half-typed command line may go on with."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from sfsync.cli.completing import FIRST_ARGUMENTS, MOST_RUNS, completions
from sfsync.cli.main import cli, run
from sfsync.jobs.org_environment import variable


@pytest.fixture(name="environ")
def _environ(tmp_path: Path) -> dict[str, str]:
    """A config folder with two jobs and an org, another org in the environment, and runs of one job."""
    for kind, name in (
        ("jobs", "nightly"),
        ("jobs", "nights"),
        ("jobs", "nightly.test"),
        ("orgs", "production"),
    ):
        (tmp_path / "config" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / kind / f"{name}.toml").touch()
    runs = tmp_path / "state" / "runs"
    for day in range(10, 70):
        a_run(runs / "nightly" / f"202601{day}T030000Z-abcdef")
    a_run(runs / "nights" / "20270101T030000Z-123456")
    return {
        "SFSYNC_CONFIG": str(tmp_path / "config"),
        "SFSYNC_STATE": str(tmp_path / "state"),
        variable("sandbox", "login"): "token",
    }


def a_run(folder: Path, file: str = "plan.json") -> None:
    """A folder with a file that only a run writes, beside one that a plan has too."""
    folder.mkdir(parents=True)
    (folder / file).touch()
    (folder / "run_results.json").touch()


def offered(environ: dict[str, str], line: str) -> list[str] | None:
    """What is offered for the last word of the line, which may be empty; None where click is asked."""
    *words, incomplete = line.split(" ")
    found = completions(cli, words, incomplete, environ)
    return None if found is None else [str(each.value) for each in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run ", ["nightly", "nights"]),
        ("run nightl", ["nightly"]),
        ("run -o sandbox ni", ["nightly", "nights"]),
        ("run --full ni", ["nightly", "nights"]),
        ("run --max-changes 5 ni", ["nightly", "nights"]),
        ("run --max-changes ", None),
        ("run nightly ", None),
        ("run --pl", None),
        ("state show ni", ["nightly", "nights"]),
        ("state ", None),
        ("import deals.csv -o ", ["production", "sandbox"]),
        ("run nightly --target-org s", ["sandbox"]),
        ("undo 2027", ["20270101T030000Z-123456"]),
        ("no-such-command ", None),
        ("", None),
    ],
)
def test_names_complete_where_they_can_stand(
    environ: dict[str, str], line: str, expected: list[str] | None
) -> None:
    """Jobs for JOB, runs for RUN, orgs behind -o; options, choices and other arguments are click's."""
    assert offered(environ, line) == expected


def test_a_word_that_is_no_job_may_be_the_path_of_one(environ: dict[str, str]) -> None:
    """Where no job is called so, the shell completes files."""
    [item] = completions(cli, ["run"], "exports/ni", environ) or []
    assert (item.value, item.type) == ("exports/ni", "file")


def test_the_newest_runs_come_first_and_say_their_job(environ: dict[str, str]) -> None:
    """So many that a terminal shows them; older ones have to be typed."""
    found = completions(cli, ["resume"], "", environ) or []
    assert [(each.value, each.help) for each in found[:2]] == [
        ("20270101T030000Z-123456", "nights"),
        ("20260169T030000Z-abcdef", "nightly"),
    ]
    assert len(found) == MOST_RUNS


@pytest.mark.parametrize("command", ["runs show", "runs report", "resume", "retry", "undo"])
def test_a_plan_that_nobody_applied_is_no_run(environ: dict[str, str], command: str) -> None:
    """Its folder has results and a report too; large plans and plans in portions are known by their own files."""
    runs = Path(environ["SFSYNC_STATE"]) / "runs" / "nightly"
    a_run(runs / "20280101T030000Z-aaaaaa", "report.html")
    for number, file in enumerate(("plan.json.gz", "plan-0001.page")):
        a_run(runs / f"20280102T03000{number}Z-bbbbbb", file)
    assert offered(environ, f"{command} 2028") == ["20280102T030001Z-bbbbbb", "20280102T030000Z-bbbbbb"]


def test_a_missing_choice_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """The choices stand in the line; no control character of click's layout is spelled out."""
    assert run(["completion"]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "error: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish"


@pytest.mark.parametrize("path", sorted(FIRST_ARGUMENTS))
def test_what_is_known_without_the_command_is_what_the_command_says(path: tuple[str, ...]) -> None:
    """The table of first arguments agrees with the commands, which it saves from being imported."""
    command: click.Command | None = cli
    for word in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert command is not None
    first = next(each for each in command.params if isinstance(each, click.Argument))
    assert first.name == FIRST_ARGUMENTS[path]
