"""How the result of a change stands in the journal, and how a later process reads it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sfsync.core.plans.plan import Change
from sfsync.core.ports import ChangeRecord, ChangeState
from sfsync.core.reports.results import Outcome, Problem, RowResult, Stage


def has_token(record: ChangeRecord) -> bool:
    """Whether the token on record is good for another sending: one that was burned would be refused for ever."""
    return not (record.state is ChangeState.REFUSED and (record.detail or {}).get("has_token") is False)


def attempt_number(record: ChangeRecord) -> int:
    """Which write of its run last held the change; 0 where none did."""
    return int(record.attempt_id.rpartition("/")[2]) if record.attempt_id else 0


def recalled(change: Change, record: ChangeRecord) -> RowResult:
    """The result that the journal has of a change that is settled."""
    detail = record.detail or {}
    problems = tuple(_problem(change, each) for each in detail.get("problems", ()))
    outcome = Outcome(record.outcome or "")
    return RowResult(change.change_id, outcome, record.record_id, problems, bool(detail.get("adopted")))


def plain_problem(problem: Problem) -> dict[str, str]:
    """A problem without its place, which the plan knows."""
    plain = asdict(problem)
    plain.pop("row")
    return {name: str(value) for name, value in plain.items()}


def _problem(change: Change, plain: Mapping[str, str]) -> Problem:
    texts = dict(plain)
    stage = Stage(texts.pop("stage"))
    return Problem(stage=stage, row=change.row, **texts)
