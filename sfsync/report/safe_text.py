"""Makes text from rows and from the org harmless where people look at it: terminals and spreadsheets.

A terminal obeys control bytes and bidirectional marks, a spreadsheet runs cells that begin like a formula,
and JSON cannot carry half a surrogate pair. Source cells in rejects files never come through here: they stay
as they came. Source: CWE-117; CWE-1236; OWASP ASVS 5.0, 1.2.10.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that a terminal obeys or hides: control, format, surrogate, line and paragraph ends."""

_JOINERS: Final = "\u200c\u200d"
"""Marks inside words and emoji that change nothing around them."""

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FORMULA: Final = re.compile("[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
_NEGATIVE_NUMBER: Final = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


def visible(text: str) -> str:
    """The text with every character that a terminal would obey or hide spelled out by its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) for char in text)


def _spelled(char: str) -> str:
    if char in _JOINERS or unicodedata.category(char) not in _HIDDEN:
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, *, most: int = 200) -> str:
    """The text made visible, and cut after `most` characters with a mark that says so."""
    return visible(text) if len(text) <= most else visible(text[:most]) + "..."


def unformulated(text: str) -> str:
    """Visible text that no spreadsheet takes for a formula: a leading apostrophe where it would.

    Negative numbers stay as they are.
    """
    if not _FORMULA.match(text) or _NEGATIVE_NUMBER.fullmatch(text):
        return visible(text)
    return "'" + visible(text)


def json_text(text: str) -> str:
    """The text with lone surrogates spelled out, so that it can be written as UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
