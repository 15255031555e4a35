"""Builds the sdist and the wheel of the project, without network, the same bytes from the same sources.

Place: `make dist`, the Dockerfile and the tests. The setuptools that builds is that of the Python which runs this;
the lock pins it. Invariants: the build sees a copy of the shipped files alone, and nothing of an earlier build;
times are SOURCE_DATE_EPOCH (else the last commit's, else 1980), owners are nobody, modes are 644 and 755.
Source: reproducible-builds.org, "SOURCE_DATE_EPOCH"; setuptools, "Build System Support"; RFC 1952 (gzip).
"""
# ruff: noqa: INP001, S603, T201 - a script folder; it starts programs by name and talks to the terminal

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SHIPPED: Final = (
    *("sfsync", "config", "docs", "LICENSE", "README.md", "CHANGELOG.md"),
    *("MANIFEST.in", "pyproject.toml", "requirements.lock"),
)
"""What a build may see."""

EARLIEST: Final = 315_532_800
"""1980-01-01: a zip file can hold nothing earlier."""

BUILD: Final = """
import sys
from setuptools import build_meta
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]), file=sys.stderr)
"""


class BuildError(Exception):
    """The build cannot be done; the message has the words of what failed."""


def build(root: Path, out: Path, epoch: int, kinds: tuple[str, ...] = ("sdist", "wheel")) -> list[Path]:
    """Builds these kinds of the sources below `root` into `out`; returns the files.

    Raises:
        BuildError: setuptools is missing or refuses the project.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "sources"
        _copy_shipped(root, copy)
        files = [_built(kind, copy, Path(name) / kind, epoch) for kind in kinds]
        return [Path(shutil.copy(each, out / each.name)) for each in files]


def epoch_of(root: Path) -> int:
    """The time that the files get, in seconds since 1970."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return max(int(given), EARLIEST)
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return EARLIEST
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else EARLIEST


def _copy_shipped(root: Path, copy: Path) -> None:
    copy.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    for name in SHIPPED:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=ignored)
        elif source.is_file():
            shutil.copyfile(source, copy / name)
    for each in copy.rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)


def _built(kind: str, copy: Path, into: Path, epoch: int) -> Path:
    """Builds one kind in the copy; returns the one file."""
    into.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(into)],
        cwd=copy,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        umask=0o022,
    )
    if done.returncode != 0:
        raise BuildError(f"could not build the {kind}:\n{done.stdout.strip()}")
    [file] = into.iterdir()
    if kind == "sdist":
        file.write_bytes(_settled(file.read_bytes(), epoch))
    return file


def _settled(archive: bytes, epoch: int) -> bytes:
    """A .tar.gz whose order, times, owners and modes depend on its contents alone."""
    plain = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as given,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for each in sorted(given.getmembers(), key=lambda member: member.name):
            each.mtime, each.uid, each.gid, each.uname, each.gname = epoch, 0, 0, "", ""
            each.mode = 0o755 if each.isdir() else 0o644
            each.pax_headers = {}
            made.addfile(each, given.extractfile(each) if each.isfile() else None)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=epoch) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


def main() -> int:
    """Build as a program: prints each file with its SHA-256, as sha256sum does; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the sdist and the wheel, reproducibly and offline.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the files (dist)")
    arguments = parser.parse_args()
    try:
        files = build(ROOT, arguments.out, epoch_of(ROOT))
    except (BuildError, OSError, ValueError) as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    for each in files:
        print(f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
