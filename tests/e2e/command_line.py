"""Runs the command line as a user does: a process of its own, its output and its exit code."""

import json
import subprocess
import sys
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
