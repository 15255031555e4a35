"""Set-up as a newcomer's machine meets it: the lock, fetching uv, the stamp, credentials, the CI script.

The scripts in .ci run before anything is installed, so they are loaded here by path. The package index is
a small real one on loopback; uv and make, where a test only needs to see how they are called, are small
programs on PATH. Nothing here needs a network.
"""

import base64
import hashlib
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))
bootstrap_uv = importlib.import_module("bootstrap_uv")
pip_settings = importlib.import_module("pip_settings")
set_up = importlib.import_module("set_up")
PipSettings = pip_settings.PipSettings

DEBIAN = bootstrap_uv.Machine("Linux", "x86_64", (2, 36))
X86 = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def locked_blocks() -> list[str]:
    """The lock's requirements, each with its continuation lines."""
    text = re.sub(r"(?m)^ *#.*\n", "", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return [block.strip() for block in text.replace("\\\n", " ").splitlines() if block.strip()]


def test_lock_pins_and_hashes_every_requirement() -> None:
    """Each line of the lock is one exact version with at least one SHA-256."""
    shape = re.compile(r"^[a-z0-9-]+==[\w.]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+$")
    assert [block[:60] for block in locked_blocks() if not shape.match(block)] == []
    assert len(locked_blocks()) > 20


def test_lock_names_no_index_and_no_address() -> None:
    """The lock works behind any mirror: it holds no URL, no index option, no path."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host|@ ", text)


def test_lock_satisfies_every_requirement_of_the_project() -> None:
    """Dependencies, the dev group and what builds the project are all locked, in a version they allow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    wanted += project["build-system"]["requires"]
    locked = dict(block.split()[0].split("==") for block in locked_blocks())
    for requirement in map(Requirement, wanted):
        assert locked[requirement.name.lower()] in requirement.specifier, requirement


def wheel_bytes(program: bytes) -> bytes:
    """A wheel laid out as uv's is."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("uv/__init__.py", b"")
        archive.writestr("uv-1.data/scripts/uv", program)
    return body.getvalue()


class LoopbackIndex:
    """A package index that offers the given files of uv; it records the credentials each request carried."""

    def __init__(self, form: str, password: str = "") -> None:
        self.form, self.password, self.file_host = form, password, "127.0.0.1"
        self.files: dict[str, tuple[bytes, str, bool]] = {}
        self.logins: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_class())
        self.port = self.server.server_address[1]

    def offer(self, filename: str, *, yanked: bool = False, sha256: str | None = None) -> None:
        """List a file, with its true hash or the one given ("" states none)."""
        body = wheel_bytes(filename.encode())
        self.files[filename] = (body, hashlib.sha256(body).hexdigest() if sha256 is None else sha256, yanked)

    def url(self, login: str = "") -> str:
        """The index's address, as it stands in pip's settings."""
        return f"http://{login}127.0.0.1:{self.port}/simple"

    def answer(self, path: str, login: str) -> tuple[int, str, bytes]:
        """Status, content type and body for one request."""
        self.logins[path] = login
        if path.startswith("/files/"):
            return 200, "application/octet-stream", self.files[path.rpartition("/")[2]][0]
        expected = "Basic " + base64.b64encode(f"reader:{self.password}".encode()).decode()
        if path != "/simple/uv/" or (self.password and login != expected):
            return 401, "text/plain", b"no"
        return self._json_page() if self.form == "json" else self._html_page()

    def _json_page(self) -> tuple[int, str, bytes]:
        address = f"http://{self.file_host}:{self.port}/files/"
        files = [
            {
                "filename": name,
                "url": address + name,
                "hashes": {"sha256": sha} if sha else {},
                "yanked": yanked,
            }
            for name, (_, sha, yanked) in self.files.items()
        ]
        return 200, "application/vnd.pypi.simple.v1+json", json.dumps({"files": files}).encode()

    def _html_page(self) -> tuple[int, str, bytes]:
        links = ""
        for name, (_, sha, yanked) in self.files.items():
            fragment, mark = f"#sha256={sha}" if sha else "", " data-yanked" if yanked else ""
            links += f'<a href="../../files/{name}{fragment}"{mark}>{name}</a><br/>'
        return 200, "text/html", f"<html><body>{links}</body></html>".encode()

    def _request_class(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Request(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = index.answer(self.path, self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Keep the test's output clean."""

        return Request


@pytest.fixture(params=["json", "html"])
def index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackIndex]:
    """A running index on loopback, once in each of the two forms."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", os.devnull)
    loopback = LoopbackIndex(request.param)
    thread = threading.Thread(target=loopback.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield loopback
    loopback.server.shutdown()
    thread.join()
    loopback.server.server_close()


def test_newest_final_wheel_for_this_machine_is_fetched(index: LoopbackIndex, tmp_path: Path) -> None:
    """Other platforms, newer glibc, pre-releases, yanked files and source archives are passed over."""
    index.offer(f"uv-0.9.9-py3-none-{X86}.whl")
    index.offer(f"uv-0.13.10-py3-none-{X86}.whl")
    index.offer(f"uv-0.13.9-py3-none-{X86}.whl")
    index.offer(f"uv-0.14.0rc1-py3-none-{X86}.whl")
    index.offer(f"uv-0.14.1-py3-none-{X86}.whl", yanked=True)
    index.offer(f"uv-0.14.2-py3-none-{X86}.whl", sha256="")
    index.offer("uv-0.15.0-py3-none-manylinux_2_17_aarch64.whl")
    index.offer("uv-0.15.0-py3-none-manylinux_2_99_x86_64.whl")
    index.offer("uv-0.15.0-py3-none-macosx_11_0_arm64.whl")
    index.offer("uv-0.15.0.tar.gz")
    program = bootstrap_uv.fetch_uv(PipSettings(index.url()), into=tmp_path / "bin", machine=DEBIAN)
    assert program.read_bytes() == f"uv-0.13.10-py3-none-{X86}.whl".encode()
    assert os.access(program, os.X_OK)


def test_wrong_hash_is_refused_and_nothing_is_written(index: LoopbackIndex, tmp_path: Path) -> None:
    """A file that is not what the index states never reaches the disk."""
    index.offer(f"uv-0.13.9-py3-none-{X86}.whl", sha256="0" * 64)
    with pytest.raises(bootstrap_uv.FetchError, match="does not have the SHA-256"):
        bootstrap_uv.fetch_uv(PipSettings(index.url()), into=tmp_path / "bin", machine=DEBIAN)
    assert list(tmp_path.iterdir()) == []


def test_credentials_go_to_the_index_and_to_no_other_host(index: LoopbackIndex, tmp_path: Path) -> None:
    """An index behind a password is read, and a file it keeps on another host is asked for without it."""
    index.form, index.password, index.file_host = "json", "s3cret", "localhost"
    index.offer(f"uv-0.13.9-py3-none-{X86}.whl")
    bootstrap_uv.fetch_uv(PipSettings(index.url("reader:s3cret@")), into=tmp_path, machine=DEBIAN)
    assert index.logins["/simple/uv/"].startswith("Basic ")
    assert index.logins[f"/files/uv-0.13.9-py3-none-{X86}.whl"] == ""


def test_an_index_that_refuses_is_told_without_its_password(index: LoopbackIndex, tmp_path: Path) -> None:
    """The refusal names the address and the status; user name and password are blotted out."""
    index.password = "another"
    with pytest.raises(bootstrap_uv.FetchError, match="401") as refusal:
        bootstrap_uv.fetch_uv(PipSettings(index.url("reader:s3cret@")), into=tmp_path, machine=DEBIAN)
    assert "127.0.0.1" in str(refusal.value)
    assert not re.search(r"s3cret|reader", str(refusal.value))


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (("Linux", "x86_64", (2, 36)), "manylinux_2_17_x86_64"),
        (("Linux", "x86_64", (2, 12)), "musllinux_1_1_x86_64"),
        (("Linux", "x86_64", ()), "musllinux_1_1_x86_64"),
        (("Linux", "aarch64", (2, 28)), "manylinux_2_28_aarch64"),
        (("Darwin", "arm64", (14, 2)), "macosx_11_0_arm64"),
        (("Linux", "s390x", (2, 36)), None),
    ],
)
def test_wheel_fits_the_machine(machine: tuple[str, str, tuple[int, ...]], expected: str | None) -> None:
    """Architecture, C library and its version decide; a machine that nothing fits gets nothing."""
    fitting = "macosx_11_0_arm64 manylinux_2_17_x86_64 manylinux_2_28_aarch64 musllinux_1_1_x86_64 win_amd64"
    wheels = [bootstrap_uv.Wheel(f"uv-1.0-py3-none-{tag}.whl", "", "0", "") for tag in fitting.split()]
    best = bootstrap_uv.pick_wheel(wheels, bootstrap_uv.Machine(*machine))
    assert (best and best.filename) == (expected and f"uv-1.0-py3-none-{expected}.whl")


def test_without_a_configured_index_pips_own_default_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose pip settings name no index reads the one that pip would read."""
    monkeypatch.setattr(bootstrap_uv, "PUBLIC_INDEX", "http://127.0.0.1:9/default/")
    with pytest.raises(bootstrap_uv.FetchError, match=r"127\.0\.0\.1:9/default/"):
        bootstrap_uv.fetch_uv(PipSettings(), into=tmp_path, machine=DEBIAN)


