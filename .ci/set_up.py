"""Brings a machine to the point where all else works offline: uv, .venv, the locked packages, the project.

Place: `make setup`, `make demo` and `make test` start here; without make it is `python3 .ci/set_up.py`.
Invariants: packages come only as wheels whose hashes stand in requirements.lock; the project itself is
installed without network; what is shown carries no credentials of an index. A stamp in .venv holds this
folder's place and a digest of pyproject.toml and requirements.lock, so a second run changes nothing and takes
milliseconds. It is written last: a set-up that was cut short is taken up again. Two runs wait for each other.
Source: uv documentation, "Environment variables" (UV_SYSTEM_CERTS, UV_DEFAULT_INDEX, UV_INDEX_STRATEGY).
"""
# ruff: noqa: INP001, S603, T201 - a script folder; it starts programs by name and talks to the terminal

from __future__ import annotations

import sys

NEXT_STEP_FOR_PYTHON = (
    "On Debian: apt-get install python3. Another Python: make setup PYTHON=/path/to/python3."
)
try:
    import argparse
    import fcntl
    import hashlib
    import importlib.util
    import os
    import re
    import shutil
    import sqlite3  # noqa: F401 - the product needs it; a Python without it is better refused here
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Final

    from bootstrap_uv import FetchError, fetch_uv, this_machine
    from pip_settings import PipSettings, hide_secrets, read_pip_settings
except ImportError as missing:
    sys.exit(
        f"set-up: this Python ({sys.executable}) has no module '{missing.name}': its standard library is "
        f"incomplete.\n{NEXT_STEP_FOR_PYTHON}"
    )

ROOT: Final = Path(__file__).resolve().parent.parent
OLDEST_PYTHON: Final = (3, 11)
OLDEST_UV: Final = (0, 7)
STAMP: Final = Path(".venv", ".set-up-stamp")
_INDEX_VARIABLES: Final = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_NO_INDEX",
)


class SetUpError(Exception):
    """Set-up cannot go on; the message says what is missing and the next step."""


def is_current(root: Path) -> bool:
    """Whether the folder's .venv was finished for exactly this project file and this lock."""
    stamp = root / STAMP
    has_python = (root / ".venv" / "bin" / "python").exists()
    return has_python and stamp.is_file() and stamp.read_text(encoding="utf-8") == _stamp(root)


def set_up(root: Path, environ: Mapping[str, str]) -> None:
    """Make the folder's .venv current.

    Raises:
        SetUpError: a program, an index or a file is missing, or an installation step failed.
    """
    settings = read_pip_settings(environ)
    uv = Uv(
        _find_uv(root, settings, environ),
        root,
        uv_environment(settings, environ),
        secrets_of(settings, environ),
    )
    if not _is_usable(root):
        uv.run("venv", "--quiet", "--clear", "--python", _python_request(), ".venv", step="create .venv")
    print("set-up: installing the locked packages into .venv", file=sys.stderr)
    target = ("--quiet", "--python", ".venv/bin/python")
    sync = ("pip", "sync", *target, "--require-hashes", "--only-binary", ":all:", "requirements.lock")
    if uv.call(*sync, "--offline").returncode != 0:  # uv's cache may hold everything already
        uv.run(*sync, step="install requirements.lock")
    offline = ("--offline", "--no-deps", "--no-build-isolation")
    uv.run("pip", "install", *target, *offline, "--editable", ".", step="install the project")
    (root / STAMP).write_text(_stamp(root), encoding="utf-8")


