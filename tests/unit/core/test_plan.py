"""The saved form of a change: what it did not know when it was saved does not make its plan an altered one."""

from __future__ import annotations

from dataclasses import replace

import orjson
from pydantic import TypeAdapter

from sfsync.core.plans.plan import Action, Change

CODEC = TypeAdapter(Change)


def test_marks_that_a_role_does_not_have_are_not_saved() -> None:
    """A plan saved before roles had marks has the same text, so the same digest, as one without marks."""
    change = Change("OpportunityContactRole:1", "OpportunityContactRole", Action.CREATE, "1", "Leung")
    saved = CODEC.dump_json(change)
    assert {"because", "other_account"}.isdisjoint(orjson.loads(saved))
    assert CODEC.validate_json(saved) == change


def test_marks_that_a_role_has_are_saved() -> None:
    """Why a role is primary, and its contact's account, are read back."""
    change = Change("OpportunityContactRole:1", "OpportunityContactRole", Action.CREATE, "1", "Leung")
    marked = replace(change, because="chosen", other_account="Get Cloudy Canada")
    assert CODEC.validate_json(CODEC.dump_json(marked)) == marked


def test_what_a_change_completes_and_is_made_for_is_saved_only_where_it_is_set() -> None:
    """A plan saved before parents were made has the same text; what a plan has is read back."""
    change = Change("Account:A", "Account", Action.CREATE, "A", "A")
    assert {"made_for", "completes"}.isdisjoint(orjson.loads(CODEC.dump_json(change)))
    made, completion = replace(change, made_for=2), replace(change, completes="Account:B")
    for each in (made, completion):
        assert CODEC.validate_json(CODEC.dump_json(each)) == each
