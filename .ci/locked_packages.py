"""Reads requirements.lock: which packages an installation of sfsync takes, and which want which.

Place: the SBOM is made of it, and the Dockerfile installs what it prints instead of the whole lock, which has the
tools of development too. Invariant: what is printed are lines of the lock as they are, with their hashes.
Source: uv, "pip compile" (`--annotation-style line`: each package says which packages want it).
"""
# ruff: noqa: INP001, T201 - a script folder; it talks to the terminal

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECT: Final = "sfsync (pyproject.toml)"
"""How the lock names the project itself, as what wants a package in production."""

_ENTRY: Final = re.compile(r"(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; (?P<marker>.+?))?(?: \\)?$")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Locked:
    """A package of the lock: the SHA-256 of each of its files, and the names of what wants it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wanted_by: frozenset[str]
    text: str


def read_lock(text: str) -> tuple[Locked, ...]:
    """The packages of a lock, in its order.

    Raises:
        ValueError: a line is no entry of a lock that uv writes.
    """
    return tuple(_locked(each) for each in _blocks(text))


def in_production(locked: Sequence[Locked], extras: Iterable[str] = ()) -> frozenset[str]:
    """The names of what is installed with the project and these packages of its extras, all that they want too."""
    names = {each.name for each in locked if PROJECT in each.wanted_by} | set(extras)
    while True:
        more = {each.name for each in locked if each.wanted_by & names} - names
        if not more:
            return frozenset(names)
        names |= more


def packages_of(extra: str, root: Path = ROOT) -> tuple[str, ...]:
    """The packages that an extra of the project names.

    Raises:
        KeyError: there is no such extra.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return tuple(_plain(each) for each in project["optional-dependencies"][extra])


def extras_of(root: Path = ROOT) -> tuple[str, ...]:
    """The names of the project's extras."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return tuple(sorted(project["optional-dependencies"]))


def _plain(requirement: str) -> str:
    found = _NAME.match(requirement)
    assert found is not None
    return found[0].lower().replace("_", "-").replace(".", "-")


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines of each entry; a line that is not indented begins one."""
    block: list[str] = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" ") and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _locked(lines: list[str]) -> Locked:
    entry = _ENTRY.match(lines[0])
    if entry is None:
        raise ValueError(f"requirements.lock: {lines[0][:60]!r} is no entry")
    hashes = [found for line in lines for found in re.findall(r"--hash=sha256:([0-9a-f]{64})", line)]
    wanted = [line.partition("# via ")[2] for line in lines if "# via " in line]
    by = frozenset(each.strip() for line in wanted for each in line.split(","))
    text = "\n".join(line for line in lines if "# via" not in line)
    return Locked(entry["name"], entry["version"], entry["marker"] or "", tuple(hashes), by, text)


def main() -> int:
    """Print the entries of what is installed in production, or of what builds; returns the exit code."""
    parser = argparse.ArgumentParser(description="Print the part of requirements.lock that production needs.")
    parser.add_argument("--extra", action="append", default=[], choices=extras_of(), help="and this extra's")
    parser.add_argument("--build", action="store_true", help="print what builds the project instead")
    arguments = parser.parse_args()
    locked = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    extras = [package for extra in arguments.extra for package in packages_of(extra)]
    names = {"setuptools"} if arguments.build else in_production(locked, extras)
    for each in locked:
        if each.name in names:
            print(each.text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
