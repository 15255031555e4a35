"""Plans are text in pieces, and the same text as at one go; what is kept of them is that text, packed."""

import gzip
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))

from report_examples import a_deal, a_plan, a_problem, a_role, an_image

from sfsync.core.plans.guards import changes_digest
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.plans.plan_codec import (
    dump_plan,
    load_named,
    load_plan,
    pack_plan,
    plan_digest,
    saved_key_fields,
)
from sfsync.core.plans.plan_text import body_pieces
from sfsync.errors import GuardError


def some_changes(count: int) -> list[Change]:
    """Deals with awkward values, each with a role that waits for it."""
    nasty = 'a "quote", \\ \x00\x1f\x7f \u2028 "changes":[] "rows":{} \U0001f600'
    deals = [
        a_deal(
            number,
            desired={"Name": nasty, "CloseDate": date(2026, 9, 30), "Amount": Decimal("1E+2"), "Flag": False},
            problems=(a_problem(value=nasty),) if number % 7 == 0 else (),
            because="merged" if number % 5 == 0 else "",
            made_for=number % 3,
        )
        for number in range(1, count + 1)
    ]
    return [each for deal in deals for each in (deal, a_role(1, deal))]


def many_changes(count: int) -> Plan:
    """A plan with two sources, one of them empty."""
    rows = {number: (f"D-{number}", '"rows":{}') for number in range(1, count + 1)}
    sources = {"opportunities": an_image(rows), "contact_roles": an_image({}, name="contact_roles")}
    return replace(a_plan(some_changes(count)), sources=sources)


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1100])
def test_the_pieces_are_the_text_of_the_whole_plan(count: int) -> None:
    """Byte for byte what the serializer makes at one go, however many pieces it takes."""
    plan = many_changes(count)
    assert b"".join(body_pieces(plan, without=())) == TypeAdapter(Plan).dump_json(plan)


@pytest.mark.parametrize("count", [0, 3, 700])
def test_a_packed_plan_is_the_saved_text_compressed(count: int) -> None:
    """Any gzip reader opens it, its size is that of the text, and both forms are read back with their digest."""
    plan = many_changes(count)
    packed, text = pack_plan(plan), dump_plan(plan)
    assert gzip.decompress(packed.packed) == packed.text() == text
    assert (packed.size, packed.digest) == (len(text), plan_digest(plan))
    assert load_named(packed.packed) == load_named(text) == (plan, packed.digest)
    assert saved_key_fields(packed.packed) == saved_key_fields(text) == dict(plan.key_fields)


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_packed_plan_that_was_cut_off_is_refused(cut: int) -> None:
    """It is no plan any more."""
    with pytest.raises(GuardError, match="cannot be read as a plan"):
        load_plan(pack_plan(many_changes(3)).packed[:-cut])


def test_changes_keep_their_name_and_no_others_have_it() -> None:
    """Also where a cell holds half a character, which no saved plan can hold."""
    changes = some_changes(600)
    assert changes_digest(changes) == changes_digest(list(changes))
    assert changes_digest(changes) != changes_digest(changes[:-1])
    halves = [replace(changes[0], action=Action.REJECT, label=text) for text in ("\ud800", "\ud801")]
    assert changes_digest(halves[:1]) != changes_digest(halves[1:])
