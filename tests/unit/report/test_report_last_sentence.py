"""The last sentence of a command, of reports that are made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_examples import a_deal, a_plan, a_report, done

from sfsync.core.plans.plan import Plan
from sfsync.report.watching.last_sentence import Ended, Failure, last_sentence


def said(plan: Plan, *results, **given) -> str:
    """What a run of the plan says last."""
    return last_sentence(Ended("run", 0, job="nightly", org="local", report=a_report(plan, results, **given)))


def test_rows_that_were_left_out_as_they_were_are_counted():
    """A resync plans no row that is as at the last run; it counts with those that are as before, and as done."""
    deal = a_deal(1)
    idle = replace(a_plan([]), untouched={"Opportunity": 3, "OpportunityContactRole": 1})
    assert said(idle).endswith("ended with 0: nothing had to be written, 4 rows as before")
    busy = replace(a_plan([deal]), untouched={"Opportunity": 3})
    assert "ended with 0: 4 rows done, none left; " in said(busy, done(deal))
    assert ": 1 of 4 rows was not done" in said(busy)
    assert said(busy) == last_sentence(
        Ended("run", 0, job="nightly", org="local", report=a_report(busy).condensed())
    )


@pytest.mark.parametrize(
    ("hint", "step"),
    [
        (
            "A run that had begun goes on with sfsync resume.",
            "a run that had begun goes on with sfsync resume",
        ),
        ("Wait until calls are free again. Or not.", "wait until calls are free again"),
        ("JWT needs a key.", "JWT needs a key"),
    ],
)
def test_a_next_step_goes_on_in_the_sentence_with_a_small_letter(hint, step):
    """Also where its first word is one letter; abbreviations stay as they are."""
    failure = Failure("the calls are used up", "API_BUDGET", hint)
    told = last_sentence(Ended("run", 75, job="nightly", org="local", failure=failure))
    assert told.endswith(f"the calls are used up (API_BUDGET); nothing was written; {step}")
