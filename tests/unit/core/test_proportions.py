"""The proportion guard counts changes of records that the job has brought, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfsync.core.deals.leads import LEAD_ROLE
from sfsync.core.job import NO_LIMITS
from sfsync.core.plans.guards import refuse_totals, totals_of
from sfsync.core.plans.plan import Action, Change
from sfsync.errors import GuardError

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from report_examples import DEAL, ROLE, a_deal, a_plan

FLAG_GONE = {"values": {"IsPrimary": False}, "before": {"IsPrimary": True}}


def flag_taken(deal: Change, record_id: str) -> Change:
    """A change of no row that takes the primary flag from a role of the deal."""
    name = f"{ROLE}:{deal.key}/{record_id}/not primary"
    given: dict[str, Any] = {**FLAG_GONE, "record_id": record_id, "parent": deal.change_id}
    return Change(name, ROLE, Action.UPDATE, record_id, "gives the primary flag away", **given)


def check(changes: Iterable[Change], **managed: int) -> None:
    """Asks the guard about a plan of these changes."""
    refuse_totals(totals_of(a_plan(changes)), NO_LIMITS, managed=managed, last_rows=0, confirm=lambda: "")


def updates(count: int, **given: Any) -> list[Change]:
    """Updates of so many deals."""
    return [a_deal(number, Action.UPDATE, values={"Amount": 1}, **given) for number in range(1, count + 1)]


def test_more_than_a_fifth_of_the_known_records_is_out_of_proportion() -> None:
    """The share is of what is known of the sObject."""
    check(updates(20), **{DEAL: 100})
    with pytest.raises(GuardError, match="it changes 21 of 100 known records of Opportunity"):
        check(updates(21), **{DEAL: 100})


def test_deals_that_an_earlier_run_did_not_finish_are_no_changes_of_known_records() -> None:
    """They are left out on both sides of the share, and so are their roles."""
    left_over = updates(100, is_left_over=True)
    check([*left_over, *(flag_taken(each, f"00K{each.key}") for each in left_over)], **{DEAL: 110, ROLE: 60})
    others = [replace(each, change_id=f"{each.change_id}x") for each in updates(13)]
    with pytest.raises(GuardError, match="it changes 13 of 60 known records"):
        check([*left_over, *others], **{DEAL: 160})


def test_a_left_over_deal_that_needs_nothing_more_excuses_its_roles_too() -> None:
    """Its values came before the run died, its roles did not."""
    deals = [replace(each, action=Action.NOOP, values={}) for each in updates(60, is_left_over=True)]
    check([*deals, *(flag_taken(each, f"00K{each.key}") for each in deals)], **{ROLE: 60})


@pytest.mark.parametrize("action", [Action.CREATE, Action.CONVERT])
def test_the_flag_of_a_role_that_comes_with_a_new_deal_is_no_change_of_a_known_record(action: Action) -> None:
    """The role does not exist yet; a role of a deal that was there is known."""
    new = [a_deal(number, action) for number in range(1, 68)]
    check([*new, *(flag_taken(each, LEAD_ROLE) for each in new)], **{ROLE: 51})
    old = [replace(each, action=Action.NOOP, record_id="006") for each in new]
    with pytest.raises(GuardError, match="it changes 67 of 51 known records of OpportunityContactRole"):
        check([*old, *(flag_taken(each, f"00K{each.key}") for each in old)], **{ROLE: 51})
