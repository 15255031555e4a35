"""The limits of an org as its limits resource tells them: what is used of what there is, what is nearly used up.

Source: REST API Developer Guide, "Limits": each entry has Max and Remaining; values trail by up to minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NEARLY_FULL: Final = 0.8
"""From this share on a limit is warned of."""

API_REQUESTS: Final = "DailyApiRequests"

WORDS: Final[Mapping[str, str]] = {
    API_REQUESTS: "API requests, 24 hours",
    "DailyBulkApiBatches": "bulk batches, 24 hours",
    "DailyBulkV2QueryJobs": "bulk query jobs, 24 hours",
    "DailyBulkV2QueryFileStorageMB": "results of bulk queries in MB, 24 hours",
    "DataStorageMB": "data storage in MB",
    "FileStorageMB": "file storage in MB",
}
"""The limits that a run can meet, in words; the first is met by every call."""


@dataclass(frozen=True, slots=True)
class OrgLimit:
    """One limit by the org's own count. `share` is 0 to 1 and may be more: some orgs may exceed some limits."""

    name: str
    used: int
    most: int

    @property
    def left(self) -> int:
        """What remains; never less than nothing."""
        return max(self.most - self.used, 0)

    @property
    def share(self) -> float:
        """The used part; of a limit of nothing, none."""
        return self.used / self.most if self.most > 0 else 0.0

    @property
    def words(self) -> str:
        """What it limits."""
        return WORDS.get(self.name, self.name)

    @property
    def is_nearly_full(self) -> bool:
        """Whether it is to be warned of."""
        return self.share >= NEARLY_FULL


def read_limits(document: Any) -> tuple[OrgLimit, ...]:
    """The limits of an answer: those of `WORDS` first, then the others by name; other entries are left out.

    Raises:
        ValueError: it has no count of API requests, which every org has.
    """
    entries = document if isinstance(document, dict) else {}
    found = {name: limit for name, each in entries.items() if (limit := _limit(str(name), each)) is not None}
    if API_REQUESTS not in found:
        raise ValueError("no limits")
    known = [found.pop(name) for name in WORDS if name in found]
    return (*known, *(found[name] for name in sorted(found)))


def warnings_of(limits: Iterable[OrgLimit]) -> tuple[str, ...]:
    """A sentence for each limit that is nearly used up."""
    return tuple(
        f"{each.words}: {each.used:,} of {each.most:,} are used ({each.share:.0%})"
        for each in limits
        if each.is_nearly_full
    )


def _limit(name: str, entry: Any) -> OrgLimit | None:
    most, left = (entry.get(key) if isinstance(entry, dict) else None for key in ("Max", "Remaining"))
    if not isinstance(most, int) or not isinstance(left, int):
        return None
    return OrgLimit(name, max(most - left, 0), most)
