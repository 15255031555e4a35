"""Saves the rows of one call together: order kept, all or none if asked, upserts matched to records.

Results come back in the order of the input. With all-or-none one refused row takes the others down with
it and each of them says so; without it the good rows stay. In an org with triggers a failure undoes the
attempt and the good rows are saved again, their triggers included, three attempts in all.
Source: REST API Developer Guide, sObject Collections and Upsert [D]; Apex Developer Guide, Bulk DML
Exception Handling [D]; rolled-back text recorded [R].
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sfsync.emulator.errors import ROLLED_BACK, ApiError, RowError
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.rules.drafting import Draft
from sfsync.emulator.rules.saving import Outcome, insert, update
from sfsync.emulator.switches import TriggerRetries

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_MOST_ATTEMPTS: Final = 3

SaveStep = Callable[[], Outcome]


def save_all(call: "Call", steps: Sequence[SaveStep], *, all_or_none: bool) -> list[Outcome]:
    """Run the steps in order as one unit of work; a step may run again, see above.

    Raises: ApiError when the platform gives up on a call that keeps failing in part.
    """
    with call.work.unit() as unit:
        if not all_or_none and call.org.hooks.has_triggers:
            return _save_good_ones(call, steps)
        outcomes = _attempt(call, steps, range(len(steps)), first=call.counted.judged)
        failed = sum(not outcome.success for outcome in outcomes.values())
        if failed and all_or_none:
            unit.undo()
            return [rolled_back(outcome) for outcome in outcomes.values()]
        if failed and call.org.switches.trigger_retries is TriggerRetries.TOO_MANY_RETRIES:
            raise _too_many_retries()
    return list(outcomes.values())


def _attempt(
    call: "Call", steps: Sequence[SaveStep], rows: Iterable[int], *, first: int
) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    for index in rows:
        call.counted.judged = first + index
        outcomes[index] = steps[index]()
    call.counted.judged = first + len(steps)
    return outcomes


def _save_good_ones(call: "Call", steps: Sequence[SaveStep]) -> list[Outcome]:
    """Save what can be saved: after a failure the good rows go through all their triggers again."""
    first = call.counted.judged
    failed: dict[int, Outcome] = {}
    for _ in range(_MOST_ATTEMPTS):
        with call.work.unit() as attempt:
            rows = [index for index in range(len(steps)) if index not in failed]
            outcomes = _attempt(call, steps, rows, first=first)
            bad = {index: outcome for index, outcome in outcomes.items() if not outcome.success}
            failed |= bad
            if bad:
                attempt.undo()
        if bad and call.org.switches.trigger_retries is TriggerRetries.TOO_MANY_RETRIES:
            break
        if not bad or len(failed) == len(steps):
            return [outcome for _, outcome in sorted((outcomes | failed).items())]
    raise _too_many_retries()


def _too_many_retries() -> ApiError:
    message = "Too many batch retries in the presence of Apex triggers and partial failures."
    return ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)


def rolled_back(outcome: Outcome) -> Outcome:
    """Return the outcome of a row whose unit was undone; an update goes on to name its record [R]."""
    if not outcome.success:
        return outcome
    return Outcome(None if outcome.created else outcome.id, errors=(ROLLED_BACK,), created=outcome.created)


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


def check_may_upsert(call: "Call", sobject: SObject, key: Field) -> None:
    """Check that the user may upsert by a key; one that is not unique needs View All Data.

    Source: SOAP API Developer Guide, upsert() [D]; the code is inferred [I].

    Raises: ApiError 403.
    """
    if key.external_id and not key.unique and not call.org.rights.may(call.user_id, "ViewAllData"):
        message = f"View All Data is needed to upsert {sobject.name} by {key.name}, which is not unique"
        raise ApiError(403, "INSUFFICIENT_ACCESS", message)


def matching(call: "Call", sobject: SObject, *, key: Field, value: object) -> list[str]:
    """Return the ids of the live records that a key value addresses."""
    return call.org.storage.find(sobject, key, value) if value is not None else []
