"""Whose probability a deal has, each sentence shown on the emulated org, whether or not it lets the stage win."""

import json
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, change_of, deal_desk, has_nothing_to_write, notes, row
from main_job_bench import ORG_FILE, Before

from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.hooks import Event
from sfsync.emulator.server import running
from sfsync.emulator.switches import StageWithProbability

PROPOSAL, REVIEW = "Proposal/Price Quote", "Negotiation/Review"
MAPPED = {"columns": ("probability",), "Probability": '"probability"'}
SECOND = r"/sobjects/Opportunity/\w{18}$"
"""The path of an update of one deal on a condition."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on the example org."""
    with deal_desk(tmp_path) as opened:
        yield opened


@pytest.fixture(params=list(StageWithProbability), ids=str)
def either(request: pytest.FixtureRequest, desk: DealDesk) -> DealDesk:
    """A desk on an org where the explicit value wins, and on one where the stage does."""
    desk.switch(stage_with_probability=request.param)
    return desk


def probability_of(desk: DealDesk, key: str = "D-1") -> float:
    """The probability of a deal in the org."""
    return float(desk.deal(key)["Probability"])


def test_default_never_sends_a_mapped_probability_and_says_so(either: DealDesk) -> None:
    """New and moved deals have their stages' own."""
    words = {"options": 'probability = "default"', **MAPPED}
    either.bring(row(probability="33"), **words)
    assert probability_of(either) == 10
    either.write(row(stage=PROPOSAL, probability="33"), **words)
    assert "1 probability is not sent" in notes(either.plan())["PROBABILITY_NOT_SENT"]
    assert either.run().exit_code == 0
    assert probability_of(either) == 75
    assert has_nothing_to_write(either)


@pytest.mark.parametrize("options", ["", 'probability = "override"'])
def test_override_brings_the_rows_probability_with_a_new_stage(either: DealDesk, options: str) -> None:
    """Also where the org lets the stage win: it is written a second time, and the next run has nothing to do."""
    either.bring(row(probability="33"), options=options, **MAPPED)
    assert probability_of(either) == 33
    either.bring(row(stage=PROPOSAL, probability="60"), options=options, **MAPPED)
    assert probability_of(either) == 60
    assert has_nothing_to_write(either)


def test_keep_sends_a_probability_along_that_somebody_set_by_hand(either: DealDesk) -> None:
    """One that is the old stage's own gives way to the new stage's."""
    words = {"options": 'probability = "keep"'}
    either.bring(row(), row("D-2"), **words)
    either.change("Opportunity", either.deal("D-1")["Id"], Probability=42)
    either.write(row(stage=PROPOSAL), row("D-2", stage=PROPOSAL), **words)
    assert change_of(either.plan()).values["Probability"] == 42
    assert "Probability" not in change_of(either.plan(), "D-2").values
    assert either.run().exit_code == 0
    assert [probability_of(either, key) for key in ("D-1", "D-2")] == [42, 75]
    assert has_nothing_to_write(either)


def test_keep_gives_a_deal_that_closes_the_probability_of_its_end(desk: DealDesk) -> None:
    """A won deal of 42 % would be forecast as what it is not."""
    words = {"options": 'probability = "keep"'}
    desk.bring(row(), **words)
    desk.change("Opportunity", desk.deal("D-1")["Id"], Probability=42)
    desk.bring(row(stage="Closed Won"), **words)
    assert probability_of(desk) == 100


def test_keep_uses_a_mapped_probability_for_new_deals_only(desk: DealDesk) -> None:
    """What is in the org stays, whatever the row says later."""
    words = {"options": 'probability = "keep"', **MAPPED}
    desk.bring(row(probability="33"), **words)
    desk.bring(row(probability="44"), **words)
    assert probability_of(desk) == 33


def test_the_second_write_costs_calls_only_where_the_stage_won(desk: DealDesk) -> None:
    """Twenty deals need one more write call, and no more at the next run."""
    rows = [row(f"D-{n}", probability="33") for n in range(20)]
    desk.write(*rows, **MAPPED)
    assert desk.run().document.usage.writes == 1
    desk.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
    moved = [{**each, "stage": PROPOSAL} for each in rows]
    desk.write(*moved, **MAPPED)
    assert desk.run().document.usage.writes == 2
    assert desk.run().document.usage.writes == 0
    assert {probability_of(desk, f"D-{n}") for n in range(20)} == {33}


def pin_probability(event: Event) -> None:
    """Before a deal is saved: put its probability back to what the first stage implies."""
    event.row["Probability"] = 10.0


