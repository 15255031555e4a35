"""How runs, changes and ledger entries stand in the tables: from `core.ports` values to rows and back."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import RowMapping

from sfsync.core.ports import Attempt, ChangeRecord, ChangeState, LedgerEntry, RunRecord
from sfsync.errors import JournalError
from sfsync.journal.encoding import read_detail, write_detail
from sfsync.journal.entries import read_entry, write_entry
from sfsync.journal.schema import CHANGES, LEDGER, RUNS

RUN: Final = [RUNS.c[name] for name in RunRecord.__dataclass_fields__ if name != "portions"]
CHANGE: Final = [CHANGES.c[name] for name in ChangeRecord.__dataclass_fields__]
ENTRY: Final = [LEDGER.c.key, LEDGER.c.record_id, LEDGER.c.sent, LEDGER.c.seen]

_KEYS_A_QUERY: Final = 500
"""Below the 999 variables that older builds of SQLite allow in a statement (SQLite, "Limits")."""

_ROWS_AT_ONCE: Final = 1000

_OF_RUN: Final = "/"
"""Between the name of a run and the number of its attempt."""

_FAST: Final = 1
"""The compression of plans: their size falls to a tenth, and more effort hardly gains more."""

_PACKED: Final = b"\x1f\x8b"
"""The first bytes of what was compressed before it came here (gzip); no zlib stream begins so.

Source: RFC 1950, 1952.
"""


def in_pieces(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys, each once, in lists that fit a statement."""
    rest = iter(dict.fromkeys(keys))
    while some := list(islice(rest, _KEYS_A_QUERY)):
        yield some


def batches(entries: Sequence[LedgerEntry]) -> Iterator[Sequence[LedgerEntry]]:
    """The entries in lists of a thousand."""
    for start in range(0, len(entries), _ROWS_AT_ONCE):
        yield entries[start : start + _ROWS_AT_ONCE]


def run_row(run: RunRecord, *, number: int) -> dict[str, Any]:
    """The row of a run that begins."""
    return {**{column.name: getattr(run, column.name) for column in RUN}, "number": number}


def run_of(row: RowMapping) -> RunRecord:
    """The run of a row that has the columns `RUN`."""
    return RunRecord(**{column.name: row[column.name] for column in RUN})


def change_rows(run_id: str, words: Sequence[ChangeRecord], *, at: str) -> list[dict[str, Any]]:
    """The rows of the last words on changes; `at` dates those that carry no time."""
    return [
        {
            "run_id": run_id,
            "change_id": word.change_id,
            "state": word.state.value,
            "outcome": word.outcome,
            "record_id": word.record_id,
            "detail": write_detail(word.detail),
            "attempt_id": _kept(run_id, word.attempt_id),
            "token": word.token,
            "updated_at": word.updated_at or at,
        }
        for word in words
    ]


def intent_rows(run_id: str, attempt: Attempt, *, at: str) -> list[dict[str, Any]]:
    """The rows that mark an attempt's changes as about to be sent."""
    tokens, state, name = attempt.tokens, ChangeState.INTENT.value, _kept(run_id, attempt.attempt_id)
    return [
        {
            "run_id": run_id,
            "change_id": change_id,
            "state": state,
            "outcome": None,
            "record_id": None,
            "detail": None,
            "attempt_id": name,
            "token": tokens.get(change_id),
            "updated_at": at,
        }
        for change_id in attempt.change_ids
    ]


def attempt_row(run_id: str, attempt: Attempt, *, at: str) -> dict[str, str]:
    """The row of an attempt."""
    return {
        "run_id": run_id,
        "attempt_id": _kept(run_id, attempt.attempt_id) or "",
        "route": attempt.route.value,
        "body_hash": attempt.body_hash,
        "intended_at": at,
    }


def change_of(run_id: str, row: RowMapping) -> ChangeRecord:
    """The change of a row of the run that has the columns `CHANGE`."""
    values = {column.name: row[column.name] for column in CHANGE}
    state, detail = ChangeState(values.pop("state")), read_detail(values.pop("detail"))
    name = values.pop("attempt_id")
    attempt_id = run_id + name if name and name.startswith(_OF_RUN) else name
    return ChangeRecord(state=state, detail=detail, attempt_id=attempt_id, **values)


def _kept(run_id: str, attempt_id: str | None) -> str | None:
    """An attempt's name without that of its run, which stands beside it; earlier versions kept it whole."""
    is_of_run = attempt_id is not None and attempt_id.startswith(run_id + _OF_RUN)
    return attempt_id[len(run_id) :] if attempt_id and is_of_run else attempt_id


def entry_of(sobject: str, row: Sequence[Any]) -> LedgerEntry:
    """The ledger entry of a row that has the columns `ENTRY`."""
    key, record_id, sent, seen = row
    return LedgerEntry(sobject, key, record_id, *read_entry(key, sent, seen))


def ledger_row(org_id: str, entry: LedgerEntry, *, at: str) -> dict[str, str]:
    """The row of a ledger entry."""
    sent, seen = write_entry(entry.key, entry.sent, entry.seen)
    return {
        "org_id": org_id,
        "sobject": entry.sobject,
        "key": entry.key,
        "record_id": entry.record_id,
        "sent": sent,
        "seen": seen,
        "updated_at": at,
    }


def plan_row(run_id: str, plan: bytes) -> Mapping[str, Any]:
    """The row of a run's plan; one that comes packed is kept as it is."""
    return {"run_id": run_id, "body": plan if plan.startswith(_PACKED) else zlib.compress(plan, _FAST)}


def plan_of(body: bytes) -> bytes:
    """The plan of a row, as it was given.

    Raises:
        JournalError: the row is damaged.
    """
    try:
        if body.startswith(_PACKED):
            gzip.decompress(body)  # whether it is whole: it is given as it came
            return body
        return zlib.decompress(body)
    except (zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise JournalError(
            "The journal is damaged: the plan of a run cannot be read.",
            code="JOURNAL_DAMAGED",
            hint="Keep a copy of the state folder, then put back its last backup.",
        ) from error
