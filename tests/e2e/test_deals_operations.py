"""What a scheduler and its engineer are told of a run: metrics, pings, notices, logs; and nothing fails by it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command_line import PROGRAM
from deal_desk import DealDesk, row
from hook_server import HookServer, hook_server
from main_job_bench import ORG_FILE, ROOT, WRITES, Before

import sfsync.cli.watch
from sfsync.app.books import sync
from sfsync.app.past_runs import undoing
from sfsync.cli import main
from sfsync.cli.output import GRACE_S
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.server import RunningEmulator, running
from sfsync.jobs import load_job
from sfsync.report.files.folder import write_run_folder

GOOD = row("D-1")
BAD = row("D-2", stage="Nowhere")
FAILED = 3


@pytest.fixture(scope="module")
def org() -> Iterator[RunningEmulator]:
    """One org for all: the tests look at what is told, not at what it holds."""
    with running(ORG_FILE) as emulator:
        yield emulator


@pytest.fixture
def desk(org: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DealDesk:
    """A desk whose process has its environment."""
    made = DealDesk(org, tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return made


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    """A server that takes everything."""
    with hook_server() as serving:
        yield serving


@dataclass
class Deed:
    """What a command said."""

    code: int
    out: str
    err: str
    lines: list[str] = field(default_factory=list)


@pytest.fixture
def sfsync_(capsys: pytest.CaptureFixture[str]):
    """Types a command line in this process."""

    def run(*arguments: str) -> Deed:
        code = main.run(list(arguments))
        said = capsys.readouterr()
        return Deed(code, said.out, said.err, said.err.splitlines())

    return run


def metrics(path: Path) -> dict[str, float]:
    """The samples of a file by their names with labels, but for those of the job itself."""
    samples = (line.rpartition(" ") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {re.sub(r'(job|org)="[^"]*",?', "", name).replace(",}", "}"): float(v) for name, _, v in samples}


def test_metrics_are_written_for_a_collector_also_when_the_run_is_refused(
    desk, hooks, sfsync_, tmp_path, monkeypatch
):
    """--metrics-file: rows by outcome, calls, exit code, last success; also of a refused login."""
    file = tmp_path / "deals.prom"
    desk.write(GOOD, BAD)
    assert sfsync_("run", desk.job, "--metrics-file", str(file)).code == FAILED
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    first = metrics(file)
    assert first['sfsync_run_rows{sobject="Opportunity",outcome="rejected"}'] == 1
    assert first["sfsync_run_exit_code{}"] == FAILED
    assert first['sfsync_run_api_calls{kind="write"}'] == 1
    assert first["sfsync_run_api_calls_applied{}"] == first["sfsync_run_api_calls_predicted{}"]
    assert "sfsync_last_success_time_seconds{}" not in first
    assert first["sfsync_journal_oldest_open_change_seconds{}"] == 0
    desk.write(GOOD)
    assert sfsync_("run", desk.job, "--metrics-file", str(file)).code == 0
    success = metrics(file)["sfsync_last_success_time_seconds{}"]
    assert abs(success - time.time()) < 60
    monkeypatch.setenv("SFSYNC_ORGS__LOCAL__ACCESS_TOKEN", "00Dwrong")
    assert sfsync_("run", desk.job, "--metrics-file", str(file), "--ping", f"{hooks.url}/token").code == 4
    assert [path for path, _ in hooks.told] == ["/token/fail"]
    assert "exit code 4" in hooks.told[0][1]
    refused = metrics(file)
    assert (refused["sfsync_run_exit_code{}"], refused["sfsync_last_success_time_seconds{}"]) == (4, success)
    assert not any("rows" in name for name in refused)
    assert [each.name for each in tmp_path.iterdir() if ".part" in each.name] == []


@pytest.mark.parametrize("keeps_files", [True, False])
def test_an_undo_is_no_success_of_its_job(desk, sfsync_, tmp_path, monkeypatch, keeps_files):
    """The last success stays the last good run that brought rows, also where the files of runs are gone."""
    file = tmp_path / "deals.prom"
    desk.write(row("U-1"))
    assert sfsync_("run", desk.job, "--metrics-file", str(file)).code == 0
    success = metrics(file)["sfsync_last_success_time_seconds{}"]
    [listed] = json.loads(sfsync_("runs", "list", "--json").out)["runs"]
    an_hour_later = replace(desk.around, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    with undoing(listed["run"], an_hour_later) as (place, plan):
        report = place.apply(plan, is_fresh=True)
        assert report.exit_code == 0
        if keeps_files:
            write_run_folder(report, place.run_folder(plan.job, plan.plan_id))
        else:
            shutil.rmtree(place.state / "runs")
    desk.write(row("U-1"), BAD)
    assert sfsync_("run", desk.job, "--metrics-file", str(file)).code == FAILED
    assert metrics(file)["sfsync_last_success_time_seconds{}"] == success


def test_a_ping_is_told_start_and_success_or_failure_with_the_last_sentence(desk, hooks, sfsync_):
    """--ping URL: URL/start, then URL or URL/fail with one sentence that holds no value of a row."""
    desk.write(GOOD)
    assert sfsync_("run", desk.job, "--ping", f"{hooks.url}/token").code == 0
    desk.write(GOOD, BAD)
    done = sfsync_("run", desk.job, "--ping", f"{hooks.url}/token")
    assert done.code == FAILED
    assert hooks.paths == ["/token/start", "/token", "/token/start", "/token/fail"]
    sentence = hooks.told[-1][1]
    assert sentence.startswith(
        "job deals, org local: exit code 3; 1 of 2 rows done, 1 not done (UNKNOWN_STAGE 1)"
    )
    assert "next: sfsync runs show" in sentence
    assert "Nowhere" not in sentence
    assert "token" not in done.err


def test_a_ping_may_stand_in_the_job_or_behind_the_profile(desk, hooks, sfsync_, monkeypatch):
    """The job's key wins over the profile's variable; what is secret of it comes from the environment. A dry run
    tells nothing, because nothing ran.
    """
    desk.write(GOOD)
    monkeypatch.setenv("SFSYNC_ORGS__LOCAL__PING", f"{hooks.url}/profile")
    assert sfsync_("run", desk.job).code == 0
    job = Path(desk.job)
    job.write_text(f'ping = "{hooks.url}/${{CHECK}}"\n{job.read_text()}')
    monkeypatch.setenv("CHECK", "job")
    assert sfsync_("run", desk.job).code == 0
    assert sfsync_("run", desk.job, "--dry-run").code == 0
    assert hooks.paths == ["/profile/start", "/profile", "/job/start", "/job"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"status": 500}, "it answered 500"),
        ({"status": 302}, "it answered 302, a redirect, which is not followed"),
        ({"hangs": True}, "it did not answer in time"),
        ({}, "nobody answers there"),
    ],
)
def test_no_ping_or_webhook_ever_fails_or_holds_a_run(desk, sfsync_, monkeypatch, given, why):
    """A server that answers 500, redirects, hangs or is not there is a note; the exit code is the run's own."""
    if "hangs" in given:
        monkeypatch.setattr(sfsync.cli.watch, "PATIENCE_S", 0.8)
    desk.write(GOOD, BAD)
    with hook_server(**given) as hooks:
        url = hooks.url
        if not given:
            hooks.url = url = "http://127.0.0.1:9"
        done = sfsync_("run", desk.job, "--ping", f"{url}/token", "--notify-webhook", f"{url}/hook", "--json")
    assert done.code == FAILED
    assert json.loads(done.out)["exit_code"] == FAILED
    assert f"sfsync: note: ping {url}/...: {why}" in done.lines
    assert f"sfsync: note: webhook {url}/...: {why}" in done.lines
    assert "token" not in done.err
    assert "/elsewhere" not in hooks.paths


