"""Whatever happens to rows and records between two runs, a sifted plan says what a plan of all rows says."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from long_proofs import examples
from main_job_bench import ALAN, LEUNG, deal, role
from resync_desk import DAY, ResyncDesk, resync_desk

from sfsync.app.planning import fully_read
from sfsync.app.workplace import plan
from sfsync.core.plans.plan import PLANNED_OUTCOME, Action, Plan
from sfsync.jobs import load_job

KEYS = ("D-1", "D-2", "D-3", "D-4")
Rows = dict[str, list[dict[str, str]]]


def said(made: Plan) -> tuple[Any, Any]:
    """What a plan does and refuses, by row, and its counts."""
    doings = sorted(
        (
            each.sobject,
            each.row.line if each.row else 0,
            each.action.value,
            sorted(each.values),
            [problem.code for problem in each.problems],
        )
        for each in made.changes
        if each.action is not Action.NOOP
    )
    counts = Counter((each.sobject, PLANNED_OUTCOME[each.action].value) for each in made.changes if each.row)
    counts += Counter({(name, "unchanged"): count for name, count in made.untouched.items()})
    return doings, counts


def first_rows() -> Rows:
    """Four deals with two roles each."""
    return {
        "deals": [deal(key) for key in KEYS],
        "roles": [
            each for key in KEYS for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))
        ],
    }


def _amount(rows: Rows, key: str, number: int) -> None:
    for each in rows["deals"]:
        if each["deal_id"] == key:
            each["amount"] = f"{number}.00"


def _no_deal(rows: Rows, key: str, number: int) -> None:
    rows["deals"] = [each for each in rows["deals"] if each["deal_id"] != key] or rows["deals"]


def _no_role(rows: Rows, key: str, number: int) -> None:
    rows["roles"] = [each for each in rows["roles"] if each["deal_id"] != key or number % 2] or rows["roles"]


def _more_roles(rows: Rows, key: str, number: int) -> None:
    rows["roles"].append(role(key, (LEUNG, ALAN)[number % 2], ("Evaluator", "Influencer")[number % 2]))


def _twice(rows: Rows, key: str, number: int) -> None:
    rows["deals"] += [dict(each) for each in rows["deals"] if each["deal_id"] == key][:1]


def _moved(rows: Rows, key: str, number: int) -> None:
    rows["roles"][number % len(rows["roles"])]["deal_id"] = key


def _bad(rows: Rows, key: str, number: int) -> None:
    for each in rows["deals"]:
        if each["deal_id"] == key:
            each["close_date"] = "soon"


def _shuffled(rows: Rows, key: str, number: int) -> None:
    rows["deals"].reverse()
    rows["roles"].reverse()


IN_FILES: dict[str, Callable[[Rows, str, int], None]] = {
    each.__name__: each
    for each in (_amount, _no_deal, _no_role, _more_roles, _twice, _moved, _bad, _shuffled)
}
IN_ORG = ("deal edited", "deal deleted", "role edited", "role deleted", "role added", "account edited")


def happens(desk: ResyncDesk, what: str, key: str, number: int) -> None:
    """Does something to a deal or one of its roles in the org, where it is there."""
    storage = desk.emulator.org.storage
    deals = storage.select("Opportunity", '"Sfsync_Key__c" = ? AND "IsDeleted" = 0', key)
    if what == "account edited":
        desk.change("Account", desk.find("Account", Sfsync_Key__c="ACC-1"), Name=f"Account {number}")
    if not deals or what == "account edited":
        return
    found = str(deals[0]["Id"])
    roles = storage.select("OpportunityContactRole", '"OpportunityId" = ? AND "IsDeleted" = 0', found)
    match what:
        case "deal edited":
            desk.change("Opportunity", found, Amount=number)
        case "deal deleted":
            desk.delete("Opportunity", found)
        case "role added":
            contact = desk.find("Contact", Email=(LEUNG, ALAN)[number % 2])
            desk.create("OpportunityContactRole", OpportunityId=found, ContactId=contact, Role="Other")
        case "role edited" if roles:
            desk.change("OpportunityContactRole", str(roles[0]["Id"]), Role="Technical Buyer")
        case "role deleted" if roles:
            desk.delete("OpportunityContactRole", str(roles[-1]["Id"]))


STEPS = st.lists(
    st.tuples(st.sampled_from((*IN_FILES, *IN_ORG)), st.sampled_from(KEYS), st.integers(1, 9)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=examples(60, quick=5), suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(STEPS, st.sampled_from((1.0, 300.0, DAY))), min_size=1, max_size=3), st.booleans())
def test_a_sifted_plan_says_what_a_full_one_says(
    rounds: list[tuple[list[tuple[str, str, int]], float]], mirrors: bool
) -> None:
    """The same writes, problems and counts, before every run and after the last one."""
    rows = first_rows()
    policy = "mirror" if mirrors else "merge"
    with tempfile.TemporaryDirectory() as folder, resync_desk(Path(folder)) as desk:
        for steps, pause in [([], DAY), *rounds, ([], DAY)]:
            for what, key, number in steps:
                if what in IN_FILES:
                    IN_FILES[what](rows, key, number)
                else:
                    happens(desk, what, key, number)
            desk.write_job(rows["deals"], rows["roles"], policy=policy)
            job = load_job(desk.job, environ=desk.environ)
            sifted, whole = desk.plan(), plan(fully_read(job), around=desk.around)
            assert said(sifted) == said(whole)
            desk.run(allow_deletes=True)
            desk.later(pause)
