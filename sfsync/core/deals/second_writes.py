"""Tells which values of a deal lost against its new stage, and the one update that writes them again.

Whether an explicit probability or forecast category wins over the stage in one write is not documented for sure.
Where the platform let the stage win, the record holds the stage's own value after the write; that is not somebody's
edit, and an update without the stage puts it right. It is named after the change that it completes, so that the
journal keeps the two apart.
Source: Object Reference, Opportunity.StageName; the outcome of one write with both is an inference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from sfsync.core.deals.stages import StageCatalogue, StageInfo
from sfsync.core.diff import STAGE_DEPENDENTS
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import PlannedValue, Value, is_same

_MARK: Final = " (once more)"

OVERRULED: Final = ("StageName", *STAGE_DEPENDENTS)
"""The fields that are read to see whether the stage won."""


def is_second(change_id: str) -> bool:
    """Whether a change of the journal is the second write of another one."""
    return change_id.endswith(_MARK)


def second_id(change_id: str) -> str:
    """The name of the second write of a change."""
    return change_id + _MARK


def may_lose(change: Change) -> dict[str, PlannedValue]:
    """The values of a change that go in one write with a stage which implies others; none for most changes."""
    if change.sobject != OPPORTUNITY or change.values.get("StageName") is None:
        return {}
    names = (name for name in STAGE_DEPENDENTS if change.values.get(name) is not None)
    return {name: change.values[name] for name in names}


def lost(
    wanted: Mapping[str, PlannedValue], now: Mapping[str, Value], stages: StageCatalogue
) -> dict[str, PlannedValue]:
    """Those of the wanted values in whose place the record holds what its stage implies.

    `wanted` holds the stage too; a record that has left it tells nothing.
    """
    stage = stages.stages.get(str(now.get("StageName")))
    if stage is None or not is_same(wanted.get("StageName"), now.get("StageName")):
        return {}
    names = (name for name in STAGE_DEPENDENTS if wanted.get(name) is not None and name in now)
    return {
        name: wanted[name]
        for name in names
        if not is_same(wanted[name], now[name], scale=_scale(name))
        and is_same(implied(stage, name), now[name], scale=_scale(name))
    }


def second_write(change: Change, record_id: str | None, now: Mapping[str, Value]) -> Change:
    """The update that writes the values of `may_lose` again, on the condition that the record still holds `now`."""
    values = may_lose(change)
    return replace(
        change,
        change_id=second_id(change.change_id),
        action=Action.UPDATE,
        record_id=record_id,
        desired=values,
        values=values,
        before=now,
        parent=None,
        problems=(),
    )


def seconds_of(changes: Iterable[Change]) -> dict[str, Change]:
    """By its name, the second write that each change may come to need."""
    possible = (second_write(each, each.record_id, {}) for each in changes if may_lose(each))
    return {each.change_id: each for each in possible}


def implied(stage: StageInfo, name: str) -> Value:
    """The value that a deal's stage gives one of the fields that depend on it."""
    return stage.probability if name == "Probability" else stage.forecast_category


def _scale(name: str) -> int | None:
    return 0 if name == "Probability" else None
