"""How the last run of each job ended, kept in the state folder: what makes a recovery or a drift visible next time.

Part of the composition root. Small private files, one for each job and share. The journal knows runs that began;
this knows also of those that ended before (a refused login, a mistake in the job). What cannot be read is none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

from sfsync.core.run_ending import KeptEnding
from sfsync.run_files import safe_name, write_private

FOLDER: Final = "endings"
SCHEMA: Final = "sfsync.ending/1"


def kept_ending(state: Path, job: str, share: str) -> KeptEnding | None:
    """What is kept of the job's last run; None where nothing is."""
    try:
        document = json.loads(_file(state, job, share).read_bytes())
        known = {each.name: document[each.name] for each in fields(KeptEnding) if each.name in document}
        return KeptEnding(**known) if all(isinstance(each, str | int) for each in known.values()) else None
    except (OSError, ValueError, TypeError):
        return None


def keep_ending(state: Path, job: str, share: str, ending: KeptEnding) -> None:
    """Keeps the end of the job's last run.

    Raises:
        OSError: the file system refuses.
    """
    file = _file(state, job, share)
    for each in (state, file.parent):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, json.dumps({"schema": SCHEMA, **asdict(ending)}).encode() + b"\n")


def _file(state: Path, job: str, share: str) -> Path:
    return state / FOLDER / f"{safe_name(f'{job}-{share}' if share else job)}.json"
