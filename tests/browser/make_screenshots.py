"""Writes the pictures of report.html in docs/screenshots, from a run on the emulator.

SFSYNC_TEST_BROWSER=/usr/bin/chromium .venv/bin/python tests/browser/make_screenshots.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from devtools import browser
from report_pages import report_pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SEARCHED = (
    "(at => { at.value = 'boots'; at.dispatchEvent(new Event('input')); })"
    "(document.getElementById('filter-search'))"
)
ALONE = (
    "document.querySelectorAll('main > :not(h2):not(section)').forEach(each => each.remove());"
    "document.querySelectorAll('h2').forEach(each => /^What/.test(each.textContent) || each.remove())"
)


def main() -> None:
    """Renders each page and writes its picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with report_pages(folder) as pages, browser(folder) as tab:
            tab.open(pages.plan, width=1000, height=1150)
            tab.picture(FOLDER / "plan.png", width=1000, height=1150)
            tab.open(pages.run, width=1000, height=760)
            tab.value(SEARCHED)
            tab.value(ALONE)
            tab.picture(FOLDER / "records.png", width=1000, height=560)
            tab.media("", "dark")
            tab.open(pages.run, width=390, height=844)
            tab.picture(FOLDER / "phone-dark.png", width=390, height=844)
    for picture in sorted(FOLDER.glob("*.png")):
        sys.stdout.write(f"{picture.name}: {picture.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