def write_lock(root: Path, environ: Mapping[str, str], *, upgrade: bool) -> None:
    """Rewrite requirements.lock from pyproject.toml, for every supported Python and platform.

    Raises:
        SetUpError: the versions could not be resolved, or the result would name an index.
    """
    settings = read_pip_settings(environ)
    without_extras = PipSettings(settings.index_url, (), settings.certificates)
    env = uv_environment(without_extras, environ)
    uv = Uv(_find_uv(root, settings, environ), root, env, secrets_of(settings, environ))
    uv.run(
        *("pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--only-binary", ":all:", "--no-emit-index-url", "--annotation-style", "line"),
        *("--custom-compile-command", "make lock", "--group", "dev", "--output-file", "requirements.lock"),
        *(["--upgrade"] if upgrade else []),
        *("pyproject.toml", "-"),
        step="resolve the lock",
        stdin="\n".join(_build_requirements(root)),
    )
    if "://" in (root / "requirements.lock").read_text(encoding="utf-8"):
        raise SetUpError(
            "requirements.lock names an address; a lock that is shared must not. Check pyproject.toml."
        )


class Uv:
    """The uv program in one folder; its output is shown only when it fails, and without credentials."""

    def __init__(self, program: Path, root: Path, env: Mapping[str, str], secrets: Sequence[str]) -> None:
        self._program, self._root, self._env, self._secrets = program, root, env, secrets

    def run(self, *arguments: str, step: str, stdin: str = "") -> None:
        """Run uv; a failure is told as the step that could not be done, with uv's words and the next step."""
        done = self.call(*arguments, stdin=stdin)
        if done.returncode != 0:
            output = hide_secrets(done.stdout.strip(), self._secrets)
            raise SetUpError(f"could not {step}:\n{output}\n{_next_step(output)}")

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run uv and return what became of it, errors among the output."""
        return subprocess.run(
            [self._program, *arguments],
            cwd=self._root,
            env=dict(self._env),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def uv_of(root: Path, environ: Mapping[str, str]) -> Uv:
    """The uv program with this machine's indexes, fetched if need be.

    Raises:
        SetUpError: there is none, and none could be fetched.
    """
    settings = read_pip_settings(environ)
    program = _find_uv(root, settings, environ)
    return Uv(program, root, uv_environment(settings, environ), secrets_of(settings, environ))


def uv_environment(settings: PipSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment uv runs in: the machine's and its certificates, with pip's indexes if uv has none."""
    env = {name: value for name, value in environ.items() if name not in {"VIRTUAL_ENV", "UV_PYTHON"}}
    env.setdefault("UV_SYSTEM_CERTS", "1")
    env.setdefault("UV_NATIVE_TLS", "1")  # what uv before 0.10 calls it
    if settings.certificates and not Path(settings.certificates).is_dir():
        env.setdefault("SSL_CERT_FILE", settings.certificates)
    if any(environ.get(name) for name in _INDEX_VARIABLES) or _uv_file_names_index(environ):
        return env
    if settings.index_url:
        env["UV_DEFAULT_INDEX"] = settings.index_url
    if settings.extra_index_urls:
        env["UV_INDEX"] = " ".join(settings.extra_index_urls)
        env.setdefault(
            "UV_INDEX_STRATEGY", "unsafe-best-match"
        )  # as pip does; the hashes in the lock make it safe
    return env


