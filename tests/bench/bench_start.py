"""How much CPU the start of the program takes: --help, --version, and the answers to a shell that completes.

The least of several processes counts, user and system time together: what others do on the machine can only add to
it. Run it alone or by `make bench BENCH=start`; it exits 1 where a goal is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GOAL_MS: Final = 150.0
ROUNDS: Final = 7

COMPLETING: Final = {"_SFSYNC_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
CASES: Final[dict[str, tuple[list[str], dict[str, str]]]] = {
    "sfsync --version": (["--version"], {}),
    "sfsync --help": (["--help"], {}),
    "sfsync run <Tab>": ([], {**COMPLETING, "COMP_WORDS": "sfsync run "}),
    "sfsync undo <Tab>": ([], {**COMPLETING, "COMP_WORDS": "sfsync undo "}),
}
"""What is measured: arguments and environment."""


def cpu_ms(arguments: list[str], environ: dict[str, str]) -> float:
    """CPU milliseconds of one process from its start to its end."""
    command = [sys.executable, "-m", "sfsync", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return (used.ru_utime + used.ru_stime) * 1000


def main() -> int:
    """Measures, prints a line for each, and returns the exit code."""
    missed = 0
    with tempfile.TemporaryDirectory() as state:
        for name, (arguments, environ) in CASES.items():
            least = min(cpu_ms(arguments, {**environ, "SFSYNC_STATE": state}) for _ in range(ROUNDS))
            missed += least > GOAL_MS
            print(
                f"{name:18} {least:6.0f} ms of CPU, goal {GOAL_MS:.0f}: {'no' if least > GOAL_MS else 'met'}"
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
