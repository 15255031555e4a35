"""Plans contact roles: finds each row's deal and contact, reads what the deals have, and compares sets.

A role never goes further than its deal: where the deal is rejected, in conflict or blocked, its roles wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from sfsync.core.contact_roles.lead_roles import arriving_roles, open_flag, policy_of_new, with_platforms_flag
from sfsync.core.contact_roles.role_rows import HeldRole, WantedRole
from sfsync.core.contact_roles.roles import RolePlan, gives_flag_away, plan_roles, role_key
from sfsync.core.deals.leads import comes_from_lead
from sfsync.core.diff import held
from sfsync.core.job import Job, OnRoleError, Section
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import NEW, WRITES, Action, Change
from sfsync.core.ports import ChangeRecord, ChangeState, Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.reading.keys import ledger_key
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.references.candidates import BlockedBy
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import CONTACT_ROLE, LEAD, OPPORTUNITY
from sfsync.core.values import Pending
from sfsync.engine.planning.parent_planning import ParentPlanner
from sfsync.engine.planning.reading import CheckedRow, asks_for_role
from sfsync.engine.planning.role_accounts import RoleAccounts, other_account_notes, other_accounts
from sfsync.engine.planning.role_references import RoleReferences
from sfsync.engine.planning.role_row_problems import (
    MOST_ROLES,
    contact_missing,
    deal_left_out,
    keeps_flag,
    no_role,
    too_many,
    unsettled,
    waits_for,
)
from sfsync.engine.planning.roleless_rows import Roleless, lost_mark, told
from sfsync.engine.planning.row_references import NOT_GONE, ReferencePolicies
from sfsync.engine.planning.schema import Schema

OWN_FIELDS: Final = frozenset({"OpportunityId", "ContactId", "Role", "IsPrimary"})
"""The fields of a role that the set comparison decides; others are carried along."""


@dataclass(slots=True)
class _DealRoles:
    deal: Change
    rows: list[CheckedRow] = field(default_factory=list)
    wanted: list[WantedRole] = field(default_factory=list)


@dataclass(slots=True)
class RolePlanner:
    """Plans all role rows of a job at once."""

    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str
    policies: ReferencePolicies
    still_open: Sequence[ChangeRecord]
    parents: ParentPlanner

    def plan(self, rows: Sequence[CheckedRow], deals: PlannedRecords | None) -> RolePlan:
        """One change for every role row, and the demotions that they bring about."""
        references = RoleReferences(self.schema.sections, self.policies, deals)
        notes = references.learn(rows, self.gateway)
        self.parents.judge(CONTACT_ROLE, rows)
        self.parents.settle(CONTACT_ROLE, rows)
        references.keep_open(rows)
        accounts = RoleAccounts(self.policies.table)
        refused: list[Change] = []
        roleless: list[Roleless] = []
        by_deal: dict[str, _DealRoles] = {}
        for row in rows:
            placed = self._placed(row, references)
            if isinstance(placed, Change):
                refused.append(placed)
            elif isinstance(placed, Roleless):
                roleless.append(placed)
            else:
                deal, wanted = placed
                of_deal = by_deal.setdefault(deal.change_id, _DealRoles(deal))
                of_deal.rows.append(row)
                other = accounts.other_account(deal, wanted.contact)
                of_deal.wanted.append(wanted if other is None else replace(wanted, other_account=other))
        there = self._held(by_deal.values(), roleless)
        ledger = self._ledger(by_deal.values(), there)
        doubtful = _doubtful_deals(refused)
        flags = self._open_flags(by_deal.values())
        plans = [
            self._of_deal(each, there, ledger, doubtful=doubtful, flags=flags) for each in by_deal.values()
        ]
        changes = [change for plan in plans for change in plan.changes]
        notes += [note for plan in plans for note in plan.notes]
        without = told(roleless, there, changes)
        settled = tuple(self._unsettled_kept([*refused, *without, *changes]))
        noted = [each for each, plan in zip(by_deal.values(), plans, strict=True) if plan.notes]
        open_rows = {(row.ref.source, row.ref.ordinal) for each in noted for row in each.rows}
        said = (*notes, *other_account_notes(other_accounts(settled)))
        return RolePlan(settled, said, frozenset(open_rows))

    def _placed(
        self, row: CheckedRow, references: RoleReferences
    ) -> Change | Roleless | tuple[Change, WantedRole]:
        """The row's deal and what it wants there, or the change of a row that goes no further."""
        deal = references.deal(row)
        known = deal if isinstance(deal, Change) else None
        if row.problems:
            return _stopped(row, Action.REJECT, row.problems, known)
        if not asks_for_role(self._section, row):
            return _roleless(row, known, references)
        if isinstance(deal, Invalid):
            action, problem = references.stopped(row, "OpportunityId", deal)
            return _stopped(row, action, [problem])
        if deal.action in (Action.REJECT, Action.BLOCKED, Action.CONFLICT, Action.UNKNOWN):
            return _stopped(row, Action.BLOCKED, [waits_for(row, deal)], deal)
        if deal.action is Action.SKIP:
            return _stopped(row, Action.SKIP, [deal_left_out(row, deal)], deal)
        contact = references.contact(row)
        if isinstance(contact, Invalid):
            action, problem = references.stopped(row, "ContactId", contact)
            return _stopped(row, action, [problem], deal)
        if isinstance(contact, BlockedBy):
            return _stopped(row, Action.BLOCKED, [contact_missing(row, contact)], deal)
        return deal, _wanted(row, contact)

    @property
    def _section(self) -> Section:
        section = self.schema.sections.get("contact_roles")
        return section or Section("contact_roles", CONTACT_ROLE, SourceSpec("rows"), ())

    def _held(self, deals: Collection[_DealRoles], roleless: Iterable[Roleless]) -> dict[str, list[HeldRole]]:
        ids = [each.deal.record_id for each in deals if each.deal.record_id is not None]
        ids += [each.deal_id for each in roleless if each.deal_id is not None]
        if not ids:
            return {}
        describe = self._describe()
        further = {name for each in deals for row in each.rows for name in row.values} - OWN_FIELDS
        [records] = self.gateway.fetch([roles_lookup(ids, further)])
        return held_roles(records, further, describe)

    def _describe(self) -> SObjectDescribe:
        rules = self.schema.rules.get(CONTACT_ROLE)
        return rules.describe if rules else self.gateway.describe(CONTACT_ROLE)

    def _ledger(
        self, deals: Iterable[_DealRoles], there: dict[str, list[HeldRole]]
    ) -> dict[str, LedgerEntry]:
        """What the job brought, under the names that rows ask for and under those that the deals have."""
        keys = [role_key(deal, each.contact_id, each.role) for deal, held in there.items() for each in held]
        keys += [
            role_key(each.deal.record_id, each_role.contact, each_role.role)
            for each in deals
            for each_role in each.wanted
            if each.deal.record_id is not None and isinstance(each_role.contact, str)
        ]
        return self.journal.ledger(self.org_id, CONTACT_ROLE, keys) if keys else {}

    def _open_flags(self, deals: Iterable[_DealRoles]) -> dict[str, str]:
        """The contacts whom the platform made primary and nobody chose, by the changes of their deals."""
        section = self.schema.sections.get("opportunities")
        if section is None or section.lead is None:
            return {}
        names = {
            ledger_key(self.job.name, each.deal.key, key_field=section.key): each.deal
            for each in deals
            if each.deal.record_id is not None
        }
        entries = self.journal.ledger(self.org_id, OPPORTUNITY, names) if names else {}
        return {
            names[key].change_id: contact
            for key, entry in entries.items()
            if (contact := open_flag(entry, names[key].record_id)) is not None
        }

    def _of_deal(
        self,
        roles: _DealRoles,
        there: dict[str, list[HeldRole]],
        ledger: dict[str, LedgerEntry],
        *,
        doubtful: set[str | None],
        flags: Mapping[str, str],
    ) -> RolePlan:
        if len(roles.wanted) > MOST_ROLES:
            return RolePlan(
                tuple(_stopped(row, Action.REJECT, [too_many(row)], roles.deal) for row in roles.rows)
            )
        plan = partial(
            plan_roles,
            is_complete=doubtful.isdisjoint({roles.deal.change_id, None}),
            rules=self.job.role_rules,
            has_bad_rows=roles.deal.change_id in doubtful,
        )
        if comes_from_lead(roles.deal):
            lead = self.policies.table.planned[LEAD].changes[roles.deal.parent or ""]
            return arriving_roles(roles.deal, roles.wanted, lead, policy=self.job.role_policy, plan=plan)
        held, policy = there.get(roles.deal.record_id or "", []), self.job.role_policy
        flag = flags.get(roles.deal.change_id)
        if flag is not None:
            held, policy = with_platforms_flag(held, flag), policy_of_new(policy)
        return plan(roles.deal, roles.wanted, held, policy=policy, ledger=ledger)

    def _unsettled_kept(self, changes: Sequence[Change]) -> Iterable[Change]:
        """Creates of roles that an earlier run may have written are left for a person.

        Where such a role is to be primary, the flag stays where it is until the role is settled.
        """
        open_keys = {
            str(record.detail["role_key"])
            for record in self.still_open
            if record.state is ChangeState.UNKNOWN and record.detail and record.detail.get("role_key")
        }
        asked_for = {role_key_of(each) for each in changes}
        renamed = {_pair(each) for each in open_keys - asked_for}  # their rows may ask for another role now
        in_doubt = {
            each.change_id: each
            for each in changes
            # Another role must not become this one.
            if (each.action is Action.CREATE or "Role" in each.values)
            and (key := role_key_of(each))
            and (key in open_keys or _pair(key) in renamed)
        }
        promoted = {each.parent for each in in_doubt.values() if each.values.get("IsPrimary") is True}
        for change in changes:
            if change.change_id in in_doubt:
                yield replace(change, action=Action.UNKNOWN, values={}, problems=(unsettled(change),))
            elif not (change.parent in promoted and gives_flag_away(change)):
                yield change
            elif change.row is not None:
                blocked = keeps_flag(change)
                yield replace(change, action=Action.BLOCKED, values={}, before={}, problems=(blocked,))


