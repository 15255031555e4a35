"""What GitHub Actions is told: annotations beside the rows that are not done, and a summary of the step.

Pure text. Cells may say anything, so everything is escaped: in a workflow command as the runner reads it, in
Markdown so that nothing is markup, a link or a mention. Both are bounded: GitHub shows ten errors and ten warnings
of a step. Source: GitHub Docs, "Workflow commands for GitHub Actions" (escaping: actions/toolkit, command.ts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sfsync.core.reports.report import Report
from sfsync.core.reports.results import COUNTED, Outcome, Problem
from sfsync.core.reports.run_ending import ending_of
from sfsync.explanations.catalogue import title_of
from sfsync.report.document import remarks, report_counts
from sfsync.report.safe_text import shortened
from sfsync.report.watching.ending_words import ending_sentence

MOST_ANNOTATIONS: Final = 10
MOST_PROBLEMS: Final = 50
MOST_TEXT: Final = 300

_PUNCTUATION: Final = re.compile(r"([!-/:-@\[-`{-~])")
"""CommonMark: a backslash before any ASCII punctuation makes it plain text."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One message at a place of a file; line 0 and an empty file are nowhere in particular."""

    level: str
    title: str
    text: str
    file: str = ""
    line: int = 0

    def command(self) -> str:
        """The line that the runner reads."""
        place = {"file": self.file, "line": f"{self.line}" if self.line else "", "title": self.title}
        said = ",".join(f"{name}={_property(value)}" for name, value in place.items() if value)
        return f"::{self.level} {said}::{_data(shortened(self.text, most=MOST_TEXT))}"


def annotations_of(report: Report) -> list[Annotation]:
    """The first problems as errors, of rows that wait for others as warnings, and the first remarks as warnings."""
    errors: list[Annotation] = []
    warnings: list[Annotation] = []
    for change, outcome, problem in report.problems():
        row = problem.row or change.row
        is_wrong = outcome not in (Outcome.BLOCKED, Outcome.UNPROCESSED)
        place = (row.file, row.line) if row else ("", 0)
        told = errors if is_wrong else warnings
        if len(told) < MOST_ANNOTATIONS:
            told.append(_annotation("error" if is_wrong else "warning", problem, *place))
    for problem, of_row, _ in remarks(report):
        row = problem.row or (of_row.row if of_row else None)
        if len(warnings) < MOST_ANNOTATIONS:
            warnings.append(_annotation("warning", problem, *((row.file, row.line) if row else ("", 0))))
    return [*errors, *warnings]


def _annotation(level: str, problem: Problem, file: str, line: int) -> Annotation:
    text = f"{problem.message}. {problem.hint}" if problem.hint else problem.message
    return Annotation(level, _titled(problem.code), text, file, line)


def _titled(code: str) -> str:
    title = title_of(code)
    return f"{code} - {title}" if title else code


def step_summary(report: Report) -> str:
    """The summary of a run in Markdown: the sentence, the counts, the first problems, the calls."""
    return "\n".join(_summary_lines(report)) + "\n"


def _summary_lines(report: Report) -> Iterator[str]:
    done = "run" if report.applied else "plan"
    yield f"### sfsync {done}: {_markdown(report.plan.job)}"
    yield ""
    yield _markdown(ending_sentence(ending_of(report)))
    yield ""
    counts = report_counts(report)
    shown = [each.value for each in COUNTED if any(row.get(each.value) for row in counts.values())]
    yield f"| sObject | rows | {' | '.join(map(_markdown, shown))} |" if shown else "| sObject | rows |"
    yield "|" + "---|" * (2 + len(shown))
    for sobject, counted in counts.items():
        cells = [counted["rows"], *(counted.get(name, 0) for name in shown)]
        yield f"| {_markdown(sobject)} | " + " | ".join(f"{each:,}" for each in cells) + " |"
    yield ""
    yield from _problem_lines(report)
    calls = report.usage.reads + report.usage.writes
    yield f"{calls:,} API calls, planning included."


def _problem_lines(report: Report) -> Iterator[str]:
    problems = report.problems()
    if not problems:
        return
    yield "| where | code | what is wrong |"
    yield "|---|---|---|"
    for change, _, problem in problems[:MOST_PROBLEMS]:
        row = problem.row or change.row
        place = f"{row.file}:{row.line}" if row else ""
        said = shortened(problem.message, most=MOST_TEXT)
        yield f"| {_markdown(place)} | {_markdown(problem.code)} | {_markdown(said)} |"
    yield ""
    if len(problems) > MOST_PROBLEMS:
        yield f"... and {len(problems) - MOST_PROBLEMS:,} more; run\\_results.json has all."
        yield ""


def _markdown(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", shortened(text, most=2 * MOST_TEXT))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(shortened(text)).replace(":", "%3A").replace(",", "%2C")
