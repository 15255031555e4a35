"""What the engine announces while it works; the edges decide how a person or a log sees it.

Events carry row keys and field names, never a record's values and never a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase begins; `total` counts rows, or what `unit` says, and is None when not known.

    `portion` says which one it is of in a run in portions, as people read it: `portion 3 of 1,024`.
    """

    phase: str
    total: int | None = None
    unit: str = "rows"
    portion: str = ""


@dataclass(frozen=True, slots=True)
class PhaseAdvanced:
    """`done` more rows of the phase are settled, `not_done` of them without success."""

    phase: str
    done: int
    not_done: int = 0


@dataclass(frozen=True, slots=True)
class CallRetried:
    """A call is sent again after `wait_s` seconds; `reason` names the fault, not the data."""

    reason: str
    attempt: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """An API call has had its end: how many the run has made, and what the org says that it has used of its day's.

    None where the org has not said it.
    """

    calls: int
    org_used: int | None = None
    org_allowed: int | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that a person should know and that stops nothing."""

    message: str


Event = PhaseStarted | PhaseAdvanced | CallRetried | CallAnswered | Noticed
Listener = Callable[[Event], None]


def ignore_events(event: Event) -> None:
    """The listener of a caller who does not want to hear."""