def _doubtful_deals(refused: Iterable[Change]) -> set[str | None]:
    """The deals that have a row with something wrong; None when such a row does not even tell its deal.

    A row that waits for its contact, or is left out without it, may be about a role that the deal has.
    """
    doubtful = (Action.REJECT, Action.BLOCKED)
    return {
        each.parent
        for each in refused
        if each.action in doubtful or any(said.code in NOT_GONE for said in each.problems)
    }


def role_key_of(change: Change) -> str:
    """The ledger's name of a role change whose deal and contact have ids; "" while they have none."""
    deal, contact = change.desired.get("OpportunityId"), change.desired.get("ContactId")
    if not isinstance(deal, str) or not isinstance(contact, str):
        return ""
    role = change.desired.get("Role")
    return role_key(deal, contact, role if isinstance(role, str) else None)


def _pair(role_key: str) -> tuple[str, ...]:
    """The deal and the contact of a ledger's name of a role; their ids hold no slash."""
    return tuple(role_key.split("/", 2)[:2])


def roles_lookup(deal_ids: Iterable[str], further: Iterable[str]) -> Lookup:
    """The query for all roles of the deals."""
    fields = ("Id", "OpportunityId", "ContactId", "Role", "IsPrimary", *sorted(further))
    return Lookup(CONTACT_ROLE, fields, "OpportunityId", tuple(dict.fromkeys(deal_ids)))


