"""What a write of the job moves without sending it is no edit of a person, shown on the emulated org."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deal_desk import DealDesk, change_of, deal_desk, row
from main_job_bench import ORG_FILE, Before

from sfsync.core.plans.plan import Action
from sfsync.emulator.fault_actions import Drop

READS = r"/query|/composite$"
EARLY, LATE = "Needs Analysis", "Value Proposition"
MAPPED = {"columns": ("probability",), "Probability": '"probability"'}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on the example org."""
    with deal_desk(tmp_path) as opened:
        yield opened


def edit(desk: DealDesk, key: str = "D-1", **values: Any) -> None:
    """Changes a deal as a salesperson, who is another user than the job's."""
    somebody = desk.find("User", Username="maria.jimenez@cloudkicks.example")
    desk.change("Opportunity", str(desk.deal(key)["Id"]), by=somebody, **values)


@pytest.mark.parametrize("probability", ["60", "40"])
def test_a_probability_that_the_new_stage_reset_can_be_set_again(desk: DealDesk, probability: str) -> None:
    """Also to what was sent before: it is no longer there."""
    desk.bring(row(probability="40"), **MAPPED)
    desk.bring(row(stage=EARLY, probability=""), **MAPPED)
    assert desk.deal("D-1")["Probability"] == 20
    desk.bring(row(stage=EARLY, probability=probability), **MAPPED)
    assert desk.deal("D-1")["Probability"] == int(probability)


def test_a_probability_is_the_jobs_again_when_the_policy_goes_from_keep_to_override(desk: DealDesk) -> None:
    """What the stage brought meanwhile is not taken for a person's."""
    desk.bring(row(probability="10"), options='probability = "keep"', **MAPPED)
    desk.bring(row(stage=EARLY, probability="60"), options='probability = "keep"', **MAPPED)
    assert desk.deal("D-1")["Probability"] == 20
    desk.bring(row(stage=EARLY, probability="60"), options='probability = "override"', **MAPPED)
    assert desk.deal("D-1")["Probability"] == 60


def test_a_probability_that_a_person_set_and_the_job_kept_is_still_a_persons(desk: DealDesk) -> None:
    """`keep` sends it along with the stage; `override` finds it moved."""
    desk.bring(row(probability="10"), options='probability = "keep"', **MAPPED)
    edit(desk, Probability=42)
    desk.bring(row(stage=EARLY, probability="60"), options='probability = "keep"', **MAPPED)
    assert desk.deal("D-1")["Probability"] == 42
    desk.write(row(stage=EARLY, probability="60"), options='probability = "override"', **MAPPED)
    assert change_of(desk.plan()).action is Action.CONFLICT


@pytest.mark.parametrize("when", ["before the reading", "after the run"])
def test_a_probability_that_a_person_sets_after_the_new_stage_is_a_conflict(
    desk: DealDesk, when: str
) -> None:
    """Also where the edit comes between the write and its reading back."""
    desk.bring(row(probability="40"), row("D-2"), **MAPPED)
    desk.write(row(stage=EARLY, probability=""), row("D-2", stage=EARLY), **MAPPED)
    reads: list[str] = []

    def once_written() -> None:
        if not reads and desk.deal("D-1")["StageName"] == EARLY:
            reads.append("read back")
            edit(desk, Probability=55)

    if when == "before the reading":
        desk.emulator.faults.add(Before(Drop(), path=READS, count=None, deed=once_written))
    assert desk.run().exit_code == 0
    if when == "after the run":
        once_written()
    assert reads
    assert desk.deal("D-1")["Probability"] == 55
    desk.write(row(stage=EARLY, probability="60"), row("D-2", stage=EARLY), **MAPPED)
    assert change_of(desk.plan()).action is Action.CONFLICT


def test_a_run_that_moved_a_deal_to_another_stage_can_be_undone(desk: DealDesk) -> None:
    """The probability that came with the stage is nobody's touch."""
    desk.bring(row(probability="40"), **MAPPED)
    desk.write(row(stage=EARLY, probability=""), **MAPPED)
    done = desk.run()
    assert desk.undo(done.document.run_id).exit_code == 0
    assert desk.deal("D-1")["StageName"] == "Prospecting"


def test_a_vanished_deal_that_the_job_itself_moved_is_closed(desk: DealDesk) -> None:
    """Its probability is the stage's, and no change of somebody's."""
    words: dict[str, Any] = {"options": 'vanished = "close"\nvanished_stage = "Closed Lost"', **MAPPED}
    others = [row(f"V-{number}", probability="40") for number in range(2, 9)]
    desk.bring(row("V-1", probability="40"), *others, **words)
    desk.bring(row("V-1", stage=EARLY, probability=""), *others, **words)
    desk.bring(*others, **words)
    assert desk.deal("V-1")["StageName"] == "Closed Lost"


@pytest.fixture
def abroad(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on an org of two currencies."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["organization"] |= {"currencies": ["USD", "EUR"], "currency_rates": {"EUR": 0.9}}
    with deal_desk(tmp_path, document) as opened:
        yield opened


PRICED = {"columns": ("currency",), "CurrencyIsoCode": '"currency"'}


def test_an_amount_that_the_org_converted_can_be_set_again_and_the_run_undone(abroad: DealDesk) -> None:
    """The row changed its currency and said nothing of the amount."""
    abroad.bring(row(currency="USD"), **PRICED)
    abroad.write(row(currency="EUR", amount=""), **PRICED)
    done = abroad.run()
    assert abroad.deal("D-1")["Amount"] == 90
    abroad.bring(row(currency="EUR", amount="100.00"), **PRICED)
    assert abroad.deal("D-1")["Amount"] == 100
    abroad.write(row(currency="USD", amount=""), **PRICED)
    done = abroad.run()
    assert abroad.undo(done.document.run_id).exit_code == 0
    assert abroad.deal("D-1")["CurrencyIsoCode"] == "EUR"


def test_an_amount_that_a_row_says_again_with_another_currency_is_not_converted(abroad: DealDesk) -> None:
    """100 dollars become 100 euros where the row says so."""
    abroad.bring(row(currency="USD"), **PRICED)
    abroad.bring(row(currency="EUR"), **PRICED)
    assert abroad.deal("D-1")["Amount"] == 100


@pytest.mark.parametrize("policy", ["forward-only", "create-only", "fill-empty", "org"])
def test_a_value_that_a_policy_keeps_is_not_told_as_one_that_was_sent(desk: DealDesk, policy: str) -> None:
    """Run after run, while other fields of the row are written."""
    rule = f'{{ column = "stage", policy = "{policy}" }}'
    desk.bring(row(), StageName=rule)
    edit(desk, StageName=LATE)
    for close in ("2027-02-28", "2027-03-31"):
        desk.write(row(close=close), StageName=rule)
        ending = desk.run()
        assert (ending.exit_code, ending.document.notes) == (0, ())
        assert (desk.deal("D-1")["StageName"], desk.deal("D-1")["CloseDate"]) == (LATE, close)


def test_a_value_that_the_org_has_the_say_of_stays_a_persons_when_the_row_changes(desk: DealDesk) -> None:
    """The job writes another field meanwhile, which does not make the person's value the job's."""
    rule = '{ column = "amount", policy = "org" }'
    desk.bring(row(), Amount=rule)
    edit(desk, Amount=500)
    desk.bring(row(close="2027-02-28"), Amount=rule)
    desk.bring(row(close="2027-02-28", amount="200.00"), Amount=rule)
    assert desk.deal("D-1")["Amount"] == 500
