"""Which headers of a file are most like a wanted one: words for a hint, never a decision."""

from __future__ import annotations

from collections.abc import Iterable

from sfsync.core.presets.preset import words_of

_LEAST: float = 70.0
"""Of 100: below that two headers share letters, not a word."""


def most_alike(wanted: Iterable[str], columns: Iterable[str], *, most: int = 3) -> list[str]:
    """The columns most like one of the wanted headers, the best first."""
    from rapidfuzz import fuzz  # only where a header is wrong

    names = [words_of(each) for each in wanted]
    scores = {
        column: max((fuzz.WRatio(words_of(column), name) for name in names), default=0.0)
        for column in columns
    }
    ordered = sorted(scores, key=lambda each: (-scores[each], each))
    return [each for each in ordered if scores[each] >= _LEAST][:most]
