"""Orgs as people meet them: login by an sf alias, and the commands org list, add, test and limits."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import PROGRAM, Done, warm_sfsync
from safety_desk import GRAPHS, ORG_FILE, ROOT, SafetyDesk, row
from sf_stand_in import HIDDEN, SfStandIn, says

from sfsync.emulator.fault_actions import ExpireSession
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import RunningEmulator, running

BY_SF = {"SFSYNC_ORGS__LOCAL__LOGIN": "sf", "SFSYNC_ORGS__LOCAL__ALIAS": "my-sandbox"}


@pytest.fixture(scope="module")
def serving() -> Iterator[RunningEmulator]:
    """The example's org, for all tests of the module."""
    with running(ORG_FILE) as emulator:
        yield emulator


@pytest.fixture
def desk(serving: RunningEmulator, tmp_path: Path) -> SafetyDesk:
    """A user's folder on that org."""
    serving.faults.clear()
    serving.audit.clear()
    return SafetyDesk(serving, tmp_path)


@pytest.fixture
def sf(desk: SafetyDesk) -> SfStandIn:
    """The program sf of that user, logged in to the org as my-sandbox."""
    (desk.folder / "bin").mkdir()
    made = SfStandIn(desk.folder / "bin")
    made.knows(desk.emulator.instance_url, desk.emulator.access_token)
    return made


def command(desk: SafetyDesk, *words: str, **further: str) -> Done:
    """A command with that sf first on PATH; the token is never shown."""
    path = f"{desk.folder}/bin{os.pathsep}{os.environ['PATH']}"
    done = warm_sfsync(*words, environ=desk.environ | {"PATH": path} | further, cwd=desk.folder)
    assert desk.emulator.access_token not in done.out + done.err
    return done


def test_a_run_logs_in_by_an_sf_alias_and_asks_sf_again_when_its_session_ends(
    desk: SafetyDesk, sf: SfStandIn
) -> None:
    """S1: the session ends at the write; sf has renewed it, is asked once more, and the deal is there once."""
    sessions = desk.emulator.org.sessions
    first = desk.emulator.access_token
    user = sessions.user_of(first)
    assert user is not None
    tokens = [sessions.open(user), sessions.open(user)]
    results = [json.dumps({"status": 0, "result": {"accessToken": each}}) for each in tokens]
    sf.token(f"[ $(wc -l < \"$here/asked\") -gt 2 ] && echo '{results[1]}' || echo '{results[0]}'\n")
    desk.write(row("SF-1"))
    expiry = desk.emulator.faults.add(FaultScript(ExpireSession(), path=GRAPHS))
    done = command(desk, "run", "./job.toml", "--json", **BY_SF)
    assert (done.exit_code, expiry.struck) == (0, 1), done.out
    assert [each.split(" --")[0] for each in sf.asked] == ["org display", "org auth show-access-token"] * 2
    assert len(desk.deals("Deal SF-1")) == 1
    kept = [
        each.read_bytes() for each in desk.folder.rglob("*") if each.is_file() and "bin" not in each.parts
    ]
    assert not [each for each in kept for token in tokens if token.encode() in each]


def test_without_sf_on_path_the_command_says_what_to_do(desk: SafetyDesk) -> None:
    """Exit 2 before any call; the code is explained."""
    done = command(desk, "org", "test", "-o", "local", "--json", **BY_SF, PATH="/nowhere")
    assert (done.exit_code, done.document["code"]) == (2, "SF_NOT_FOUND")
    assert "PATH" in done.document["hint"]
    assert desk.emulator.audit.requests == []


