"""Converts the leads of a plan, once each, and brings the deals that come out of them to the wanted state.

Leads are read right before they are sent: one that somebody has converted since the plan was made is a conflict. A
lost answer is settled by reading the lead: converted, it is ours; open, it may be sent again, for a second
conversion is refused by the platform, however late the first arrives. After the conversion the ledger knows which
deal the row has become before anything else is written; then the deal is read and given what it lacks of the row.
Source: SOAP API Developer Guide, convertLead ("cannot reference converted lead").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sfsync.core.contact_roles.lead_roles import LEAD_CONTACT
from sfsync.core.deals.leads import LEAD_FIELDS, Landed, convert_calls, landed, lead_unit
from sfsync.core.diff import difference, held
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import LedgerEntry, Lookup, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import MODIFIED, full_id
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
from sfsync.core.sending.batches import by_account, collection_calls, conditional_calls, update_batches
from sfsync.core.sending.units import record_units
from sfsync.core.sobject import LEAD, OPPORTUNITY
from sfsync.core.values import clean_key
from sfsync.engine.applying.in_doubt.receipts import answers_lost
from sfsync.engine.applying.in_doubt.settling import settle_updates
from sfsync.engine.applying.read_back.verifying import AUDIT, is_anothers
from sfsync.engine.applying.run_state import RunState, resolved
from sfsync.engine.applying.sending import MOST_TRIES, send_units
from sfsync.engine.applying.updating import stamp_of

_DEAD: Final = frozenset({Outcome.REJECTED, Outcome.CONFLICT, Outcome.BLOCKED})


def convert_leads(state: RunState) -> None:
    """Converts the leads that are waiting, and passes a refusal on to the deal's row.

    Raises:
        OrgUnavailable: the org loses answer after answer; what is still open may be sent again.
    """
    sent: set[str] = set()
    for _ in range(MOST_TRIES):
        still_open = settle_conversions(state, state.waiting(LEAD, Action.CONVERT), sent)
        if not still_open:
            break
        sent |= {each.change_id for each in still_open}
        units = by_account(lead_unit(each, state.ids) for each in still_open)
        if not send_units(state, units, convert_calls):
            break
    else:
        left = settle_conversions(state, state.waiting(LEAD, Action.CONVERT), sent)
        state.release([each.change_id for each in left], "NOT_SAVED")
        if left:
            raise answers_lost()
    _pass_on(state)


def settle_conversions(state: RunState, leads: Sequence[Change], sent: Collection[str]) -> list[Change]:
    """Settles by the leads themselves which are converted; returns those that are open still.

    `sent` are the changes that this run has sent, so that a conversion may be its own; one whose contact is known
    was converted by the run that is tried again.
    """
    if not leads:
        return []
    records = _leads(state, leads)
    still_open: list[Change] = []
    for lead in leads:
        record = records.get(lead.key)
        became = landed(record) if record else None
        if record is not None and became is None:
            still_open.append(lead)
        else:
            is_ours = lead.change_id in sent or lead.record_id is not None
            state.settle([_end(state, lead, became, is_ours=is_ours)])
    return still_open


def _leads(state: RunState, leads: Sequence[Change]) -> dict[str, Record]:
    [records] = state.gateway.fetch([Lookup(LEAD, LEAD_FIELDS, "Id", tuple(each.key for each in leads))])
    return {full_id(each): each for each in records}


def _end(state: RunState, lead: Change, became: Landed | None, *, is_ours: bool) -> RowResult:
    """The result of a lead that is converted, or gone."""
    if became is None:
        return _conflict(lead, "LEAD_GONE", f"lead {lead.label} is in the org no more")
    into = resolved(lead.values.get("ConvertedAccountId"), state.ids)
    is_as_planned = became.deal_id is not None and into in (None, became.account_id)
    if is_ours and is_as_planned:
        return RowResult(lead.change_id, Outcome.CREATED, became.contact_id)
    message = f"somebody has converted lead {lead.label} since the plan was made"
    return _conflict(lead, "LEAD_CONVERTED", message)


def _pass_on(state: RunState) -> None:
    """Gives the deal's row the end of its lead, where the lead was not converted."""
    ends = []
    for change in state.plan.changes:
        lead = state.results.get(change.parent or "")
        if change.sobject != OPPORTUNITY or lead is None or change.change_id in state.results:
            continue
        if lead.outcome in _DEAD:
            problems = tuple(replace(each, row=change.row) for each in lead.problems)
            ends.append(RowResult(change.change_id, lead.outcome, problems=problems))
    state.settle(ends)


