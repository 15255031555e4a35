"""Settles what earlier attempts left open, before anything new is written (journal rule J4).

A process that was killed leaves intents without outcomes. Each is settled by asking the org: a change that is
there is done; a keyed create, an update or anything behind a receipt that is not may simply be planned again;
a role on an existing deal that went without a receipt and is not there stays unknown. What had to wait for one of
these goes on when that one is not lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.deals.second_writes import is_second
from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.units import deal_units, record_units
from sfsync.core.sobject import CONTACT_ROLE, LEAD, OPPORTUNITY
from sfsync.engine.applying.bulk_jobs.job_recovering import finish_jobs
from sfsync.engine.applying.converting import land_deals, settle_conversions
from sfsync.engine.applying.deleting import settle_lost_deletions
from sfsync.engine.applying.in_doubt.settling import settle_creates, settle_lost_updates
from sfsync.engine.applying.role_applying import settle_roles
from sfsync.engine.applying.run_state import RunState
from sfsync.engine.applying.sending import Doubt
from sfsync.engine.undoing.undo_applying import settle_undone


def recover(state: RunState) -> list[Change]:
    """Takes up what the journal knows of the run and settles what it does not; returns what that was."""
    opened = state.recall()
    not_saved = finish_jobs(state, opened)
    unsettled = [each for each in opened if each.change_id not in not_saved | state.results.keys()]
    creates = [each for each in unsettled if each.sobject != CONTACT_ROLE and each.action is Action.CREATE]
    _settle_creates(state, creates, unsettled)
    _settle_leads(state, unsettled)
    updates = [each for each in unsettled if each.sobject != CONTACT_ROLE and each.action is Action.UPDATE]
    updates = [each for each in updates if not is_second(each.change_id)]  # reading back shows what they need
    settle_lost_updates(state, updates)
    settle_lost_deletions(state, [each for each in unsettled if _deletes_record(each)])
    roles = [
        each for each in unsettled if each.sobject == CONTACT_ROLE and each.change_id not in state.results
    ]
    if state.plan.undoes is not None:
        settle_undone(state, roles)
    elif roles:
        settle_roles(state, roles)
    left = [each.change_id for each in unsettled if each.change_id not in state.results]
    state.release(left, "NOT_SAVED")
    if state.plan.undoes is None:
        state.unblock()
    return opened


def _settle_leads(state: RunState, unsettled: Sequence[Change]) -> None:
    """Settles conversions by their leads, and notes which deals the rows have become."""
    leads = [each for each in unsettled if each.sobject == LEAD]
    if leads:
        settle_conversions(state, leads, {each.change_id for each in leads})
    if any(comes_from_lead(each) for each in state.plan.changes):
        land_deals(state)


def _deletes_record(change: Change) -> bool:
    return change.action is Action.DELETE and change.sobject != CONTACT_ROLE


def _settle_creates(state: RunState, creates: Sequence[Change], unsettled: Sequence[Change]) -> None:
    deals = [each for each in creates if each.sobject == OPPORTUNITY]
    others = [each for each in creates if each.sobject != OPPORTUNITY]
    routes = state.plan.routes
    units = [
        *record_units(others, routes, state.ids),
        *deal_units(deals, unsettled, routes, state.ids),
    ]
    if units:
        settle_creates(state, [Doubt(unit, is_ambiguous=True) for unit in units])