def test_metrics_and_logs_that_cannot_be_written_fail_no_run(desk, sfsync_, tmp_path):
    """A folder that is not there is a note for each that names the file, and the run is what it was."""
    desk.write(GOOD)
    nowhere = str(tmp_path / "no" / "where")
    done = sfsync_("run", desk.job, "--metrics-file", nowhere, "--log-file", nowhere, "--json")
    assert done.code == 0
    assert [each for each in done.lines if each.startswith("sfsync: note: ")] == [
        f"sfsync: note: the {what} {nowhere} cannot be written: No such file or directory"
        for what in ("log", "metrics")
    ]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")  # noqa: PTH110
def test_a_log_that_takes_no_more_fails_no_run(desk, sfsync_):
    """The run ends as it was, with one document on stdout and a note."""
    desk.write(GOOD)
    done = sfsync_("run", desk.job, "--json", "--log-file", "/dev/full")
    assert (done.code, json.loads(done.out)["exit_code"]) == (0, 0)
    assert "sfsync: note: the log /dev/full is not complete: No space left on device" in done.lines


def test_failure_recovery_and_schema_drift_are_told_once_each(desk, hooks, sfsync_, tmp_path):
    """--notify-webhook and --notify-command: every failure, the first good run after it, and a changed setup."""
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
    heard = tmp_path / "heard"
    told = ("--notify-webhook", f"{hooks.url}/hook")
    told += ("--notify-command", f'"{sys.executable}" -c "{script}" {heard}')
    desk.write(GOOD)
    run = ("run", desk.job, *told)
    assert sfsync_(*run).code == 0
    assert hooks.told == []
    desk.write(GOOD, BAD)
    assert sfsync_(*run).code == FAILED
    desk.write(GOOD)
    assert [sfsync_(*run).code, sfsync_(*run).code] == [0, 0]
    said = [json.loads(body) for _, body in hooks.told]
    assert [each["event"] for each in said] == ["failure", "recovery"]
    assert [json.loads(each)["event"] for each in heard.read_text().splitlines()] == ["failure", "recovery"]
    failure, recovery = said
    assert (failure["schema"], failure["job"], failure["codes"]) == (
        "sfsync.notice/1",
        "deals",
        {"UNKNOWN_STAGE": 1},
    )
    assert recovery["failed_since"] == failure["at"]
    assert "Nowhere" not in hooks.told[0][1]


