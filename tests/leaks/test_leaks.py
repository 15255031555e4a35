"""I12 (`no_leak`): no failure shows a secret, and values of rows stay where rows belong.

Each scenario is a real process at DEBUG logging whose environment, files and org are full of planted texts. All
that it printed and every file that it left is searched for all of them, in every coding they could have. The
whole grid, every script of the emulator's catalogue of faults at every kind of call, runs with SFSYNC_LEAKS=1
(`make leaks`), from the seed SFSYNC_LEAKS_SEED, and prints its figures.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from lead_bench import CONVERT, conversions, write_leads_job
from lead_bench import deal as deal_of_lead
from main_job_bench import WRITES
from planting import Search, planted
from scenes import IS_GRID, ROW, SECRET, Scene

from sfsync.emulator.fault_actions import FailRows, Kill, Page, Redirect, Refuse
from sfsync.emulator.fault_catalogue import CATALOGUE
from sfsync.emulator.faults import FaultScript, script_from

CRASH = """
def fail(*args, **kwargs):
    local = {local!r}
    try:
        try:
            raise KeyError({context!r})
        except KeyError:
            raise ValueError({cause!r})
    except ValueError as error:
        fault = RuntimeError({fault!r}, local)
        fault.add_note({note!r})
        raise fault from error
