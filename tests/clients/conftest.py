"""Runs clients that others wrote, unmodified, against the emulator; only on request (docs/clients.md)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_programs import ORG_FILE, Jsforce, SfCli
from npm_clients import NotInstalledError, NpmClients, installed_clients
from simple_salesforce import Salesforce

from sfsync.emulator.server import RunningEmulator, running

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the suite out unless it is asked for: it installs and starts programs of others."""
    if os.environ.get("SFSYNC_TEST_CLIENTS") == "1":
        return
    skipped = pytest.mark.skip(reason="real clients run with SFSYNC_TEST_CLIENTS=1 (make test-clients)")
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(skipped)


@pytest.fixture(scope="session")
def npm_clients() -> NpmClients:
    """The clients from npm, installed at most once."""
    try:
        return installed_clients()
    except NotInstalledError as problem:
        pytest.skip(str(problem))


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[RunningEmulator]:
    """The shipped org for the tests of a module."""
    with running(ORG_FILE) as offered:
        yield offered


@pytest.fixture
def emulator(running_emulator: RunningEmulator) -> RunningEmulator:
    """The running org, without faults in force and with an empty audit."""
    running_emulator.faults.clear()
    running_emulator.audit.clear()
    return running_emulator


@pytest.fixture
def jsforce(npm_clients: NpmClients, emulator: RunningEmulator, tmp_path: Path) -> Jsforce:
    """The jsforce library, logged in by access token."""
    return Jsforce(npm_clients, emulator, tmp_path)


@pytest.fixture(scope="module")
def logged_in_sf(
    npm_clients: NpmClients, running_emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> SfCli:
    """The sf command, logged in once for the tests of a module."""
    sf = SfCli(npm_clients, running_emulator, tmp_path_factory.mktemp("sf-home"))
    sf.log_in()
    return sf


@pytest.fixture
def sf(logged_in_sf: SfCli, emulator: RunningEmulator) -> SfCli:
    """The logged-in sf command on an emulator with an empty audit."""
    return logged_in_sf


@pytest.fixture(scope="module")
def running_tls_emulator() -> Iterator[RunningEmulator]:
    """The shipped org over https for the tests of a module."""
    with running(ORG_FILE, tls=True) as offered:
        yield offered


@pytest.fixture
def tls_emulator(running_tls_emulator: RunningEmulator) -> RunningEmulator:
    """The org over https, without faults in force and with an empty audit."""
    running_tls_emulator.faults.clear()
    running_tls_emulator.audit.clear()
    return running_tls_emulator


@pytest.fixture
def salesforce(tls_emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> Salesforce:
    """simple-salesforce, logged in by access token."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tls_emulator.ca_file))
    return Salesforce(instance_url=tls_emulator.instance_url, session_id=tls_emulator.access_token)