def test_org_list_tells_the_profiles_without_a_secret_or_a_call(desk: SafetyDesk) -> None:
    """Files and environment, with what is missing; a broken file is exit 2 and hides no other."""
    folder = desk.folder / "config" / "orgs"
    folder.mkdir(parents=True)
    (folder / "uat.toml").write_text(
        'login_url = "https://a--uat.sandbox.my.salesforce.com"\nlogin = "jwt"\n'
    )
    (folder / "box.toml").write_text('login = "sf"\nalias = "my-sandbox"\norg_id = "00D000000000062"\n')
    done = command(desk, "org", "list")
    assert done.exit_code == 0
    assert "box: sf, alias my-sandbox, sandbox or production: org test says, pinned to 00D0" in done.out
    assert "local: token, 127.0.0.1, this machine, not pinned  [the environment]" in done.out
    assert (
        "uat: jwt, a--uat.sandbox.my.salesforce.com, sandbox, not pinned  [config/orgs/uat.toml]" in done.out
    )
    assert "missing client_id: set the environment variable SFSYNC_ORGS__UAT__CLIENT_ID." in done.out
    (folder / "bad.toml").write_text("x")
    listed = command(desk, "org", "list", "--json")
    assert (listed.exit_code, len(listed.document["orgs"])) == (2, 4)
    assert desk.emulator.audit.requests == []


def test_org_add_writes_a_profile_that_is_pinned_to_the_org_that_answered(
    desk: SafetyDesk, sf: SfStandIn
) -> None:
    """With --pin it logs in first; the profile then works, and a second one of the name is refused."""
    words = ("org", "add", "box", "--login", "sf", "--alias", "my-sandbox", "--loopback", "--pin", "--json")
    added = command(desk, *words)
    assert (added.exit_code, added.document["pinned_to"]["id"]) == (0, desk.emulator.org_id), added.out
    path = desk.folder / "config" / "orgs" / "box.toml"
    text = path.read_text()
    assert tomllib.loads(text) == {
        "login": "sf",
        "alias": "my-sandbox",
        "loopback": True,
        "org_id": desk.emulator.org_id,
    }
    assert command(desk, "org", "test", "-o", "box", "--json").document["pinned"] is True
    again = command(desk, *words)
    assert (again.exit_code, again.document["code"], path.read_text()) == (2, "ORG_EXISTS", text)


def test_org_add_writes_nothing_when_the_login_fails_or_an_option_may_be_a_secret(
    desk: SafetyDesk, sf: SfStandIn
) -> None:
    """No profile is left, and what was typed where a variable's name belongs is not repeated."""
    sf.token(says(json.dumps({"status": 0, "result": {"accessToken": HIDDEN}})))
    failed = command(
        desk, "org", "add", "x", "--login", "sf", "--alias", "a", "--loopback", "--pin", "--json"
    )
    assert (failed.exit_code, failed.document["code"]) == (4, "SF_NO_TOKEN")
    secret = ("--login", "token", "--url", "https://a.my.salesforce.com", "--access-token-env", "00D!CANARY")
    refused = command(desk, "org", "add", "x", *secret)
    assert (refused.exit_code, "CANARY" in refused.out + refused.err) == (2, False)
    plain = command(desk, "org", "add", "x", "--login", "jwt", "--url", "http://a.example", "--username", "u")
    assert plain.exit_code == 2
    assert command(desk, "org", "add", "x", "--login", "token").exit_code == 2
    assert not (desk.folder / "config").exists()


def test_on_a_terminal_org_add_asks_for_what_is_not_given(desk: SafetyDesk) -> None:
    """How, where, which variable, and whether to pin; an empty answer takes the usual variable."""
    answers = b"tokn\ntoken\n" + desk.emulator.instance_url.encode() + b"\n\nn\n"
    code, said = at_a_terminal(desk, answers, "org", "add", "asked", "--loopback")
    assert code == 0, said
    assert "SFSYNC_ORGS__ASKED__ACCESS_TOKEN" in said
    given = tomllib.loads((desk.folder / "config" / "orgs" / "asked.toml").read_text())
    assert given == {"login": "token", "instance_url": desk.emulator.instance_url, "loopback": True}


