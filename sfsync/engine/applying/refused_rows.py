"""How a row is told that was not saved: our words first, then the org's own in quotes, with the field's label.

The org's text may be in another language, may name a trigger's line, or may be empty; what the code means and what
to do next does not depend on it. What sfsync itself refuses to send carries our words alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sfsync.core.plans.plan import Change
from sfsync.core.ports import OrgGateway
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage
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
    problem = replace(refusal(state.gateway, change.sobject, answer), row=change.row)
    return RowResult(change.change_id, Outcome.REJECTED, problems=(problem,))


def refusal(gateway: OrgGateway, sobject: str, answer: Refused) -> Problem:
    """What is said of a row of that sObject that the org refused; the problem's place is left open."""
    labels = _labels(gateway, sobject, answer.fields)
    title = title_of(answer.code)
    ours = f"the org refused the row{f': {title}' if title else ''}{f' ({labels})' if labels else ''}"
    theirs = " ".join(answer.message.split())
    hint = next_step(answer.code)
    if answer.matches:
        hint = f"{hint} Records that match: {', '.join(answer.matches)}."
    message = f'{ours}. The org says: "{theirs}"' if theirs else ours
    field = answer.fields[0] if answer.fields else ""
    return Problem(answer.code, Stage.ORG, message, hint, field=field)


def not_sent(change: Change, code: str, why: str, fields: tuple[str, ...] = ()) -> RowResult:
    """The result of a row that the org was not asked for, or that was given up; `why` is our own sentence."""
    message, field = f"the row was not saved: {why}", fields[0] if fields else ""
    problem = Problem(code, Stage.ORG, message, next_step(code), row=change.row, field=field)
    return RowResult(change.change_id, Outcome.REJECTED, problems=(problem,))


def next_step(code: str) -> str:
    """What a person does about a row with that code."""
    known = explanation(code)
    return " ".join(known.steps) if known is not None else _AS_THE_ORG_SAYS


def _labels(gateway: OrgGateway, sobject: str, fields: tuple[str, ...]) -> str:
    """The fields as people know them, as far as the describe tells; a row is never lost over its label."""
    if not fields:
        return ""
    try:
        describe = gateway.describe(sobject)
    except SyncError:
        return ", ".join(fields)
    known = {name: describe.field(name) for name in fields}
    return ", ".join(field.label if field is not None else name for name, field in known.items())
