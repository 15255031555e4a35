"""Finds records of the org that may be rows which have none by key, and plans what makes them theirs.

Only deals: their rows tell enough to compare. The org is asked for deals without a key at the rows' accounts, and,
where a row has no account yet, for deals whose name has one of its longest words; never for all. What a person has
confirmed becomes an update that stamps the key, on the condition that the record is as it was when it was listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sfsync.core.deals.adoption_pairs import Candidate, Pair, candidates
from sfsync.core.deals.scoring import Traits, score, tokens
from sfsync.core.diff import held
from sfsync.core.job import NO_LIMITS
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.ports import IdPage, Journal, Lookup, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import MODIFIED, full_id
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sending.costs import predicted_calls
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import Pending, Value, text_or_none
from sfsync.engine.planning.plan_making import PlanStamp

COMPARED: Final = ("Name", "AccountId", "Amount", "CloseDate", "StageName", "OwnerId")

MOST_RECORDS: Final = 2_000
"""Records that one statement may bring: one page. Source: REST API Developer Guide, "Query"."""

MOST_WORDS: Final = 200
WORDS_PER_STATEMENT: Final = 50
WORDS_PER_ROW: Final = 2
SHORTEST_WORD: Final = 3

_ABSENT: Final = frozenset({Action.CREATE, Action.SKIP})


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows that have no record, what they may be, the records by id, and what was not looked at."""

    rows: Mapping[str, Change]
    candidates: tuple[Candidate, ...]
    records: Mapping[str, Record]
    notes: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A person's word that a row is a record; `modified` is when the record was last modified as it was listed."""

    change_id: str
    record_id: str
    modified: datetime | None


def list_candidates(plan: Plan, gateway: OrgGateway, journal: Journal) -> Listing:
    """What the plan's rows without a record may be in the org; nothing is written."""
    rows = {each.change_id: each for each in plan.changes if _is_absent(each)}
    describe = gateway.describe(OPPORTUNITY)
    lookups, notes = _lookups(plan, describe, list(rows.values()))
    answers = gateway.fetch(lookups) if lookups else []
    found = {full_id(each): each for records in answers for each in records}
    known = _of_other_rows(plan, found, journal)
    free = {name: record for name, record in found.items() if name not in known}
    if any(len(records) >= MOST_RECORDS for records in answers):
        notes.append(
            _note(f"some queries found more than {MOST_RECORDS:,} deals; the rest was not looked at")
        )
    chosen = candidates(_pairs(rows.values(), free, describe))
    ordered = sorted(
        chosen, key=lambda each: (-each.pair.score.value, each.pair.change_id, each.pair.record_id)
    )
    return Listing(
        rows,
        tuple(ordered),
        {each.pair.record_id: free[each.pair.record_id] for each in ordered},
        tuple(notes),
    )


def _is_absent(change: Change) -> bool:
    is_deal = change.sobject == OPPORTUNITY and change.row is not None
    return is_deal and change.record_id is None and change.action in _ABSENT


def _lookups(
    plan: Plan, describe: SObjectDescribe, rows: Sequence[Change]
) -> tuple[list[Lookup], list[Problem]]:
    """The deals without a key at the rows' accounts, and those whose names have a word of the other rows."""
    key_field = plan.key_fields.get(OPPORTUNITY)
    plain = Lookup(
        OPPORTUNITY,
        ("Id", MODIFIED, *_visible(describe)),
        also={key_field: None} if key_field else {},
        page=IdPage("", MOST_RECORDS),
    )
    accounts = tuple(dict.fromkeys(account for each in rows if (account := _account(each)) is not None))
    lookups = [replace(plain, where_field="AccountId", values=accounts)] if accounts else []
    words = list(dict.fromkeys(word for each in rows if _account(each) is None for word in _words(each)))
    for start in range(0, min(len(words), MOST_WORDS), WORDS_PER_STATEMENT):
        chunk = tuple(words[start : start + WORDS_PER_STATEMENT])
        lookups.append(replace(plain, like=("Name", chunk)))
    notes = []
    if len(words) > MOST_WORDS:
        text = (
            f"rows without an account have {len(words):,} words in their names; {MOST_WORDS} were looked for"
        )
        notes.append(_note(text, "Give the rows their accounts, or adopt in several parts."))
    return lookups, notes


def _visible(describe: SObjectDescribe) -> list[str]:
    return [name for name in COMPARED if describe.field(name) is not None]


def _account(row: Change) -> str | None:
    account = row.desired.get("AccountId")
    return account if isinstance(account, str) else None


def _words(row: Change) -> tuple[str, ...]:
    """The longest words of a row's name, which few other names have."""
    long = [each for each in tokens(row.label) if len(each) >= SHORTEST_WORD and not each.isdigit()]
    return tuple(sorted(dict.fromkeys(long), key=lambda word: (-len(word), word))[:WORDS_PER_ROW])


def _of_other_rows(plan: Plan, found: Iterable[str], journal: Journal) -> set[str]:
    """Records that are rows of the job already; without a key in the org only the journal knows that."""
    if OPPORTUNITY in plan.key_fields:
        return set()
    of_job = ledger_key(plan.job, "", key_field=None)
    return {
        name
        for name in found
        if any(each.startswith(of_job) for each in journal.ledger_keys(plan.org.org_id, OPPORTUNITY, name))
    }


