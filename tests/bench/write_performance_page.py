"""Renews the tables and plots of docs/performance.md from the results of benchmarks; words between them stay.

    python tests/bench/write_performance_page.py RESULTS.json [...] [--peers EARLIER.json]

What is renewed stands between `<!-- NAME -->` and `<!-- end NAME -->`. Each goal has a place for words of its own
under "Goals that are missed": it is made when the goal is first missed, and stays when it is met later, so that
nobody's words are lost. Peers do not change with sfsync: results without them take those of an earlier run, and
the page says of which day.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench_table import markdown, number
from figures import Figures, loaded
from goals import Row, rows
from plots import write

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"
_NO_WORDS: Final = "_No explanation yet._"


def renewed(page: str, parts: Mapping[str, str]) -> str:
    """The page with other contents between its marks.

    Raises:
        ValueError: a mark is missing.
    """
    for name, text in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"the page has no part {name}")
        page = pattern.sub(lambda found, own=text: f"{found[1]}{own}\n{found[2]}", page)
    return page


def with_misses(page: str, missed: Sequence[Row]) -> str:
    """The page with a place for words on every missed goal; places that are there stay as they are."""
    for row in (each for each in missed if each.is_met is False):
        heading = f"### {row.what}\n"
        if heading not in page:
            page = f"{page.rstrip()}\n\n{heading}\n{_NO_WORDS}\n"
    return page


def parts_of(runs: Sequence[Figures], files: Sequence[Path]) -> dict[str, str]:
    """The renewed parts, by name."""
    tables = [
        f"Size `{run.size}`, Python {run.machine['python']}, {run.machine['cores']} cores.\n\n{markdown(rows(run))}"
        for run in runs
    ]
    notes = dict.fromkeys(note for run in runs for note in run.all_notes())
    plots = [f"![{path.stem}](performance/{path.name})" for path in files]
    return {
        "tables": "\n\n".join(tables),
        "notes": "\n".join(f"- {note}" for note in notes),
        "plots": "\n".join(plots),
        "misses": _list_of_misses(missed_rows(runs)),
    }


def take_peers(runs: Sequence[Figures], earlier: Figures, day: str) -> None:
    """Gives runs without peers those of an earlier run, and says so."""
    said = f"the figures of the peers are those of a run of {day}"
    busy = f", on a machine with a load of {earlier.machine['most_load']}" if earlier.is_busy else ""
    for run in runs:
        taken = [each for each in earlier.peers if each.deals in run.sizes()]
        if not run.peers and taken:
            run.peers = taken
            run.notes.append(said + busy)


def missed_rows(runs: Sequence[Figures]) -> list[Row]:
    """The goals that are not met, each once: missed, not judged, or measured by none of the runs."""
    best: dict[str, Row] = {}
    for row in (each for run in runs for each in rows(run) if each.goal is not None):
        if row.what not in best or best[row.what].ours is None:
            best[row.what] = row
    return [row for row in best.values() if not row.is_met]


def _list_of_misses(missed: Sequence[Row]) -> str:
    return "\n".join(
        f"- {row.what}: {number(row.ours, row.unit) if row.ours is not None else 'not measured'},"
        f" goal {number(row.goal, row.unit)}{' (not judged: busy machine)' if row.is_spoilt else ''}"
        for row in missed
    )


def main() -> None:
    """Renew the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--peers", type=Path, help="results of an earlier run, for its peers")
    asked = parser.parse_args()
    runs = [loaded(each) for each in asked.results]
    if asked.peers is not None:
        earlier = loaded(asked.peers)
        written = datetime.fromtimestamp(asked.peers.stat().st_mtime, UTC)
        take_peers(runs, earlier, earlier.machine.get("day") or f"{written:%Y-%m-%d}")
    files = write(runs, PAGE.parent / "performance")
    page = renewed(PAGE.read_text(encoding="utf-8"), parts_of(runs, files))
    PAGE.write_text(with_misses(page, missed_rows(runs)), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
