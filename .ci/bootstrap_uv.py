"""Fetches the uv program with nothing but Python's standard library, from the index pip is configured for.

Place: the last resort of set_up, for machines that have neither uv nor pip (a bare Debian). It reads the
index in the HTML or the JSON form, takes the newest final release with a wheel that runs here, checks the
SHA-256 that the index states, and unpacks only the program.
Invariants: nothing is written before the hash is right; a file without a stated SHA-256 is never taken;
credentials of an index go to that index's host alone, never to the host a redirect or a file link names.
Source: PyPA specifications, "Simple repository API" (PEP 503, 592, 691), "Platform compatibility tags".
"""
# ruff: noqa: INP001, S310 - a script folder; opening the URLs of the configured index is what this file is for

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import netrc
import platform
import re
import ssl
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from pip_settings import PipSettings, hide_secrets

ACCEPT: Final = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
TIMEOUT_S: Final = 60
PUBLIC_INDEX: Final = "https://pypi.org/simple/"
"""What pip itself reads when nothing else is configured. Source: pip documentation, --index-url."""

_WHEEL: Final = re.compile(r"^uv-(?P<version>\d+(?:\.\d+)*)-py3-none-(?P<tags>[\w.]+)\.whl$")


class FetchError(Exception):
    """Uv could not be fetched; the message says why and what to do next."""


@dataclass(frozen=True)
class Machine:
    """What decides whether a wheel runs here: `version` is that of glibc or macOS; empty without glibc."""

    system: str
    arch: str
    version: tuple[int, ...]


@dataclass(frozen=True)
class Wheel:
    """One wheel as the index lists it."""

    filename: str
    url: str
    sha256: str
    index_url: str


def this_machine() -> Machine:
    """The machine this Python runs on."""
    system, arch = platform.system(), platform.machine().lower()
    if system == "Darwin":
        return Machine(system, arch, tuple(_numbers(platform.mac_ver()[0])))
    name, version = platform.libc_ver()
    return Machine(system, arch, tuple(_numbers(version)) if name == "glibc" else ())


def fetch_uv(settings: PipSettings, *, into: Path, machine: Machine) -> Path:
    """Put the newest uv that runs on the machine into the folder and return the program's path.

    Raises:
        FetchError: no index answers, none has a fitting wheel, or a hash is wrong.
    """
    reader = _IndexReader(settings)
    wheels: list[Wheel] = []
    failures: list[str] = []
    for index_url in (settings.index_url or PUBLIC_INDEX, *settings.extra_index_urls):
        try:
            wheels.extend(reader.list_wheels(index_url))
        except (OSError, ValueError, KeyError, HTTPException) as error:
            failures.append(hide_secrets(f"{index_url}: {error}", settings.index_urls))
    best = pick_wheel(wheels, machine)
    if best is None:
        raise FetchError(_no_wheel_message(machine, failures, wheels))
    return _unpack(_checked(reader, best), into)


def pick_wheel(wheels: Iterable[Wheel], machine: Machine) -> Wheel | None:
    """The newest final release that runs on the machine, or None; of equals the first listed."""
    best: tuple[tuple[int, ...], Wheel] | None = None
    for wheel in wheels:
        match = _WHEEL.match(wheel.filename)
        if match is None or not any(_runs_on(tag, machine) for tag in match["tags"].split(".")):
            continue
        version = tuple(_numbers(match["version"]))
        if best is None or version > best[0]:
            best = (version, wheel)
    return best[1] if best else None


def _runs_on(tag: str, machine: Machine) -> bool:
    """Whether one platform tag covers the machine; uv's musl builds are static, so they run on any Linux."""
    kind, _, rest = tag.partition("_")
    if machine.system == "Linux" and kind == "musllinux":
        return rest.split("_", 2)[-1] == machine.arch
    if (machine.system, kind) not in {("Linux", "manylinux"), ("Darwin", "macosx")}:
        return False
    match = re.match(r"(\d+)_(\d+)_(\w+)$", rest)
    return match is not None and match[3] == machine.arch and tuple(_numbers(rest)[:2]) <= machine.version


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


