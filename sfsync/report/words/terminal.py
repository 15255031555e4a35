"""Draws plans and reports on a rich console: wraps lines to its width, colours them where it has colours.

The only place that hands text to a terminal. Text is never markup: a bracket in a deal's name is a bracket.
On a console that is no terminal no escape byte is written. rich is imported when something is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from sfsync.core.plans.plan import Plan
from sfsync.core.reports.report import Report
from sfsync.report.document import Files
from sfsync.report.words.lines import CountTable, Line, Piece, Tone
from sfsync.report.words.plan_view import plan_pieces
from sfsync.report.words.report_view import report_pieces

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final[Mapping[Tone, str]] = {
    Tone.PLAIN: "",
    Tone.TITLE: "bold",
    Tone.NEW: "green",
    Tone.CHANGED: "yellow",
    Tone.BAD: "red",
    Tone.FAINT: "dim",
}

_NARROWEST: Final = 20
"""Columns that a line keeps for its text, however far it stands in."""


def draw_plan(plan: Plan, console: Console, *, limit: int = 20) -> None:
    """Shows what a plan would do, with at most `limit` records of each sObject field by field."""
    _draw(plan_pieces(plan, limit=limit), console)


def draw_report(report: Report, console: Console, *, files: Files | None = None) -> None:
    """Shows how a run ended, and where its files are."""
    _draw(report_pieces(report, files or {}), console)


def _draw(pieces: Iterable[Piece], console: Console) -> None:
    for piece in pieces:
        match piece:
            case Line():
                _draw_line(piece, console)
            case CountTable():
                if piece.rows and len(piece.titles) > 1:
                    _draw_table(piece, console)


def _draw_line(line: Line, console: Console) -> None:
    from rich.text import Text

    if not line.text:
        console.print()
        return
    text = Text(_encodable(line.text, console), style=_STYLES[line.tone])
    indent = min(line.indent, max(console.width - _NARROWEST, 0))
    for part in text.wrap(console, max(console.width - indent, 1), overflow="fold"):
        part.rstrip()
        console.print(Text(" " * indent) + part, soft_wrap=True, highlight=False)


def _draw_table(table: CountTable, console: Console) -> None:
    """Columns where they fit, else one line for each row."""
    from rich.text import Text

    cells = table.cells()
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > console.width:
        for name, *numbers in cells[1:]:
            parts = ", ".join(
                f"{title} {number}" for title, number in zip(cells[0][1:], numbers, strict=True)
            )
            _draw_line(Line(f"{name}: {parts}"), console)
        return
    for place, (name, *numbers) in enumerate(cells):
        aligned = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        line = Text("  ".join([name.ljust(widths[0]), *aligned]), style="" if place else "bold")
        console.print(line, soft_wrap=True, highlight=False)


def _encodable(text: str, console: Console) -> str:
    """The text as far as the console's encoding has it, the rest spelled out by its number."""
    return text.encode(console.encoding, "backslashreplace").decode(console.encoding)