def held_roles(
    records: Iterable[Record], further: Iterable[str], describe: SObjectDescribe
) -> dict[str, list[HeldRole]]:
    """The roles that the org holds, by deal id."""
    names: dict[str, Any] = dict.fromkeys(further)
    by_deal: dict[str, list[HeldRole]] = {}
    for record in records:
        role = HeldRole(
            record_id=str(record["Id"]),
            contact_id=str(record["ContactId"]),
            role=record.get("Role") or None,
            is_primary=bool(record.get("IsPrimary")),
            further=dict(held(describe, record, names)),
        )
        by_deal.setdefault(str(record["OpportunityId"]), []).append(role)
    return by_deal


def rejected_deals(changes: Sequence[Change], policy: OnRoleError) -> Sequence[Change]:
    """With `on_error = "deal"`, a new deal goes only with all of its roles."""
    if policy is OnRoleError.ROLE:
        return changes
    bad = {
        each.parent: each
        for each in reversed(changes)
        if each.sobject == CONTACT_ROLE and each.action in (Action.REJECT, Action.BLOCKED)
    }
    new = {each.change_id for each in changes if each.action in NEW}
    held_back: dict[str | None, Change] = {deal: role for deal, role in bad.items() if deal in new}
    return [_held_back(each, held_back) for each in changes]


def _held_back(change: Change, deals: Mapping[str | None, Change]) -> Change:
    """The change, held back where a role of its deal is wrong; `deals` has the first wrong role of each."""
    if change.change_id in deals:
        role = deals[change.change_id]
        line = f" (line {role.row.line})" if role.row else ""
        message = (
            f"its contact role of {role.label}{line} cannot be written, and the job wants all or nothing"
        )
        hint = 'Correct that role; with on_error = "role" under [roles] the deal goes without it.'
        problem = Problem("ROLE_REJECTED", Stage.PLAN, message, hint, row=change.row)
        return replace(change, action=Action.REJECT, values={}, problems=(problem,))
    if change.parent in deals and change.action in WRITES and change.row is not None:
        message = f"its deal {change.parent} is held back because of another role"
        problem = Problem("BLOCKED_BY", Stage.PLAN, message, "Correct that role.", row=change.row)
        return replace(change, action=Action.BLOCKED, values={}, problems=(problem,))
    return change


def _wanted(row: CheckedRow, contact: str | Pending) -> WantedRole:
    return WantedRole(
        row=row.ref,
        label=row.texts.get("ContactId") or str(contact),
        contact=contact,
        role=row.values.get("Role"),
        is_primary=row.values.get("IsPrimary"),
        further={name: value for name, value in row.values.items() if name not in OWN_FIELDS},
        is_derived=row.is_derived,
        place=row.place,
    )


def _roleless(row: CheckedRow, deal: Change | None, references: RoleReferences) -> Change | Roleless:
    if row.values.get("IsPrimary") is True:
        return _stopped(row, Action.REJECT, [lost_mark(row)], deal)
    contact = references.contact(row)
    stopped = _stopped(row, Action.SKIP, [no_role(row)], deal)
    return Roleless(stopped, deal.record_id if deal else None, contact if isinstance(contact, str) else None)


def _stopped(
    row: CheckedRow, action: Action, problems: Sequence[Problem], deal: Change | None = None
) -> Change:
    return Change(
        change_id=f"{CONTACT_ROLE}@{row.place}",
        sobject=CONTACT_ROLE,
        action=action,
        key="",
        label=row.texts.get("ContactId") or f"line {row.ref.line}",
        row=row.ref,
        parent=deal.change_id if deal else None,
        problems=tuple(problems),
    )
