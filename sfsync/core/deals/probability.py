"""Decides whose probability a deal is sent with, and which deals are off the probability that their stage implies.

The platform takes the stage's own probability whenever the stage changes; a value in the same write may win.
Source: Object Reference, Opportunity.StageName and .Probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import ProbabilityPolicy, Section
from sfsync.core.plans.plan import OffStage
from sfsync.core.values import PlannedValue, Value, is_same

FIELD: Final = "Probability"

MOST_LISTED: Final = 200
"""Deals off their stage's probability that a plan names; of more it tells the number."""


def policy_of(section: Section) -> ProbabilityPolicy:
    """The section's policy; where the job says nothing, override if Probability is mapped, else default."""
    if section.probability is not None:
        return section.probability
    return ProbabilityPolicy.OVERRIDE if section.rule(FIELD) else ProbabilityPolicy.DEFAULT


def is_sent(policy: ProbabilityPolicy, *, exists: bool) -> bool:
    """Whether a row's own probability goes to the org: with `keep` only to deals that are new there."""
    return policy is ProbabilityPolicy.OVERRIDE or (policy is ProbabilityPolicy.KEEP and not exists)


def kept(values: Mapping[str, PlannedValue], before: Mapping[str, Value], stages: StageCatalogue) -> Value:
    """What goes along with a stage so that a probability which a person set is not reset; None for nothing.

    `before` is the record's stage and probability now. A deal that closes takes the closed stage's own: one that
    is won with 60 % would be in no forecast as what it is.
    """
    now, wanted = before.get(FIELD), values.get("StageName")
    stage = stages.stages.get(wanted) if isinstance(wanted, str) else None
    if now is None or stage is None or stage.is_closed:
        return None
    old = stages.default_probability(before.get("StageName"))
    if old is None or is_same(now, old, scale=0) or is_same(now, stage.probability, scale=0):
        return None
    return now


def off_stage(
    key: str, stage: PlannedValue, probability: PlannedValue, stages: StageCatalogue
) -> OffStage | None:
    """A deal whose probability will not be the one that its stage implies; None where it will be."""
    default = stages.default_probability(stage)
    if default is None or not isinstance(probability, Decimal) or is_same(probability, default, scale=0):
        return None
    return OffStage(key, str(stage), default, probability)
