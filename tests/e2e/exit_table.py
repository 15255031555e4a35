"""The exit codes as the pages tell them: what the help lists, what a page's tables list, which codes lead to which.

`SHOWN` names the tests that end with each; docs/reference/exit-codes.md is made of all this.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sfsync.cli.main import EPILOG
from sfsync.explanations.catalogue import groups

ROOT: Final = Path(__file__).resolve().parents[2]

CODES: Final = (0, 1, 2, 3, 4, 5, 6, 8, 75, 99, 130, 143)

MEANING: Final = {
    0: "Every row is written, unchanged, or skipped by a rule of the job. Of a plan: it could be made.",
    1: "A fault of sfsync itself, or its journal cannot be read or written. No write leaves without the journal.",
    2: "The command, the job file, the org profile or the mapping is wrong. Nothing was sent.",
    3: "The command came to its end, and some rows were not done. These are in the rejects file.",
    4: "The org refused the login, or the user lacks a permission that the job needs.",
    5: "A source is missing, unreadable or empty, or its columns are not those of the mapping. Nothing was sent.",
    6: "A guard stopped the run before it did harm: a limit, a plan that is stale or altered, or another org.",
    8: "Only of `sfsync plan --detailed-exitcode`: changes wait, and no row would be left undone.",
    75: "The org did not answer well within all retries, or its API calls are used up. What was done is kept.",
    99: "Another run of the job holds the lock. This one touched nothing.",
    130: "Ctrl-C (SIGINT) stopped it between two writes. Everything is saved.",
    143: "SIGTERM stopped it between two writes. Everything is saved.",
}
"""Exit code -> what it says about the command and the data."""

SENTENCES: Final = "tests/e2e/test_deals_last_sentence.py"

SHOWN: Final = {
    0: (SENTENCES,),
    1: (SENTENCES,),
    2: (SENTENCES, "tests/e2e/test_error_messages.py"),
    3: (SENTENCES, "tests/e2e/test_after_a_run_commands.py"),
    4: (SENTENCES, "tests/e2e/test_deals_org_profiles.py", "tests/faults/test_platform_faults.py"),
    5: (SENTENCES,),
    6: (SENTENCES, "tests/faults/test_guards.py"),
    8: (SENTENCES,),
    75: (SENTENCES, "tests/e2e/test_error_messages.py", "tests/faults/test_platform_faults.py"),
    99: (SENTENCES, "tests/e2e/test_state_commands.py", "tests/faults/test_main_job_races.py"),
    130: (SENTENCES, "tests/faults/test_signals.py"),
    143: (SENTENCES, "tests/faults/test_signals.py"),
}
"""Exit code -> further files whose tests end with it; tests/e2e/test_exit_codes.py has one for each."""


def in_the_help() -> set[int]:
    """The codes that `sfsync --help` lists."""
    return set(map(int, re.findall(r"(?:^|\s{2,}|, )(\d+)(?=  ?\S|,)", EPILOG, re.MULTILINE)))


def in_the_table(page: str, heading: str) -> set[int]:
    """The codes in the first table behind these words of a page: all numbers that fill a cell, alone or listed."""
    text = (ROOT / page).read_text(encoding="utf-8").partition(heading)[2]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, f"{page} has no table behind {heading}"
    cells = [each.strip() for line in table[0].splitlines() for each in line.split("|")]
    return {int(code) for cell in cells if re.fullmatch(r"[\d, ]+", cell) for code in cell.split(",") if code}


def leading_to(exit_code: int) -> list[str]:
    """The codes of errors that a command can end by with this exit code."""
    return [each.code for group in groups() for each in group.explanations if exit_code in each.exits]
