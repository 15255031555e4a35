"""The first entries of a list and how many more there are, as every list of the page is cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

Cut = dict[str, Any]
"""`entries`, and how many were `left_out`."""


def cut(entries: Iterator[Any], most: int, *, count: int | None = None) -> Cut:
    """The first entries; the rest is only counted, or not even that where the count is known."""
    first = list(islice(entries, most))
    return {
        "entries": first,
        "left_out": sum(1 for _ in entries) if count is None else max(0, count - len(first)),
    }
