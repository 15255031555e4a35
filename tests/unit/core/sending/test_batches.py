"""The order in which units are packed."""

from __future__ import annotations

from sfsync.core.sending.batches import Unit, by_account, create_calls
from sfsync.core.writes import Node, Route


def test_S8_units_of_one_account_stand_side_by_side() -> None:
    """The platform locks a deal's account, so its deals go in one call; those without an account go last."""
    accounts = ["B", None, "A", "B", None, "A"]
    units = [Unit(str(place), (), Route.KEY_FENCE, account=each) for place, each in enumerate(accounts)]
    assert [each.unit_id for each in by_account(units)] == ["2", "5", "0", "3", "1", "4"]


def test_450_new_deals_travel_in_two_calls() -> None:
    """Three deals a graph and 75 graphs a call: the org's calls are what is scarce."""
    units = [
        Unit(str(place), (Node(f"d{place}", str(place), "Opportunity", None, {}),), Route.KEY_FENCE)
        for place in range(450)
    ]
    assert [len(taken) for _, taken in create_calls(units)] == [225, 225]
