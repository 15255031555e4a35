"""The order of the nodes within a unit."""

from __future__ import annotations

from sfsync.core.plans.plan import Action, Change
from sfsync.core.sending.units import role_unit
from sfsync.core.writes import Route

ROLE = "OpportunityContactRole"


def change(name: str, action: Action, flag: bool | None = None) -> Change:
    """A change of a role of deal D1."""
    values = {} if flag is None else {"IsPrimary": flag}
    record_id = None if action is Action.CREATE else f"00K00000000000{name}AAA"
    return Change(name, ROLE, action, name, name, record_id=record_id, values=values, parent="Opportunity:D1")


def test_S21_the_flag_is_given_away_first_and_taken_last() -> None:
    """At no moment do two contacts have it; a deletion, which may clear it, is in between."""
    roles = [
        change("1", Action.CREATE, flag=True),
        change("2", Action.CREATE),
        change("3", Action.DELETE),
        change("4", Action.UPDATE, flag=False),
    ]
    unit = role_unit("Opportunity:D1", roles, number=0, routes={ROLE: Route.AT_MOST_ONCE}, ids={})
    assert [node.change_id for node in unit.nodes] == ["4", "3", "2", "1"]
