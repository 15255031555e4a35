"""What really happened: every request that arrived and every record effect that was committed.

Tests judge the product by this list, not by what the product says about itself. Bodies are kept as
hashes and headers as names only, so that the list can be printed without leaking anything.
Invariant: entries are in the order of arrival and of commit; a request that was dropped has status None.
"""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from sfsync.emulator.org.work import Change
from sfsync.emulator.wire.messages import Request


@dataclass(slots=True)
class RequestEntry:
    """One request as it arrived, and the status it was answered with."""

    n: int
    method: str
    path: str
    headers: tuple[str, ...]
    body_sha256: str
    status: int | None = None
    sobjects: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """One committed effect on one record."""

    sobject: str
    id: str
    op: str
    request: int


class Audit:
    """The two lists, safe to append to from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: list[RequestEntry] = []
        self.commits: list[CommitEntry] = []

    def arrived(self, request: Request) -> RequestEntry:
        """Add a request and return its entry, to be completed when it is answered."""
        digest = hashlib.sha256(request.body).hexdigest()
        with self._lock:
            number = len(self.requests) + 1
            entry = RequestEntry(number, request.method, request.target, tuple(request.headers), digest)
            self.requests.append(entry)
        return entry

    def committed(self, changes: Iterable[Change], *, request: int) -> None:
        """Add the effects of a committed unit of work."""
        with self._lock:
            self.commits += [CommitEntry(change.sobject, change.id, change.op, request) for change in changes]

    def clear(self) -> None:
        """Forget everything; numbering starts again."""
        with self._lock:
            self.requests.clear()
            self.commits.clear()

    def as_json(self) -> dict[str, Any]:
        """Return both lists as JSON-ready values."""
        with self._lock:
            return {
                "requests": [asdict(entry) for entry in self.requests],
                "commits": [asdict(entry) for entry in self.commits],
            }
