"""JSON that stands inside an HTML page as data: nothing in it can end its element or be taken for markup.

Source: HTML Living Standard, 4.12.1.3 (restrictions for contents of script elements); the characters that could
begin a tag, an entity or a comment are written by their numbers, which JSON reads as the same text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from sfsync.report.safe_text import visible

_NUMBERED: Final = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&'\u2028\u2029"})


def inert(value: Any) -> str:
    """The value as such JSON; characters that nobody sees are spelled out."""
    return orjson.dumps(seen(value)).decode().translate(_NUMBERED)


def seen(value: Any) -> Any:
    """The value with every text in it made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(name)): seen(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [seen(each) for each in value]
    return value
