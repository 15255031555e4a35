"""Saves the rows of one call together: order kept, all or none if asked, upserts matched to records.

Results come back in the order of the input. With all-or-none one refused row takes the others down with
it and each of them says so; without it the good rows stay.
Source: REST API Developer Guide, sObject Collections and Upsert [D]; rolled-back text recorded [R].
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sfsync.emulator.errors import ROLLED_BACK, ApiError, RowError
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.saving import Outcome, insert, update
from sfsync.emulator.switches import TriggerRetries

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

SaveStep = Callable[[], Outcome]


def save_all(call: "Call", steps: Sequence[SaveStep], *, all_or_none: bool) -> list[Outcome]:
    """Run the steps in order as one unit of work."""
    with call.work.unit() as unit:
        outcomes = [step() for step in steps]
        failed = sum(not outcome.success for outcome in outcomes)
        if failed and all_or_none:
            unit.undo()
            return [rolled_back(outcome) for outcome in outcomes]
        if failed and _too_many_retries(call):
            unit.undo()
            message = "Too many batch retries in the presence of Apex triggers and partial failures."
            raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
    return outcomes


def _too_many_retries(call: "Call") -> bool:
    return call.org.switches.trigger_retries is TriggerRetries.TOO_MANY_RETRIES


def rolled_back(outcome: Outcome) -> Outcome:
    """Return the outcome of a row whose unit was undone."""
    return Outcome(errors=(ROLLED_BACK,), created=outcome.created) if outcome.success else outcome


def upsert(call: "Call", draft: Draft, *, key: Field, value: object) -> Outcome:
    """Create or update the record whose key field has that value."""
    matches = matching(call, draft.sobject, key=key, value=value)
    if len(matches) > 1:
        message = f"{key.name}: more than one record found for external id field: [{', '.join(matches)}]"
        return Outcome(errors=(RowError("DUPLICATE_EXTERNAL_ID", message),))
    if matches:
        return update(call, draft, matches[0])
    if key.type == "id" and value is not None:
        return Outcome(errors=(RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),))
    draft.sent_id = None
    return insert(call, draft)


def matching(call: "Call", sobject: SObject, *, key: Field, value: object) -> list[str]:
    """Return the ids of the live records that a key value addresses."""
    return call.org.storage.find(sobject, key, value) if value is not None else []
