"""The geometry of a bar chart: for each name a bar of before and one of after, on one scale, as numbers for SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sfsync.core.deals.forecast import Figures, Shift

WIDTH: Final = 780
_LEFT: Final = 200
_RIGHT: Final = 190
_ROW: Final = 46
_BAR: Final = 15


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and the place of its label, in units of the drawing."""

    kind: str
    x: int
    y: int
    width: int
    label_y: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its rows as (name, place of the name, bars), its size, and how many names were left out.

    `zero_x` is where its bars begin: those of negative sums go to the left of it.
    """

    title: str
    rows: tuple[tuple[str, int, tuple[Bar, ...]], ...]
    height: int
    left_out: int
    zero_x: int
    width: int = WIDTH
    name_x: int = _LEFT - 10
    height_of_bar: int = _BAR


def bar_chart(
    title: str,
    shifts: Sequence[Shift],
    *,
    value: Callable[[Figures], Decimal],
    name: Callable[[Shift], str],
    most: int,
) -> Chart | None:
    """The chart of the first `most` names; None where there is nothing to see."""
    shown = shifts[:most]
    values = [value(side) for each in shown for side in (each.before, each.after)]
    lowest, highest = min([Decimal(0), *values]), max([Decimal(0), *values])
    if lowest == highest:
        return None
    room = WIDTH - _LEFT - _RIGHT

    def at(number: Decimal) -> int:
        return _LEFT + int((number - lowest) * room / (highest - lowest))

    def bar(kind: str, number: Decimal, y: int, moved: Decimal = Decimal(0)) -> Bar:
        left, right = sorted((at(Decimal(0)), at(number)))
        text = f"{number:,f} ({moved:+,f})" if moved else f"{number:,f}"
        return Bar(kind, left, y, max(right - left, 1 if number else 0), y + _BAR - 3, text)

    rows = []
    for place, each in enumerate(shown):
        top = place * _ROW + 6
        was, becomes = value(each.before), value(each.after)
        bars = (bar("before", was, top), bar("after", becomes, top + _BAR + 2, becomes - was))
        rows.append((name(each), top + _BAR + 4, bars))
    return Chart(title, tuple(rows), len(shown) * _ROW + 6, len(shifts) - len(shown), at(Decimal(0)))