def test_a_probability_that_the_org_always_takes_back_is_written_once_more_and_not_for_ever(
    tmp_path: Path,
) -> None:
    """An automation of the org has the last word; it is a note, and the next run has nothing to write."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    hook = {"object": "Opportunity", "name": "Pin", "hook": f"{__name__}:pin_probability", "action": "before"}
    with deal_desk(tmp_path, org | {"triggers": [hook]}) as desk:
        desk.write(row(probability="33"), **MAPPED)
        ending = desk.run()
        assert [each.code for each in ending.document.notes] == ["NOT_AS_WRITTEN"]
        assert ending.document.usage.writes == 2
        assert desk.run().document.usage.writes == 0


def no_odd_probability(event: Event) -> str | None:
    """Validate: a deal that is there keeps the probability of its stage."""
    return "No odd probability." if event.before and event.row["Probability"] == 33 else None


def test_a_second_write_that_is_refused_is_told_and_tried_by_the_next_run(tmp_path: Path) -> None:
    """The deal itself is in the org; its probability is a note of this run and a problem of the next."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    rule = {"object": "Opportunity", "hook": f"{__name__}:no_odd_probability", "fields": ["Probability"]}
    with deal_desk(tmp_path, org | {"validation_rules": [rule]}) as desk:
        desk.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
        desk.write(row(probability="33"), **MAPPED)
        ending = desk.run()
        assert (ending.counts["Opportunity"]["created"], ending.document.stopped) == (1, None)
        assert ending.document.notes[0].code == "PROBABILITY_NOT_WRITTEN"
        assert "No odd probability." in ending.document.notes[0].message
        assert desk.run().codes() == {"Opportunity:D-1": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_a_lost_answer_to_the_second_write_is_has_nothing_to_write(desk: DealDesk, phase: str) -> None:
    """Whether it was saved or not, the deal ends with the row's probability."""
    desk.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
    desk.write(row(probability="33"), **MAPPED)
    script = desk.emulator.faults.add(FaultScript(Drop(), phase, method="PATCH", path=SECOND))
    assert desk.run().exit_code == 0
    assert script.struck
    assert probability_of(desk) == 33
    assert has_nothing_to_write(desk)


@pytest.mark.parametrize("phase", ["before_read", "after_commit"])
def test_a_lost_answer_to_a_stage_that_won_is_no_conflict(desk: DealDesk, phase: str) -> None:
    """The record holds the stage's probability because of our own write, new or moved."""
    desk.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
    for stage, path in (("Prospecting", "/composite/graph"), (PROPOSAL, SECOND)):
        desk.write(row(stage=stage, probability="33"), **MAPPED)
        desk.emulator.faults.add(FaultScript(Drop(), phase, path=path))
        assert desk.run().exit_code == 0
        assert probability_of(desk) == 33
        assert has_nothing_to_write(desk)


def test_an_undo_takes_back_what_the_second_write_brought(either: DealDesk) -> None:
    """The deal is in its old stage with the probability that it had."""
    either.bring(row(probability="33"), **MAPPED)
    either.write(row(stage=PROPOSAL, probability="60"), **MAPPED)
    run_id = either.run().document.run_id
    assert either.undo(run_id).exit_code == 0
    assert (either.deal("D-1")["StageName"], probability_of(either)) == ("Prospecting", 33)


def test_deals_off_their_stage_are_counted_in_the_plan_and_named_in_the_report(desk: DealDesk) -> None:
    """With key, stage, the stage's probability and the deal's."""
    desk.bring(row("D-2"), row("D-3"))
    desk.change("Opportunity", desk.deal("D-2")["Id"], Probability=42)
    desk.write(row(probability="33"), row("D-2"), row("D-3"), **MAPPED)
    done = warm_sfsync("plan", desk.job, "--json", environ=desk.environ, cwd=desk.folder)
    document = json.loads(done.out)
    named = [
        {"key": "D-1", "stage": "Prospecting", "default": "10", "value": "33"},
        {"key": "D-2", "stage": "Prospecting", "default": "10", "value": "42"},
    ]
    assert (document["probability"], document["probability_total"]) == (named, 2)
    assert "2 deals will have other probabilities" in notes(desk.plan())["PROBABILITY_OFF_STAGE"]


def test_a_deal_with_a_second_write_can_vanish_later(tmp_path: Path) -> None:
    """The second write is remembered as the job's own, also where it came a moment after the first."""
    others = [row(f"D-{number}") for number in range(2, 6)]
    words = {"options": 'vanished = "close"', **MAPPED}
    clock = VirtualClock(datetime(2026, 9, 1, 12, tzinfo=UTC))
    with running(ORG_FILE, clock=clock) as emulator:
        desk = DealDesk(emulator, tmp_path)
        desk.switch(stage_with_probability=StageWithProbability.STAGE_WINS)
        desk.write(row(probability="33"), *others, **words)
        emulator.faults.add(Before(Drop(), path=SECOND, deed=lambda: clock.advance(5)))
        assert desk.run().exit_code == 0
        assert probability_of(desk) == 33
        desk.write(*others, **words)
        assert desk.run().exit_code == 0
        assert desk.deal("D-1")["StageName"] == "Closed Lost"


@pytest.mark.parametrize("back", ["20", "30"])
def test_an_undone_closing_gives_the_deal_its_own_probability_back(either: DealDesk, back: str) -> None:
    """The row that comes back finds its deal as it left it, wants what it likes, and may vanish again."""
    others = [row(f"D-{number}") for number in range(2, 6)]
    words = {"options": 'vanished = "close"\nallow = ["reopen"]', **MAPPED}
    either.bring(row(probability="20"), *others, **words)
    either.write(*others, **words)
    run_id = either.run().document.run_id
    assert (either.deal("D-1")["StageName"], probability_of(either)) == ("Closed Lost", 0)
    assert either.undo(run_id).exit_code == 0
    assert (either.deal("D-1")["StageName"], probability_of(either)) == ("Prospecting", 20)
    assert has_nothing_to_write(either), "a deal that an undo opened is not closed again"
    either.bring(row(probability=back), *others, **words)
    assert probability_of(either) == float(back)
    either.bring(*others, **words)
    assert either.deal("D-1")["StageName"] == "Closed Lost"


def test_an_undone_closing_leaves_the_row_its_stage(desk: DealDesk) -> None:
    """A row that comes back with another stage moves the deal: what the undo wrote is nobody else's edit."""
    others = [row(f"D-{number}") for number in range(2, 6)]
    words = {"options": 'vanished = "close"'}
    desk.bring(row(), *others, **words)
    desk.write(*others, **words)
    assert desk.undo(desk.run().document.run_id).exit_code == 0
    desk.bring(row(stage=PROPOSAL), *others, **words)
    assert (desk.deal("D-1")["StageName"], probability_of(desk)) == (PROPOSAL, 75)
