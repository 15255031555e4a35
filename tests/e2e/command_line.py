"""Runs the command line as a user does: a process of its own, its output and its exit code.

`sfsync` starts the program from nothing; `warm_sfsync` forks a process that has imported it, for tests that type
many commands.
"""

import atexit
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-c", "from sfsync.cli.main import main; main()"]


@dataclass(frozen=True)
class Done:
    """A finished command."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def sfsync(*arguments: str, environ: Mapping[str, str], cwd: Path) -> Done:
    """Runs a command to its end."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        env={**environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


SERVER = """
import json, os, sys
import sfsync.app.workplace, sfsync.cli.main, sfsync.app.past_runs, sfsync.app.memory, sfsync.app.org_setup
import sfsync.jobs.job_files, sfsync.jobs.org_profiles, sfsync.journal.opening, sfsync.journal.sql_journal
import sfsync.cli.run, sfsync.cli.import_file, sfsync.report.document
import sfsync.report.files.folder, sfsync.report.words.terminal
import sfsync.report.watching.progress, jinja2, sfsync.salesforce.gateway, sfsync.sources
import sfsync.app.checking, sfsync.app.ad_hoc

for line in sys.stdin:
    order = json.loads(line)
    pid = os.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(order["environ"])
        os.chdir(order["cwd"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        code = sfsync.cli.main.run(order["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@functools.cache
def _server() -> subprocess.Popen[str]:
    """The process that forks the commands, one for the whole session."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait(timeout=10)


def warm_sfsync(*arguments: str, environ: Mapping[str, str], cwd: Path) -> Done:
    """Runs a command to its end in a process of its own, forked from one that has imported everything."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        order = {
            "arguments": arguments,
            "environ": dict(environ),
            "cwd": str(cwd),
            "out": str(out),
            "err": str(err),
        }
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        return Done(int(server.stdout.readline()), out.read_text(), err.read_text())
