"""How a row is told that was not saved: our words first, then the org's own in quotes, with the field's label.

The org's text may be in another language, may name a trigger's line, or may be empty; what the code means and what
to do next does not depend on it. What sfsync itself refuses to send carries our words alone.
"""

from __future__ import annotations

from typing import Final

from sfsync.core.plan import Change
from sfsync.core.results import Outcome, Problem, RowResult, Stage
from sfsync.core.writes import Refused
from sfsync.engine.applying.run_state import RunState
from sfsync.errors import SyncError
from sfsync.explanations.catalogue import explanation, title_of

OUR_OWN: Final = "SFSYNC_"
"""How the codes begin of rows that the gateway refuses before they are sent."""

_AS_THE_ORG_SAYS: Final = "Correct the row as the org says, then import the rejects file."


def rejected(state: RunState, change: Change, answer: Refused) -> RowResult:
    """The result of a row that the org refused, or that could not be sent as it is."""
    if answer.code.startswith(OUR_OWN):
        return not_sent(change, answer.code, answer.message, answer.fields)
    labels = _labels(state, change.sobject, answer.fields)
    title = title_of(answer.code)
    ours = f"the org refused the row{f': {title}' if title else ''}{f' ({labels})' if labels else ''}"
    theirs = " ".join(answer.message.split())
    hint = _next_step(answer.code)
    if answer.matches:
        hint = f"{hint} Records that match: {', '.join(answer.matches)}."
    message = f'{ours}. The org says: "{theirs}"' if theirs else ours
    return _result(change, answer.code, message, hint, answer.fields)


def not_sent(change: Change, code: str, why: str, fields: tuple[str, ...] = ()) -> RowResult:
    """The result of a row that the org was not asked for, or that was given up; `why` is our own sentence."""
    return _result(change, code, f"the row was not saved: {why}", _next_step(code), fields)


def _result(change: Change, code: str, message: str, hint: str, fields: tuple[str, ...]) -> RowResult:
    field = fields[0] if fields else ""
    problem = Problem(code, Stage.ORG, message, hint, row=change.row, field=field)
    return RowResult(change.change_id, Outcome.REJECTED, problems=(problem,))


def _next_step(code: str) -> str:
    known = explanation(code)
    return " ".join(known.steps) if known is not None else _AS_THE_ORG_SAYS


def _labels(state: RunState, sobject: str, fields: tuple[str, ...]) -> str:
    """The fields as people know them, as far as the describe tells; a row is never lost over its label."""
    if not fields:
        return ""
    try:
        describe = state.gateway.describe(sobject)
    except SyncError:
        return ", ".join(fields)
    known = {name: describe.field(name) for name in fields}
    return ", ".join(field.label if field is not None else name for name, field in known.items())
