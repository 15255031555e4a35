"""Client processes that can be killed: each is a process of its own that runs one command line.

A nursery imports sfsync once and forks for each command, so that a kill costs no start-up time. A command
waits at a gate until it is let go: its number is known to the emulator before its first request.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from main_job_bench import ROOT

NURSERY = """
import contextlib, gc, io, json, os, sys
import sfsync.app.workplace, sfsync.cli.main, sfsync.cli.output, sfsync.cli.run
import sfsync.engine.applying.runs, sfsync.jobs
import sfsync.jobs.job_files, sfsync.jobs.org_profiles, sfsync.journal.opening, sfsync.journal.sql_journal
import sfsync.report.document, sfsync.report.files.folder
import sfsync.report.words.terminal, sfsync.report.watching.progress
import sfsync.salesforce.gateway, sfsync.sources

def run(order):
    os.environ.clear()
    os.environ.update(order["environ"])
    sfsync.cli.output.GRACE_S = order.get("grace_s", sfsync.cli.output.GRACE_S)
    return sfsync.cli.main.run(order["arguments"])

gates = {}
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "start":
        waits, gate = os.pipe()
        pid = os.fork()
        if pid == 0:
            for each in (gate, *gates.values()):
                os.close(each)
            os.read(waits, 1)
            out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(os.open(order["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
            exec(order["prelude"])
            code = run(order)
            sys.stdout.flush()
            os._exit(code)
        os.close(waits)
        gates[pid] = gate
        print(pid, flush=True)
    elif order["do"] == "warm":
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            print(run(order), file=sys.__stdout__, flush=True)
        gc.freeze()
    elif order["do"] == "go":
        os.close(gates.pop(order["pid"]))
    else:
        print(os.waitstatus_to_exitcode(os.waitpid(order["pid"], 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Client:
    """One command line in a process of its own, waiting at its gate."""

    nursery: Nursery
    pid: int
    out: Path

    def go(self) -> None:
        """Lets the command begin."""
        self.nursery.tell(do="go", pid=self.pid)

    def end(self) -> int:
        """Waits for the end; the exit code, or minus the number of the signal that killed it."""
        return int(self.nursery.ask(do="end", pid=self.pid))

    def run(self) -> int:
        """Lets the command begin and waits for its end."""
        self.go()
        return self.end()

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that the command printed."""
        document: dict[str, Any] = json.loads(self.out.read_bytes())
        return document


@dataclass(frozen=True)
class Nursery:
    """The process that forks the clients."""

    process: subprocess.Popen[str]

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str],
        folder: Path,
        grace_s: float = 8.0,
        err: str = os.devnull,
        prelude: str = "",
    ) -> Client:
        """A client that will run the command line; `grace_s` is its patience after a first signal.

        `err` is where its stderr goes, `prelude` is Python that it runs before anything else.
        """
        out = folder / f"client-{len(list(folder.glob('client-*')))}.json"
        out.touch()
        order = {"arguments": arguments, "environ": dict(environ), "out": str(out), "grace_s": grace_s}
        order |= {"err": err, "prelude": prelude}
        pid = self.ask(do="start", **order)
        return Client(self, int(pid), out)

    def warm(self, *arguments: str, environ: Mapping[str, str]) -> int:
        """Runs a command in the nursery itself, so that the clients find everything imported and compiled."""
        return int(self.ask(do="warm", arguments=arguments, environ=dict(environ)))

    def tell(self, **order: Any) -> None:
        """Gives an order that has no answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def ask(self, **order: Any) -> str:
        """Gives an order and returns the answer."""
        self.tell(**order)
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def open_nursery() -> Iterator[Nursery]:
    """A nursery for the time of a block."""
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()
