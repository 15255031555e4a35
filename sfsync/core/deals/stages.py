"""The org's stage catalogue: which stages there are, and what each implies.

Source: Object Reference, OpportunityStage; stages are written by `ApiName`, never by a translated label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class StageInfo:
    """One stage of the catalogue; `probability` is a percentage from 0 to 100."""

    api_name: str
    label: str
    probability: Decimal
    forecast_category: str
    is_active: bool
    is_closed: bool
    is_won: bool


@dataclass(frozen=True, slots=True)
class StageCatalogue:
    """All stages of an org in their sort order, keyed by API name."""

    stages: Mapping[str, StageInfo]

    def active(self) -> tuple[str, ...]:
        """The API names of the stages that a deal may be moved to."""
        return tuple(each.api_name for each in self.stages.values() if each.is_active)

    def default_probability(self, name: object) -> Decimal | None:
        """The percentage that a stage implies; None for what is no stage."""
        known = self.stages.get(name) if isinstance(name, str) else None
        return known.probability if known is not None else None

    def is_earlier(self, wanted: str, now: str) -> bool:
        """Whether a stage comes before another one in the org's order; unknown stages never do."""
        order = list(self.stages)
        return wanted in self.stages and now in self.stages and order.index(wanted) < order.index(now)

    def is_forward(self, now: str, wanted: str) -> bool:
        """Whether a deal moves on: to a later stage, and not out of a closed one. Unknown stages never do."""
        order = list(self.stages)
        if now not in self.stages or wanted not in self.stages or self.stages[now].is_closed:
            return False
        return order.index(wanted) > order.index(now)


def parse_stages(records: list[Mapping[str, Any]]) -> StageCatalogue:
    """The catalogue from the records of a query on OpportunityStage, in the order given.

    Raises:
        ValueError: a record is no stage.
    """
    stages = [_parse_stage(each) for each in records]
    return StageCatalogue({each.api_name: each for each in stages})


def _parse_stage(record: Mapping[str, Any]) -> StageInfo:
    if not isinstance(record.get("ApiName"), str):
        raise ValueError("a stage has no API name")
    return StageInfo(
        api_name=record["ApiName"],
        label=record.get("MasterLabel") or record["ApiName"],
        probability=Decimal(str(record.get("DefaultProbability") or 0)),
        forecast_category=record.get("ForecastCategoryName") or "",
        is_active=bool(record.get("IsActive")),
        is_closed=bool(record.get("IsClosed")),
        is_won=bool(record.get("IsWon")),
    )