class _IndexReader:
    """Opens the pages and files of the configured indexes, with their certificates and credentials."""

    def __init__(self, settings: PipSettings) -> None:
        bundle = settings.certificates
        if bundle and not Path(bundle).exists():
            raise FetchError(f"the certificate bundle {bundle}, named in pip's settings, does not exist.")
        is_folder = bool(bundle) and Path(str(bundle)).is_dir()
        self._context = ssl.create_default_context(
            cafile=None if is_folder else bundle, capath=bundle if is_folder else None
        )

    def list_wheels(self, index_url: str) -> list[Wheel]:
        page_url = index_url.rstrip("/") + "/uv/"
        if urlsplit(page_url).scheme == "file":
            page_url += "index.html"
        body, content_type, final_url = self.read(page_url, index_url)
        files = _json_files(body) if "json" in content_type else _html_files(body)
        return [
            Wheel(name, urljoin(final_url, url), sha256, index_url) for name, url, sha256 in files if sha256
        ]

    def read(self, url: str, index_url: str) -> tuple[bytes, str, str]:
        parts, index = urlsplit(url), urlsplit(index_url)
        bare_url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        request = Request(bare_url, headers={"Accept": ACCEPT, "User-Agent": "sfsync-set-up"})
        login = _login(index_url) if parts.hostname == index.hostname else None
        if login:
            request.add_unredirected_header("Authorization", "Basic " + login)
        context = self._context if parts.scheme == "https" else None
        with urlopen(request, timeout=TIMEOUT_S, context=context) as response:
            return response.read(), response.headers.get_content_type(), response.url


def _login(index_url: str) -> str | None:
    """The Basic credentials for an index: those in its URL, else those in the user's netrc file."""
    parts = urlsplit(index_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        try:
            found = netrc.netrc().authenticators(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            found = None
        user, password = (found[0], found[2] or "") if found else ("", "")
    return base64.b64encode(f"{user}:{password}".encode()).decode() if user else None


def _json_files(body: bytes) -> Iterator[tuple[str, str, str]]:
    for file in json.loads(body)["files"]:
        if not file.get("yanked"):
            yield file["filename"], file["url"], file.get("hashes", {}).get("sha256", "")


def _html_files(body: bytes) -> list[tuple[str, str, str]]:
    page = _IndexPage()
    page.feed(body.decode("utf-8"))
    return page.files


class _IndexPage(html.parser.HTMLParser):
    """Collects (file name, URL, SHA-256) of every link that is not yanked."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag != "a" or "data-yanked" in values:
            return
        url, fragment = urldefrag(values.get("href") or "")
        sha256 = fragment[len("sha256=") :] if fragment.startswith("sha256=") else ""
        self.files.append((unquote(urlsplit(url).path.rpartition("/")[2]), url, sha256))


def _checked(reader: _IndexReader, wheel: Wheel) -> bytes:
    try:
        body = reader.read(wheel.url, wheel.index_url)[0]
    except (OSError, HTTPException) as error:
        raise FetchError(f"{wheel.filename} could not be downloaded: {error}") from error
    if hashlib.sha256(body).hexdigest() != wheel.sha256:
        raise FetchError(
            f"{wheel.filename} does not have the SHA-256 that the index states; nothing was installed. "
            "Try again; if it stays, the index or a proxy before it serves a damaged file."
        )
    return body


def _unpack(wheel: bytes, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        partial = folder / "uv.partial"
        partial.write_bytes(archive.read(member))
    partial.chmod(0o755)
    return partial.replace(folder / "uv")


def _no_wheel_message(machine: Machine, failures: list[str], wheels: list[Wheel]) -> str:
    if wheels or not failures:
        return (
            f"no uv for this machine ({machine.system} {machine.arch}) on the package index. "
            "Install uv another way, put it on PATH, and run this again."
        )
    hint = "Set PIP_INDEX_URL (and PIP_CERT for a private certificate) as for pip, then run this again."
    if any("CERTIFICATE" in failure for failure in failures):
        hint = "Install ca-certificates, or name your certificate bundle in PIP_CERT; then run this again."
    return "no package index answered:\n  " + "\n  ".join(failures) + f"\n{hint}"
