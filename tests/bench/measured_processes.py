"""Runs one program as a process of its own and says what it took: wall, CPU, peak memory; and serves the stub.

CPU is that of the process and its children by `wait4`, so that a busy machine does not blur it. A stub is a process
of its own too; what came to it is asked over HTTP, before and after. Modules are compiled once and kept, as on a
user's machine: a setting against that is left out of the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a process took: seconds, and megabytes at its peak; `out` is what it printed."""

    exit_code: int
    begun: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    out: str
    err: str


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    kill_when: Callable[[], bool] | None = None,
    scratch: Path | None = None,
) -> Taken:
    """Runs a program to its end, or kills it (SIGKILL) as soon as `kill_when` says so."""
    folder = scratch or cwd
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    with out.open("wb") as out_file, err.open("wb") as err_file:
        begun, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            [*command],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out_file,
            stderr=err_file,
        )
        while kill_when is not None and not _has_ended(process.pid):
            if kill_when():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.003)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
    return Taken(process.returncode, begun, wall_s, cpu_s, peak_mb, texts[0], texts[1])


def _has_ended(pid: int) -> bool:
    """Whether a process has ended, which is left for `wait4` to find."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def plain_environ() -> dict[str, str]:
    """This environment without settings of sfsync, and with modules kept compiled."""
    left_out = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith("SFSYNC_")
    }


class Stub:
    """A served stub."""

    def __init__(self, offered: Mapping[str, Any]) -> None:
        self.offered = offered
        self.url = str(offered["instance_url"])

    def counts(self) -> dict[str, Any]:
        """What came since the last reset."""
        found: dict[str, Any] = self._asked("GET", "counts")
        return found

    def reset(self, *, store: bool = False) -> None:
        """Counts anew; with `store` the org is empty again."""
        self._asked("POST", "reset?store=1" if store else "reset")

    def set_latency(self, milliseconds: float) -> None:
        """How long each call takes beside its work."""
        self._asked("POST", f"latency?ms={milliseconds}")

    def pass_time(self, seconds: float) -> None:
        """Puts the org's clock forward."""
        self._asked("POST", f"clock?s={seconds}")

    def _asked(self, method: str, name: str) -> Any:
        request = urllib.request.Request(f"{self.url}/_bench/{name}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def environ(self, state: Path) -> dict[str, str]:
        """The environment of a user whose org "stub" this is, logged in by client credentials."""
        own = {
            "SFSYNC_STATE": str(state),
            "SFSYNC_ORGS__STUB__LOGIN": "client_credentials",
            "SFSYNC_ORGS__STUB__LOGIN_URL": self.url,
            "SFSYNC_ORGS__STUB__CLIENT_ID": str(self.offered["client_id"]),
            "SFSYNC_ORGS__STUB__CLIENT_SECRET": str(self.offered["client_secret"]),
            "SFSYNC_ORGS__STUB__LOOPBACK": "true",
        }
        return plain_environ() | own


@contextlib.contextmanager
def served_stub(org_file: Path | None = None) -> Iterator[Stub]:
    """A stub process while the block runs; `org_file` saves asking an emulator for the org."""
    command = [sys.executable, str(HERE / "stub_server.py")]
    if org_file is not None:
        command += ["--org" if org_file.exists() else "--save-org", str(org_file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Stub(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