import {module}
{module}.{name} = fail
"""


def told(*names: str) -> str:
    """Planted texts in one line, as a careless server repeats them."""
    return " ".join(SECRET[name] for name in names)


def spill(status: int, code: str) -> Refuse:
    """A refusal whose every part tells something."""
    body = [{"message": told("echoed message"), "errorCode": code, "fields": [SECRET["echoed field"]]}]
    headers = {
        "Set-Cookie": f"sid={SECRET['echoed cookie']}",
        "X-Debug": SECRET["echoed header"].replace("é", "e"),
    }
    return Refuse(status, body, headers=headers)


SPILLS = {
    **{
        f"{status} {code}": spill(status, code)
        for status, code in [
            (400, "INVALID_FIELD"),
            (401, "INVALID_SESSION_ID"),
            (403, "API_DISABLED_FOR_ORG"),
            (404, "NOT_FOUND"),
            (403, "REQUEST_LIMIT_EXCEEDED"),
            (500, "UNKNOWN_EXCEPTION"),
            (503, "SERVER_UNAVAILABLE"),
            (410, "GONE"),
            (418, "STRANGE_CODE"),
        ]
    },
    "a page": Page(f"<title>{told('echoed title')}</title>{told('echoed page')}"),
    "a page with 500": Page(told("echoed page"), 500),
    "a redirect": Redirect(
        f"http://127.0.0.1:9/{planted(['x'], 1)['x'][:3]}?{SECRET['client secret'][:12]}", 307
    ),
    "an OAuth error": Refuse(
        400, {"error": "invalid_grant", "error_description": told("echoed description")}
    ),
    "a token answer of another place": Refuse(
        200,
        {
            "access_token": SECRET["echoed signature"][:12],
            "refresh_token": SECRET["echoed refresh token"],
            "instance_url": "https://evil.example",
            "id": SECRET["e-mail in an answer"],
        },
    ),
    "records that nobody asked for": Refuse(
        200,
        {
            "totalSize": 1,
            "done": True,
            "records": [{"Id": SECRET["name in an answer"], "Phone": SECRET["phone in an answer"]}],
        },
    ),
}
"""Answers of a careless or hostile server."""

ABOUT_ROWS = ("400", "404", "418", "410")
"""Answers about a row: its rejects file may say why."""

KINDS = {"a write": WRITES, "a query": "/query", "a describe": "/describe", "a login": "/oauth2/"}
BRIEF = {
    ("500 UNKNOWN_EXCEPTION", "a write"),
    ("a page", "a login"),
    ("an OAuth error", "a login"),
    ("418 STRANGE_CODE", "a query"),
}


@pytest.mark.parametrize(
    ("spilled", "kind"),
    [each for each in itertools.product(SPILLS, KINDS) if IS_GRID or each in BRIEF],
)
def test_no_leak_of_what_a_server_spills(scene: Scene, spilled: str, kind: str) -> None:
    """Whatever an answer tells, at any call, nothing of it is repeated."""
    scene.log_in_by("client_credentials")
    scene.emulator.faults.add(FaultScript(SPILLS[spilled], path=KINDS[kind], count=None))
    if spilled.startswith(ABOUT_ROWS) and kind == "a write":
        with_message = {name: SECRET.pop(name) for name in ("echoed message", "echoed field")}
        try:
            scene.go(spilled)
        finally:
            SECRET.update(with_message)
        return
    scene.go(spilled)


@pytest.mark.parametrize(
    "spilled",
    [
        each
        for each in SPILLS
        if not each.startswith(ABOUT_ROWS) and (IS_GRID or each == "500 UNKNOWN_EXCEPTION")
    ],
)
def test_no_leak_around_a_conversion(scene: Scene, spilled: str) -> None:
    """Leads go by SOAP with the token in the body: neither that nor what the answer tells is repeated."""
    [lead] = scene.emulator.org.storage.select("Lead", "1 = 1")
    owner = "maria.jimenez@cloudkicks.example"
    write_leads_job(scene.bench, [deal_of_lead("D-1", lead["Id"], deal=ROW["deal name"], owner=owner)])
    scene.inputs |= {each.name for each in scene.folder.iterdir()}
    scene.log_in_by("client_credentials")
    scene.emulator.faults.add(FaultScript(SPILLS[spilled], path=CONVERT))
    scene.go(spilled, "run", scene.bench.job, "--yes")
    assert conversions(scene.bench)


@pytest.mark.parametrize("way", ["token", "client_credentials", "jwt", "password"])
@pytest.mark.parametrize("form", ["bar", "lines", "json", "none"])
def test_no_leak_of_a_run_in_any_form(scene: Scene, way: str, form: str) -> None:
    """A run with bad rows, by every login and with every kind of progress, shows no secret."""
    if not IS_GRID and (way, form) not in {("password", "json"), ("jwt", "lines"), ("token", "bar")}:
        pytest.skip("with SFSYNC_LEAKS=1")
    if way != "token":
        scene.log_in_by(way)
    scene.go(way, "run", scene.bench.job, "--progress", form)
    scene.go(way, "run", scene.bench.job, "--json", "--progress", form)
    scene.go(way, "plan", scene.bench.job, "--out", str(scene.folder / "plan-saved.json"))


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        pytest.param(fault.id, number, id=f"{fault.id}-{number}")
        for fault in CATALOGUE
        for number in range(len(fault.scripts))
        if IS_GRID or (fault.id in {"N5", "N10", "S11"} and number == 0)
    ],
)
def test_no_leak_of_a_fault_of_the_catalogue(scene: Scene, fault: str, number: int) -> None:
    """Every scripted fault, at a query, a write and the login: nothing is shown."""
    table = next(each for each in CATALOGUE if each.id == fault).scripts[number]
    for path in (WRITES, "/query", "/oauth2/") if "path" not in table else (None,):
        script = script_from({**table, **({"path": path} if path else {})})
        scene.log_in_by("client_credentials")
        scene.emulator.faults.add(script)
        scene.go(fault)


@pytest.mark.parametrize(
    "place",
    [
        "sfsync.app.planning.plan_on",
        "sfsync.salesforce.session._answer_of",
        "sfsync.salesforce.access.token_request",
        "sfsync.report.files.folder.run_document",
        "sfsync.engine.applying.run_state.receipts_of",
        "sfsync.jobs.org_profiles._profile",
    ],
)
def test_no_leak_of_a_fault_of_ours(scene: Scene, place: str) -> None:
    """A crash of sfsync anywhere names its place in the trace, and neither a text, a cause, a note nor a local."""
    module, _, name = place.rpartition(".")
    texts = {each: SECRET[f"secret in {words}"] for each, words in _CRASH_TEXTS.items()}
    scene.prelude += CRASH.format(module=module, name=name, **texts)
    scene.log_in_by("password")
    scene.go(place)
    trace = (scene.folder / "state" / "fault.log").read_text()
    assert "RuntimeError" in trace
    assert "ValueError" in trace


_CRASH_TEXTS = {
    "fault": "a fault", "cause": "its cause", "context": "its context", "local": "a local", "note": "a note",
}  # fmt: skip

SWAPPED: Mapping[str, str] = {
    "LOGIN": "secret as a login",
    "LOGIN_URL": "secret as an address",
    "INSTANCE_URL": "secret as an address",
    "API_VERSION": "secret as a version",
    "PRIVATE_KEY_FILE": "secret as a path",
    "CA_FILE": "secret as a path",
    "LOOPBACK": "secret as a flag",
    "MAX_OUTAGE_MINUTES": "secret as a flag",
    "AUDIENCE": "secret as an address",
    "USERNAME": "secret as a user",
    "PROXY": "proxy password",
    "PRIVATE_KEY": "client secret",
    "ACCESS_TOKEN": "client secret",
}


@pytest.mark.parametrize("name", SWAPPED)
def test_no_leak_of_a_secret_in_the_wrong_variable(scene: Scene, name: str) -> None:
    """A secret that was put into another setting by mistake is not repeated by the complaint."""
    scene.log_in_by("jwt")
    scene.given[f"SFSYNC_ORGS__LOCAL__{name}"] = SECRET[SWAPPED[name]]
    scene.go(name)


def test_no_leak_of_a_key_in_the_place_of_its_file(scene: Scene) -> None:
    """The key itself where its file is asked for is the likeliest mistake of all."""
    scene.log_in_by("jwt")
    del scene.given["SFSYNC_ORGS__LOCAL__PRIVATE_KEY"]
    scene.given["SFSYNC_ORGS__LOCAL__PRIVATE_KEY_FILE"] = scene.key
    scene.go("key")


@pytest.mark.parametrize("login", ["token", "client_credentials"])
def test_no_leak_of_a_proxys_password(scene: Scene, login: str) -> None:
    """A proxy that is away, in the profile, shows neither its user nor its password."""
    if login != "token":
        scene.log_in_by(login)
    password = SECRET["proxy password"]
    scene.given["SFSYNC_ORGS__LOCAL__PROXY"] = f"http://u:{password}@127.0.0.1:9"
    scene.go("proxy")


PROFILES = (
    'access_token = "{}"',
    'client_secret = "{}"',
    'access_token_env = "{}"',
    'login = "{}"',
    'api_version = "{}"',
    'proxy = "http://u:{}@h:1"',
    'login_url = "https://u:{}@h"',
    'private_key = "{}"',
    'refresh_token = "{}"',
    '"{}" = 1',
    "login = {}",
    "token = '{}",
)


@pytest.mark.parametrize("line", PROFILES)
def test_no_leak_of_a_secret_in_a_profile(scene: Scene, line: str) -> None:
    """A secret in an org's file is refused without being repeated."""
    config = scene.folder / "config" / "orgs"
    config.mkdir(parents=True)
    safe = SECRET["secret in a profile"].replace('"', "x").replace("\\", "x").replace("'", "x")
    (config / "local.toml").write_text(line.format(safe) + "\n")
    scene.inputs.add("local.toml")
    scene.given["SFSYNC_CONFIG"] = str(scene.folder / "config")
    before, SECRET["secret in a profile"] = SECRET["secret in a profile"], safe
    try:
        scene.go(line)
    finally:
        SECRET["secret in a profile"] = before


