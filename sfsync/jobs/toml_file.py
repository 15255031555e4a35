"""Reads one TOML file with limits, as data and as text.

Invariants: only regular files, links resolved; a file that is too long, too deep or has very long lines is refused
before it can cost time or memory.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import shown_path

MAX_BYTES: Final = 1_000_000
MAX_LINE_CHARS: Final = 20_000

_QUOTED: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'""")
_OUTSIDE_KEYS: Final = re.compile(r"[^A-Za-z0-9_.\- \t]")
_MOST_DOTS: Final = 32
"""Of one key; the parser's time grows with the square of a key's parts."""


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A parsed file; `shown` is its name in messages."""

    path: Path
    shown: str
    text: str
    document: Mapping[str, Any]


def read_toml(path: Path) -> TomlFile:
    """The file's data.

    Raises:
        ConfigError: there is no such regular file, it is no TOML, or it is beyond the limits.
    """
    shown = shown_path(path)
    data = _read_bytes(path, shown)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(f"{shown}:{line}", "is not UTF-8", "Save the file as UTF-8.") from None
    for number, line_text in enumerate(text.split("\n"), start=1):
        if len(line_text) > MAX_LINE_CHARS:
            raise _refusal(f"{shown}:{number}", f"the line is longer than {MAX_LINE_CHARS:,} characters")
        if line_text.count(".") > _MOST_DOTS and _has_long_key(line_text):
            raise _refusal(f"{shown}:{number}", "a key has too many parts")
    try:
        return TomlFile(path, shown, text, tomllib.loads(text.replace("\r\n", "\n")))
    except tomllib.TOMLDecodeError as error:
        raise _refusal(*_placed(shown, str(error)), "TOML wants text in quotes.") from None
    except RecursionError:
        raise _refusal(shown, "is nested too deep") from None


def _has_long_key(line: str) -> bool:
    bare = _OUTSIDE_KEYS.split(_QUOTED.sub("", line))
    return any(each.count(".") > _MOST_DOTS for each in bare)


def _read_bytes(path: Path, shown: str) -> bytes:
    try:
        mode = path.stat().st_mode  # a link is followed: schedulers mount configuration as links
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise _refusal(shown, f"is {what}", "Name the file itself.")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise _refusal(shown, f"is longer than {MAX_BYTES:,} bytes")
            return file.read(MAX_BYTES)
    except OSError as error:
        raise _refusal(shown, f"cannot be read: {error.strerror or error}") from None


def _placed(shown: str, message: str) -> tuple[str, str]:
    """The place and the words of a parser's message, which names the place at its end."""
    words, _, place = message.removesuffix(")").rpartition(" (at ")
    if place.startswith("line "):
        line, _, column = place.removeprefix("line ").partition(", column ")
        return f"{shown}:{line}", f"is not TOML at character {column}: {words}"
    return shown, f"is not TOML: {message.removesuffix(')') if not words else message}"


def _refusal(place: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError(f"{place}: {message}", code="BAD_FILE", hint=hint)
