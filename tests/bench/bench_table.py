"""Writes the rows as a table: in a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from goals import Row

TITLES: Final = {
    "loop": "create() each",
    "collections": "200 each",
    "bulk2": "bulk2",
    "cumulusci": "CumulusCI",
}
HEAD: Final = ("what", "limit", *TITLES.values(), "sfsync", "goal", "met")


def cells(row: Row) -> tuple[str, ...]:
    """A row as text, in the order of the head."""
    met = {True: "yes", False: "**no**", None: "-"}[row.is_met]
    if row.ours is None and row.goal is not None:
        met = "not measured"
    elif row.is_met is None and row.goal is not None:
        met = "busy machine"
    peers = [number(row.peers.get(name), "") for name in TITLES]
    return (
        row.what,
        number(row.limit, ""),
        *peers,
        number(row.ours, row.unit),
        number(row.goal, row.unit),
        met,
    )


def number(value: float | None, unit: str) -> str:
    """A figure with as many digits as it deserves."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return f"{text} {unit}" if unit else text


def terminal(rows: Sequence[Row]) -> str:
    """The table with columns of their widths."""
    lines = [HEAD, *(tuple(cell.replace("*", "") for cell in cells(row)) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    shown = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])


def markdown(rows: Iterable[Row]) -> str:
    """The table for a page."""
    head = f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"
    return "\n".join([head, *(f"| {' | '.join(cells(row))} |" for row in rows)])