def secrets_of(settings: PipSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Every index URL that may carry credentials."""
    from_uv = " ".join(environ.get(name, "") for name in _INDEX_VARIABLES).split()
    return (*settings.index_urls, *(url.partition("=")[2] if "=" in url[:40] else url for url in from_uv))


def _uv_file_names_index(environ: Mapping[str, str]) -> bool:
    home = Path(environ.get("HOME") or Path.home())
    files = (
        Path(environ.get("UV_CONFIG_FILE") or os.devnull),
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml",
        Path("/etc/uv/uv.toml"),
    )
    return any("index" in path.read_text(encoding="utf-8") for path in files if path.is_file())


def _find_uv(root: Path, settings: PipSettings, environ: Mapping[str, str]) -> Path:
    """Uv from PATH, else the one fetched before, else fetched now: by pip if there is one, else alone."""
    tools = root / ".tools" / "site-packages"  # a name that linters pass over, in a git checkout or not
    on_path = shutil.which("uv", path=environ.get("PATH"))
    for candidate in (Path(on_path) if on_path else None, tools / "bin" / "uv"):
        if candidate and _uv_version(candidate) >= OLDEST_UV:
            return candidate
    print("set-up: fetching uv, which installs the rest, into .tools", file=sys.stderr)
    failure = _fetch_by_pip(tools, environ)
    if _uv_version(tools / "bin" / "uv") >= OLDEST_UV:
        return tools / "bin" / "uv"
    if failure:
        print(f"set-up: pip could not fetch it: {hide_secrets(failure)}", file=sys.stderr)
    return fetch_uv(settings, into=tools / "bin", machine=this_machine())


def _fetch_by_pip(tools: Path, environ: Mapping[str, str]) -> str:
    """Let this Python's pip, if it has one, fetch uv; the last words of a pip that failed."""
    if importlib.util.find_spec("pip") is None:
        return ""
    pip = [
        sys.executable,
        *["-m", "pip", "install", "--quiet", "--no-input", "--upgrade", "uv", "--target"],
        str(tools),
    ]
    env = {**environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}  # settings that forbid --target
    done = subprocess.run(pip, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return "\n".join(done.stderr.strip().splitlines()[-4:]) if done.returncode != 0 else ""


def _uv_version(program: Path) -> tuple[int, ...]:
    """The version a uv program states, or an empty tuple where it does not run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    found = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found and done.returncode == 0 else ()


def _is_usable(root: Path) -> bool:
    """Whether the .venv can be kept: its Python runs, and it was not moved (its programs name paths)."""
    python, stamp = root / ".venv" / "bin" / "python", root / STAMP
    moved = stamp.is_file() and not stamp.read_text(encoding="utf-8").startswith(f"{root}\n")
    if moved or not python.exists():
        return False
    check = f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON} or sys.prefix == sys.base_prefix)"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def _python_request() -> str:
    return sys.executable if sys.version_info >= OLDEST_PYTHON else ">={}.{}".format(*OLDEST_PYTHON)


def _build_requirements(root: Path) -> list[str]:
    """What builds the project, read from pyproject.toml: locked too, so that no build needs an index."""
    import tomllib

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["build-system"]["requires"])


def _stamp(root: Path) -> str:
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "requirements.lock"):
        digest.update(b"\0" + (root / name).read_bytes())
    return f"{root}\n{digest.hexdigest()}\n"


def _next_step(output: str) -> str:
    if "usable wheels" in output:
        return "This platform has no ready-made wheel of that package; use Linux or a Mac with Apple silicon."
    if "hash" in output.lower():
        return "The index serves files that the lock does not know. Do not go round it; check the index."
    if "interpreter" in output or "No Python" in output:
        return f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed. {NEXT_STEP_FOR_PYTHON}"
    return "If the package index could not be reached: check PIP_INDEX_URL and PIP_CERT, then run this again."


def _run(arguments: argparse.Namespace) -> None:
    (ROOT / ".tools").mkdir(exist_ok=True)
    with (ROOT / ".tools" / "set-up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if arguments.lock or arguments.upgrade:
            write_lock(ROOT, os.environ, upgrade=arguments.upgrade)
        elif not is_current(ROOT):
            set_up(ROOT, os.environ)
            print("set-up: done; from here on no network is needed", file=sys.stderr)


def main() -> int:
    """Run set-up as a program and return its exit code."""
    parser = argparse.ArgumentParser(description="Install everything this project needs into .venv.")
    parser.add_argument("--lock", action="store_true", help="rewrite requirements.lock instead")
    parser.add_argument("--upgrade", action="store_true", help="rewrite it with the newest versions")
    arguments = parser.parse_args()
    try:
        if arguments.lock or arguments.upgrade or not is_current(ROOT):
            _run(arguments)
    except (SetUpError, FetchError, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