@pytest.mark.parametrize("from_python", [False, True])
def test_a_failure_is_over_after_a_good_run_that_told_nobody(desk, hooks, sfsync_, from_python):
    """The next failure is a new one, not as old as the first; of a good run after it a recovery is told."""
    told = ("--notify-webhook", f"{hooks.url}/hook")
    desk.write(GOOD, BAD)
    an_hour_later = replace(desk.around, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    for _ in range(2):
        assert sfsync_("run", desk.job, *told).code == FAILED
    desk.write(GOOD)
    if from_python:
        assert sync(load_job(desk.job, environ=desk.environ), around=an_hour_later).exit_code == 0
    else:
        assert sfsync_("run", desk.job).code == 0
    desk.write(GOOD, BAD)
    assert sfsync_("run", desk.job, *told).code == FAILED
    desk.write(GOOD)
    if not from_python:
        assert sfsync_("run", desk.job).code == 0
    assert sfsync_("run", desk.job, *told).code == 0
    first, second, third, recovery = (json.loads(body) for _, body in hooks.told)
    assert [each["failed_since"] for each in (first, second, third)] == ["", first["at"], ""]
    assert (recovery["event"], recovery["failed_since"]) == ("recovery", third["at"])


def test_a_failure_against_one_org_is_none_of_another(desk, hooks, sfsync_, monkeypatch):
    """Endings are kept by job and org: what fails against `nope` says nothing of `local`, nor the other way."""
    told = ("--notify-webhook", f"{hooks.url}/hook")
    for name, value in desk.environ.items():
        monkeypatch.setenv(name.replace("LOCAL", "NOPE"), value)
    monkeypatch.setenv("SFSYNC_ORGS__NOPE__ACCESS_TOKEN", "00Dwrong")
    desk.write(GOOD)
    nope = ("run", desk.job, "-o", "nope", *told)
    codes = [sfsync_(*each).code for each in (nope, ("run", desk.job, *told), nope)]
    assert codes == [4, 0, 4]
    first, second = (json.loads(body) for _, body in hooks.told)
    assert [(each["event"], each["org"]) for each in (first, second)] == [("failure", "nope")] * 2
    assert second["failed_since"] == first["at"]


def test_a_job_that_could_not_be_read_recovers_in_the_org_that_comes_next(desk, hooks, sfsync_):
    """Its org was not known when it failed; the good run after it tells the recovery all the same, once."""
    told = ("--notify-webhook", f"{hooks.url}/hook")
    desk.write(GOOD)
    text = Path(desk.job).read_text()
    Path(desk.job).write_text(f"{text}\n[nothing")
    run = ("run", desk.job, *told)
    assert sfsync_(*run).code == 2
    Path(desk.job).write_text(text)
    assert [sfsync_(*run).code, sfsync_(*run).code] == [0, 0]
    assert [json.loads(body)["event"] for _, body in hooks.told] == ["failure", "recovery"]


def test_a_setup_that_changed_between_two_nights_is_told(desk, hooks, org, sfsync_):
    """An admin made a field shorter that the job uses: schema_drift, once, and the run goes on."""
    desk.write(GOOD)
    run = ("run", desk.job, "--notify-webhook", f"{hooks.url}/hook")
    assert sfsync_(*run).code == 0
    fields = org.org.schema.sobject("Opportunity").fields
    fields["name"] = replace(fields["name"], length=fields["name"].length - 1)
    assert [sfsync_(*run).code, sfsync_(*run).code] == [0, 0]
    [(_, body)] = hooks.told
    assert json.loads(body)["event"] == "schema_drift"
    assert "sfsync check deals" in json.loads(body)["text"]


def test_a_log_has_the_ids_of_the_run_and_its_rows_and_no_values(desk, sfsync_, tmp_path):
    """--log-file appends JSON lines, private; --log json puts the same on stderr. Nobody finds a cell in them."""
    file = tmp_path / "log.jsonl"
    desk.write(GOOD, BAD)
    done = sfsync_("run", desk.job, "--log-file", str(file), "--log", "json", "--progress", "none")
    assert sfsync_("run", desk.job, "--log-file", str(file)).code == FAILED
    lines = [json.loads(each) for each in file.read_text().splitlines()]
    first = [each for each in lines if each["invocation"] == lines[0]["invocation"]]
    assert len(first) < len(lines)
    *told, last = (json.loads(each) for each in done.lines)
    assert (told, last["event"]) == (first, "ended")  # the last sentence is a line of JSON like all others
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [undone] = [each for each in first if each["event"] == "row_not_done"]
    assert (undone["row"], undone["line"], undone["code"]) == (
        "Opportunity@opportunities:2",
        3,
        "UNKNOWN_STAGE",
    )
    assert (first[-1]["event"], first[-1]["exit_code"]) == ("run_ended", FAILED)
    assert re.fullmatch(r"\d{8}T\d{6}Z-\w+", undone["run"])
    assert {each["job"] for each in first} == {"deals"}
    assert "Nowhere" not in file.read_text()


def test_a_wrong_address_is_refused_before_anything_is_asked(desk, org, sfsync_):
    """Plain http to another machine is exit 2, and the address is not repeated."""
    desk.write(GOOD)
    asked = len(org.audit.requests)
    done = sfsync_("run", desk.job, "--ping", "http://hc-ping.com/s3cr3t")
    assert (done.code, len(org.audit.requests)) == (2, asked)
    assert "unencrypted" in done.err
    assert "s3cr3t" not in done.err


def test_a_second_run_tells_nobody_anything_but_its_exit_code(desk, hooks, org, sfsync_, tmp_path):
    """Exit 99 while another run is at work: nothing is sent to the org's records, no ping, no notice."""
    from sfsync.journal.sqlite.locks import run_lock

    desk.write(row("D-9"))
    state = Path(os.environ["SFSYNC_STATE"])
    state.mkdir(mode=0o700)
    written = len(org.audit.commits)
    with run_lock(state, f"deals-{org.org.id}", at="2026-09-30T08:00:00+00:00"):
        file = tmp_path / "deals.prom"
        told = ("--notify-webhook", f"{hooks.url}/hook", "--metrics-file", str(file))
        done = sfsync_("run", desk.job, "--ping", f"{hooks.url}/token", *told)
    assert done.code == 99
    assert hooks.told == []
    assert len(org.audit.commits) == written
    assert metrics(file)["sfsync_run_exit_code{}"] == 99


def test_a_step_of_github_has_annotations_and_a_summary_and_obeys_no_cell(
    desk, sfsync_, monkeypatch, tmp_path
):
    """In GitHub Actions the problems stand beside their lines and in the step summary; a cell that holds a workflow
    command or Markdown is text there, and nothing that is printed is read as a command.
    """
    summary = tmp_path / "summary.md"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    hostile = row("D-3", stage="::set-env name=X::[click](https://evil.example) <b>%0A|")
    desk.write(GOOD, hostile)
    done = sfsync_("run", desk.job)
    assert done.code == FAILED
    stop = re.fullmatch(r"::stop-commands::(\w{32})", done.lines[0])
    assert stop is not None
    told = done.lines[done.lines.index(f"::{stop[1]}::") + 1 :]
    [error] = [each for each in told if each.startswith("::error ")]
    assert error.startswith("::error file=deals.csv,line=3,title=UNKNOWN_STAGE - ")
    assert "%250A" in error
    text = summary.read_text()
    assert text.startswith("### sfsync run: deals\n")
    assert "<b>" not in text
    assert "[click](" not in text
    assert "https://evil" not in text
    assert "| Opportunity | 2 |" in text
    assert "\x1b" not in done.out + done.err + text
    refused = sfsync_("run", "no-such-job")
    assert (refused.code, refused.lines[-1].startswith("::error title=NO_SUCH_JOB::")) == (2, True)


def test_a_profile_whose_ping_cannot_be_used_fails_no_run(desk, sfsync_, monkeypatch):
    """Nothing else needs it, so it is a note that does not repeat the address."""
    desk.write(GOOD)
    monkeypatch.setenv("SFSYNC_ORGS__LOCAL__PING", "http://hc-ping.com/s3cr3t")
    done = sfsync_("run", desk.job)
    assert done.code == 0
    assert [each for each in done.lines if "the ping of org profile local is left out" in each]
    assert "s3cr3t" not in done.err


def test_a_person_who_says_no_tells_nobody_of_a_failure(desk, hooks, sfsync_, monkeypatch):
    """At a terminal the run begins with the answer: a no is no failure of the job."""
    desk.write(row("N-1"))
    for module in ("sfsync.cli.run", "sfsync.cli.output"):
        monkeypatch.setattr(f"{module}.is_terminal", lambda: True)
    monkeypatch.setattr("sfsync.cli.output.line_asked", lambda _: "n")
    told = ("--notify-webhook", f"{hooks.url}/hook")
    assert sfsync_("run", desk.job, "--ping", f"{hooks.url}/token", *told).code == 130
    assert hooks.told == []
    monkeypatch.setattr("sfsync.cli.output.line_asked", lambda _: "y")
    assert sfsync_("run", desk.job, "--ping", f"{hooks.url}/token", *told).code == 0
    assert hooks.paths == ["/token/start", "/token"]


@pytest.mark.parametrize("form", ["bar", "lines", "json", "none", "auto"])
def test_no_escape_byte_leaves_where_nobody_sits_at_a_terminal(desk, sfsync_, form):
    """Whatever progress is asked for, a pipe gets plain text, also where cells hold escape sequences."""
    desk.write(row("D-4", name="Deal \x1b[31mred", stage="\x1b[2J"))
    done = sfsync_("run", desk.job, "--progress", form, "--log", "json")
    assert done.code == FAILED
    assert "\x1b" not in done.out + done.err


class Paused:
    """A process that runs the job, and is told to end while its first write is under way."""

    def __init__(self, desk: DealDesk, *options: str) -> None:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        desk.emulator.faults.add(Before(Drop(), path=WRITES, deed=self.end))
        arguments = [*PROGRAM, "run", desk.job, "--progress", "none", *options]
        self.process = subprocess.Popen(arguments, env=environ, stdout=subprocess.DEVNULL)

    def end(self) -> None:
        """Asks it to end, as a scheduler does."""
        self.began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)

    def code(self) -> int:
        """Its exit code, which comes within ten seconds."""
        code = self.process.wait(60)
        assert time.monotonic() - self.began < 10
        return code


