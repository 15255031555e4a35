"""Books for tests: one plan of a job cut into portions, so that both can be written and compared.

Accounts and contacts come first, deals with their roles behind them, in groups that a draw deals out; what refers
to a record that another portion brings does so by the name of its change, as in a book that was planned as one.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from main_job_bench import Bench, Ending, deal, role

from sfsync.app.books import apply_book
from sfsync.app.workplace import opened
from sfsync.core.deals.gone import NO_GONE
from sfsync.core.job import Limits
from sfsync.core.plans.guards import totals_of
from sfsync.core.plans.image_merging import with_rows_of
from sfsync.core.plans.plan import Change, Plan
from sfsync.core.plans.plan_book import BookTotals, portion_id
from sfsync.core.plans.plan_codec import load_plan, pack_plan
from sfsync.core.reports.report import Report
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE
from sfsync.engine.applying.books import Watch
from sfsync.errors import SyncError
from sfsync.jobs import load_job

JOB = """
org = "local"

[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "name"

[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
Email = "email"
AccountId = { column = "account", match = "Sfsync_Key__c" }

[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "deal"
AccountId = { column = "account", match = "Sfsync_Key__c" }
StageName = "stage"
CloseDate = "close_date"
Amount = "amount"
NextStep = "next_step"

[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "deal_id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
IsPrimary = "primary"
"""


@dataclass
class ListedBook:
    """The portions of a book, each as its page."""

    plan_id: str
    pages: list[bytes] = field(default_factory=list)
    totals: BookTotals = field(default_factory=BookTotals)

    @property
    def portions(self) -> int:
        """How many there are."""
        return len(self.pages)

    def plan(self, number: int) -> Plan:
        """One portion."""
        return load_plan(self.pages[number - 1])

    def page(self, number: int) -> bytes:
        """One portion as it is saved."""
        return self.pages[number - 1]


def book_of(plan: Plan, portions: int, *, seed: int = 1) -> ListedBook:
    """The plan in so many portions, or in as many as it has groups if these are fewer."""
    groups: dict[str, list[Change]] = {}
    for each in plan.changes:
        name = each.parent if each.sobject == CONTACT_ROLE and each.parent else each.change_id
        groups.setdefault(name, []).append(each)
    parents = [each for each in groups.values() if each[0].sobject in (ACCOUNT, CONTACT)]
    others = [each for each in groups.values() if each[0].sobject not in (ACCOUNT, CONTACT)]
    random.Random(seed).shuffle(others)
    ordered = [*sorted(parents, key=lambda each: each[0].sobject), *others]
    count = max(1, min(portions, len(ordered)))
    cuts = [len(ordered) * number // count for number in range(count + 1)]
    book = ListedBook(plan.plan_id)
    place = {each.change_id: number for number, each in enumerate(plan.changes)}
    for number in range(1, count + 1):
        changes = [each for group in ordered[cuts[number - 1] : cuts[number]] for each in group]
        changes.sort(key=lambda each: place[each.change_id])
        portion = _portion(plan, changes, number)
        book.pages.append(pack_plan(portion).packed)
        book.totals += totals_of(portion)
    return book


def _portion(plan: Plan, changes: Sequence[Change], number: int) -> Plan:
    basis, ids = plan.forecast, {each.record_id for each in changes}
    names = {each.change_id for each in changes}
    gone = NO_GONE
    if plan.gone.vanished:
        vanished = tuple(each for each in plan.gone.vanished if each.change_id in names)
        gone = replace(plan.gone, vanished=vanished)
    return replace(
        plan,
        plan_id=portion_id(plan.plan_id, number),
        whole=plan.plan_id,
        portion=number,
        changes=tuple(changes),
        sources={name: with_rows_of(each, _rows(name, changes)) for name, each in plan.sources.items()},
        predicted=predicted_calls(changes, plan.routes, is_strict=plan.is_strict),
        forecast=replace(basis, deals={n: d for n, d in basis.deals.items() if n in ids}) if basis else None,
        off_stage=plan.off_stage if number == 1 else (),
        off_stage_total=plan.off_stage_total if number == 1 else 0,
        gone=gone,
    )


def _rows(source: str, changes: Iterable[Change]) -> set[int]:
    return {each.row.ordinal for each in changes if each.row and each.row.source == source}


def run_in_portions(bench: Bench, portions: int, *, seed: int = 1, **limits: Any) -> Ending:
    """Plans the job of a bench, cuts the plan into portions and writes them."""
    around = replace(bench.around, limits=Limits(**limits))
    try:
        with opened(load_job(bench.job, environ=bench.environ), around) as place, place.locked():
            report = apply_book(place, book_of(place.plan(), portions, seed=seed), is_fresh=True)
    except SyncError as error:
        return Ending(error.exit_code)
    return Ending(report.exit_code, report)


def run_and_watch(bench: Bench, portions: int, watch: Watch) -> Report:
    """The same, for somebody who wants to see each portion's report."""
    with opened(load_job(bench.job, environ=bench.environ), bench.around) as place, place.locked():
        return apply_book(place, book_of(place.plan(), portions), is_fresh=True, watch=watch)


def write_families(
    bench: Bench, count: int, *, bad: Iterable[int] = (), deals: int = 2, amount: str = "100.00"
) -> None:
    """Makes a job of so many accounts, each with a contact and deals that have roles; `bad` deals have no stage."""
    numbers, refused = range(1, count + 1), set(bad)
    accounts = [f"A-{number},Account {number}" for number in numbers]
    contacts = [f"C-{number},Person {number},p{number}@example.com,A-{number}" for number in numbers]
    rows = [
        deal(
            f"D-{number}-{each}",
            account=f"A-{number}",
            amount=amount,
            stage="No such stage" if number in refused and each == 1 else "Prospecting",
        )
        for number in numbers
        for each in range(1, deals + 1)
    ]
    roles = [
        role(row["deal_id"], f"p{row['deal_id'].split('-')[1]}@example.com", "Evaluator", "true")
        for row in rows
    ]
    bench.write_job(rows, roles)
    for name, head, lines in (
        ("accounts.csv", "id,name", accounts),
        ("contacts.csv", "id,name,email,account", contacts),
    ):
        (bench.folder / name).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    (bench.folder / "deals.toml").write_text(JOB, encoding="utf-8")
