"""The plots of the benchmark, and the page that they stand in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from figures import Figures
from goals import Row
from measured_processes import Taken
from peer_runs import PeerRun
from plots import Line, Plot, svg
from sfsync_cases import measured
from stub_counts import Counts
from write_performance_page import PAGE, renewed, take_peers, with_misses

CASE_OF_SIZE = measured(
    "first load",
    Taken(0, 0.0, 1.0, 1.0, 100.0, "", ""),
    Counts().document(),
    deals=1_000,
    latency_ms=0,
    round_=1,
)
PLOT = Plot(
    "calls",
    "Calls & more",
    "deals",
    "calls",
    (
        Line("sfsync", ((1_000, 13), (10_000, 70))),
        Line("peer", ((1_000, 13), (10_000, 70))),
        Line("nobody", ()),
        Line("floor", ((1_000, 7), (10_000, 61)), is_dashed=True),
    ),
)


def test_a_plot_is_a_drawing_of_its_lines():
    """A plot is well-formed SVG with a line for everyone who has points, and none for others."""
    text = svg(PLOT)
    root = ET.fromstring(text)
    assert len(root.findall("{*}polyline")) == 3
    assert "nobody" not in text
    assert "Calls &amp; more" in text
    assert "<script" not in text


def test_names_of_lines_do_not_cover_each_other():
    """Lines that end in the same place have their names one below the other."""
    places = [float(each) for each in re.findall(r'x="560" y="([0-9.]+)"', svg(PLOT))]
    assert len(places) == 3
    assert all(abs(one - other) >= 15 for one in places for other in places if one is not other)


def test_larger_figures_are_higher():
    """The line of more calls is above the line of fewer."""
    paths = re.findall(r'polyline points="([^"]+)"', svg(PLOT))
    ours, floor = (float(path.split()[-1].split(",")[1]) for path in (paths[0], paths[2]))
    assert ours < floor


def test_words_on_the_page_stay():
    """Renewing replaces what is between marks, and adds a place for words on a miss once."""
    page = "# P\n<!-- tables -->\nold\n<!-- end tables -->\nWords.\n\n### slow\n\nBecause.\n"
    page = renewed(page, {"tables": "| a \\1 |"})
    assert page == "# P\n<!-- tables -->\n| a \\1 |\n<!-- end tables -->\nWords.\n\n### slow\n\nBecause.\n"
    missed = [Row("slow", "s", "", 2.0, goal=1.0), Row("large", "MB", "", 2.0, goal=1.0)]
    twice = with_misses(with_misses(page, missed), missed)
    assert twice.count("### slow") == twice.count("### large") == 1
    assert "Because." in twice
    with pytest.raises(ValueError, match="no part plots"):
        renewed(page, {"plots": ""})


def test_the_page_has_every_part_that_is_renewed():
    """docs/performance.md has the marks that one command renews."""
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- {name} -->\n" in page for name in ("tables", "notes", "plots", "misses"))


def test_peers_of_an_earlier_run_are_named_by_its_day():
    """Results without peers take those of an earlier run, and the page says when that was; their own stay."""
    earlier = Figures("quick", peers=[PeerRun("loop", 1_000, 0, 1, 4.0, 3.0, 50.0, 3_002)])
    case = CASE_OF_SIZE
    later, own = Figures("quick", cases=[case]), Figures("quick", cases=[case], peers=list(earlier.peers))
    take_peers([later, own], earlier, "2026-11-26")
    assert later.peers == earlier.peers
    assert "2026-11-26" in later.notes[0]
    assert own.notes == []
