"""Drives the command line over a generated file, in this process, and judges what it prints and how it ends.

Every command ends with a documented exit code that is no fault of sfsync, never shows a trace, and prints one JSON
document where it was asked for one.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fuzz_org import environ_of, org_document, save_example_org
from judging import Wrong, in_time, placed
from written_files import KINDS, draw_of

from sfsync.cli import main
from sfsync.emulator.server import running

EXIT_CODES: Final = frozenset({0, 2, 3, 5})
"""What a file may end a command with; 1 would be a fault of sfsync."""

_TIME_LIMIT_S: Final = 120
_COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("check", "{job}", "--snapshot", "{org}", "--json"),
    ("check", "{job}", "--snapshot", "{org}"),
    ("plan", "{job}", "--json"),
    ("plan", "{job}", "--progress", "none"),
    ("suggest", "{file}", "--json"),
    ("suggest", "{file}"),
)
_KNOWN: Final = tuple(each for each in _COMMANDS if each[0] in main.COMMANDS)


@contextmanager
def example_environ(folder: Path) -> Iterator[Path]:
    """The environment of a user whose org is served in this process; gives the file of its snapshot."""
    snapshot = folder / "org.snapshot.json"
    save_example_org(snapshot)
    before = dict(os.environ)
    with running(org_document()) as emulator:
        os.environ.update(environ_of(emulator), SFSYNC_STATE=str(folder / "state"))
        try:
            yield snapshot
        finally:
            os.environ.clear()
            os.environ.update(before)


def drive(name: str, seed: int, *, folder: Path, snapshot: Path) -> int:
    """Types every command over the file of a kind and seed; how many were typed.

    Raises:
        Wrong: one of them ended or printed as none may.
        TooSlow: they take too long.
    """
    files = folder / "files"
    files.mkdir(exist_ok=True)
    written = KINDS[name](draw_of(name, seed, large=300))
    job = placed(written, files)
    known = {"job": str(job), "org": str(snapshot), "file": str(files / written.name)}
    for command in _KNOWN:
        with in_time(_TIME_LIMIT_S):
            _type([each.format(**known) for each in command])
        shutil.rmtree(folder / "state", ignore_errors=True)
    return len(_KNOWN)


def _type(arguments: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main.run(arguments)
    said = f"sfsync {' '.join(arguments[:1])} ended with {code}: {err.getvalue()[-300:]}"
    if code not in EXIT_CODES:
        raise Wrong(said)
    if "Traceback" in out.getvalue() + err.getvalue():
        raise Wrong(f"a trace was shown; {said}")
    if "--json" in arguments:
        try:
            document = json.loads(out.getvalue())
        except ValueError:
            raise Wrong(f"stdout is not one JSON document: {out.getvalue()[:200]!r}; {said}") from None
        if document.get("exit_code", code) != code:
            raise Wrong(f"the document says exit code {document['exit_code']}; {said}")