def _pairs(rows: Iterable[Change], free: Mapping[str, Record], describe: SObjectDescribe) -> Iterator[Pair]:
    """Every row with every record that was found for it: by its account, else by a word of its name."""
    by_account: dict[str, list[str]] = {}
    by_word: dict[str, list[str]] = {}
    traits = {name: _traits_of(record, describe) for name, record in free.items()}
    for name, each in traits.items():
        by_account.setdefault(each.account or "", []).append(name)
        for word in set(tokens(each.name)):
            by_word.setdefault(word, []).append(name)
    for row in rows:
        account, own = _account(row), _wanted_traits(row)
        if account is not None:
            near: Iterable[str] = by_account.get(account, ())
        else:
            near = dict.fromkeys(name for word in _words(row) for name in by_word.get(word, ()))
        for name in near:
            yield Pair(row.change_id, name, score(own, traits[name]))


def _wanted_traits(row: Change) -> Traits:
    known = {name: value for name, value in row.desired.items() if not isinstance(value, Pending)}
    return _traits(known, row.label)


def _traits_of(record: Record, describe: SObjectDescribe) -> Traits:
    values = held(describe, record, dict.fromkeys(COMPARED))
    return _traits(values, str(values["Name"] or ""))


def _traits(values: Mapping[str, object], name: str) -> Traits:
    amount, day = values.get("Amount"), values.get("CloseDate")
    return Traits(
        name=name,
        account=text_or_none(values.get("AccountId")),
        amount=amount if isinstance(amount, Decimal) else None,
        close_date=day if isinstance(day, date) else None,
        stage=text_or_none(values.get("StageName")),
        owner=text_or_none(values.get("OwnerId")),
    )


def adoption_plan(plan: Plan, confirmed: Sequence[Confirmed], gateway: OrgGateway, stamp: PlanStamp) -> Plan:
    """The plan that stamps the rows' keys on the records; what does not hold any more is a conflict in it.

    `plan` is the job's own, made now; its rows must be those that are confirmed, with a key in the org.
    """
    key_field = plan.key_fields[OPPORTUNITY]
    rows = {each.change_id: each for each in plan.changes}
    ids = tuple(each.record_id for each in confirmed)
    [records] = gateway.fetch([Lookup(OPPORTUNITY, ("Id", MODIFIED, key_field), "Id", ids)])
    by_id = {full_id(each): each for each in records}
    describe = gateway.describe(OPPORTUNITY)
    changes = tuple(
        _stamping(rows[each.change_id], each, by_id.get(each.record_id), key_field, describe)
        for each in confirmed
    )
    return replace(
        plan,
        plan_id=stamp.plan_id,
        created_at=stamp.created_at,
        changes=changes,
        notes=(),
        is_strict=True,
        is_audited=False,
        limits=NO_LIMITS,
        predicted=predicted_calls(changes, plan.routes, is_strict=True),
        choices=(),
        org_calls=None,
    )


def _stamping(
    row: Change, word: Confirmed, record: Record | None, key_field: str, describe: SObjectDescribe
) -> Change:
    """The update that makes the record the row's, or why it must not be."""
    base = replace(
        row, record_id=word.record_id, values={}, before={}, problems=(), adopted=True, parent=None
    )
    if row.record_id == word.record_id:
        return replace(base, action=Action.NOOP, desired={})  # an earlier adoption came so far
    base = replace(base, action=Action.CONFLICT, desired={})
    problem = refusal_of(row, word, record, describe)
    if problem is None and record is not None and record.get(key_field) is not None:
        problem = _conflict("HAS_A_KEY", f"{word.record_id} has a key by now: {record[key_field]}", row)
    if problem is not None:
        return replace(base, problems=(problem,))
    values: dict[str, Value] = {key_field: row.key}
    before: dict[str, Value] = {key_field: None, MODIFIED: word.modified}
    return replace(base, action=Action.UPDATE, desired=values, values=values, before=before)


def refusal_of(
    row: Change, word: Confirmed, record: Record | None, describe: SObjectDescribe
) -> Problem | None:
    """Why a record must not become the row's; None when nothing speaks against it."""
    if row.record_id is not None:
        return _conflict("ROW_HAS_RECORD", f"the row is {row.record_id} in the org by now", row)
    if not _is_absent(row):
        return _conflict("ROW_NOT_READY", f"the row cannot be planned as it is: {_why(row)}", row)
    if record is None:
        return _conflict("RECORD_GONE", f"{word.record_id} is not in the org any more", row)
    if held(describe, record, {MODIFIED: None})[MODIFIED] != word.modified:
        return _conflict("CHANGED_SINCE_LISTED", f"{word.record_id} was modified since it was listed", row)
    return None


def _why(row: Change) -> str:
    return row.problems[0].message if row.problems else row.action.value


def _conflict(code: str, message: str, row: Change) -> Problem:
    hint = "Nothing was touched; list the candidates again and look."
    return Problem(code, Stage.PLAN, message, hint, row=row.row, value=row.key)


def _note(message: str, hint: str = "") -> Problem:
    return Problem("NOT_ALL_LOOKED_AT", Stage.MATCH, message, hint)
