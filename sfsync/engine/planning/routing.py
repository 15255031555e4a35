"""Asks the org what it offers to make writes safe to repeat, and chooses by it how a plan's creates and updates go.

The org is asked about receipts only when something in the plan would go behind one, so a run with nothing to
do costs no call for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sfsync.core.job import Job, UpdateMode
from sfsync.core.plan import WRITES, Action, Change
from sfsync.core.ports import OrgGateway
from sfsync.core.sending.receipts import RECEIPT, can_keep_receipts
from sfsync.core.sending.routes import Means, choose_routes
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Route
from sfsync.engine.planning.schema import Schema
from sfsync.errors import ConfigError

MOST_STRICT: Final = 500
"""Updates of one plan that are each sent on a condition; more go without, two hundred times faster."""


def plan_routes(
    job: Job, schema: Schema, changes: Sequence[Change], means_there: Callable[[], Means]
) -> Mapping[str, Route]:
    """The route of each sObject's creates in this plan; `means_there` asks the org what it offers.

    Raises:
        ConfigError: the job wants a route that the org cannot give.
    """
    asks = job.route is not None or _needs_more_than_keys(schema, changes)
    means = means_there() if asks else Means(has_receipts=False, has_jobs=False)
    return choose_routes(schema.writing, means, wanted=job.route)


def means_of(gateway: OrgGateway) -> Means:
    """What the org offers besides keys; one call, and one more where there is no object for receipts."""
    try:
        has_receipts = can_keep_receipts(gateway.describe(RECEIPT))
    except ConfigError as error:
        if error.code != "UNKNOWN_SOBJECT":
            raise
        has_receipts = False
    return Means(has_receipts=has_receipts, has_jobs=not has_receipts and gateway.jobs.is_allowed())


def goes_on_conditions(mode: UpdateMode, changes: Sequence[Change], *, earlier: int = 0) -> bool:
    """Whether each update of the plan goes on the condition that nobody has edited its record meanwhile.

    `earlier` counts the updates of earlier portions.
    """
    if mode is not UpdateMode.AUTO:
        return mode is UpdateMode.STRICT
    return earlier + updates_of(changes) <= MOST_STRICT


def updates_of(changes: Sequence[Change]) -> int:
    """How many updates could go on a condition."""
    return sum(each.action is Action.UPDATE and each.sobject != CONTACT_ROLE for each in changes)


def _needs_more_than_keys(schema: Schema, changes: Sequence[Change]) -> bool:
    """Whether the plan writes rows without a key, or roles of deals that are in the org."""
    keyless = {each.sobject for each in schema.writing if each.key is None} - {CONTACT_ROLE}
    new_deals = {each.change_id for each in changes if each.action is Action.CREATE}
    return any(
        each.sobject in keyless or (each.sobject == CONTACT_ROLE and each.parent not in new_deals)
        for each in changes
        if each.action in WRITES
    )
