"""Problems as a person reads them: one group for each code, with its title, where, what and what to do.

A thousand rows with the same mistake are one group, not a thousand lines; the rejects file has them all. What a
problem itself does not say, the catalogue of codes does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.plan import Change
from sfsync.core.results import Problem
from sfsync.explanations.catalogue import explanation, title_of
from sfsync.report.lines import Line, Tone
from sfsync.report.nouns import place, rows_counted
from sfsync.report.safe_text import shortened

MOST_LINES: Final = 8
MOST_MESSAGES: Final = 3
MOST_HINTS: Final = 2


@dataclass(slots=True)
class _Group:
    code: str
    rows: dict[tuple[str, int, int], None] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    hints: dict[str, None] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        row = problem.row
        if row is not None:
            self.rows[row.file, row.line, row.ordinal] = None
        self.messages.setdefault(_said(problem), place(row))
        if problem.hint:
            self.hints[problem.hint] = None


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
    where = f": {rows_counted(len(group.rows))} ({_places(group.rows)})" if group.rows else ""
    title = title_of(group.code)
    yield Line(f"{group.code}{f' - {title}' if title else ''}{where}", 2, tone)
    known = explanation(group.code)
    if with_causes and known is not None:
        yield Line(f"Why: {' '.join(known.causes)}", 4, Tone.FAINT)
    for message, first in list(group.messages.items())[:MOST_MESSAGES]:
        begin = f"{first}: " if first and len(group.messages) > 1 else ""
        yield Line(f"{begin}{message}", 4)
    left_out = len(group.messages) - MOST_MESSAGES
    if left_out > 0:
        yield Line(f"... and {left_out:,} more like these", 4, Tone.FAINT)
    usual = known.steps[:1] if known is not None and tone is Tone.BAD else ()
    for hint in list(group.hints or usual)[:MOST_HINTS]:
        yield Line(f"What to do: {shortened(hint, most=400)}", 4)


def _said(problem: Problem) -> str:
    column = f"column {problem.column}: " if problem.column and problem.column not in problem.message else ""
    value = f' (the cell says "{shortened(problem.value, most=60)}")' if _adds_value(problem) else ""
    return f"{column}{shortened(problem.message, most=400)}{value}"


def _adds_value(problem: Problem) -> bool:
    return bool(problem.column and problem.value) and problem.value not in problem.message


def _places(rows: Iterable[tuple[str, int, int]]) -> str:
    """`deals.csv lines 4, 9 and 12 more; roles.csv line 3`."""
    by_file: dict[str, list[int]] = {}
    for file, line, _ in rows:
        by_file.setdefault(file, []).append(line)
    return "; ".join(_lines_of(file, lines) for file, lines in by_file.items())


def _lines_of(file: str, lines: list[int]) -> str:
    distinct = sorted(set(lines))
    shown = ", ".join(f"{line}" for line in distinct[:MOST_LINES])
    left_out = len(distinct) - MOST_LINES
    more = f" and {left_out:,} more" if left_out > 0 else ""
    return f"{file} {'line' if len(distinct) == 1 else 'lines'} {shown}{more}".strip()
