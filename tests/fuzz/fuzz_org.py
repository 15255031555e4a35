"""The org that generated files are read for: the example, with fields of more types, as a snapshot."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from sfsync.app.snapshots import read_snapshot, save_snapshot
from sfsync.core.orgs.snapshot import Snapshot
from sfsync.emulator.server import RunningEmulator, running

ROOT: Final = Path(__file__).resolve().parents[2]


def org_document() -> dict[str, Any]:
    """The definition of the org."""
    org = tomllib.loads((ROOT / "config" / "emulator" / "org.toml").read_text(encoding="utf-8"))
    more: list[dict[str, Any]] = [
        {"name": "Weight__c", "type": "Number", "precision": 10, "scale": 3},
        {"name": "Discount__c", "type": "Percent", "precision": 5, "scale": 2},
        {"name": "Signed__c", "type": "Date"},
        {"name": "Seen__c", "type": "DateTime"},
    ]
    org["fields"] += [{"object": "Opportunity", "label": each["name"][:-3], **each} for each in more]
    return org


def environ_of(emulator: RunningEmulator) -> dict[str, str]:
    """The environment in which the org profile "local" leads to an emulator."""
    return {
        "SFSYNC_ORGS__LOCAL__LOGIN": "token",
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": emulator.access_token,
        "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
    }


def save_example_org(file: Path) -> Snapshot:
    """The snapshot of the org, saved in a file."""
    from sfsync.app.workplace import Surroundings

    with running(org_document()) as emulator:
        save_snapshot("local", file=file, around=Surroundings(environ=environ_of(emulator)))
    return read_snapshot(file)


def example_org() -> Snapshot:
    """The snapshot of the org."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return save_example_org(Path(folder) / "org.snapshot.json")
