"""Which words of a file are which stages: never by likeness."""

from __future__ import annotations

import pytest

from sfsync.core.suggesting.column_account import Word
from sfsync.core.suggesting.standard_org import standard_stages
from sfsync.core.suggesting.words import stage_words, word_guesses

STAGES = standard_stages()


def becomes(text: str, said: dict[str, str] | None = None) -> str:
    """What a word becomes; "" while it is open."""
    [guess] = word_guesses([Word(text, 1, 2)], STAGES.active(), said=said, common=stage_words(STAGES))
    return guess.becomes.value


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("Prospecting", "Prospecting"),
        ("closed-won", "Closed Won"),
        ("id decision makers", "Id. Decision Makers"),
        ("Gewonnen", "Closed Won"),
        ("LOST", "Closed Lost"),
        ("Need Analysis", ""),
        ("Closed", ""),
    ],
)
def test_a_word_is_a_stage_only_when_nothing_but_its_spelling_differs(word: str, stage: str) -> None:
    """Case, punctuation, won and lost; a near name is a question."""
    assert becomes(word) == stage


def test_a_presets_word_counts_only_while_the_org_has_its_stage() -> None:
    """Else it is open, and the preset's word is told."""
    assert becomes("demo", {"demo": "Value Proposition"}) == "Value Proposition"
    assert becomes("demo", {"demo": "Demo Done"}) == ""


def test_every_stage_of_the_org_is_among_the_choices_the_near_ones_first() -> None:
    """So that whoever decides needs to look nowhere else."""
    [guess] = word_guesses([Word("Need Analysis", 1, 2)], STAGES.active())
    assert guess.becomes.choices[0] == "Needs Analysis"
    assert set(guess.becomes.choices) == set(STAGES.active())
