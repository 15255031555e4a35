"""A fresh emulated org for each test, served over real HTTP, and the environment that leads to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The org of the example, with its seed records."""
    with running(ROOT / "config" / "emulator" / "org.toml") as serving:
        yield serving


@pytest.fixture
def environ(emulator: RunningEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a user whose org "local" is the emulator and whose state is a fresh folder."""
    monkeypatch.chdir(ROOT)
    own = {
        "SFSYNC_STATE": str(tmp_path / "state"),
        "SFSYNC_ORGS__LOCAL__LOGIN": "token",
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": emulator.access_token,
        "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)
