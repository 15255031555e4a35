"""P3: before the bytes of a write leave, the intent is on the disk, not only with the operating system."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from main_job_bench import BARE_ORG, ROOT, Bench

from sfsync.emulator.server import running

COMMAND = [sys.executable, "-c", "from sfsync.cli.main import main; main()", "run", "trailhead", "--json"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_P3_the_journal_is_synced_before_each_write_is_sent(tmp_path: Path) -> None:
    """Between a write and the one before it, the journal's file is written and then synced, last of all."""
    trace = tmp_path / "trace.txt"
    strace = [
        "strace",
        "-f",
        "-y",
        "-s",
        "120",
        "-e",
        "trace=fdatasync,fsync,pwrite64,sendto",
        "-o",
        str(trace),
    ]
    with running(BARE_ORG) as emulator:
        bench = Bench(emulator, tmp_path)
        ended = subprocess.run(
            [*strace, *COMMAND],
            cwd=ROOT,
            env={**bench.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
    if not trace.exists() or "ptrace" in ended.stderr.decode():
        pytest.skip("this machine lets no process be traced")
    assert ended.returncode == 3
    writes = 0
    last = ""
    for line in trace.read_text(errors="replace").splitlines():
        if "journal.sqlite-wal>" in line:
            last = "written" if "pwrite64(" in line else "synced"
        elif re.search(r'sendto\(.*"(POST|PATCH) \S*/composite/(graph|sobjects)', line) or (
            re.search(r'sendto\(.*"(POST|PATCH) ', line) and "/composite " not in line
        ):
            assert last == "synced", line
            writes += 1
            last = "sent"
    assert writes >= 4
