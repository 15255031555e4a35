"""The last line of a command on stderr: job, org, exit code, cause, how far it came, and what to type next.

One sentence for whoever reads a scheduler's mail at three in the morning. It holds codes, counts, names of files
and commands; words of the org or of rows only where the error above it has told them already.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.plans.plan import WRITES
from sfsync.core.reports import report_numbers as numbers
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import COUNTED, NOT_DONE, Outcome
from sfsync.core.reports.standing import Standing, standing
from sfsync.core.wording import typed
from sfsync.explanations.catalogue import title_of
from sfsync.report.document import Files
from sfsync.report.nouns import rows_counted
from sfsync.report.safe_text import json_text, shortened
from sfsync.report.words.standing_words import stays_words, take_back_too

MOST_CODES: Final = 3
CHANGES_WAIT: Final = 8
_DONE: Final = tuple(each for each in COUNTED if each not in NOT_DONE)
_MOST_WORDS: Final = 240


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a command ended by."""

    message: str
    code: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, as far as it is known.

    `again` is what would be typed to run the job, `by_job` the job as it is typed. `writes` counts calls that may
    have written before an error; None where the command had come to no org. `said` and `then` are the words of a
    command that makes no report.
    """

    command: str
    exit_code: int
    job: str = ""
    org: str = ""
    again: str = ""
    by_job: str = ""
    report: Report | None = None
    files: Files = field(default_factory=dict)
    failure: Failure | None = None
    writes: int | None = None
    said: str = ""
    then: str = ""


def last_sentence(ended: Ended) -> str:
    """The sentence, in one line; no full stop stands behind a command that is to be typed."""
    subject = shlex.quote(ended.job) if ended.job else ended.command
    org = f" on {shlex.quote(ended.org)}" if ended.org else ""
    if ended.failure is not None:
        parts = _failed(ended, ended.failure)
    elif ended.report is not None:
        parts = _reported(ended, ended.report)
    else:
        parts = [ended.said, ended.then]
    told = "; ".join(each for each in parts if each)
    line = f"sfsync: {subject}{org} ended with {ended.exit_code}{f': {told}' if told else ''}"
    return shortened(json_text(line).rstrip("."), most=4 * _MOST_WORDS)


def _failed(ended: Ended, failure: Failure) -> list[str]:
    """An error's first words, how far the command came, and the first step of its hint."""
    cause = failure.message.split("\n")[0].strip().rstrip(".:")
    if ended.writes:
        calls = "1 call that writes was" if ended.writes == 1 else f"{ended.writes:,} calls that write were"
        far = f"{calls} sent, and the journal knows what became of that"
    else:
        far = "" if "nothing was written" in cause else "nothing was written"
    code = "" if failure.code in cause else f" ({failure.code})"
    return [f"{shortened(cause, most=_MOST_WORDS)}{code}", far, _first_step(failure.hint)]


def _first_step(hint: str) -> str:
    """The first sentence of a hint, as a part of ours."""
    line = next((each.strip() for each in hint.split("\n") if each.strip()), "")
    first = re.split(r"(?<=[a-z0-9)])\. (?=[A-Z])", line)[0].rstrip(".")
    is_word = first[1:2].islower() or first.startswith("A ")
    return shortened(first[:1].lower() + first[1:] if is_word else first, most=_MOST_WORDS)


def _reported(ended: Ended, report: Report) -> list[str]:
    if report.stopped is not None:
        return _stopped(report, report.stopped.code)
    return _applied(ended, report) if report.applied else _planned(ended, report)


def _stopped(report: Report, code: str) -> list[str]:
    title = title_of(code)
    cause = f"it was stopped ({code}{f': {title}' if title else ''})"
    return [f"{cause} after {_ended_rows(report, done=True):,} of {_all_rows(report)}", _go_on(report)]


def _go_on(report: Report) -> str:
    return f"go on with it: sfsync resume {report.run_id}" if report.applied else "nothing was written"


def _planned(ended: Ended, report: Report) -> list[str]:
    writes = sum(numbers.total(report.numbers(), numbers.action(each)) for each in WRITES)
    records = "1 record" if writes == 1 else f"{writes:,} records"
    said = [
        f"a plan that writes {records}, and nothing was written" if writes else "nothing is to be written"
    ]
    left = numbers.not_done_in(report.numbers())
    if left:
        said.append(f"{left:,} of {_all_rows(report)} cannot be done{_codes(report)}")
    if (stays := standing(report.plan)).records:
        said.append(stays_words(stays))
    if report.notes:
        return [*said, f"writing it would be stopped ({report.notes[0].code})"]
    if ended.exit_code == CHANGES_WAIT or (writes and not left):
        return [*said, f"write it: {ended.again}" if ended.again else ""]
    return [*said, _correct(ended) if left else ""]


