"""Problems as a person reads them: for each code its title, what is wrong where, row first, what to do about it.

A thousand rows with the same mistake are one group, not a thousand lines; the rejects file has them all. The advice
stands once, right below the rows that it is for. What a problem itself does not say, the catalogue of codes does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from sfsync.core.plans.plan import Change
from sfsync.core.reports.results import Problem
from sfsync.explanations.catalogue import explanation, title_of
from sfsync.report.nouns import rows_counted, unit
from sfsync.report.safe_text import shortened
from sfsync.report.words.lines import Line, Tone

MOST_LINES: Final = 8
MOST_MESSAGES: Final = 3
"""Messages that are shown for one piece of advice."""

MOST_ADVICE: Final = 3
"""Pieces of advice that are shown for one code."""

_Places = dict[tuple[str, int, int], None]
"""Rows by file, line and ordinal, each once, in their order."""


@dataclass(slots=True)
class _Advice:
    """The problems that one hint is for: the places of each message, in their order."""

    hint: str
    messages: dict[str, _Places] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """The problems of one code; a header is a place, and no row."""

    code: str
    rows: _Places = field(default_factory=dict)
    advice: dict[str, _Advice] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        of_hint = self.advice.setdefault(problem.hint, _Advice(problem.hint))
        of_message = of_hint.messages.setdefault(_said(problem), {})
        row = problem.row
        if row is not None:
            if row.ordinal or row.line > 1:
                self.rows[row.file, row.line, row.ordinal] = None
            of_message[row.file, row.line, row.ordinal] = None


def placed(problem: Problem, change: Change) -> Problem:
    """The problem with the place of the change's row, where it names none itself."""
    return problem if problem.row is not None else replace(problem, row=change.row)


def problem_group_lines(
    problems: Iterable[Problem], *, tone: Tone, with_causes: bool = False
) -> Iterator[Line]:
    """The problems grouped by code, in the order in which the codes first occur.

    What is wrong (tone BAD) always has a next step; `with_causes` says below each code what is behind it.
    """
    groups: dict[str, _Group] = {}
    for problem in problems:
        groups.setdefault(problem.code, _Group(problem.code)).add(problem)
    for group in groups.values():
        yield from _group_lines(group, tone, with_causes=with_causes)


def more_lines(problems: Iterable[Problem]) -> Iterator[Line]:
    """Where to read more about the codes, said once, by the first that there is more about."""
    code = next((each.code for each in problems if explanation(each.code) is not None), None)
    if code is not None:
        yield Line(f"sfsync explain {code} says more.", 2, Tone.FAINT)


def _group_lines(group: _Group, tone: Tone, *, with_causes: bool) -> Iterator[Line]:
    where = f": {rows_counted(len(group.rows))}" if group.rows else ""
    title = title_of(group.code)
    yield Line(f"{group.code}{f' - {title}' if title else ''}{where}", 2, tone)
    known = explanation(group.code)
    if with_causes and known is not None:
        yield Line(f"Why: {' '.join(known.causes)}", 4, Tone.FAINT)
    usual = known.steps[0] if known is not None and tone is Tone.BAD and known.steps else ""
    advice = list(group.advice.values())
    for each in advice[:MOST_ADVICE]:
        yield from _advice_lines(each, usual)
    left_out = [rows for each in advice[MOST_ADVICE:] for rows in each.messages.values()]
    if left_out:
        yield _left_out_line(left_out, "with other advice")


def _advice_lines(advice: _Advice, usual: str) -> Iterator[Line]:
    messages = list(advice.messages.items())
    for message, rows in messages[:MOST_MESSAGES]:
        begin = f"{_places(rows)}: " if rows else ""
        yield Line(f"{begin}{message}", 4)
    if len(messages) > MOST_MESSAGES:
        yield _left_out_line([rows for _, rows in messages[MOST_MESSAGES:]], "like these")
    hint = advice.hint or usual
    if hint:
        yield Line(f"What to do: {shortened(hint, most=400)}", 4)


def _left_out_line(messages: Sequence[_Places], what: str) -> Line:
    """`... and 17 more like these: deals.csv lines 5, 6, 7, 8, 9, 10, 11, 12 and 9 more`."""
    rows = dict.fromkeys(chain(*messages))
    where = f": {_places(rows)}" if rows else ""
    return Line(f"... and {len(messages):,} more {what}{where}", 4, Tone.FAINT)


def _said(problem: Problem) -> str:
    message = problem.message.removeprefix(f"{problem.row.file}: ") if problem.row else problem.message
    column = f"column {problem.column}: " if problem.column and problem.column not in message else ""
    value = f' (the cell says "{shortened(problem.value, most=60)}")' if _adds_value(problem) else ""
    return f"{column}{shortened(message, most=400)}{value}"


def _adds_value(problem: Problem) -> bool:
    return bool(problem.column and problem.value) and problem.value not in problem.message


def _places(rows: Iterable[tuple[str, int, int]]) -> str:
    """`deals.csv:4` for one line; `deals.csv lines 4, 9 and 12 more; roles.csv:3` for several."""
    by_file: dict[str, list[int]] = {}
    for file, line, _ in rows:
        by_file.setdefault(file, []).append(line)
    return "; ".join(_lines_of(file, lines) for file, lines in by_file.items())


def _lines_of(file: str, lines: list[int]) -> str:
    distinct = sorted(set(lines))
    if len(distinct) == 1:
        beside = f" {unit(file)} " if unit(file) != "line" or not file else ":"
        return f"{file}{beside}{distinct[0]}".strip()
    shown = ", ".join(f"{line}" for line in distinct[:MOST_LINES])
    left_out = len(distinct) - MOST_LINES
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"{file} {unit(file)}s {shown}{more}".strip()
