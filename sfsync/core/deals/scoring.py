"""How alike a row and a record of the org are: a score from 0 to 1, and the reasons for it.

The score is the weighted mean of what can be compared. Name and account always count, also where one side does not
tell them, so that a name alone never makes a good score; amount, close date, stage and owner count where both sides
tell them. It is evidence for a person, never a decision.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

WEIGHTS: Final = {
    "name": 0.40,
    "account": 0.25,
    "amount": 0.15,
    "close date": 0.10,
    "stage": 0.05,
    "owner": 0.05,
}
"""How much each part counts; together 1."""

FAR_DAYS: Final = 90
"""Close dates so far apart have nothing in common."""

_TOKEN: Final = re.compile(r"[^\W_]+")
_ORDER_COUNTS: Final = 0.3
"""How much the order of the letters counts in a name, beside its words."""

_OTHER_NUMBERS: Final = 0.8
"""What is left of a name's likeness when the numbers in it differ: "50 Sneakers" is not "200 Sneakers"."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a deal; None is not known. `account` and `owner` are record ids."""

    name: str
    account: str | None = None
    amount: Decimal | None = None
    close_date: date | None = None
    stage: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The score, rounded to hundredths, and what speaks for and against, in words."""

    value: float
    reasons: tuple[str, ...]


def score(row: Traits, record: Traits) -> Score:
    """How likely the record is the row's, by what both tell."""
    name = name_likeness(row.name, record.name)
    parts = {
        "name": (name, "same name" if name == 1 else f"name {name:.2f}"),
        "account": _same(row.account, record.account, "account") or (0.0, "no account to compare"),
        "amount": _amount(row.amount, record.amount),
        "close date": _close_date(row.close_date, record.close_date),
        "stage": _same(row.stage, record.stage, "stage"),
        "owner": _same(row.owner, record.owner, "owner"),
    }
    told = {part: each for part, each in parts.items() if each is not None}
    whole = sum(WEIGHTS[part] for part in told)
    value = sum(WEIGHTS[part] * likeness for part, (likeness, _) in told.items()) / whole
    rounded = 1.0 if value > 1 - 1e-9 else min(round(value, 2), 0.99)  # 1 is for what is the same in all
    return Score(rounded, tuple(reason for _, reason in told.values()))


def tokens(name: str) -> tuple[str, ...]:
    """The words and numbers of a name, without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return tuple(_TOKEN.findall("".join(each for each in plain if not unicodedata.combining(each))))


def name_likeness(left: str, right: str) -> float:
    """How alike two names are, from 0 to 1: by their words in any order, and by their letters."""
    words, others = sorted((tokens(left), tokens(right)))  # the matcher of letters minds who comes first
    if not words or not others:
        return 0.0
    if sorted(words) == sorted(others):
        return 1.0
    common = _paired(set(words), set(others))
    by_words = 2 * common / (len(set(words)) + len(set(others)))
    by_letters = difflib.SequenceMatcher(None, " ".join(words), " ".join(others), autojunk=False).ratio()
    likeness = (1 - _ORDER_COUNTS) * by_words + _ORDER_COUNTS * by_letters
    return round(likeness * (1.0 if _numbers(words) == _numbers(others) else _OTHER_NUMBERS), 2)


def _paired(words: set[str], others: set[str]) -> float:
    """How many words have a partner; one that is nearly the same, as after a slip of the pen, counts in part."""
    common = words & others
    left, right = sorted(words - common), sorted(others - common)
    near = 0.0
    for word in left:
        best = difflib.get_close_matches(word, right, n=1, cutoff=0.8) if not word.isdigit() else []
        if best:
            near += difflib.SequenceMatcher(None, word, best[0]).ratio()
            right.remove(best[0])
    return len(common) + near


def _numbers(words: tuple[str, ...]) -> set[str]:
    return {each for each in words if any(char.isdigit() for char in each)}


def _same(left: str | None, right: str | None, what: str) -> tuple[float, str] | None:
    if left is None or right is None:
        return None
    return (1.0, f"same {what}") if left == right else (0.0, f"another {what}")


def _amount(left: Decimal | None, right: Decimal | None) -> tuple[float, str] | None:
    if left is None or right is None:
        return None
    if left == right:
        return 1.0, "amount equal"
    largest = max(abs(left), abs(right))
    apart = float(abs(left - right) / largest)
    return max(0.0, 1 - 2 * apart), f"amount {min(apart, 9.99):.0%} apart"


def _close_date(left: date | None, right: date | None) -> tuple[float, str] | None:
    if left is None or right is None:
        return None
    days = abs((left - right).days)
    if days == 0:
        return 1.0, "same close date"
    return max(0.0, 1 - days / FAR_DAYS), f"close date {days} {'day' if days == 1 else 'days'} apart"
