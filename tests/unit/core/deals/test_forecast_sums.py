"""The effects of portions on the forecast add up to the effect of all their deals."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.deals.forecast import Effect, effect
from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.forecast_sums import both_effects
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.plan import Action, Change

STAGES = {
    name: StageInfo(name, name, Decimal(share), category, is_active=True, is_closed=closed, is_won=False)
    for name, share, category, closed in (
        ("Won", 100, "Closed", True),
        ("Talk", 10, "Pipeline", False),
        ("Begin", 5, "Pipeline", False),
        ("Offer", 60, "Best Case", False),
    )
}
OWNERS = {"005A": "Ann", "005B": "Ann", "005C": "Ben", "": ""}
deals = st.tuples(
    st.sampled_from(["Won", "Talk", "Begin", "Offer", "Unheard"]),
    st.sampled_from(["Won", "Talk", "Begin", "Offer"]),
    st.one_of(st.none(), st.decimals(0, 1_000, places=2)),
    st.sampled_from(["005A", "005B", "005C", ""]),
    st.sampled_from(["", "EUR"]),
    st.integers(1, 12),
    st.booleans(),
)


@given(st.lists(deals, max_size=12), st.lists(st.integers(0, 12), max_size=3))
def test_the_effect_of_all_is_the_sum_of_the_effects_of_its_parts(
    drawn: list[tuple[str, str, Decimal | None, str, str, int, bool]], cuts: list[int]
) -> None:
    """Figures by every name, their order, and the names of owners of whom two are called alike."""
    changes, were = [], {}
    for number, (was, becomes, amount, owner, currency, month, is_new) in enumerate(drawn):
        values = {"StageName": becomes, "Amount": amount, "CloseDate": date(2027, month, 1), "OwnerId": owner}
        action = Action.CREATE if is_new else Action.UPDATE
        record = None if is_new else f"006{number}"
        changes.append(
            Change(f"O:{number}", "Opportunity", action, f"{number}", "", record_id=record, values=values)
        )
        if record is not None:
            were[record] = Deal(was, "Pipeline", Decimal(10), amount, date(2027, 1, 1), "005C", currency)
    basis = ForecastBasis(were, STAGES, OWNERS, fiscal_year_start=2)
    edges = [0, *sorted(min(each, len(changes)) for each in cuts), len(changes)]
    added: Effect | None = None
    for start, end in pairwise(edges):
        added = both_effects(added, effect(changes[start:end], basis), STAGES)
    assert added == effect(changes, basis)