def bring_landed(state: RunState) -> None:
    """Gives the deals that came out of leads what they lack of the values that were planned for them."""
    deals, records = land_deals(state)
    units = record_units(deals, state.plan.routes, state.ids)
    stamps = {each.change_id: stamp_of(records[each.record_id or ""]) for each in deals}
    for batch in list(update_batches(units, is_strict=state.plan.is_strict)):
        strict = partial(conditional_calls, unmodified_since=stamps)
        doubts = send_units(state, batch, strict if state.plan.is_strict else collection_calls)
        settle_updates(state, doubts)


def land_deals(state: RunState) -> tuple[list[Change], Mapping[str, Record]]:
    """The deals of converted leads that lack something yet, as updates of their records, and these records by id.

    The others get their result. Which deal each row has become is in the ledger when this returns.
    """
    waiting = [each for each in state.waiting(OPPORTUNITY, Action.CONVERT) if each.parent in state.results]
    if not waiting:
        return [], {}
    leads = _leads(state, [state.by_id[each.parent or ""] for each in waiting])
    found: dict[str, str] = {}
    contacts: dict[str, str] = {}
    for deal in waiting:
        became = landed(leads.get(state.by_id[deal.parent or ""].key, {}))
        if became is None or became.deal_id is None:
            state.settle([_conflict(deal, "LEAD_DEAL_GONE", "the deal of the converted lead is gone")])
        else:
            found[deal.change_id] = became.deal_id
            contacts[deal.change_id] = became.contact_id
    _remember(state, found, contacts)
    records = _deals(state, [each for each in waiting if each.change_id in found], found)
    lacking = [
        brought
        for deal in waiting
        if deal.change_id in found
        and (brought := _lacking(state, deal, found[deal.change_id], records)) is not None
    ]
    state.by_id |= {each.change_id: each for each in lacking}
    return lacking, records


def _remember(state: RunState, found: Mapping[str, str], contacts: Mapping[str, str]) -> None:
    """Notes which deal each row has become; without values, for none has been brought to it yet.

    So is the contact noted whom the platform made primary there, which is nobody's choice.
    """
    state.ids |= found
    key_field = state.plan.key_fields.get(OPPORTUNITY)
    entries = [
        LedgerEntry(
            OPPORTUNITY,
            ledger_key(state.plan.job, state.by_id[name].key, key_field=key_field),
            deal_id,
            {},
            {LEAD_CONTACT: contacts[name]},
        )
        for name, deal_id in found.items()
    ]
    state.journal.put_ledger(state.plan.org.org_id, entries)


def _deals(state: RunState, deals: Sequence[Change], found: Mapping[str, str]) -> dict[str, Record]:
    names = dict.fromkeys(name for each in deals for name in each.desired)
    fields = tuple(dict.fromkeys(("Id", MODIFIED, *AUDIT, *names)))
    ids = tuple(found[each.change_id] for each in deals)
    if not ids:
        return {}
    [records] = state.gateway.fetch([Lookup(OPPORTUNITY, fields, "Id", ids)])
    return {full_id(each): each for each in records}


def _lacking(state: RunState, deal: Change, deal_id: str, records: Mapping[str, Record]) -> Change | None:
    """The deal as an update of what its record lacks; None where it has got its result."""
    record = records.get(deal_id)
    key_field = state.plan.key_fields.get(OPPORTUNITY)
    key = record.get(key_field) if record and key_field else None
    if record is None:
        state.settle([_conflict(deal, "LEAD_DEAL_GONE", f"the deal of its lead ({deal_id}) is gone")])
        return None
    if key is not None and clean_key(str(key)) != deal.key:
        message = f'the deal of its lead ({deal_id}) has the key "{key}"'
        state.settle([_conflict(deal, "KEY_TAKEN", message)])
        return None
    describe = state.gateway.describe(OPPORTUNITY)
    wanted = {name: resolved(value, state.ids) for name, value in deal.desired.items()}
    lacks = difference(describe, wanted, held(describe, record, wanted), None)
    if not lacks.values:
        state.settle([RowResult(deal.change_id, Outcome.CREATED, deal_id)])
        return None
    if is_anothers(record):
        message = f"somebody changed the deal ({deal_id}) after its lead was converted"
        state.settle([_conflict(deal, "CHANGED_IN_ORG", message)])
        return None
    return replace(deal, record_id=deal_id, values=lacks.values, before=lacks.before)


def _conflict(change: Change, code: str, message: str) -> RowResult:
    hint = "Nothing was touched; run the job again to plan it anew."
    problem = Problem(code, Stage.ORG, message, hint, row=change.row)
    return RowResult(change.change_id, Outcome.CONFLICT, problems=(problem,))
