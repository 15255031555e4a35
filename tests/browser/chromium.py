"""A headless Chromium that renders one page and gives its document, its complaints and a picture of it.

Opt-in: SFSYNC_TEST_BROWSER names the program, such as /usr/bin/chromium. It reaches this machine and nothing else.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = os.environ.get("SFSYNC_TEST_BROWSER", "")

needs_browser = pytest.mark.skipif(not PROGRAM, reason="SFSYNC_TEST_BROWSER names no Chromium")

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Rendered:
    """What the browser made of a page: its document after all is done, and what it wrote on its console."""

    document: str
    complaints: tuple[str, ...]


def rendered(address: str, folder: Path, *, picture: Path | None = None, width: int = 1200) -> Rendered:
    """Renders a page in a fresh profile below `folder`."""
    wanted = [f"--screenshot={picture}"] if picture else ["--dump-dom"]
    done = subprocess.run(
        [
            *(PROGRAM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0"),
            *(f"--window-size={width},1400", *wanted, address),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    return Rendered(done.stdout, said)
