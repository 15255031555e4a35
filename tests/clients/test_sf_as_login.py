"""sfsync logs in by the real sf: its address and token, an alias it does not know, and a session that has ended."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from client_programs import SfCli
from npm_clients import environment

from sfsync.emulator.server import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "from sfsync.cli.main import main; main()"


@pytest.fixture
def bin_folder(sf: SfCli, tmp_path: Path) -> Path:
    """A folder for PATH with sf in it."""
    script = tmp_path / "sf"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(sf.clients.sf)} "$@"\n')
    script.chmod(0o755)
    return tmp_path


def org_test(sf: SfCli, folder: Path, alias: str) -> tuple[int, dict[str, Any]]:
    """`sfsync org test` by that alias: its exit code and its document."""
    given = {
        "SFSYNC_ORGS__BOX__LOGIN": "sf",
        "SFSYNC_ORGS__BOX__ALIAS": alias,
        "SFSYNC_ORGS__BOX__LOOPBACK": "true",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
    }
    words = [sys.executable, "-c", PROGRAM, "org", "test", "-o", "box", "--json"]
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, cwd=folder, env=environment(sf.home, **given)
    )
    assert sf.emulator.access_token not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def test_sfsync_logs_in_by_the_real_sf(sf: SfCli, emulator: RunningEmulator, bin_folder: Path) -> None:
    """The org, its address and the user are those that sf is logged in to."""
    code, found = org_test(sf, bin_folder, "emulator")
    assert code == 0, found
    assert (found["org"]["id"], found["instance_url"]) == (emulator.org_id, emulator.instance_url)


def test_an_alias_that_the_real_sf_does_not_know_is_named(sf: SfCli, bin_folder: Path) -> None:
    """Exit 2, by the error name of sf."""
    code, found = org_test(sf, bin_folder, "nobody")
    assert (code, found["code"]) == (2, "SF_UNKNOWN_ORG")


def test_a_session_that_the_real_sf_cannot_renew_is_expired(
    sf: SfCli, emulator: RunningEmulator, bin_folder: Path
) -> None:
    """A login by access token has no way to renew: exit 4 with the login to type."""
    token = emulator.access_token
    user = emulator.org.sessions.user_of(token)
    assert user is not None
    emulator.org.sessions.end(token)
    try:
        code, found = org_test(sf, bin_folder, "emulator")
    finally:
        emulator.org.sessions.open(user, token=token)
    assert (code, found["code"]) == (4, "SF_LOGIN_EXPIRED")
    assert "sf org login web --alias emulator" in found["hint"]