def at_a_terminal(desk: SafetyDesk, answers: bytes, *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, with those answers; the exit code and what it said."""
    ours, theirs = pty.openpty()
    environ = desk.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=environ, cwd=desk.folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, answers)
        said = b""
        with contextlib.suppress(OSError):  # a terminal whose other side is gone cannot be read
            while block := os.read(ours, 4096):
                said += block
    os.close(ours)
    return process.returncode, said.decode()


def test_org_test_says_who_where_what_is_allowed_and_how_safe(desk: SafetyDesk) -> None:
    """Some ten calls, no record read, nothing written; a person reads the same."""
    found = command(desk, "org", "test", "-o", "local", "--json").document
    assert found["org"] == {
        "id": desk.emulator.org_id,
        "name": "Cloud Kicks (sfsync emulator)",
        "sandbox": True,
    }
    assert (found["user"], found["bulk_jobs"]) == ("integration@cloudkicks.example", True)
    assert (found["api_version"], found["api_versions"]) == ("66.0", ["31.0", "68.0"])
    assert abs(found["clock_skew_s"]) < 120
    assert found["rights"]["OpportunityContactRole"] == ["read", "create", "update", "delete"]
    assert {name: each["route"] for name, each in found["guarantees"].items()} == {
        "Opportunity": "key fence",
        "OpportunityContactRole": "receipt fence",
        "Account": "key fence",
        "Contact": "key fence",
    }
    assert found["limits"][0]["name"] == "DailyApiRequests"
    assert found["api_calls"] <= 10
    assert {each.method for each in desk.emulator.audit.requests} == {"GET", "POST"}
    assert desk.emulator.audit.commits == []
    drawn = command(desk, "org", "test", "-o", "local").out
    assert "user         integration@cloudkicks.example\n" in drawn
    assert "created by: receipt fence; safe to repeat" in drawn


def test_org_test_ends_with_4_when_refused_and_75_when_the_org_is_away(desk: SafetyDesk) -> None:
    """A dead session and a port where nobody listens, each with its code."""
    refused = command(
        desk, "org", "test", "-o", "local", "--json", SFSYNC_ORGS__LOCAL__ACCESS_TOKEN="00Dx!dead"
    )
    assert (refused.exit_code, refused.document["code"]) == (4, "INVALID_SESSION_ID")
    away = command(
        desk,
        "org",
        "test",
        "-o",
        "local",
        "--json",
        SFSYNC_ORGS__LOCAL__INSTANCE_URL="http://127.0.0.1:1",
        SFSYNC_ORGS__LOCAL__LOGIN="token",
    )
    assert (away.exit_code, away.document["code"]) == (75, "UNSENT")


def test_a_user_who_lacks_rights_is_told_which(tmp_path: Path) -> None:
    """A record kind that is not seen is exit 4; hidden limits are a note of the test, and exit 4 of org limits."""
    document = tomllib.loads(ORG_FILE.read_text())
    user = document["users"][0]
    user["lacks"] = ["ViewSetup"]
    right = {"user": user["username"], "object": "Contact", "read": False}
    document["object_permissions"], document["records"] = [right], []
    with running(document) as emulator:
        desk = SafetyDesk(emulator, tmp_path)
        found = command(desk, "org", "test", "-o", "local", "--json")
        assert found.exit_code == 4
        assert found.document["lacking"][0] == "this user may not read Contact"
        assert found.document["limits"] is None
        assert any("View Setup and Configuration" in each for each in found.document["notes"])
        hidden = command(desk, "org", "limits", "-o", "local", "--json")
        assert (hidden.exit_code, hidden.document["code"]) == (4, "LIMITS_HIDDEN")


def test_org_limits_shows_used_of_most_and_warns_above_80_percent(desk: SafetyDesk) -> None:
    """By the org's own count; the exit code stays 0, and a program finds the warnings in a list."""
    usage = desk.emulator.org.usage
    before = usage.used
    usage.used = int(usage.daily_limit * 0.85)
    try:
        found = command(desk, "org", "limits", "-o", "local", "--json").document
        drawn = command(desk, "org", "limits", "-o", "local").out
    finally:
        usage.used = before
    day = found["limits"][0]
    assert (day["name"], day["max"], day["used"] + day["remaining"]) == ("DailyApiRequests", 15_000, 15_000)
    [warning] = found["warnings"]
    assert warning == f"API requests, 24 hours: {day['used']:,} of 15,000 are used (85%)"
    assert "warning: API requests, 24 hours: 12,7" in drawn
    assert "data storage in MB" in drawn
    assert found["exit_code"] == 0
