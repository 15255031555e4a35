"""A plan in portions: names, pages, and totals that come to those of one plan."""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))

from report_examples import ACCOUNT, DEAL, a_deal, a_plan, a_role

from sfsync.core.deals.gone import Fate, GoneRows, VanishedRow
from sfsync.core.plans.guards import changes_digest, totals_of
from sfsync.core.plans.plan import Action, Change
from sfsync.core.plans.plan_book import BookTotals, first_part, portion_id
from sfsync.core.plans.plan_codec import dump_plan, load_plan, pack_plan, packed_digest, plan_digest
from sfsync.errors import GuardError


def changes() -> list[Change]:
    """An account, a new deal with a role, an update that clears a field, a deletion and a reject."""
    new = a_deal(1)
    return [
        Change(f"{ACCOUNT}:A", ACCOUNT, Action.CREATE, "A", "A"),
        new,
        a_role(1, new),
        a_deal(2, Action.UPDATE, record_id="006", values={"NextStep": None, "Name": "x"}),
        a_deal(3, Action.DELETE, record_id="006", row=None),
        a_deal(4, Action.REJECT),
        a_deal(5, is_left_over=True, action=Action.UPDATE, values={"NextStep": None}),
    ]


def test_a_portions_name_sorts_behind_its_whole() -> None:
    """Four digits, so that names sort as numbers do."""
    assert portion_id("20260930T120000Z-abc", 12) == "20260930T120000Z-abc.0012"
    assert (first_part("r", 0), first_part("r", 3)) == ("r", "r.0001")


def test_totals_of_portions_add_up_to_those_of_the_whole() -> None:
    """What guards judge does not depend on how a plan is cut, but for the name of its changes."""
    all_changes = changes()
    vanished = VanishedRow(DEAL, "3", "006", Fate.DELETE)
    gone = GoneRows((replace(vanished, key="D-3"),), known={DEAL: 9})
    whole = totals_of(replace(a_plan(all_changes), gone=gone))
    parts = [a_plan(all_changes[:3]), replace(a_plan(all_changes[3:]), gone=gone)]
    total = BookTotals()
    for part in parts:
        total += totals_of(part)
    assert replace(total, digests=(), predicted=whole.predicted, read_backs=whole.read_backs) == replace(
        whole, digests=()
    )
    assert (total.writes, total.row_count, total.count(Action.DELETE)) == (6, 5, 1)
    assert total.known_changes == {DEAL: 2}
    assert total.cleared == {DEAL: {"NextStep": 1}}
    assert whole.confirm == changes_digest(all_changes)
    assert total.confirm != whole.confirm
    assert len(total.confirm) == len(whole.confirm)


def test_a_plan_without_a_whole_is_saved_as_it_was() -> None:
    """The new fields are in the text of portions alone, so that older plans keep their digest."""
    plan = a_plan(changes())
    assert b'"whole"' not in dump_plan(plan)
    portion = replace(plan, whole="w", portion=2)
    assert b'"whole":"w","portion":2' in dump_plan(portion)
    assert load_plan(pack_plan(portion).packed) == portion


def test_a_page_tells_its_digest_without_being_read() -> None:
    """The digest stands at the beginning; what is no page is refused."""
    plan = a_plan(changes())
    assert packed_digest(pack_plan(plan).packed) == plan_digest(plan)
    for bad in (b"", b"no page", gzip.compress(b"{}"), pack_plan(plan).packed[:20]):
        with pytest.raises(GuardError):
            packed_digest(bad)
        with pytest.raises(GuardError):
            load_plan(bad)


def test_an_altered_page_is_refused() -> None:
    """As an altered plan is."""
    text = dump_plan(a_plan(changes())).replace(b"nightly", b"monthly")
    with pytest.raises(GuardError) as refused:
        load_plan(gzip.compress(text))
    assert refused.value.code == "PLAN_ALTERED"
