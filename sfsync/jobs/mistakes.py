"""Lists every mistake of a file in one error: line, dotted key, what is wrong, and the nearest known word.

Mistakes come from the shape of the file (pydantic) and from its meaning; people see no difference.
Invariant: a value is shown only where it cannot be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sfsync.core.wording import listed, nearest
from sfsync.errors import ConfigError
from sfsync.jobs.key_lines import key_lines, line_of
from sfsync.jobs.toml_file import TomlFile

MOST_SHOWN: Final = 50
MOST_SOUGHT: Final = 500
"""Near names are sought for no more mistakes than these; a file with more is no job file."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_KINDS: Final = {
    "string_type": 'must be text in quotes, such as "x"',
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "greater_than_equal": "is too small: 0 at least, and 1 for canary",
    "dict_type": "must be a table of names and values",
    "model_type": "must be a table",
    "list_type": "must be a list",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "string_too_long": "must be one character",
    "string_pattern_mismatch": "has a form that is not allowed here",
}

Path = tuple[str, ...]
ModelAt = Callable[[Path], type[BaseModel] | None]
"""Which model the table at a path is read with."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file; `message` goes on behind the dotted key."""

    path: Path
    message: str
    code: str = "BAD_VALUE"


def refusal(file: TomlFile, mistakes: Iterable[Mistake], *, hint: str) -> ConfigError:
    """One error that lists all mistakes in the order of the file."""
    lines = key_lines(file.text.replace("\r\n", "\n"))
    ordered = sorted(dict.fromkeys(mistakes), key=lambda each: line_of(lines, each.path))
    said = [f"{file.shown}:{line_of(lines, each.path)}: {_sentence(each)}" for each in ordered]
    left_out = len(said) - MOST_SHOWN
    if left_out > 0:
        said[MOST_SHOWN:] = [f"{file.shown}: and more mistakes, at least {left_out}"]
    return ConfigError("\n".join(said), code=ordered[0].code, hint=hint)


def _sentence(mistake: Mistake) -> str:
    return f"{dotted(mistake.path)} {mistake.message}" if mistake.path else mistake.message


def dotted(path: Sequence[str]) -> str:
    """A path as it would be written in TOML."""
    return ".".join(each if _BARE.fullmatch(each) else json.dumps(each[:80]) for each in path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, else all of them."""
    words = tuple(known)
    close = nearest(word, words, most=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {listed(words, most=24)}"


def shape_mistakes(
    error: ValidationError, model_at: ModelAt, *, explained: Mapping[str, str] | None = None
) -> list[Mistake]:
    """What pydantic found; `explained` says why some unknown keys do not exist."""
    found = error.errors(include_url=False)[:MOST_SOUGHT]
    return [_shape_mistake(each, model_at, explained or {}) for each in found]


def _shape_mistake(detail: ErrorDetails, model_at: ModelAt, explained: Mapping[str, str]) -> Mistake:
    path = tuple(str(each) for each in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            why = explained.get(dotted(path)) or explained.get(path[-1])
            if why:
                return Mistake(path, f"is not a key: {why}", "UNKNOWN_KEY")
            ending = did_you_mean(path[-1], known_keys(model_at(path[:-1])))
            return Mistake(path, f"is not a key{ending}", "UNKNOWN_KEY")
        case "missing":
            return Mistake(path, "is missing", "MISSING_KEY")
        case "literal_error":
            known = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            close = nearest(str(detail["input"]), known, most=1)
            ending = f'; did you mean "{close[0]}"?' if close else ""
            return Mistake(path, f"= {shown(detail['input'])} is none of {listed(known)}{ending}")
    message = _KINDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    return Mistake(path, message)


def known_keys(model: type[BaseModel] | None) -> list[str]:
    """The keys that a model reads, as they are written."""
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def shown(value: Any) -> str:
    """A value as it is written, cut short."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
