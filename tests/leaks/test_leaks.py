"""I12 (`no_leak`): no failure shows a secret, and values of rows stay where rows belong.

Each scenario is a real process at DEBUG logging whose environment, files and org are full of planted texts. All
that it printed and every file that it left is searched for all of them, in every coding they could have. The
whole grid, every script of the emulator's catalogue of faults at every kind of call, runs with SFSYNC_LEAKS=1
(`make leaks`), from the seed SFSYNC_LEAKS_SEED, and prints its figures.
"""

from __future__ import annotations

import itertools
import os
import random
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from client_processes import Nursery
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lead_bench import CONVERT, conversions, write_leads_job
from lead_bench import deal as deal_of_lead
from main_job_bench import LEUNG, ORG_FILE, WRITES, Bench, deal, role
from planting import PRIVATE, ROWS, SECRETS, Search, files_below, planted

from sfsync.emulator.fault_actions import FailRows, Kill, Page, Redirect, Refuse
from sfsync.emulator.fault_catalogue import CATALOGUE
from sfsync.emulator.faults import FaultScript, script_from
from sfsync.emulator.server import RunningEmulator, running

IS_GRID = os.environ.get("SFSYNC_LEAKS") == "1"
SEED = int(os.environ.get("SFSYNC_LEAKS_SEED") or (random.SystemRandom().randrange(10**6) if IS_GRID else 7))
SECRET = planted(SECRETS, SEED)
ROW = planted(ROWS, SEED + 1)
DEBUG = """
import functools, logging
logging.basicConfig(level=logging.DEBUG)
from sfsync.salesforce import retrying
from sfsync.salesforce.session import Timeouts
retrying.RetryPolicy = functools.partial(
    retrying.RetryPolicy, first_wait_s=0.0, max_wait_s=0.0, max_retry_after_s=0.0, deadline_s=1.0,
    timeouts=Timeouts(0.5, 0.5),
)
import sfsync.app
sfsync.app._pause = lambda stop, tries: None
"""
"""What a client does first: it logs everything, and has little patience."""

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


