"""P9, P2: what a process meets that users do not think of: closed streams, narrow locales, limits, a terminal."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from command_line import PROGRAM, sfsync

from sfsync.emulator.server import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
DONE = 3
"""The exit code of the example, which has a row that cannot be done."""


def shell(line: str, environ: Mapping[str, str], *, before: Callable[[], None] | None = None) -> int:
    """Runs a shell line in which "$@" is the run of the example."""
    command = ["sh", "-c", line, "sh", *PROGRAM, "run", "trailhead"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
        preexec_fn=before,
    )
    return done.returncode


def is_done(emulator: RunningEmulator) -> bool:
    """Whether the example is in the org, once."""
    return [commit.sobject for commit in emulator.audit.commits].count("Opportunity") == 3


@pytest.mark.parametrize(
    "streams", ["<&- >&- 2>&-", ">&- 2>/dev/null", "2>&- >/dev/null", "<&- >/dev/null 2>/dev/null"]
)
def test_P9_closed_streams_change_nothing(
    environ: dict[str, str], emulator: RunningEmulator, streams: str
) -> None:
    """Without stdin, stdout or stderr the run is done, the exit code is right, and the journal is whole."""
    assert shell(f'"$@" {streams}', environ) == DONE
    assert is_done(emulator)


def test_P9_a_plan_that_cannot_be_shown_is_not_written(
    environ: dict[str, str], emulator: RunningEmulator
) -> None:
    """A full disk behind stdout ends the run with an error before the first write."""
    assert shell('"$@" >/dev/full 2>/dev/null', environ) == 1
    assert not emulator.audit.commits


def test_P9_a_result_that_cannot_be_printed_is_an_error(
    environ: dict[str, str], emulator: RunningEmulator
) -> None:
    """A JSON document that nobody got is no success, whatever became of the rows."""
    assert shell('"$@" --json >/dev/full 2>/dev/null', environ) in (1, DONE)
    assert is_done(emulator)


def test_P9_a_watcher_that_goes_away_stops_nothing(
    environ: dict[str, str], emulator: RunningEmulator
) -> None:
    """Progress that nobody reads any more stops nothing."""
    code = shell('("$@" --progress json 2>&1 >/dev/null; echo $? > "$SFSYNC_STATE.code") | true', environ)
    assert code == 0
    assert Path(environ["SFSYNC_STATE"] + ".code").read_text().strip() == str(DONE)
    assert is_done(emulator)


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}])
def test_P9_a_narrow_locale_changes_nothing(
    environ: dict[str, str], emulator: RunningEmulator, locale: dict[str, str]
) -> None:
    """Where the terminal lacks letters they are spelled out, and the org gets them whole."""
    done = sfsync("run", "trailhead", environ={**environ, **locale, "PYTHONUTF8": "0"}, cwd=ROOT)
    assert done.exit_code == DONE, done.err
    assert is_done(emulator)


def test_P9_few_descriptors_are_enough(environ: dict[str, str], emulator: RunningEmulator) -> None:
    """Sixteen open files suffice for a run."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))  # noqa: E731
    assert shell('"$@" >/dev/null 2>/dev/null', environ, before=limit) == DONE
    assert is_done(emulator)


def test_P9_files_that_may_not_grow_stop_the_run(environ: dict[str, str], emulator: RunningEmulator) -> None:
    """A journal that cannot grow stops the run before it writes; with room the same run is done, once."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))  # noqa: E731
    assert shell('"$@" >/dev/null 2>/dev/null', environ, before=limit) not in (0, DONE)
    assert not emulator.audit.commits
    assert sfsync("run", "trailhead", environ=environ, cwd=ROOT).exit_code == DONE
    assert is_done(emulator)


def test_P9_no_core_is_dumped(environ: dict[str, str]) -> None:
    """A process that holds tokens leaves no picture of its memory."""
    code = (
        "import resource, sys; from sfsync.cli.process import made_safe; made_safe();"
        "sys.exit(resource.getrlimit(resource.RLIMIT_CORE) != (0, 0))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=False).returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_P2_a_signal_at_the_question_writes_nothing(
    environ: dict[str, str], emulator: RunningEmulator, number: int, code: int
) -> None:
    """On a terminal a signal at "Write this plan?" ends the run at once, as a no."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "run", "trailhead", "--progress", "none"],
        cwd=ROOT,
        env={**environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as client:
        os.close(follower)
        try:
            shown = b""
            while b"Write this plan" not in shown:
                assert select.select([leader], [], [], 30)[0]
                shown += os.read(leader, 65536)
            client.send_signal(number)
            assert client.wait(timeout=5) == code
        finally:
            client.kill()  # one that still waits would be waited for
    os.close(leader)
    assert not emulator.audit.commits


def test_what_a_terminal_would_obey_is_spelled_out(environ: dict[str, str], tmp_path: Path) -> None:
    """CWE-117: an error about a name with escapes, line ends or bidi marks in it prints none of them."""
    name = str(tmp_path / "x\x1b[2J\u202eevil\r.toml")
    done = sfsync("plan", name, environ=environ, cwd=ROOT)
    assert done.exit_code == 2
    assert not {"\x1b", "\u202e", "\r"} & set(done.err + done.out)
