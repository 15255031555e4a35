"""Runs one emulator a module on the shipped org file."""

from collections.abc import Iterator

import pytest
from emulator_client import ORG_FILE, Client

from sfsync.emulator.server import RunningEmulator, running


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Run the shipped org for the tests of a module."""
    with running(ORG_FILE) as offered:
        yield offered


@pytest.fixture
def org(emulator: RunningEmulator) -> Iterator[Client]:
    """Return a client of the running org, without faults in force."""
    emulator.faults.clear()
    client = Client(emulator)
    with client.http:
        yield client


@pytest.fixture
def contacts(org: Client) -> dict[str, str]:
    """Return the ids of the seeded contacts by first name."""
    return {row["FirstName"]: row["Id"] for row in org.query("SELECT Id, FirstName FROM Contact")}
