"""Lets no call leave that a run may not take any more. What it may take is decided in `core.sending.budget`.

A call is asked for before each sending, repeats included, and counts as taken from then on, so that several
threads together take no more than one would. Logins are free and are not asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sfsync.core.plans.plan import OrgCalls
from sfsync.core.sending.budget import why_spent
from sfsync.errors import LimitReached
from sfsync.salesforce.usage import Meter


class Allowance:
    """The calls that one gateway may still send; without a word of `hold_to` there is no limit."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._in_flight = 0
        self._budget: int | None = None
        self._keeps_reserve = False

    def hold_to(self, budget: int | None, *, keeps_reserve: bool) -> None:
        """From now on at most `budget` calls in all; without one, where asked, none out of the org's reserve."""
        self._budget, self._keeps_reserve = budget, keeps_reserve

    @property
    def is_spent(self) -> bool:
        """Whether no further call may leave."""
        return self._why_spent() is not None

    @contextmanager
    def one_call(self) -> Iterator[None]:
        """Takes a call while it is under way.

        Raises:
            LimitReached: none is left; nothing was sent.
        """
        with self._lock:
            why = self._why_spent()
            if why is not None:
                raise why
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def _why_spent(self) -> LimitReached | None:
        usage = self._meter.usage
        is_known = self._keeps_reserve and usage.limit_max is not None
        org = OrgCalls(usage.limit_used or 0, usage.limit_max or 0) if is_known else None
        return why_spent(self._budget, self._meter.calls + self._in_flight, org)
