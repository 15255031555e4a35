"""How the last run of each job ended, kept in the state folder: what makes a recovery or a drift visible next time.

Part of the composition root. Small private files, one for each job, org and share. The journal knows runs that
began; this knows also of those that ended before (a refused login, a mistake in the job). What cannot be read is
none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Final

from sfsync.app.run_files import safe_name, write_private
from sfsync.core.reports.run_ending import KeptEnding, RunEnding

FOLDER: Final = "endings"
SCHEMA: Final = "sfsync.ending/1"


def kept_ending(state: Path, ending: RunEnding) -> KeptEnding | None:
    """What is kept of the run before, of the same job, org and share; None where nothing is.

    A failure that came before the job's org was known is a failure of the org that comes next.
    """
    own, unplaced = _read(_file(state, ending)), _read(_file(state, replace(ending, org="")))
    return unplaced if own is None else own.after(unplaced)


def keep_ending(state: Path, ending: RunEnding, kept: KeptEnding) -> None:
    """Keeps what is to be kept of this end.

    Raises:
        OSError: the file system refuses.
    """
    file, unplaced = _file(state, ending), _file(state, replace(ending, org=""))
    for each in (state, state / FOLDER, file.parent):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, json.dumps({"schema": SCHEMA, **asdict(kept)}).encode() + b"\n")
    if file != unplaced:
        unplaced.unlink(missing_ok=True)


def _read(file: Path) -> KeptEnding | None:
    try:
        document = json.loads(file.read_bytes())
        known = {each.name: document[each.name] for each in fields(KeptEnding) if each.name in document}
        return KeptEnding(**known) if all(isinstance(each, str | int) for each in known.values()) else None
    except (OSError, ValueError, TypeError):
        return None


def _file(state: Path, ending: RunEnding) -> Path:
    """The file of a job and share, in a folder of its org where that is known."""
    job, share = ending.job, ending.share
    folder = state / FOLDER / safe_name(ending.org) if ending.org else state / FOLDER
    return folder / f"{safe_name(f'{job}-{share}' if share else job)}.json"
