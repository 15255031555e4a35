"""The mark of what a person still has to decide in a job file, and what to write in its place.

A marked line is a text that begins with `DECIDE:`. It names the choices (`DECIDE: D/M/Y | M/D/Y`) or says what to
write. No job with a mark runs, whatever its other keys say: nothing has a silent default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MARK: Final = "DECIDE: "
BETWEEN: Final = " | "
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that the file proves; or "" with choices, or with words that say what to write. `why` is evidence."""

    value: str = ""
    choices: tuple[str, ...] = ()
    advice: str = ""
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether a person has to decide."""
        return self.value == ""

    @property
    def text(self) -> str:
        """What stands in the job file."""
        if not self.is_open:
            return self.value
        return MARK + (BETWEEN.join(self.choices) if len(self.choices) > 1 else self.advice)


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A marked line of a job document: the path of its key, and the exact edit as the end of a sentence."""

    path: tuple[str, ...]
    message: str


def open_lines(document: Mapping[str, Any]) -> list[OpenLine]:
    """Every marked line of a job document, in its order."""
    return list(_walk(document, ()))


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[OpenLine]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _walk(below, (*path, str(key)))
    elif isinstance(value, list):
        for each in value:
            if _is_marked(each):
                yield OpenLine(path, _of_column(each, path))
            else:
                yield from _walk(each, path)
    elif _is_marked(value):
        yield OpenLine(path, _of_value(value, path[-1] if path else ""))


def _is_marked(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().startswith(MARK.strip())


def _said(value: str) -> str:
    return value.lstrip().removeprefix(MARK.strip()).strip()


def _of_value(value: str, key: str) -> str:
    choices = [each.strip() for each in _said(value).split(BETWEEN)]
    if len(choices) < 2:
        return f"is undecided: {_said(value) or 'say what is meant'}"
    written = key if _BARE.fullmatch(key) else _quoted(key)
    edits = " or ".join(f"{written} = {_quoted(each)}" for each in choices[:_MOST])
    return f"is undecided: write {edits}{' or another one' if len(choices) > _MOST else ''}"


def _of_column(value: str, path: tuple[str, ...]) -> str:
    column = _quoted(_said(value))
    if path[-1:] != ("ignore",):
        return _of_value(value, path[-1] if path else "")
    return (
        f"is undecided: write {column} to leave that column out, or take the entry out and add "
        f"FIELD = {column} to [{path[0]}.fields]"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
