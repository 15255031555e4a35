"""What a plan remembers of the deals that it writes, so that their effect on the forecast can be said at any time.

Carried in the plan, because a report, a resume and an undo know the records as they were from nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sfsync.core.deals.stages import StageInfo


@dataclass(frozen=True, slots=True)
class Deal:
    """What a forecast needs of one deal; None where the org holds nothing or does not show it.

    `probability` is a percentage from 0 to 100. `owner` is a user id, "" for the user that sfsync runs as.
    `currency` is an ISO code, "" in an org with one currency and where the org is to choose.
    """

    stage: str
    category: str
    probability: Decimal | None
    amount: Decimal | None
    close_date: date | None
    owner: str
    currency: str = ""


@dataclass(frozen=True, slots=True)
class ForecastBasis:
    """The deals as they were, by record id, and what the org says of stages, owners and its fiscal year.

    `stages` is the whole catalogue in its order, `owners` holds names by user id. `fiscal_year_start` is a month
    from 1 to 12, None where the org does not tell. `decimals` are those that the org keeps of an amount.
    """

    deals: Mapping[str, Deal] = field(default_factory=dict)
    stages: Mapping[str, StageInfo] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    fiscal_year_start: int | None = None
    decimals: int = 2
