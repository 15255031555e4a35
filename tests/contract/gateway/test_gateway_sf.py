"""Login by the Salesforce CLI: which two questions it is asked, what it may answer, and every way to fail."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
from gateway_making import Bench
from scripted_org import ScriptedOrg, Seen, records, refusal, reply
from sf_stand_in import HIDDEN, SfStandIn, fails, says

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.ports import Lookup
from sfsync.errors import AccessError, ConfigError, Interrupted, OrgUnavailable, SyncError
from sfsync.explanations.catalogue import explanation
from sfsync.salesforce.sf_program import ask

ACCOUNTS = [Lookup("Account", ("Id",))]
FIRST, SECOND = "00D000000000001!FIRST", "00D000000000001!SECOND"
DISPLAY = "org display --target-org box --json"
SHOW = "org auth show-access-token --no-prompt --target-org box --json"


@pytest.fixture
def sf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SfStandIn:
    """A program sf that comes first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return SfStandIn(folder)


def by_sf(**changes: object) -> OrgProfile:
    """A profile that logs in by sf."""
    return OrgProfile("test", Login.SF, **({"alias": "box", "loopback": True} | changes))  # type: ignore[arg-type]


def failed(profile: OrgProfile) -> SyncError:
    """The error of a first call; its code is explained, and the token is not in it."""
    with pytest.raises(SyncError) as caught:
        Bench(profile).gateway.fetch(ACCOUNTS)
    found = explanation(caught.value.code)
    assert found is not None
    assert caught.value.exit_code in found.exits
    assert caught.value.hint
    assert "FIRST" not in caught.value.message + caught.value.hint
    return caught.value


def accepting(token: str) -> object:
    """An org that knows one token only."""

    def respond(seen: Seen) -> bytes:
        if seen.headers["Authorization"] == f"Bearer {token}":
            return records({"Id": "1"})
        return refusal(401, "INVALID_SESSION_ID")

    return respond


def test_address_and_token_come_from_two_commands(org: ScriptedOrg, sf: SfStandIn) -> None:
    """The display tells the address and hides the token, which the other command gives; no argument has either."""
    sf.knows(org.url, FIRST)
    org.respond = accepting(FIRST)
    assert len(Bench(by_sf()).gateway.fetch(ACCOUNTS)[0]) == 1
    assert sf.asked == [DISPLAY, SHOW]


def test_an_older_sf_that_shows_the_token_is_asked_once(org: ScriptedOrg, sf: SfStandIn) -> None:
    """Where the display has the token, the command that an older sf lacks is not needed."""
    sf.knows(org.url, FIRST, shows_it=True)
    sf.token("echo 'is not a sf command' >&2\nexit 127\n")
    org.respond = accepting(FIRST)
    assert len(Bench(by_sf()).gateway.fetch(ACCOUNTS)[0]) == 1
    assert sf.asked == [DISPLAY]


def test_warnings_and_colours_around_the_json_do_no_harm(org: ScriptedOrg, sf: SfStandIn) -> None:
    """Plugins print what they like before the document, braces too; a terminal's colours are taken out."""
    answer = json.dumps({"status": 0, "result": {"instanceUrl": org.url, "accessToken": FIRST}})
    sf.display(says(f" Warning: {{update}} to 2.999 {{}} \x1b[33mnow\x1b[0m\n\x1b[1m{answer}\x1b[0m\nbye"))
    org.respond = accepting(FIRST)
    assert len(Bench(by_sf()).gateway.fetch(ACCOUNTS)[0]) == 1


