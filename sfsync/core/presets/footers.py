"""Which lines behind the last row are the footer of an export, and no rows.

A footer is a block of lines with one filled cell each at the very end of the file, of which one fits a pattern of
the preset. A line in it that fits none (a report's name, a company's) belongs to it only where it stands apart
from the rows: a row that was cut off after its first cell stands right behind the one before it, and stays a row.
Source: exports of reports, "Details Only", classic and Lightning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sfsync.core.reading.rows import PassedLine, SourceForm
from sfsync.core.reports.results import Problem, RowRef, Stage

_MOST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class LooseLine:
    """A line with at most one filled cell; `is_apart` says that a blank line stands before it."""

    ref: RowRef
    raw: tuple[str, ...]
    is_apart: bool

    @property
    def text(self) -> str:
        """The filled cell."""
        return next((cell.strip() for cell in self.raw if cell.strip()), "")


def is_loose(raw: Sequence[str]) -> bool:
    """Whether a line has at most one filled cell."""
    return sum(1 for cell in raw if cell.strip()) <= 1


def follows_directly(before: RowRef, raw_before: Sequence[str], line: int) -> bool:
    """Whether a line stands right behind the row before it, whose cells may span lines."""
    inside = sum(_line_ends(cell) for cell in raw_before)
    return line <= before.line + inside + 1


def footer_start(lines: Sequence[LooseLine], patterns: Sequence[str]) -> int:
    """From which of the last lines on the footer stands; their number where there is none."""
    fitting = [place for place, line in enumerate(lines) if _fits(line.text, patterns)]
    if not fitting:
        return len(lines)
    start = fitting[0]
    apart = [place for place in range(start + 1) if lines[place].is_apart]
    return apart[0] if apart else start


def passed_notes(form: SourceForm, passed: Sequence[PassedLine]) -> list[Problem]:
    """A note that counts and shows the lines that are no rows."""
    if not passed:
        return []
    texts = [next((cell.strip() for cell in each.raw if cell.strip()), "") for each in passed]
    shown = "; ".join(f'"{text[:80]}"' for text in texts[:_MOST_SHOWN])
    more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
    what = "1 line" if len(passed) == 1 else f"{len(passed)} lines"
    return [
        Problem(
            code="FOOTER_LEFT_OUT",
            stage=Stage.PARSE,
            message=f"{form.file}: {what} at the end are the export's footer and no rows: {shown}{more}",
            hint="If one of them is a row, take the footer out of the file and the preset's footer out of the job.",
            row=passed[0].ref,
        )
    ]


def _fits(text: str, patterns: Sequence[str]) -> bool:
    folded = " ".join(text.casefold().split())
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def _line_ends(cell: str) -> int:
    return cell.count("\n") + cell.replace("\r\n", "").count("\r")
