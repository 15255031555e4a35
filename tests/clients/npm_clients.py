"""Brings the clients that come from npm to this machine: sf and jsforce, at the locked versions.

They go to `.tools/clients`, which git ignores and `make clean` removes; no install script of a package is run.
A second call changes nothing and takes milliseconds. sf and jsforce want Node 22 or newer: the lock brings one
for Linux, elsewhere the one on PATH is taken if it is new enough.
Source: npm documentation, "npm ci".
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE.parents[1] / ".tools" / "clients"
_LISTS: Final = ("package.json", "package-lock.json", ".npmrc")
_OLDEST_NODE: Final = 22
_INSTALL_S: Final = 600


class NotInstalledError(Exception):
    """The clients are not to be had on this machine; the message says why."""


@dataclass(frozen=True)
class NpmClients:
    """Where the installed clients are."""

    node: Path
    modules: Path

    @property
    def sf(self) -> tuple[str, str]:
        """The words that start the Salesforce CLI."""
        return str(self.node), str(self.modules / "@salesforce" / "cli" / "bin" / "run.js")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a client: a home of its own, no telemetry, no updates, no proxies."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    folders = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    quiet = dict.fromkeys(
        ("SF_DISABLE_TELEMETRY", "SF_SKIP_NEW_VERSION_CHECK", "SF_DISABLE_AUTOUPDATE", "CI"), "true"
    )
    return {**kept, **folders, **quiet, "NO_COLOR": "1", "TZ": "UTC", **more}


def installed_clients() -> NpmClients:
    """Return the clients, installed first when the lists changed.

    Raises:
        NotInstalledError: npm, the registry or a new enough Node is missing.
    """
    modules = FOLDER / "node_modules"
    if not all(_is_same(name) for name in _LISTS):
        _install()
    return NpmClients(_node(modules), modules)


def _is_same(name: str) -> bool:
    copy = FOLDER / name
    return copy.is_file() and copy.read_bytes() == (HERE / name).read_bytes()


def _install() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalledError("no npm on PATH")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in _LISTS:
        shutil.copy(HERE / name, FOLDER / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, check=False, cwd=FOLDER, capture_output=True, text=True, timeout=_INSTALL_S
        )
        problem = done.stderr.strip().splitlines()[:1] if done.returncode else None
    except subprocess.TimeoutExpired:
        problem = ["it took too long"]
    if problem is not None:
        shutil.rmtree(FOLDER)
        raise NotInstalledError(f"npm ci failed: {' '.join(problem)}")


def _node(modules: Path) -> Path:
    brought = sorted(modules.glob("node-linux-*/bin/node"))
    found = brought[0] if brought else shutil.which("node")
    if found is None:
        raise NotInstalledError("no Node on PATH")
    shown = subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if int(shown.lstrip("v").partition(".")[0]) < _OLDEST_NODE:
        raise NotInstalledError(f"Node {_OLDEST_NODE} or newer is needed, here is {shown}")
    return Path(found)
