"""Words shared by all messages to people: near names, and lists that stay short."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 255
"""What is longer than any name is near to none; looking through millions of characters takes seconds."""


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The known words most like `word`, best first; case does not count."""
    by_fold = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(word[:_LONGEST].casefold(), by_fold, n=most, cutoff=0.5)
    return tuple(by_fold[each] for each in close)


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint sentence that names the nearest known words, or how many there are to choose from."""
    words = tuple(known)
    close = nearest(word, words)
    if close:
        return "Did you mean " + " or ".join(f'"{each}"' for each in close) + "?"
    return "Known are: " + listed(words) + "." if words else ""


def listed(words: Iterable[str], *, most: int = 12) -> str:
    """The words in quotes, the rest of a long list as a number."""
    all_words = tuple(words)
    text = ", ".join(f'"{each}"' for each in all_words[:most])
    left_out = len(all_words) - most
    return f"{text} and {left_out} more" if left_out > 0 else text


def typed(job: str, org: str | None) -> tuple[str, str]:
    """A job as it is typed behind a command, and the option for its org, which may be ""."""
    return shlex.quote(job), f" -o {shlex.quote(org)}" if org else ""
