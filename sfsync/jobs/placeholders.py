"""Puts environment variables and private files in the place of `${VAR}` and `${file:path}`.

Invariants: what is not set is an error that names it, never an empty text; `$$` is not special; a relative
file must lie in the config folder, an absolute one may lie anywhere; both must be private (0600).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError
from sfsync.jobs.private_files import read_private

_PLACE: Final = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def filled_in(text: str, *, environ: Mapping[str, str], folder: Path, key: str) -> str:
    """The text with its places filled in; `folder` holds the file that says so, `key` is where.

    Raises:
        ConfigError: a variable is not set or empty, a file is not private, or a place is neither.
    """

    def value(place: re.Match[str]) -> str:
        word = place[1]
        if word.startswith("file:"):
            return _from_file(word.removeprefix("file:"), folder=folder, key=key)
        return _from_environment(word, environ=environ, key=key)

    filled = _PLACE.sub(value, text)
    if "${" in _PLACE.sub("", text):
        raise ConfigError(f"{key}: a ${{ is not closed", code="BAD_PLACE", hint="Write ${NAME}.")
    return filled


def _from_environment(word: str, *, environ: Mapping[str, str], key: str) -> str:
    if not _VARIABLE.fullmatch(word):
        raise ConfigError(
            f"{key}: ${{{word[:60]}}} is neither ${{VARIABLE}} nor ${{file:PATH}}",
            code="BAD_PLACE",
            hint="Write ${NAME} for an environment variable.",
        )
    found = environ.get(word, "")
    if not found:
        raise ConfigError(
            f"{key}: the environment variable {word} is not set",
            code="VARIABLE_NOT_SET",
            hint=f"Set it: export {word}=...",
        )
    return found


def _from_file(word: str, *, folder: Path, key: str) -> str:
    path = Path(word)
    if not path.is_absolute():
        root = (folder.parent if folder.name in ("jobs", "orgs") else folder).resolve()
        path = (folder / path).resolve()
        if not path.is_relative_to(root):
            raise ConfigError(
                f"{key}: ${{file:{word[:60]}}} leads out of the config folder",
                code="BAD_PLACE",
                hint="Give the absolute path of a private file (0600).",
            )
    text = read_private(path, key=key)
    if "\n" in text or "\0" in text:
        raise ConfigError(
            f"{key}: the file {path} has more than one line",
            code="BAD_PLACE",
            hint="Write the value alone into it.",
        )
    return text
