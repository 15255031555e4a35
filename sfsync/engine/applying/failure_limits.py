"""When a run stops because too many of its rows have failed."""

from __future__ import annotations

from sfsync.core.job import Limits
from sfsync.errors import GuardError


def refuse_failures(failures: int, limits: Limits) -> None:
    """Stops a run in which more rows have failed than its limits allow; what became of them is on record.

    Raises:
        GuardError: there are too many.
    """
    if limits.max_failures is not None and failures > limits.max_failures:
        raise GuardError(
            f"{failures} rows have failed, and at most {limits.max_failures} were allowed",
            code="TOO_MANY_FAILURES",
            hint="Look at the rejects, correct them, then go on with sfsync resume.",
        )
