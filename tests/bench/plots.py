"""Draws time, calls and memory against size as SVG, from the figures of a benchmark, by a pure function.

    python tests/bench/plots.py RESULTS.json [...] [--into docs/performance]

Both axes are logarithmic, because sizes and ways differ by powers of ten. Colours follow the reader's light or dark
setting. Source: SVG 1.1, "Basic Shapes", "Paths"; the drawing has no script and no font of its own.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from bench_table import TITLES, number
from figures import Figures, loaded
from goals import CONCURRENCY, DEALS_A_GRAPH_CALL, MEMORY_MB
from sfsync_cases import RECORDS_A_DEAL

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 170, 44, 50
_COLOURS: Final = ("#0b6bcb", "#b4451f", "#2e7d32", "#7a3fa0", "#8a6d00", "#5f6b76", "#00838f", "#c2185b")
_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:15px}.g{stroke:#ddd}.a{stroke:#888}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#444}}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name and its points; a dashed one is a limit or a goal."""

    name: str
    points: tuple[tuple[float, float], ...]
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn: a title, what the axes say, and the lines."""

    name: str
    title: str
    across: str
    up: str
    lines: tuple[Line, ...]


def svg(plot: Plot) -> str:
    """The plot as a drawing; lines without a point are left out."""
    lines = [each for each in plot.lines if each.points]
    xs = [x for line in lines for x, _ in line.points] or [1.0]
    ys = [max(y, 1e-3) for line in lines for _, y in line.points] or [1.0]
    across = _Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    up = _Scale(min(ys), max(ys), HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(plot.title)}</title><style>{_STYLE}</style>",
        f'<text class="t" x="{_LEFT}" y="22">{escape(plot.title)}</text>',
        *(_across(tick, across) for tick in across.ticks()),
        *(_up(tick, up) for tick in up.ticks()),
        f'<text x="{_LEFT}" y="{HEIGHT - 10}">{escape(plot.across)}</text>',
        f'<text x="14" y="{_TOP - 14}">{escape(plot.up)}</text>',
    ]
    places = _apart([up.at(max(line.points[-1][1], 1e-3)) for line in lines])
    for line, place, colour in zip(lines, places, _cycled(len(lines)), strict=True):
        parts += _drawn(line, across, up, place, colour)
    return "\n".join([*parts, "</svg>\n"])


class _Scale:
    """A logarithmic scale from whole powers of ten to whole powers of ten."""

    def __init__(self, least: float, most: float, begin: int, end: int) -> None:
        self._low = math.floor(math.log10(least))
        self._high = max(math.ceil(math.log10(most)), self._low + 1)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._begin + share * (self._end - self._begin), 1)

    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self._low, self._high + 1)]


def _across(tick: float, scale: _Scale) -> str:
    x = scale.at(tick)
    line = f'<line class="g" x1="{x}" y1="{_TOP}" x2="{x}" y2="{HEIGHT - _BOTTOM}"/>'
    return f'{line}<text x="{x}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{_short(tick)}</text>'


def _up(tick: float, scale: _Scale) -> str:
    y = scale.at(tick)
    line = f'<line class="g" x1="{_LEFT}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>'
    return f'{line}<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{_short(tick)}</text>'


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _drawn(line: Line, across: _Scale, up: _Scale, place: float, colour: str) -> list[str]:
    points = [(across.at(x), up.at(max(y, 1e-3))) for x, y in line.points]
    dash = ' stroke-dasharray="5 4"' if line.is_dashed else ""
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = (
        [] if line.is_dashed else [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in points]
    )
    last = number(line.points[-1][1], "")
    words = f"{escape(line.name)}: {last}"
    label = f'<text x="{WIDTH - _RIGHT + 10}" y="{place + 4}" style="fill:{colour}">{words}</text>'
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>', *dots, label]


def _apart(places: Sequence[float]) -> list[float]:
    """Places of labels, moved down until none covers another."""
    moved = dict.fromkeys(range(len(places)), 0.0)
    last = -math.inf
    for index in sorted(range(len(places)), key=places.__getitem__):
        last = moved[index] = max(places[index], last + 15)
    return [moved[index] for index in range(len(places))]


def _cycled(count: int) -> list[str]:
    return [_COLOURS[place % len(_COLOURS)] for place in range(count)]


def plots(runs: Sequence[Figures]) -> list[Plot]:
    """The plots of these benchmarks together; where two measured the same, the first counts."""
    return [*(_time(runs, latency) for latency in (0, 80, 250)), _calls(runs), _memory(runs)]


def _time(runs: Sequence[Figures], latency: int) -> Plot:
    def floor(run: Figures, deals: int) -> float | None:
        found = run.floor("graphs", deals)
        calls = math.ceil(deals / DEALS_A_GRAPH_CALL)
        return max(calls * latency / 1000 / CONCURRENCY, found.cpu_s) if found else None

    lines = [
        _line(
            "sfsync",
            runs,
            lambda run, deals: run.median("first load", deals, lambda each: each.wall_s, latency),
        ),
        _line(
            "no change",
            runs,
            lambda run, deals: run.median("no change", deals, lambda each: each.wall_s, latency),
        ),
        *_peer_lines(runs, latency, "wall_s"),
        _line("floor", runs, floor, is_dashed=True),
    ]
    title = f"A first load, {latency} ms a call: seconds"
    return Plot(f"time-{latency}ms", title, "deals, with two roles each", "seconds", tuple(lines))


def _calls(runs: Sequence[Figures]) -> Plot:
    lines = [
        _line("sfsync", runs, lambda run, deals: run.median("first load", deals, lambda each: each.calls)),
        _line("no change", runs, lambda run, deals: run.median("no change", deals, lambda each: each.calls)),
        *_peer_lines(runs, 0, "calls"),
        _line("floor", runs, lambda _, deals: math.ceil(deals / DEALS_A_GRAPH_CALL), is_dashed=True),
    ]
    return Plot("calls", "A first load: API calls", "deals, with two roles each", "calls", tuple(lines))


def _memory(runs: Sequence[Figures]) -> Plot:
    def of(what: str) -> Callable[[Figures, int], float | None]:
        return lambda run, deals: run.median(what, deals, lambda each: each.peak_mb)

    lines = [
        _line("plan", runs, of("plan")),
        _line("first load", runs, of("first load")),
        _line("no change", runs, of("no change")),
        *_peer_lines(runs, 0, "peak_mb"),
        _line("goal", runs, lambda *_: MEMORY_MB, is_dashed=True),
    ]
    records = f"deals, with two roles each: {RECORDS_A_DEAL} records"
    return Plot("memory", "Peak memory: megabytes", records, "MB", tuple(lines))


def _peer_lines(runs: Sequence[Figures], latency: int, name: str) -> list[Line]:
    return [
        _line(
            title,
            runs,
            lambda run, deals, key=key: run.peer(key, deals, latency, lambda each: getattr(each, name)),
        )
        for key, title in TITLES.items()
    ]


def _line(
    name: str,
    runs: Sequence[Figures],
    get: Callable[[Figures, int], float | None],
    *,
    is_dashed: bool = False,
) -> Line:
    points: dict[int, float] = {}
    for run in runs:
        for deals in run.sizes():
            value = get(run, deals)
            if value is not None:
                points.setdefault(deals, value)
    return Line(name, tuple(sorted(points.items())), is_dashed)


def write(runs: Sequence[Figures], into: Path) -> list[Path]:
    """Writes the plots that have a point of sfsync; the files."""
    into.mkdir(parents=True, exist_ok=True)
    files = []
    for plot in plots(runs):
        path = into / f"{plot.name}.svg"
        if plot.lines[0].points:
            path.write_text(svg(plot), encoding="utf-8")
            files.append(path)
    return files


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--into", type=Path, default=Path(__file__).parents[2] / "docs" / "performance")
    asked = parser.parse_args()
    for path in write([loaded(each) for each in asked.results], asked.into):
        print(path)


if __name__ == "__main__":
    main()
