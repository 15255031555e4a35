"""What a person has settled for good: this text, looked up this way, means that record.

Which pick settles a reference is decided in `picking`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = ("sobject", "field", "value", "id")
"""The columns that a picks file needs; others are for people."""


@dataclass(frozen=True, slots=True)
class Pick:
    """One line: references to `sobject` that say `value`, looked up by the strategy `field` ("": by any)."""

    sobject: str
    field: str
    value: str
    record_id: str
    line: int

    def settles_as(self, other: Pick) -> bool:
        """Whether both are about the same reference."""
        same = (self.sobject, self.value) == (other.sobject, other.value)
        return same and (self.field == other.field or "" in (self.field, other.field))


@dataclass(frozen=True, slots=True)
class Picks:
    """The picks of one file, each settled thing once; `file` is named in errors."""

    file: str = ""
    picks: tuple[Pick, ...] = ()

    @property
    def digest(self) -> str:
        """Changes when a pick does; the order of the lines and the columns for people do not count."""
        lines = sorted((each.sobject, each.field, each.value, each.record_id) for each in self.picks)
        return hashlib.blake2b(json.dumps(lines).encode(), digest_size=16).hexdigest() if lines else ""

    def by_value(self) -> dict[tuple[str, str], list[Pick]]:
        """The picks by sObject and value."""
        index: dict[tuple[str, str], list[Pick]] = {}
        for each in self.picks:
            index.setdefault((each.sobject, each.value), []).append(each)
        return index


NO_PICKS: Final = Picks()


def contradiction(picks: Sequence[Pick]) -> tuple[Pick, Pick] | None:
    """Two picks of the same reference that mean different records."""
    seen: dict[tuple[str, str], list[Pick]] = {}
    for each in picks:
        earlier = seen.setdefault((each.sobject, each.value), [])
        for other in earlier:
            if each.settles_as(other) and each.record_id != other.record_id:
                return other, each
        earlier.append(each)
    return None