def test_pip_settings_follow_pips_order(tmp_path: Path) -> None:
    """The environment beats the named file, that beats the user's; absent local folders are left out."""
    for folder in ("pip", "here"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pip" / "pip.conf").write_text("[global]\nindex-url = http://user/simple\ncert = /user.pem\n")
    named = tmp_path / "named.conf"
    extras = (f"file://{tmp_path}/here", "http://extra/simple")
    lines = f"{extras[0]} file://{tmp_path}/absent\n  {extras[1]}"
    named.write_text(f"[install]\nextra_index_url = {lines}\n[global]\nindex-url = http://named/simple\n")
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PIP_CONFIG_FILE": str(named)}
    found = pip_settings.read_pip_settings(environ)
    assert found.index_urls == ("http://named/simple", *extras)
    assert found.certificates == "/user.pem"
    stronger = {**environ, "PIP_INDEX_URL": "http://env/simple", "PIP_CERT": "/env.pem"}
    assert pip_settings.read_pip_settings(stronger) == PipSettings("http://env/simple", extras, "/env.pem")


def test_uv_is_told_pips_indexes_unless_it_has_its_own(tmp_path: Path) -> None:
    """Pip's indexes and certificates reach uv; an index that uv was given stays untouched."""
    settings = PipSettings("http://a/simple", ("http://b/simple",), "/bundle.pem")
    bridged = set_up.uv_environment(settings, {"HOME": str(tmp_path)})
    assert (bridged["UV_DEFAULT_INDEX"], bridged["UV_INDEX"]) == ("http://a/simple", "http://b/simple")
    assert (bridged["UV_SYSTEM_CERTS"], bridged["SSL_CERT_FILE"]) == ("1", "/bundle.pem")
    own = set_up.uv_environment(settings, {"HOME": str(tmp_path), "UV_INDEX_URL": "http://own/simple"})
    assert not {"UV_DEFAULT_INDEX", "UV_INDEX"} & own.keys()


# -- the whole script, on a copy of the project's set-up files

UV_PROGRAM = """#!{python}
import os, pathlib, subprocess, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("uv 0.99.0"))
calls = pathlib.Path({calls!r})
calls.open("a").write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    subprocess.run([{python!r}, "-m", "venv", "--without-pip", ".venv"], check=True)
if pathlib.Path({calls!r} + ".fail").exists() and "sync" in sys.argv:
    sys.exit("refused by " + os.environ.get("UV_DEFAULT_INDEX", "") + " for " + os.environ["PIP_INDEX_URL"])
"""


class Newcomer:
    """A copy of the set-up files on a machine whose uv only records what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.root, self.calls, self.programs = folder / "project", folder / "calls", folder / "programs"
        shutil.copytree(ROOT / ".ci", self.root / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.root / name)
        self.add_program("uv", UV_PROGRAM.format(python=sys.executable, calls=str(self.calls)))

    def add_program(self, name: str, text: str) -> None:
        """Put a program on this machine's PATH."""
        self.programs.mkdir(exist_ok=True)
        (self.programs / name).write_text(text, encoding="utf-8")
        (self.programs / name).chmod(0o755)

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project with nothing of our own environment."""
        env = {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.root), **environ}
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, check=False)

    def set_up(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run set-up as make does."""
        return self.run(sys.executable, ".ci/set_up.py", **environ)

    def asked(self) -> list[str]:
        """What uv was asked since the last time, two words of each."""
        lines = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return [" ".join(line.split()[:2]) for line in lines]


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    """A fresh copy for one test."""
    return Newcomer(tmp_path)


def test_second_set_up_does_nothing_until_something_changes(newcomer: Newcomer) -> None:
    """The stamp makes set-up idle; a changed lock renews the packages, a moved folder the whole .venv."""
    assert newcomer.set_up().returncode == 0
    assert newcomer.asked() == ["venv --quiet", "pip sync", "pip install"]
    again = newcomer.set_up()
    assert (again.returncode, again.stdout, again.stderr, newcomer.asked()) == (0, "", "", [])
    newcomer.run("sh", "-c", "echo '# changed' >> requirements.lock")
    assert newcomer.set_up().returncode == 0
    assert newcomer.asked() == ["pip sync", "pip install"]
    newcomer.root = newcomer.root.rename(newcomer.root.with_name("moved"))
    assert newcomer.set_up().returncode == 0
    assert newcomer.asked() == ["venv --quiet", "pip sync", "pip install"]


def test_a_failed_set_up_hides_credentials_and_is_taken_up_again(newcomer: Newcomer) -> None:
    """What uv prints of the index loses its password; the next run goes on from there."""
    fail = newcomer.calls.with_name("calls.fail")
    fail.touch()
    failed = newcomer.set_up(PIP_INDEX_URL="http://reader:s3cr%40t@index.invalid/simple")
    assert failed.returncode == 1
    assert "could not install requirements.lock" in failed.stderr
    assert "refused by http://****@index.invalid/simple" in failed.stderr
    assert not re.search(r"s3cr|reader", failed.stdout + failed.stderr)
    fail.unlink()
    newcomer.asked()
    assert newcomer.set_up().returncode == 0
    assert newcomer.asked() == ["pip sync", "pip install"]


@pytest.mark.parametrize(
    ("printed", "code", "expected"),
    [
        ("4 passed, 1 skipped in 0.12s", 0, 0),
        ("1 failed, 3 passed in 0.12s", 2, 2),
        ("no tests ran in 0.01s", 0, 1),
    ],
)
def test_ci_ends_with_pytests_closing_line(
    newcomer: Newcomer, printed: str, code: int, expected: int
) -> None:
    """CI passes only when make passed and pytest says so; its closing line comes last."""
    newcomer.add_program("make", f"#!/bin/sh\necho '{printed}'\necho later >&2\nexit {code}\n")
    done = newcomer.run("bash", ".ci/run", CI="true")
    assert done.returncode == expected
    if "passed" in printed:
        assert done.stdout.splitlines()[-1] == printed
