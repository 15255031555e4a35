"""Which words of a file are which values of the org: the same, the same but for case and punctuation, or a plain
word of trade where the org has exactly one value for it. Names that are only near are told, never taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.presets.preset import folded
from sfsync.core.suggesting.column_account import Word
from sfsync.core.suggesting.undecided import Decision
from sfsync.core.wording import nearest

_WON: Final = frozenset(
    folded(each) for each in ("won", "closed won", "gewonnen", "gagné", "gagnée", "ganado", "ganho")
)
_LOST: Final = frozenset(
    folded(each) for each in ("lost", "closed lost", "verloren", "perdu", "perdue", "perdido")
)
_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class WordGuess:
    """A word of the file, and what it becomes."""

    word: Word
    becomes: Decision


def _plain(text: str) -> str:
    return "".join(each for each in folded(text) if each.isalnum())


def word_guesses(
    words: Iterable[Word],
    offered: Sequence[str],
    *,
    said: Mapping[str, str] | None = None,
    common: Mapping[str, str] | None = None,
    source: str = "preset",
) -> list[WordGuess]:
    """What each word becomes; `said` is what the preset says of it, `common` are words of trade, folded."""
    by_plain: dict[str, list[str]] = {}
    for each in offered:
        by_plain.setdefault(_plain(each), []).append(each)
    return [
        WordGuess(each, _becomes(each.text, offered, by_plain, said or {}, common or {}, source))
        for each in sorted(words, key=lambda word: word.line)
    ]


def _becomes(
    text: str,
    offered: Sequence[str],
    by_plain: Mapping[str, Sequence[str]],
    said: Mapping[str, str],
    common: Mapping[str, str],
    source: str,
) -> Decision:
    if text in said and (said[text] in offered or said[text] == ""):
        return Decision(said[text] or "(blank)", why=f"as {source} says")
    if text in offered:
        return Decision(text, why="is in the org")
    same = by_plain.get(_plain(text), ())
    if len(same) == 1:
        return Decision(same[0], why="the same but for case and punctuation")
    if folded(text) in common:
        return Decision(common[folded(text)], why="the only one of its kind in the org")
    near = nearest(text, offered)
    choices = tuple(dict.fromkeys((*near, *offered)))[:_MOST_SHOWN]
    why = f"near are {', '.join(near)}" if near else "nothing in the org is like it"
    if text in said:
        why = f'{source} says "{said[text]}", which the org does not have; {why}'
    return Decision("", choices, "say a value of the org", why)


def stage_words(catalogue: StageCatalogue) -> dict[str, str]:
    """Won and lost in the languages that exports come in, where the org has one active stage for it."""
    active = [each for each in catalogue.stages.values() if each.is_active and each.is_closed]
    won = [each.api_name for each in active if each.is_won]
    lost = [each.api_name for each in active if not each.is_won]
    found = dict.fromkeys(_WON, won[0]) if len(won) == 1 else {}
    return found | (dict.fromkeys(_LOST, lost[0]) if len(lost) == 1 else {})