def test_s1_eight_workers_whose_session_ends_ask_sf_again_once(org: ScriptedOrg, sf: SfStandIn) -> None:
    """One thread asks sf, which has renewed the session; every request is answered with the new token."""
    sf.knows(org.url, FIRST, shows_it=True)
    gate = threading.Barrier(8)

    def respond(seen: Seen) -> bytes:
        if seen.headers["Authorization"] == f"Bearer {FIRST}":
            if gate.wait(5) == 0:
                sf.knows(org.url, SECOND, shows_it=True)
            gate.wait(5)
            return refusal(401, "INVALID_SESSION_ID")
        return records({"Id": "1"})

    org.respond = respond
    gateway = Bench(by_sf()).gateway
    results: list[int] = []
    workers = [
        threading.Thread(target=lambda: results.append(len(gateway.fetch(ACCOUNTS)[0]))) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert results == [1] * 8
    assert len(sf.asked) == 2


def test_the_same_token_again_is_no_new_session(org: ScriptedOrg, sf: SfStandIn) -> None:
    """An sf that cannot renew gives what it has: the run ends with the login to type, after one more question."""
    sf.knows(org.url, FIRST)
    org.respond = accepting(SECOND)
    gateway = Bench(by_sf()).gateway
    for _ in range(3):
        with pytest.raises(AccessError) as caught:
            gateway.fetch(ACCOUNTS)
        assert caught.value.code == "SF_LOGIN_EXPIRED"
        assert "sf org login web --alias box" in caught.value.hint
    assert sf.asked == [DISPLAY, SHOW] * 2


@pytest.mark.parametrize(
    ("display", "token", "code", "kind"),
    [
        (fails("NamedOrgNotFoundError"), "", "SF_UNKNOWN_ORG", ConfigError),
        (fails("RefreshTokenAuthError"), "", "SF_LOGIN_EXPIRED", AccessError),
        (fails("SomethingElseError", f"Bearer {FIRST}"), "", "SF_REFUSED", AccessError),
        (fails(f"{FIRST} is no name"), "", "SF_REFUSED", AccessError),
        ("exit 3\n", "", "SF_UNREADABLE", AccessError),
        (says("<!DOCTYPE html><HTML><body>{}</body></HTML>"), "", "SF_UNREADABLE", AccessError),
        (says("[1, 2]"), "", "SF_UNREADABLE", AccessError),
        (says('{"status": 0, "result": ' + '{"a":' * 60_000), "", "SF_UNREADABLE", AccessError),
        ("head -c 3000000 /dev/zero\n", "", "SF_UNREADABLE", AccessError),
        (None, says(json.dumps({"status": 0, "result": {"accessToken": HIDDEN}})), "SF_NO_TOKEN", AccessError),
        (None, says('{"status": 0, "result": {}}'), "SF_NO_TOKEN", AccessError),
        (None, "exit 127\n", "SF_UNREADABLE", AccessError),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_sf_may_say_instead(
    sf: SfStandIn, org: ScriptedOrg, display: str | None, token: str, code: str, kind: type[SyncError]
) -> None:
    """Each has a code, an exit code and a next step; nothing of what sf printed but an error's name is repeated."""
    sf.knows(org.url, FIRST)
    if display is not None:
        sf.display(display)
    sf.token(token)
    error = failed(by_sf())
    assert (error.code, type(error)) == (code, kind)
    assert org.seen == []


def test_a_session_that_sf_says_has_ended_is_not_tried(sf: SfStandIn, org: ScriptedOrg) -> None:
    """The connected status tells it, and no call is made with a dead token."""
    sf.knows(org.url, FIRST, connectedStatus="Session expired or invalid")
    assert failed(by_sf()).code == "SF_LOGIN_EXPIRED"
    assert sf.asked == [DISPLAY]


@pytest.mark.parametrize(
    "url", ["https://salesforce.com.evil.example", "http://127.0.0.1:1", "ftp://x", "", None]
)
def test_a_token_goes_to_salesforce_only(sf: SfStandIn, url: str | None) -> None:
    """An address that is not Salesforce's is refused; plain http to this machine needs loopback in the profile."""
    sf.knows("", FIRST, shows_it=True, instanceUrl=url)
    assert failed(by_sf(loopback=False)).code == "FOREIGN_INSTANCE"


def test_an_sf_that_is_missing_or_broken_is_named(sf: SfStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on PATH, only in the current folder, or not startable: exit 2 with what to do."""
    (sf.folder / "sf").write_bytes(b"\x7fELF no program")
    assert failed(by_sf()).code == "SF_NOT_STARTED"
    monkeypatch.chdir(sf.folder)
    monkeypatch.setenv("PATH", f".{os.pathsep}{os.pathsep}bin")
    assert failed(by_sf()).code == "SF_NOT_FOUND"


def test_an_sf_that_hangs_is_ended_with_all_that_it_started(sf: SfStandIn) -> None:
    """After its time it is told to end, its children too; the error says to try later."""
    sf.display(f"sleep 60 & echo $! > '{sf.folder}/child'\nwait\n")
    with pytest.raises(OrgUnavailable) as caught:
        ask(("org", "display"), alias="box", refuse_stopped=lambda: None, patience_s=0.5)
    assert caught.value.code == "SF_TIMEOUT"
    child = int((sf.folder / "child").read_text())
    assert not is_running(child)


def test_an_answer_counts_though_something_that_sf_started_goes_on(sf: SfStandIn) -> None:
    """Its output is then never closed; that sf has ended is enough."""
    sf.display(
        f"sleep 60 & echo $! > '{sf.folder}/child'\necho '{{\"status\": 0, \"result\": {{}}}}'\nexit 0\n"
    )
    begun = time.monotonic()
    assert ask(("org", "display"), alias="box", refuse_stopped=lambda: None, patience_s=20) == {}
    assert time.monotonic() - begun < 10
    assert not is_running(int((sf.folder / "child").read_text()))


def is_running(pid: int) -> bool:
    """Whether there is such a process, within a second in which it may still be going away."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        status = Path(f"/proc/{pid}/stat")
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
    return True


def test_a_stop_ends_the_wait_for_sf(sf: SfStandIn) -> None:
    """A signal while sf is asked interrupts the command at once."""
    sf.display("exec sleep 60\n")
    bench = Bench(by_sf())
    threading.Timer(0.3, bench.stop.set).start()
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    assert time.monotonic() - begun < 30


def test_sf_is_asked_three_times_at_most(org: ScriptedOrg, sf: SfStandIn) -> None:
    """A run whose sessions keep ending stops instead of asking for ever."""
    answer = json.dumps({"status": 0, "result": {"instanceUrl": org.url, "accessToken": "TOKEN"}})
    sf.display(f"""echo '{answer}' | sed "s/TOKEN/T$(wc -l < "$here/asked")/"\n""")
    org.respond = lambda _: refusal(401, "INVALID_SESSION_ID")
    gateway = Bench(by_sf()).gateway
    codes = []
    for _ in range(4):
        with pytest.raises(AccessError) as caught:
            gateway.fetch(ACCOUNTS)
        codes.append(caught.value.code)
    assert codes[-1] == "TOO_MANY_LOGINS"
    assert len(sf.asked) == 3


def test_what_an_org_repeats_of_the_token_is_taken_out(org: ScriptedOrg, sf: SfStandIn) -> None:
    """The token of sf is a secret like any other."""
    sf.knows(org.url, FIRST)
    org.respond = lambda _: reply(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": f"Bearer {FIRST}"}])
    assert failed(by_sf()).code == "API_DISABLED_FOR_ORG"
