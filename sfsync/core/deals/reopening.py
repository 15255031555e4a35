"""What goes back with a deal's stage when an undo takes a stage change back; which changes close a vanished deal.

The platform resets what a stage implies whenever the stage changes, so a probability that somebody had set is sent
along with the old stage. What the deal had is known from the change, or from what its plan remembers of the deal. A
vanished deal stays known as one that was closed: whoever opened it again has the say.
Source: Object Reference, Opportunity.StageName.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sfsync.core.deals.forecast_basis import Deal
from sfsync.core.deals.gone import CHANGE_PREFIX
from sfsync.core.deals.second_writes import implied
from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.diff import STAGE_DEPENDENTS
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import Value, is_same


def is_of_closing(change: Change) -> bool:
    """Whether a change closes a vanished deal, or takes such a closing back."""
    return change.action is Action.UPDATE and change.change_id.endswith(
        f"{CHANGE_PREFIX}{OPPORTUNITY}:{change.key}"
    )


def odds_before(change: Change, deal: Deal | None) -> dict[str, Value]:
    """A deal's stage and what depends on it, as it was before a change of its stage; {} for any other change.

    `deal` is what the plan of the change remembers of it: a change itself knows only what it sends.
    """
    if change.sobject != OPPORTUNITY or "StageName" not in change.values:
        return {}
    known: dict[str, Value] = {}
    if deal is not None and is_same(deal.stage, change.before.get("StageName")):
        known = {"Probability": deal.probability, "ForecastCategoryName": deal.category or None}
    own = {name: change.before[name] for name in ("StageName", *STAGE_DEPENDENTS) if name in change.before}
    return known | own


def set_by_hand(
    before: Mapping[str, Value], stages: StageCatalogue, *, writable: Collection[str]
) -> dict[str, Value]:
    """Those values of a deal's `before` that its stage implied otherwise, of the fields that may be written."""
    stage = stages.stages.get(str(before.get("StageName")))
    if stage is None:
        return {}
    return {
        name: before[name]
        for name in STAGE_DEPENDENTS
        if name in writable
        and before.get(name) is not None
        and not is_same(before[name], implied(stage, name), scale=0 if name == "Probability" else None)
    }
