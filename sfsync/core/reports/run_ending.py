"""How a run of a job ended, as far as somebody who was not there has to know it, and who is told of it.

Values of rows are in none of it: counts, codes and names of jobs and orgs alone. A run that another one kept out
(exit 99) is neither a success nor a failure: it touched nothing, and the other run speaks for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from sfsync.core.reports.report import Report
from sfsync.core.reports.results import NOT_DONE
from sfsync.errors import LockHeld

SUCCESSES: Final = frozenset({0, 8})
"""Exit codes that leave nothing to look at; 8 says that changes wait."""


class Notice(StrEnum):
    """What is worth telling somebody."""

    FAILURE = "failure"
    RECOVERY = "recovery"
    SCHEMA_DRIFT = "schema_drift"


@dataclass(frozen=True, slots=True)
class RunEnding:
    """One run at its end; `run` is "" where none began, `code` says why where it did not simply end.

    `rows` counts all rows, `not_done` those that are not done, `codes` the problems of these by code, the most
    frequent first. `setup` (of the org) and `job_digest` are what the plan depended on, `org` is the
    org's profile, `org_id` its id; "" where there was no plan.
    """

    job: str
    exit_code: int
    org: str = ""
    share: str = ""
    run: str = ""
    code: str = ""
    rows: int = 0
    not_done: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    setup: str = ""
    job_digest: str = ""
    org_id: str = ""

    @property
    def is_success(self) -> bool:
        """Whether nothing is left to look at."""
        return self.exit_code in SUCCESSES

    @property
    def was_kept_out(self) -> bool:
        """Whether another run was at work, and this one touched nothing."""
        return self.exit_code == LockHeld.exit_code


@dataclass(frozen=True, slots=True)
class KeptEnding:
    """What is kept of the runs of a job against an org until the next one; times are ISO texts (UTC), "" is never.

    `good_at` says when a run that told nobody was good after the failure: the failure is over, and its recovery is
    still to be told.
    """

    exit_code: int
    ended_at: str
    run: str = ""
    failed_since: str = ""
    setup: str = ""
    job_digest: str = ""
    org_id: str = ""
    good_at: str = ""

    @property
    def is_failing(self) -> bool:
        """Whether no run has been good since the failure."""
        return bool(self.failed_since) and not self.good_at

    def after(self, unplaced: KeptEnding | None) -> KeptEnding:
        """With a failure of the job that came before its org was known."""
        if unplaced is None or not unplaced.is_failing:
            return self
        first = min(self.failed_since, unplaced.failed_since) if self.is_failing else unplaced.failed_since
        return replace(self, failed_since=first, good_at="")


def ending_of(report: Report) -> RunEnding:
    """The ending that a report tells."""
    counts = report.counts()
    undone = {each.value for each in NOT_DONE}
    codes = Counter(problem.code for _, _, problem in report.problems())
    plan = report.plan
    return RunEnding(
        job=plan.job,
        exit_code=report.exit_code,
        org=plan.profile,
        share=plan.share,
        run=report.run_id,
        code=report.stopped.code if report.stopped else "",
        rows=sum(each["rows"] for each in counts.values()),
        not_done=sum(each.get(name, 0) for each in counts.values() for name in undone),
        codes=dict(codes.most_common()),
        setup=plan.schema_digest,
        job_digest=plan.job_digest,
        org_id=plan.org.org_id,
    )


def notices_of(before: KeptEnding | None, now: RunEnding) -> tuple[Notice, ...]:
    """What of an ending is worth telling, after what is kept of the run before."""
    if now.was_kept_out:
        return ()
    told: list[Notice] = []
    if before is not None and _has_drifted(before, now):
        told.append(Notice.SCHEMA_DRIFT)
    if not now.is_success:
        told.append(Notice.FAILURE)
    elif before is not None and before.failed_since:
        told.append(Notice.RECOVERY)
    return tuple(told)


def _has_drifted(before: KeptEnding, now: RunEnding) -> bool:
    """Whether what the same job uses of the org's setup is not what it was."""
    is_same_job = bool(now.setup) and before.job_digest == now.job_digest
    return is_same_job and bool(before.setup) and before.setup != now.setup


def kept_of(before: KeptEnding | None, now: RunEnding, *, at: str) -> KeptEnding | None:
    """What is to be kept; a run that was kept out leaves what is there."""
    if now.was_kept_out:
        return before
    since = before.failed_since if before is not None and before.is_failing else at
    return KeptEnding(
        exit_code=now.exit_code,
        ended_at=at,
        run=now.run,
        failed_since="" if now.is_success else since,
        setup=now.setup or (before.setup if before else ""),
        job_digest=now.job_digest or (before.job_digest if before else ""),
        org_id=now.org_id or (before.org_id if before else ""),
    )
