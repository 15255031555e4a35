"""Standard input as a file: read once, private, and gone with the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

READ_TWICE = """
import os, sys
from pathlib import Path
from sfsync.core.job import FieldRule, Section, SourceSpec
from sfsync.sources import open_source
from sfsync.sources.standard_input import spooled

section = Section("opportunities", "Opportunity", SourceSpec("csv", Path("-")), (FieldRule("Name", column="a"),))
for _ in range(2):
    source = open_source(section)
    assert [row.cells["a"] for row in source.rows()] == ["1", "2"]
    assert [row.cells["a"] for row in source.rows()] == ["1", "2"]
assert source.form.file == "(standard input)"
assert spooled().stat().st_mode & 0o777 == 0o600
print("read", flush=True)
"""
BY_NAME = """
import sys
from pathlib import Path
from sfsync.sources import standard_input
standard_input._OPEN_FILES = Path("/nowhere")
"""


def run(code: str, folder, **streams) -> subprocess.Popen[str]:
    """A process that runs the code with its temporary files in a folder."""
    environ = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environ, text=True, stdout=subprocess.PIPE, **streams
    )


@pytest.mark.parametrize("before", ["", BY_NAME])
def test_standard_input_is_read_once_and_can_be_looked_at_again(tmp_path, before):
    """In a private file, which is gone afterwards whether the system can open files without names or not."""
    process = run(before + READ_TWICE, tmp_path, stdin=subprocess.PIPE)
    out, _ = process.communicate("a\n1\n2\n", timeout=60)
    assert (process.returncode, out) == (0, "read\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="needs files that can be opened without a name"
)
def test_a_process_that_is_killed_leaves_no_rows_behind(tmp_path):
    """The file has no name from before the first row is in it."""
    process = run(READ_TWICE + "sys.stdin.close(); os.kill(os.getpid(), 9)", tmp_path, stdin=subprocess.PIPE)
    out, _ = process.communicate("a\n1\n2\n", timeout=60)
    assert (process.returncode, out) == (-9, "read\n")
    assert list(tmp_path.iterdir()) == []
