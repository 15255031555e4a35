"""Marked lines of a job file: what they are, and the edit that each one wants."""

from __future__ import annotations

import pytest

from sfsync.core.suggesting.undecided import Decision, open_lines


def test_a_choice_is_told_as_the_edits_to_make() -> None:
    """Each choice is written out with its key."""
    [line] = open_lines({"opportunities": {"dates": "DECIDE: D/M/Y | M/D/Y"}})
    assert line.path == ("opportunities", "dates")
    assert line.message == 'is undecided: write dates = "D/M/Y" or dates = "M/D/Y"'


def test_words_are_told_as_they_stand() -> None:
    """Where there is no choice the mark says what to write."""
    [line] = open_lines({"org": Decision(advice="write the name of a profile").text})
    assert line.message == "is undecided: write the name of a profile"


def test_marks_are_found_in_rules_maps_and_lists() -> None:
    """At any depth, in the order of the document."""
    document = {
        "opportunities": {
            "ignore": ["known", "DECIDE: Mood"],
            "fields": {"StageName": {"map": {"Won": "Closed Won", "a b": "DECIDE: X | Y"}}},
        }
    }
    ignored, word = open_lines(document)
    assert 'add FIELD = "Mood" to [opportunities.fields]' in ignored.message
    assert word.message == 'is undecided: write "a b" = "X" or "a b" = "Y"'


@pytest.mark.parametrize("value", ["DECIDE:", " DECIDE: ", "DECIDE:x"])
def test_a_mark_that_somebody_has_touched_is_still_one(value: str) -> None:
    """Blanks around it do not make it a value."""
    assert len(open_lines({"org": value})) == 1


def test_a_text_that_only_holds_the_word_is_a_value() -> None:
    """A mark stands at the beginning."""
    assert open_lines({"description": "We DECIDE: later", "mode": "upsert"}) == []
