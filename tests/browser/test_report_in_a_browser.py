"""report.html in a real browser: it renders with the network off, its filters work, and hostile cells stay text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from chromium import needs_browser
from devtools import Browser, browser
from report_pages import HOSTILE, Pages, report_pages

pytestmark = needs_browser

TAB = 9
SHOWN = "[...document.querySelectorAll('#records-body > tr')].map(each => each.cells[0].firstChild.data)"
STATUS = "document.getElementById('records-status').textContent"
FOCUS = "(on => on.id || on.getAttribute('aria-label') || on.tagName)(document.activeElement)"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages of a plan and its run."""
    with report_pages(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all of them."""
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def choose(tab: Browser, name: str, value: str) -> None:
    """Chooses a value of a filter, or types into the search."""
    tab.value(
        f"(at => {{ at.value = {value!r}; at.dispatchEvent(new Event('input')); }})"
        f"(document.getElementById('filter-{name}'))"
    )


def test_it_asks_for_nothing_but_itself_and_complains_of_nothing(tab: Browser, pages: Pages) -> None:
    """Neither the plan's page nor the run's; no script but its own ran."""
    for page in (pages.plan, pages.run):
        tab.requests.clear()
        tab.open(page)
        assert tab.requests == [page.as_uri()]
        assert tab.complaints == []
        assert "owned" not in tab.value("document.title")
        assert tab.value("document.querySelectorAll('img, iframe, link').length") == 0


def test_hostile_cells_stay_text(tab: Browser, pages: Pages) -> None:
    """The name that would be a script stands in the table as it was typed."""
    tab.open(pages.run)
    choose(tab, "search", "onerror")
    assert tab.value(SHOWN) == [HOSTILE]
    assert tab.value("document.title").startswith("Run ")


def test_records_are_found_by_words_and_by_what_they_are(tab: Browser, pages: Pages) -> None:
    """Search, action, stage, owner and problem narrow the table together; Clear shows all of it again."""
    tab.open(pages.run)
    whole = tab.value(STATUS)
    every = int(whole.split(" ")[0])
    choose(tab, "problem", "UNKNOWN_STAGE")
    assert tab.value(STATUS) == f"2 of {every} records match"
    assert len(tab.value(SHOWN)) == 2
    choose(tab, "action", "update")
    assert tab.value(STATUS) == f"0 of {every} records match"
    choose(tab, "problem", "")
    choose(tab, "stage", "Needs Analysis")
    choose(tab, "owner", "Maria Jimenez")
    found = tab.value(SHOWN)
    assert 0 < len(found) < every
    goods = found[0].split(" ")[-2]
    choose(tab, "search", f"{goods.upper()}  needs")
    fewer = tab.value(SHOWN)
    assert found[0] in fewer
    assert all(goods in each for each in fewer)
    tab.value("document.getElementById('records-clear').click()")
    assert tab.value(STATUS) == whole
    assert tab.value(FOCUS) == "filter-search"


def test_without_its_script_everything_but_the_table_is_there(tab: Browser, pages: Pages) -> None:
    """Counts, forecast, problems, and the first records field by field."""
    tab.open(pages.run, script=False)
    text = tab.tree()
    names = " ".join(name for _, name in text)
    for said in (
        "Forecast effect",
        "Contact role coverage",
        "UNKNOWN_STAGE",
        "update Get Cloudy - 10 Rain Boots",
    ):
        assert said in names, said
    assert not [name for role, name in text if role == "searchbox"]


def test_its_accessibility_tree_is_sound(tab: Browser, pages: Pages) -> None:
    """Every control and region has a name, headings go down in order, tables have headers, the status is told."""
    tab.open(pages.run)
    tree = tab.tree()
    roles = [role for role, _ in tree]
    assert roles.count("main") == 1
    assert [name for role, name in tree if role == "searchbox"] == ["Search"]
    chosen = [name for role, name in tree if role == "combobox"]
    assert chosen == ["Kind", "Action", "Outcome", "Stage", "Owner", "Problem"]
    named = ("button", "region", "searchbox", "combobox", "search", "image")
    assert [role for role, name in tree if role in named and not name] == []
    assert "status" in roles
    assert {"record", "action", "stage", "owner", "outcome", "fields", "guarantee"} <= {
        name for role, name in tree if role == "columnheader"
    }
    assert [
        name for role, name in tree if role == "rowheader" and name.startswith("Get Cloudy - 10 Rain Boots")
    ]
    levels = tab.value("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => +each.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tab.value("document.documentElement.lang") == "en"


def test_the_tab_key_goes_through_the_filters_in_their_order(tab: Browser, pages: Pages) -> None:
    """From the search to the table, and what is typed there searches."""
    tab.open(pages.run)
    tab.value("document.getElementById('filter-search').focus()")
    tab.type("DEAL-010")
    assert tab.value(STATUS).startswith("1 of ")
    order = []
    for _ in range(8):
        tab.press("Tab", code=TAB)
        order.append(tab.value(FOCUS))
    assert order == [
        *(f"filter-{name}" for name in ("kind", "action", "outcome", "stage", "owner", "problem")),
        *("records-clear", "Table of records"),
    ]


def test_in_print_the_controls_are_gone_and_what_is_folded_is_open(tab: Browser, pages: Pages) -> None:
    """And light, whatever the screen is."""
    tab.open(pages.run)
    tab.media("print", "dark")
    assert tab.value("getComputedStyle(document.querySelector('.filters')).display") == "none"
    assert tab.value("getComputedStyle(document.documentElement).colorScheme") == "light"
    folded = (
        "[...document.querySelectorAll('#records details ul')].every(each => each.getClientRects().length)"
    )
    assert tab.value(folded)
    tab.media()


def test_on_a_phone_nothing_but_tables_and_charts_is_wider_than_the_screen(
    tab: Browser, pages: Pages
) -> None:
    """These scroll by themselves; in the dark the text is light."""
    tab.open(pages.run)
    tab.size(390, 800, is_phone=True)
    assert tab.value("document.documentElement.scrollWidth") <= 390
    tab.media("", "dark")
    assert tab.value("getComputedStyle(document.body).color") == "rgb(255, 255, 255)"
    tab.media()
