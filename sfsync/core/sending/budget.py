"""How many API calls a run may take: as many as a person said, else as long as the org keeps a reserve of its day.

The calls of the day are the whole org's, so by itself a run leaves the last fifth of them to others. The org's own
estimate may go down between two answers and lag behind; the fifth is the margin for that too.
Source: reliability.md 3, S3; REST API Developer Guide, "Limit Info Header".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sfsync.core.job import Limits
from sfsync.core.plans.plan import OrgCalls, PredictedCalls
from sfsync.errors import GuardError, LimitReached

PERCENT_USED: Final = 80
"""What share of the day's calls may be used when a run stops by itself."""


def left_until_reserve(org: OrgCalls) -> int:
    """How many calls are left until the org has used most of its day's."""
    return max(0, org.allowed * PERCENT_USED // 100 - org.used)


def why_spent(budget: int | None, taken: int, org: OrgCalls | None) -> LimitReached | None:
    """Why no further call may leave; None when one may. `taken` are the calls of this run so far.

    With a `budget` it alone decides; the org refuses by itself what is too much for it.
    """
    if budget is not None:
        return _budget_spent(budget) if taken >= budget else None
    return _reserve_reached(org) if org is not None and not left_until_reserve(org) else None


def _budget_spent(budget: int) -> LimitReached:
    return LimitReached(
        f"the run has used the {budget:,} API calls that it may take",
        code="API_BUDGET",
        hint="A run that had begun goes on with sfsync resume; a larger --api-budget lets it come further at once.",
    )


def _reserve_reached(org: OrgCalls) -> LimitReached:
    return LimitReached(
        f"the org has used {org.used:,} of its {org.allowed:,} API calls of the day, and a run leaves the last"
        f" {100 - PERCENT_USED} % to others",
        code="API_RESERVE",
        hint="It goes on tomorrow: sfsync resume. To use N calls all the same: --api-budget N.",
    )


def refuse_over_budget(
    predicted: PredictedCalls, limits: Limits, *, taken: int, org: OrgCalls | None
) -> None:
    """Stops a plan that would meet its limit of calls on the way. `taken` are the calls of this run so far.

    Raises:
        GuardError: it would not fit into its own budget, or not even into a whole day of the org's.
        LimitReached: the org has too few calls left today; on another day it would fit.
    """
    needed = predicted.total
    if not needed:
        return
    if limits.api_budget is not None:
        left = max(0, limits.api_budget - taken)
        where = f"of the {limits.api_budget:,} that the run may take"
    elif org is not None:
        left = left_until_reserve(org)
        where = f"until the org has used {PERCENT_USED} % of its {org.allowed:,} of the day"
    else:
        return
    if needed <= left:
        return
    message = f"applying the plan takes about {needed:,} API calls, and {left:,} are left {where}"
    enough = f"--api-budget {taken + needed}"
    if limits.api_budget is None and org is not None and needed <= left_until_reserve(replace(org, used=0)):
        hint = f"Nothing was written; run it again when calls are free, or give {enough} or more."
        raise LimitReached(message, code="API_RESERVE", hint=hint)
    raise GuardError(message, code="OVER_BUDGET", hint=f"If it is meant: {enough} or more.")