KEYRING = """
import keyring, keyring.backend
class Planted(keyring.backend.KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        secret = {secret!r}
        {deed}
    set_password = None
keyring.set_keyring(Planted())
"""


@pytest.mark.parametrize(
    "deed", ["return secret", "raise OSError(secret)", "raise keyring.errors.KeyringLocked(secret)"]
)
def test_no_leak_of_a_secret_in_the_keyring(scene: Scene, deed: str) -> None:
    """The keyring gives the secret and the org repeats it, or the keyring breaks with the secret in its words."""
    config = scene.folder / "config" / "orgs"
    config.mkdir(parents=True)
    (config / "local.toml").write_text('client_secret_keyring = { service = "s", username = "u" }\n')
    scene.inputs.add("local.toml")
    scene.log_in_by("client_credentials")
    del scene.given["SFSYNC_ORGS__LOCAL__CLIENT_SECRET"]
    scene.given["SFSYNC_CONFIG"] = str(scene.folder / "config")
    scene.prelude += KEYRING.format(secret=SECRET["client secret"], deed=deed)
    scene.go("a run")
    if deed.startswith("raise"):
        assert "client_secret is to come from the keyring" in (scene.folder / "client.err").read_text()
        return
    assert scene.emulator.audit.requests
    echo = {"error": "invalid_client", "error_description": told("client secret")}
    scene.emulator.faults.add(FaultScript(Refuse(400, echo), path="/oauth2/", count=None))
    scene.go("a refused login")


@pytest.mark.parametrize("nth", [1, 2] if IS_GRID else [1])
def test_no_leak_in_what_a_killed_run_leaves(scene: Scene, nth: int) -> None:
    """A run that is killed in the middle leaves its journal, its WAL and its locks, and no secret."""
    scene.log_in_by("client_credentials")

    def strike(pid: int) -> None:
        scene.emulator.faults.add(FaultScript(Kill(pid), "after_commit", path=WRITES, nth=nth))

    scene.go("killed", strike=strike)
    scene.go("resumed", "resume")


def test_the_search_would_find_them(scene: Scene) -> None:
    """Every planted text is found in every form it could have, so that finding none means something."""
    import base64
    import json
    from html import escape
    from urllib.parse import quote

    for name, text in {**SECRET, **ROW}.items():
        for data in (
            text.encode(),
            quote(text).encode(),
            json.dumps({"a": text}).encode(),
            json.dumps({"a": text}, ensure_ascii=False).encode(),
            escape(text).encode(),
            f'"{text.replace(chr(34), chr(34) * 2)}"'.encode(),
            base64.b64encode(b"user:" + text.encode() + b"\n"),
            base64.urlsafe_b64encode(text.encode()),
            repr(text).encode(),
        ):
            search = Search({name: text}, {})
            search.look("x", b"before " + data + b" behind", may_hold_rows=True)
            assert search.hits, (name, data)


def test_rows_refused_by_the_org_stay_where_rows_belong(scene: Scene) -> None:
    """What the org says of a row may hold its values, so it goes into the private files only."""
    action = FailRows(code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=f"not so: {ROW['deal name']}")
    scene.emulator.faults.add(FaultScript(action, path=WRITES, count=None))
    scene.go("refused", "run", scene.bench.job, "--progress", "json")