@pytest.fixture(scope="module")
def key() -> str:
    """An RSA key in PEM form; each of its lines is a secret."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


@dataclass
class Scene:
    """One client on one org, and what it may not show."""

    emulator: RunningEmulator
    folder: Path
    key: str
    nursery: Nursery
    totals: Search
    given: dict[str, str] = field(default_factory=dict)
    prelude: str = DEBUG

    def __post_init__(self) -> None:
        self.bench = Bench(self.emulator, self.folder)
        bad = ROW["bad cell"]
        rows = [
            deal("D-1", deal=ROW["deal name"], next_step=ROW["next step"]),
            deal("D-2", amount=ROW["amount"]),
            deal("D-3", stage=ROW["stage"]),
            deal("D-4", account=ROW["account"]),
            deal("D-5", close_date=ROW["date"]),
            deal("D-6", close_date="2027-02-30", next_step=bad),
        ]
        roles = [
            role("D-1", LEUNG, "Evaluator"),
            role("D-1", ROW["contact e-mail"]),
            role("D-1", name=ROW["role"]),
        ]
        self.bench.write_job(rows, roles)
        self.inputs = {each.name for each in self.folder.iterdir()}

    @property
    def environ(self) -> dict[str, str]:
        """The client's environment, with secrets that are none of its business."""
        strange = {
            "HTTP_PROXY": f"http://u:{SECRET['netrc password']}@127.0.0.1:9",
            "HTTPS_PROXY": f"http://u:{SECRET['https proxy password']}@127.0.0.1:9",
            "ALL_PROXY": f"http://u:{SECRET['all proxy password']}@127.0.0.1:9",
            "AWS_SECRET_ACCESS_KEY": SECRET["cloud key"],
            "DATABASE_URL": f"postgres://u:{SECRET['database url']}@h/d",
            "COOKIE": SECRET["cookie in the environment"],
            "SSLKEYLOGFILE": str(self.folder / "tls-keys"),
            "SFSYNC_ORGS__LOCAL__MAX_OUTAGE_MINUTES": "0",
        }
        return {**self.bench.environ, **strange, **self.given}

    def log_in_by(self, way: str) -> None:
        """Sets the profile to a way to log in, with planted secrets."""
        settings = {
            "LOGIN": way,
            "LOGIN_URL": self.emulator.instance_url,
            "CLIENT_ID": SECRET["client id"],
            "CLIENT_SECRET": SECRET["client secret"],
            "USERNAME": "integration@cloudkicks.example",
            "PASSWORD": SECRET["password"] + SECRET["security token"],
            "PRIVATE_KEY": self.key,
            "ALLOW_PASSWORD": "true",
        }
        self.given |= {f"SFSYNC_ORGS__LOCAL__{name}": value for name, value in settings.items()}

    def go(self, name: str, *arguments: str, strike: Callable[[int], object] = lambda _: None) -> None:
        """Runs a command line and searches everything that left it."""
        err = self.folder / "client.err"
        arguments = arguments or ("run", self.bench.job)
        client = self.nursery.start(
            *arguments,
            environ=self.environ,
            folder=self.folder,
            grace_s=0.3,
            err=str(err),
            prelude=self.prelude,
        )
        strike(client.pid)
        client.run()
        self.emulator.faults.clear()
        lines = {f"key line {n}": line for n, line in enumerate(self.key.splitlines()) if len(line) > 30}
        tokens = {"token": self.emulator.access_token.partition("!")[2]}
        tokens |= {
            f"token {n}": token.partition("!")[2] for n, token in enumerate(self.emulator.org.sessions._live)
        }
        search = Search(
            {**SECRET, **lines, **tokens, "assertion": "eyJ0eXAi", "assertion 2": "eyJhbGci"}, ROW
        )
        search.look("stderr", err.read_bytes(), may_hold_rows=False)
        search.look("stdout", client.out.read_bytes(), may_hold_rows=True)
        for path in files_below(self.folder):
            if path.name in self.inputs or path.name.startswith("client"):
                continue
            holds_rows = path.name.startswith(PRIVATE)
            search.look(str(path.relative_to(self.folder)), path.read_bytes(), may_hold_rows=holds_rows)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert not (self.folder / "tls-keys").exists()
        self.totals.files += search.files
        self.totals.bytes_read += search.bytes_read
        self.totals.hits += search.hits
        assert [str(hit) for hit in search.hits] == [], (name, arguments)


@pytest.fixture(scope="module")
def totals() -> Iterator[Search]:
    """The figures over all scenarios."""
    search = Search(SECRET, ROW)
    yield search
    if IS_GRID:
        print(
            f"\nleaks: {len(SECRET)} secrets, {len(ROW)} row values; {search.files:,} outputs of "
            f"{search.bytes_read:,} bytes searched; {len(search.hits)} found; seed {SEED}"
        )


@pytest.fixture
def scene(tmp_path: Path, key: str, nursery: Nursery, totals: Search) -> Iterator[Scene]:
    """An org whose app and user have planted secrets."""
    document = tomllib.loads(ORG_FILE.read_text())
    document["oauth"] |= {"client_id": SECRET["client id"], "client_secret": SECRET["client secret"]}
    document["users"][0] |= {"password": SECRET["password"], "security_token": SECRET["security token"]}
    with running(document) as emulator:
        yield Scene(emulator, tmp_path, key, nursery, totals)


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
        "sfsync.app.make_plan",
        "sfsync.salesforce.session._answer_of",
        "sfsync.salesforce.access.token_request",
        "sfsync.report.folder.run_document",
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
    from urllib.parse import quote

    for name, text in {**SECRET, **ROW}.items():
        for data in (
            text.encode(),
            quote(text).encode(),
            json.dumps({"a": text}).encode(),
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
