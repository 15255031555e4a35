"""Chooses the three code pages that a text most plausibly is written in, for the person who has to say which.

Nothing is decided here: the three readings are shown side by side, and the file is read only when somebody
has declared one. Plausible is what puts letters among letters of their own script, accents one at a time,
and signs where no letter is beside them. The choice depends on the bytes alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CHOICES: Final = 3
SAMPLE_LINES: Final = 100
"""How many lines that are no text are looked at."""

_CODE_PAGES: Final = (
    *(
        "cp1252",
        "cp850",
        "mac_roman",
        "cp1250",
        "cp1251",
        "iso8859_15",
        "cp1253",
        "cp1254",
        "cp1257",
        "cp852",
    ),
    *("koi8_r", "cp866", "cp932", "gb18030", "cp949"),
)
"""What exports are written in, the likelier first: it decides between readings that are equally plausible."""

_SHOWN_LINES: Final = 3
_BEFORE: Final = 20
_SHOWN: Final = 48
_QUOTES: Final = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u00b4")
_SIGNS: Final = _QUOTES | frozenset(
    "\u00a0\u00a7\u00a9\u00ae\u00b0\u00ab\u00bb\u20ac\u00a3\u2013\u2014\u2026\u2022\u2122\u00bd"
)


_COMMON: Final = frozenset("äöüßéèàçñáíóúâêîôëåæøãõÄÖÜÉ")
"""The accented letters that most Western texts have."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A code page and how it reads the lines that are shown."""

    encoding: str
    lines: tuple[str, ...]


def likely_readings(sample: Sequence[bytes]) -> tuple[list[Reading], list[int]]:
    """The most plausible readings of some lines, best first, and which of the lines they show.

    Readings that are the same on all lines count as one.
    """
    found: dict[tuple[str, ...], tuple[float, str]] = {}
    for encoding in _CODE_PAGES:
        try:
            lines = tuple(each.decode(encoding) for each in sample)
        except UnicodeDecodeError:
            continue
        found.setdefault(lines, (_plausibility(lines), encoding))
    best = sorted(found, key=lambda lines: -found[lines][0])[:CHOICES]  # sorting keeps the order of equals
    shown = _telling_lines(best)
    return [Reading(found[lines][1], tuple(_window(lines[each]) for each in shown)) for lines in best], shown


def _telling_lines(readings: Sequence[tuple[str, ...]]) -> list[int]:
    """The first line, and further ones as long as they tell readings apart that were the same so far."""
    shown, apart = [0], len({lines[0] for lines in readings})
    for each in range(1, len(readings[0]) if readings else 0):
        now = len({tuple(lines[place] for place in (*shown, each)) for lines in readings})
        if now > apart and len(shown) < _SHOWN_LINES:
            shown.append(each)
            apart = now
    return shown


def _window(line: str) -> str:
    """The line around its first character beyond ASCII."""
    text = line.strip()
    first = next((place for place, char in enumerate(text) if not char.isascii()), 0)
    start = max(0, first - _BEFORE)
    shown = text[start : start + _SHOWN]
    return f"{'...' if start else ''}{shown}{'...' if start + _SHOWN < len(text) else ''}"


def _plausibility(lines: Sequence[str]) -> float:
    """The mean over all characters beyond ASCII; a person's text scores above 2."""
    total, count = 0.0, 0
    for line in lines:
        for place, char in enumerate(line):
            if not char.isascii():
                before = line[place - 1] if place else " "
                total += _score(char, before, line[place + 1] if place + 1 < len(line) else " ")
                count += 1
    return total / max(1, count)


def _score(char: str, before: str, behind: str) -> float:
    if not char.isalpha():
        has_letter = before.isalpha() or behind.isalpha()
        if char in _QUOTES:
            return 4.0 if has_letter else 1.0
        if char in _SIGNS:
            return -1.0 if has_letter else 3.0
        return -4.0 if unicodedata.category(char)[0] == "C" else -2.0
    if not before.isalpha() and not behind.isalpha():
        return 1.0  # a letter alone is rare, but not wrong
    score = 2.0 + _beside(char, before) + _beside(char, behind) + 0.5 * (char in _COMMON)
    if char.isupper() and before.islower():
        score -= 2.0
    elif char.isupper() and before.isupper() and behind.islower():
        score -= 1.0
    return score


def _beside(char: str, other: str) -> float:
    """How well a letter stands beside another character."""
    if not other.isalpha():
        return 0.0
    script = _script(char)
    if script != _script(other):
        return -3.0
    return -1.5 if script == "LATIN" and not other.isascii() else 1.0


def _script(char: str) -> str:
    """The first word of a letter's name, which is its script; the writings of Japan count as one with Han."""
    script = unicodedata.name(char, "?").partition(" ")[0]
    return "CJK" if script in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else script