def _applied(ended: Ended, report: Report) -> list[str]:
    left = numbers.not_done_in(report.numbers())
    done = _ended_rows(report, done=True)
    if report.plan.undoes and (stays := standing(report.plan)).records:
        return _taken_back_in_part(ended, report, stays)
    if left:
        were = "was" if left == 1 else "were"
        return [f"{left:,} of {_all_rows(report)} {were} not done{_codes(report)}", _correct(ended)]
    wrote = any(
        numbers.total(report.numbers(), numbers.end(each))
        for each in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED)
    )
    if report.plan.undoes:
        return [f"run {report.plan.undoes} is taken back" if wrote else "nothing is left to take back"]
    if not wrote:
        return [f"nothing had to be written, {rows_counted(done)} as before"]
    return [f"{rows_counted(done)} done, none left", f"to take it back: sfsync undo {report.run_id}"]


def _taken_back_in_part(ended: Ended, report: Report, stays: Standing) -> list[str]:
    """An undo that leaves something: what it did, how much stays, and what to type next."""
    done, left = _ended_rows(report, done=True), numbers.not_done_in(report.numbers())
    parts = [
        f"run {report.plan.undoes} is taken back in part"
        if done
        else f"nothing more of run {report.plan.undoes} could be taken back"
    ]
    if left:
        parts.append(f"{left:,} of {_all_rows(report)} not done{_codes(report)}")
    how = take_back_too(report.plan.undoes or "", stays.later_runs)
    return [*parts, stays_words(stays), how or _correct(ended)]


def _all_rows(report: Report) -> str:
    """All ends of a report in words: rows, or records where it takes a run back."""
    count = _ended_rows(report, done=True) + _ended_rows(report, done=False)
    said = rows_counted(count)
    return said.replace("row", "record") if report.plan.undoes else said


def _ended_rows(report: Report, *, done: bool) -> int:
    tally = report.numbers()
    if not done:
        return numbers.not_done_in(tally)
    ends = (*_DONE, Outcome.DELETED)
    return sum(numbers.total(tally, numbers.end(each)) for each in ends)


def _codes(report: Report) -> str:
    """` (VALUE_NOT_MAPPED 9, UNKNOWN_STAGE 2, ...)`: how many rows have each problem, the most frequent first."""
    pairs = {(change.change_id, problem.code) for change, _, problem in report.problems()}
    counted = sorted(Counter(code for _, code in pairs).items(), key=lambda each: (-each[1], each[0]))
    if not counted:
        return ""
    more = ", ..." if len(counted) > MOST_CODES else ""
    return f" ({', '.join(f'{code} {count:,}' for code, count in counted[:MOST_CODES])}{more})"


def _are_deals(ended: Ended) -> bool:
    """Whether the rejects to look at first are deals, which can be imported by themselves."""
    by_source = ended.files.get("rejects_by_source", {})
    return isinstance(by_source, Mapping) and by_source.get("opportunities") == ended.files.get("rejects")


def _correct(ended: Ended) -> str:
    """What to do about rows that are not done."""
    rejects, report = ended.files.get("rejects", ""), ended.report
    if isinstance(rejects, str) and rejects and not _are_deals(ended):
        return f"correct what {shlex.quote(rejects)} names, and go again{f': {ended.again}' if ended.again else ''}"
    if isinstance(rejects, str) and rejects:
        file = shlex.quote(rejects)
        name, option = typed(ended.by_job, ended.org or None)
        by_job = f" --job {name}{option}" if ended.by_job and ended.command != "import" else option
        same = " with the same options" if ended.command == "import" else ""
        return f"correct that file and import it{same}: sfsync import {file}{by_job}"
    unprocessed = ended.files.get("unprocessed_by_source", {})
    if isinstance(unprocessed, Mapping) and unprocessed and ended.again:
        return f"bring the rest: {ended.again}"
    if report is not None and report.plan.undoes:
        return f"look at what stays: {shlex.quote(str(ended.files.get('report', '')))}"
    return f"look at {shlex.quote(str(ended.files.get('report', '')))}"
