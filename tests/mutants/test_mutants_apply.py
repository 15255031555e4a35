"""The catalogue of planted bugs keeps up with the code: every one still applies. `make mutants` runs them."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from bug_catalogue import ROOT, DoesNotApply, Edit, Mutant, catalogue

MUTANTS = catalogue()
FAULT = re.compile(r"[TNSCPI]\d{1,2}|J[1-8]")
INVARIANTS = {
    "no_dup",
    "no_loss",
    "no_silence",
    "roles_once",
    "one_primary_contact",
    "no_clobber",
    "intent_first",
    "idempotent",
    "converges",
    "bounded",
    "right_org",
    "no_leak",
    "crash_equal",
    "seed_replay",
}


def is_there(test: str) -> bool:
    """Whether there is such a file or folder of tests, with such a test in it."""
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file
    return path.exists() and (not name or f"def {name}(" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_planted_bug_still_applies(mutant: Mutant) -> None:
    """Each snippet stands in its file once and only once, and what comes out is Python that differs."""
    for file, text in mutant.texts(ROOT).items():
        assert text != (ROOT / file).read_text(encoding="utf-8")
        compile(text, file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_planted_bug_says_what_it_breaks_and_who_should_notice(mutant: Mutant) -> None:
    """A rule in a sentence, known fault ids or invariants, and tests that are there."""
    assert mutant.rule[0].isupper()
    assert mutant.rule.endswith(".")
    assert mutant.trips
    assert all(FAULT.fullmatch(each) or each in INVARIANTS for each in mutant.trips)
    assert mutant.tests
    assert [each for each in mutant.tests if not is_there(each)] == []


def test_there_are_enough_of_them_for_every_promise() -> None:
    """Each of the four promises has its bugs, under names of their own."""
    assert max(Counter(each.name for each in MUTANTS).values()) == 1
    groups = Counter(each.group for each in MUTANTS)
    assert set(groups) == {"never_twice", "never_lost", "never_surprising", "thrifty_and_safe"}
    assert min(groups.values()) >= 20


@pytest.mark.parametrize("text", ["nothing of it", "twice and twice"])
def test_a_snippet_that_is_gone_or_doubled_is_an_error(text: str) -> None:
    """A bug whose place has moved says so instead of testing nothing."""
    with pytest.raises(DoesNotApply):
        Edit("some/file.py", "twice", "thrice").applied_to(text)