def test_sigterm_in_the_middle_ends_in_time_with_143_and_resume_finishes(desk, org, sfsync_, tmp_path):
    """Also while the server that is pinged hangs. Its files outlive a prune until resume has finished the run, and
    the ping of the resume is a success.
    """
    desk.write(*(row(f"S-{number}") for number in range(3)))
    with hook_server(hangs=True) as hooks:
        paused = Paused(desk, "--strategy", "collections", "--canary", "1", "--ping", f"{hooks.url}/token")
        assert paused.code() == 143
        org.faults.clear()
        assert hooks.paths[0] == "/token/start"
    [listed] = json.loads(sfsync_("runs", "list", "--json").out)["runs"]
    assert (listed["exit_code"], listed["job"]) == (None, "deals")
    assert sfsync_("runs", "prune", "--older-than", "0d").out.startswith("0 folders gone, ")
    with hook_server() as hooks:
        log = tmp_path / "resume.jsonl"
        told = ("--ping", f"{hooks.url}/token", "--log-file", str(log))
        assert sfsync_("resume", *told, "--json").code == 0
        assert hooks.paths == ["/token/start", "/token"]
    lines = [json.loads(each) for each in log.read_text().splitlines()]
    assert lines[0]["event"] == "run_started"
    assert {(each["job"], each["run"]) for each in lines} == {("deals", listed["run"])}
    assert [len(desk.deals(f"S-{number}")) for number in range(3)] == [1, 1, 1]


def test_a_retry_tells_its_start_and_names_its_job_in_every_line_of_its_log(desk, hooks, sfsync_, tmp_path):
    """URL/start when the lock is held, also where there is nothing to try again; the log knows the job at once."""
    desk.write(GOOD, BAD)
    assert sfsync_("run", desk.job).code == FAILED
    log = tmp_path / "retry.jsonl"
    assert sfsync_("retry", "--ping", f"{hooks.url}/token", "--log-file", str(log)).code == 2
    assert hooks.paths == ["/token/start", "/token/fail"]
    assert hooks.told[-1][1].startswith("job deals, org local: exit code 2")
    assert {json.loads(each)["job"] for each in log.read_text().splitlines()} == {"deals"}


def test_hooks_leave_a_signal_its_ten_seconds():
    """The call under way, the hooks and the rest fit into the time that a scheduler gives."""
    assert GRACE_S + sfsync.cli.watch.HURRY_S < 10
