"""Decides who is told of a run's end by a notice, and what is kept of the end for the next time.

A run that tells nobody still ends a failure that was told before, so that the next failure is not said to be as old
as the first; whoever was told of the failure is told of the recovery by the next run that tells.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sfsync.core.reports.run_ending import KeptEnding, RunEnding, kept_of, notices_of

if TYPE_CHECKING:
    from sfsync.hooks.errands import Errands

LastGood = Callable[[str], datetime | None]
"""Id of an org -> when a run of the job last ended well there, as far as the journal says so."""


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who is told, and how long each may take."""

    webhook: str | None
    command: tuple[str, ...]
    errands: Errands
    timeout_s: float


def notify(ending: RunEnding, hearers: Hearers, last_good: LastGood) -> None:
    """Tells the webhook and the command what is worth telling, and keeps the end for the next time.

    Raises:
        OSError: the end cannot be kept.
    """
    from sfsync.app.kept_endings import keep_ending, kept_ending
    from sfsync.journal import state_folder
    from sfsync.report.watching.ending_words import notice_document

    state, at = state_folder(os.environ), datetime.now(UTC).isoformat(timespec="seconds")
    before = kept_ending(state, ending)
    if not (hearers.webhook or hearers.command):
        if before is not None and before.is_failing and ending.is_success:
            keep_ending(state, ending, replace(before, good_at=at))
        return
    before = _with_good_runs(before, ending, last_good)
    for notice in notices_of(before, ending):
        _send(json.dumps(notice_document(notice, ending, before, at=at)).encode(), hearers)
    kept = kept_of(before, ending, at=at)
    if kept is not None and kept != before and ending.job:
        keep_ending(state, ending, kept)


def _with_good_runs(before: KeptEnding | None, ending: RunEnding, last_good: LastGood) -> KeptEnding | None:
    """What is kept, with the good run since that this host was not told of: of another host, or from Python."""
    if before is None or not before.is_failing or ending.is_success:
        return before
    org_id = ending.org_id or before.org_id
    good = last_good(org_id) if org_id else None
    good_at = good.astimezone(UTC).isoformat(timespec="seconds") if good else ""
    return replace(before, good_at=good_at) if good_at > before.failed_since else before


def _send(document: bytes, to: Hearers) -> None:
    from sfsync.core.hook_address import shown_address
    from sfsync.hooks.commands import tell_command
    from sfsync.hooks.posting import post

    webhook, command, timeout_s = to.webhook, to.command, to.timeout_s
    if webhook:
        to.errands.start(
            f"webhook {shown_address(webhook)}",
            lambda: post(webhook, document, content_type="application/json", timeout_s=timeout_s),
        )
    if command:
        to.errands.start(
            f"command {Path(command[0]).name}",
            lambda: tell_command(command, document, environ=os.environ, timeout_s=timeout_s),
        )
