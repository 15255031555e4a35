"""Takes a person's word that rows sent once, of which nobody can say, may go again (`--accept-duplicates`).

Only rows without any fence are meant. Each must be old enough that a request still on its way is unlikely, and
the org is asked once more after that wait. A row that a record of the org looks like is not taken: it is for
`sfsync adopt` or `sfsync state forget`. What goes again is said row by row in the plan's notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from sfsync.core.events import Noticed
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.ports import ChangeRecord, ChangeState, RunRecord
from sfsync.core.reports.results import Outcome, Problem, Stage
from sfsync.core.writes import Route
from sfsync.engine.applying.runs import Bench, settle_earlier
from sfsync.engine.planning.role_planning import role_key_of
from sfsync.errors import Interrupted

Accepted = tuple[tuple[RunRecord, ChangeRecord], ...]
"""Open changes of earlier runs that go again at a person's word, each with its run."""

NONE: Final[Accepted] = ()


def accept_unknown(
    job: str,
    org_id: str,
    bench: Bench,
    *,
    load: Callable[[RunRecord], Plan],
    after_s: float,
    wait: Callable[[float], object],
) -> Accepted:
    """The rows that may go again, after a wait until the youngest of them was sent `after_s` seconds ago.

    Raises:
        Interrupted: a signal ended the wait.
    """
    left_s = _left_to_wait(_sent_once(job, org_id, bench), bench, after_s=after_s)
    if left_s is None:
        return NONE
    if left_s > 0:
        bench.listener(Noticed(f"waiting {left_s:.0f} s, for a request that may still be on its way"))
        wait(left_s)
        if bench.stop.is_set():
            raise Interrupted("the run was interrupted", signal_number=bench.stop.signal_number)
        settle_earlier(job, org_id, bench, load=load)
    still_open = _sent_once(job, org_id, bench)
    return tuple((run, record) for run, record, _ in still_open if not _has_lookalike(record))


def _sent_once(job: str, org_id: str, bench: Bench) -> list[tuple[RunRecord, ChangeRecord, str]]:
    """The unknown rows that went without a fence, each with the time at which it was last sent."""
    found: list[tuple[RunRecord, ChangeRecord, str]] = []
    still_open = bench.journal.open_changes(job, org_id)
    sendings = {name: bench.journal.sendings(name) for name in {run.run_id for run, _ in still_open}}
    for run, record in still_open:
        sending = sendings[run.run_id].get(record.change_id)
        if record.state is ChangeState.UNKNOWN and sending and sending[0] is Route.AT_MOST_ONCE:
            found.append((run, record, sending[1]))
    return found


def _left_to_wait(
    sent: Sequence[tuple[RunRecord, ChangeRecord, str]], bench: Bench, *, after_s: float
) -> float | None:
    """How many seconds are left; None when there is nothing to wait for. A clock set back waits no longer."""
    now = datetime.fromisoformat(bench.now())
    ages = [(now - datetime.fromisoformat(at)).total_seconds() for _, _, at in sent]
    return min(max(after_s - min(ages), 0.0), after_s) if ages else None


def _has_lookalike(record: ChangeRecord) -> bool:
    return any(each.get("value") for each in (record.detail or {}).get("problems", ()))


def take_over(changes: Iterable[Change], accepted: Accepted, bench: Bench) -> None:
    """Notes in the journal that rows which these changes create belong to the run that begins now."""
    creates = {name for each in changes if each.action is Action.CREATE for name in _names(each)}
    for run, record in accepted:
        if not creates.isdisjoint({record.change_id, _role_key(record)}):
            detail = {"code": "SENT_AGAIN"}
            over = ChangeRecord(
                record.change_id,
                ChangeState.REFUSED,
                Outcome.UNPROCESSED.value,
                detail=detail,
                updated_at=bench.now(),
            )
            bench.journal.record(run.run_id, [over])


def accepted_notes(changes: Iterable[Change], accepted: Accepted) -> list[Problem]:
    """One note for each row that goes again."""
    again = {name for _, record in accepted for name in (record.change_id, _role_key(record))} - {""}
    return [
        _note(each) for each in changes if each.action is Action.CREATE and not again.isdisjoint(_names(each))
    ]


def _names(change: Change) -> tuple[str, ...]:
    """What an open change of an earlier run may be called that means the same row."""
    return (change.change_id, role_key_of(change) or change.change_id)


def _role_key(record: ChangeRecord) -> str:
    return str((record.detail or {}).get("role_key") or "")


def _note(change: Change) -> Problem:
    message = (
        "sent again at your word (--accept-duplicates): should the first sending arrive after all, the org has it"
        " twice"
    )
    hint = "Look for a second one in the org some minutes after the run."
    return Problem("SENT_AGAIN", Stage.PLAN, message, hint, row=change.row, value=change.key)
