"""Whose probability goes with a deal, and what a stage overruled."""

from decimal import Decimal
from pathlib import Path

import pytest
from stage_catalogues import catalogue

from sfsync.core.deals.probability import is_sent, kept, off_stage, policy_of
from sfsync.core.deals.second_writes import is_second, lost, may_lose, second_id, seconds_of
from sfsync.core.job import FieldRule, ProbabilityPolicy, Section
from sfsync.core.plans.plan import Action, Change
from sfsync.core.reading.source_spec import SourceSpec

DEFAULT, OVERRIDE, KEEP = ProbabilityPolicy.DEFAULT, ProbabilityPolicy.OVERRIDE, ProbabilityPolicy.KEEP
SIXTY = Decimal(60)


def section(*fields: str, policy: ProbabilityPolicy | None = None) -> Section:
    """A section of deals that maps those fields."""
    rules = tuple(FieldRule(each, column=each) for each in fields)
    return Section("opportunities", "Opportunity", SourceSpec("csv", Path("x")), rules, probability=policy)


def test_a_job_that_says_nothing_overrides_what_it_maps() -> None:
    """As it was before there were policies."""
    assert policy_of(section("Probability")) is OVERRIDE
    assert policy_of(section("Name")) is DEFAULT
    assert policy_of(section("Probability", policy=KEEP)) is KEEP


@pytest.mark.parametrize(
    ("policy", "new", "there"), [(DEFAULT, False, False), (OVERRIDE, True, True), (KEEP, True, False)]
)
def test_when_a_rows_own_probability_is_sent(policy: ProbabilityPolicy, new: bool, there: bool) -> None:
    """Keep uses it for new deals only."""
    assert (is_sent(policy, exists=False), is_sent(policy, exists=True)) == (new, there)


@pytest.mark.parametrize(
    ("stage", "now", "wanted", "value"),
    [
        ("New", SIXTY, "Talks", SIXTY),
        ("New", Decimal("10.0"), "Talks", None),
        ("New", None, "Talks", None),
        ("New", Decimal(40), "Talks", None),
        ("New", SIXTY, "Won", None),
        ("Elsewhere", SIXTY, "Talks", None),
        ("Lost", Decimal(0), "Talks", None),
    ],
)
def test_what_is_kept_when_a_stage_moves(
    stage: str, now: Decimal | None, wanted: str, value: Decimal | None
) -> None:
    """A probability set by hand, between stages of which the next is open and implies another one."""
    assert kept({"StageName": wanted}, {"StageName": stage, "Probability": now}, catalogue()) == value


def test_a_deal_off_its_stage_is_told_with_both_probabilities() -> None:
    """Numbers are compared as whole percentages; of unknown stages nothing is said."""
    found = off_stage("D-1", "Talks", SIXTY, catalogue())
    assert found is not None
    assert (found.stage, found.default, found.value) == ("Talks", Decimal(40), SIXTY)
    assert off_stage("D-1", "Talks", Decimal("40.0"), catalogue()) is None
    assert off_stage("D-1", "Elsewhere", SIXTY, catalogue()) is None


WANTED = {"StageName": "Talks", "Probability": SIXTY, "ForecastCategoryName": "Commit"}


def test_what_lost_is_what_the_stage_implies_in_its_place() -> None:
    """A third value is somebody else's, and a record that has left the stage tells nothing."""
    stages = catalogue()
    won = {"StageName": "Talks", "Probability": Decimal(40), "ForecastCategoryName": "Pipeline"}
    assert lost(WANTED, won, stages) == {"Probability": SIXTY, "ForecastCategoryName": "Commit"}
    assert lost(WANTED, {**won, "Probability": Decimal(55)}, stages) == {"ForecastCategoryName": "Commit"}
    assert lost(WANTED, {**won, "StageName": "Offer"}, stages) == {}
    assert lost(WANTED, dict(WANTED), stages) == {}  # type: ignore[arg-type]


def test_only_a_deal_whose_stage_went_along_may_need_a_second_write() -> None:
    """It bears a name of its own in the journal and carries no stage."""
    change = Change("Opportunity:D-1", "Opportunity", Action.UPDATE, "D-1", "Deal", values=WANTED)
    alone = Change(
        "Opportunity:D-2", "Opportunity", Action.UPDATE, "D-2", "Deal", values={"Probability": SIXTY}
    )
    assert (sorted(may_lose(change)), may_lose(alone)) == (["ForecastCategoryName", "Probability"], {})
    [(name, second)] = seconds_of([change, alone]).items()
    assert (name, is_second(name), is_second(change.change_id)) == (second_id(change.change_id), True, False)
    assert "StageName" not in second.values
