"""Names what the org holds otherwise than it was sent; of what was never sent nothing is claimed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sfsync.core.deals.second_writes import may_lose
from sfsync.core.diff import held, scale_of
from sfsync.core.plans.plan import NEW, Change
from sfsync.core.ports import LedgerEntry, Record
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.values import Pending, Value, is_same, shown
from sfsync.engine.applying.run_state import RunState


def differences(
    state: RunState,
    change: Change,
    desired: Mapping[str, Value],
    sent: Collection[str],
    record: Record,
    known: LedgerEntry | None,
    *,
    now: Mapping[str, Value],
) -> Iterator[Problem]:
    """Notes on the values of `desired` that a written record does not hold.

    `sent` are the fields that went by this run, `known` tells what went by earlier ones: what the same row says as
    before and the org rewrote then is told again. `now` is what the record holds of `desired`.
    """
    describe = state.gateway.describe(change.sobject)
    further = {
        name: value
        for name, value in may_lose(change).items()
        if name not in desired and not isinstance(value, Pending)
    }
    meant = {**desired, **further} if further else desired
    now = {**now, **held(describe, record, further)} if further else now
    kept = _kept_by_master(state, change)
    is_new = change.action in NEW
    earlier = known.sent if known is not None else {}
    for name, wanted in meant.items():
        was_sent = is_new or name in sent or (name in earlier and is_same(wanted, earlier[name]))
        if not was_sent or name in kept or wanted == now[name]:
            continue
        if not is_same(wanted, now[name], scale=scale_of(describe.field(name))):
            yield Problem(
                code="NOT_AS_WRITTEN",
                stage=Stage.ORG,
                message=f"{change.label}: {name} is {shown(now[name])} in the org, not {shown(wanted)}",
                hint="The platform or an automation of the org changed it; it is not sent again.",
                row=change.row,
                field=name,
            )


def _kept_by_master(state: RunState, change: Change) -> frozenset[str]:
    """The fields that the record, which the row's own was merged into, keeps as it has them."""
    followed = state.plan.gone.followed
    is_followed = bool(followed) and any(each.change_id == change.change_id for each in followed)
    return frozenset(change.desired) - change.values.keys() if is_followed else frozenset()
