"""Small plans and reports for the tests of the report package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sfsync.core.job import Mode, OnRoleError, RolePolicy
from sfsync.core.plans.plan import Action, Change, OrgIdentity, Plan, SourceImage
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome, Problem, RowRef, RowResult, Stage
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.values import Pending
from sfsync.core.writes import Route

ORG = OrgIdentity("00D000000000001EAA", "Acme [bold]Sandbox", True, "http://127.0.0.1:1")
DEAL, ROLE, ACCOUNT = "Opportunity", "OpportunityContactRole", "Account"
ROUTES = {
    ACCOUNT: Route.KEY_FENCE,
    DEAL: Route.KEY_FENCE,
    "Contact": Route.KEY_FENCE,
    ROLE: Route.AT_MOST_ONCE,
}


def a_ref(ordinal: int, *, source: str = "opportunities", file: str = "deals.csv") -> RowRef:
    """The row of that ordinal, below a header."""
    return RowRef(source, file, ordinal + 1, ordinal)


def a_problem(code: str = "BAD_DATE", message: str = "it is no date", **given: Any) -> Problem:
    """A problem of a row."""
    return Problem(code, Stage.MAP, message, **{"hint": "Write 2026-09-30.", **given})


def a_deal(ordinal: int, action: Action = Action.CREATE, **given: Any) -> Change:
    """A deal's change, from the row of that ordinal."""
    values = {"Name": f"Deal {ordinal}", "Amount": Decimal("1200.50")} if action is Action.CREATE else {}
    basis: dict[str, Any] = {
        "label": f"Deal {ordinal}",
        "row": a_ref(ordinal),
        "values": values,
        "desired": values,
    }
    return Change(f"{DEAL}:D-{ordinal}", DEAL, action, f"D-{ordinal}", **(basis | given))


def a_role(ordinal: int, deal: Change, action: Action = Action.CREATE, **given: Any) -> Change:
    """A role of the deal for a contact of that number."""
    values = {
        "OpportunityId": deal.record_id or Pending(deal.change_id),
        "ContactId": f"00300000000000{ordinal}",
        "Role": "Decision Maker",
        "IsPrimary": True,
    }
    basis: dict[str, Any] = {
        "label": f"contact{ordinal}@example.com",
        "row": a_ref(ordinal, source="contact_roles", file="roles.csv"),
        "values": values if action is Action.CREATE else {},
        "parent": deal.change_id,
    }
    return Change(f"{ROLE}:{deal.key}/{ordinal}", ROLE, action, f"{deal.key}/{ordinal}", **(basis | given))


def an_image(rows: Mapping[int, tuple[str, ...]], **given: Any) -> SourceImage:
    """A comma-separated source of deals."""
    basis: dict[str, Any] = {
        "name": "opportunities",
        "file": "deals.csv",
        "kind": "csv",
        "columns": ("deal", "close"),
        "delimiter": ",",
        "encoding": "utf-8",
        "line_end": "\n",
    }
    return SourceImage(**(basis | given), rows=rows)


def a_plan(changes: Iterable[Change], *images: SourceImage, notes: tuple[Problem, ...] = ()) -> Plan:
    """A plan of these changes."""
    all_changes = tuple(changes)
    return Plan(
        plan_id="20260930T120000Z-abcdef",
        job="nightly",
        profile="local",
        job_digest="j",
        org=ORG,
        schema_digest="s",
        serial=0,
        created_at="2026-09-30T12:00:00+00:00",
        mode=Mode.UPSERT,
        role_policy=RolePolicy.MERGE,
        on_role_error=OnRoleError.ROLE,
        key_fields={DEAL: "Key__c"},
        changes=all_changes,
        notes=notes,
        sources={each.name: each for each in images},
        routes=ROUTES,
        is_strict=False,
        predicted=predicted_calls(all_changes, ROUTES, is_strict=False),
    )


def a_report(plan: Plan, results: Iterable[RowResult] = (), **given: Any) -> Report:
    """An applied run of the plan with these results."""
    basis: dict[str, Any] = {
        "applied": True,
        "run_id": plan.plan_id,
        "usage": ApiUsage(reads=4, writes=2, logins=1, retries=1, limit_used=50, limit_max=15000),
        "seconds": 1.23456,
        "results": {each.change_id: each for each in results},
    }
    return Report(plan, **(basis | given))


def done(change: Change, outcome: Outcome = Outcome.CREATED, **given: Any) -> RowResult:
    """A change that went well."""
    return RowResult(change.change_id, outcome, "006000000000001AAA", **given)


def failed(change: Change, outcome: Outcome = Outcome.REJECTED, *problems: Problem) -> RowResult:
    """A change that did not go well."""
    return RowResult(change.change_id, outcome, None, problems)
