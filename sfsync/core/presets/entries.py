"""One entry of a list in a cell, by the pattern that says how such entries are written.

The words of a pattern (`name`, `email`, `role`, `id`, `company`) are columns; everything else stands as it is, and
blanks may stand around it. An entry fits as a whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

ENTRY_COLUMNS: Final = ("name", "email", "role", "id", "company")
"""The words of a pattern that are columns."""

_WORD: Final = re.compile(rf"\b({'|'.join(ENTRY_COLUMNS)})\b")
_FORMS: Final = {"email": r"[^\s@()<>,;]+@[^\s@()<>,;]+", "id": r"[0-9A-Za-z_-]+"}
_TEXT: Final = r"[^\s@](?:[^@]*[^\s@])?"
"""No name holds an address: two entries that were not split would be one, and the first contact would be lost."""


@dataclass(frozen=True)
class EntryPattern:
    """How an entry is written, such as `name (email)`."""

    text: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that an entry has."""
        return tuple(_WORD.findall(self.text))

    def cells(self, entry: str) -> Mapping[str, str] | None:
        """The entry's cells by column; None when it is not written so."""
        found = self._form.fullmatch(entry.strip())
        return found.groupdict() if found else None

    @cached_property
    def _form(self) -> re.Pattern[str]:
        parts = _WORD.split(self.text.strip())
        return re.compile("".join(_part(each, is_word=place % 2 == 1) for place, each in enumerate(parts)))


def _part(text: str, *, is_word: bool) -> str:
    if is_word:
        return f"(?P<{text}>{_FORMS.get(text, _TEXT)})"
    if not text.strip():
        return r"\s+" if text else ""
    return "".join(rf"\s*{re.escape(each)}" for each in text.split()) + r"\s*"
