"""The emulator's pages in a real browser: they render, hold no script, and hostile names stay text."""

from __future__ import annotations

from pathlib import Path

import requests
from chromium import needs_browser, rendered

from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


def hostile_deal(emulator: RunningEmulator) -> str:
    """A deal whose name is an attack; its id."""
    fields = {
        "Name": HOSTILE,
        "StageName": "Prospecting",
        "CloseDate": "2027-01-31",
        "NextStep": "javascript:alert(1)",
    }
    answer = requests.post(
        f"{emulator.instance_url}/services/data/v66.0/sobjects/Opportunity",
        json=fields,
        headers={"Authorization": f"Bearer {emulator.access_token}"},
        timeout=30,
    )
    return str(answer.json()["id"])


@needs_browser
def test_the_pages_render_without_a_complaint_and_names_stay_text(tmp_path: Path) -> None:
    """The title is the deal's name as text; the style sheet is the one that the policy allows."""
    with running(ROOT / "config" / "emulator" / "org.toml") as emulator:
        deal = hostile_deal(emulator)
        for path in ("/", "/lightning/o/Opportunity/list", f"/lightning/r/Opportunity/{deal}/view"):
            seen = rendered(f"{emulator.instance_url}{path}", tmp_path)
            assert seen.complaints == (), path
            assert "<title>owned" not in seen.document
            assert "<script" not in seen.document
            assert "&lt;img src=x" in seen.document
            assert '<html lang="en">' in seen.document
