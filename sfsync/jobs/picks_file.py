"""Reads picks files: CSV with the columns sobject, field, value and id, and any others for people.

A line without an id settles nothing and is passed over, so that a file can be filled in bit by bit. Every other
mistake is an error with file and line: a pick that cannot hold would let a row go the wrong way.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from os.path import normpath
from pathlib import Path
from typing import Final

from sfsync.core.job import Job
from sfsync.core.references.picks import COLUMNS, Pick, Picks, contradiction
from sfsync.core.references.strategies import strategy
from sfsync.core.sobject import KEY_PREFIXES, id_form, record_id
from sfsync.core.values import clean_key, trimmed
from sfsync.core.wording import suggestion
from sfsync.errors import ConfigError
from sfsync.jobs.placeholders import filled_in

_HINT: Final = "Correct the picks file; a line without an id settles nothing and may stay."


def picks_path(written: str, *, folder: Path, environ: Mapping[str, str]) -> Path:
    """The picks file that a job names, from the job file's folder.

    Raises:
        ConfigError: a variable in it is not set.
    """
    return Path(normpath(folder / filled_in(written, environ=environ, folder=folder, key="picks")))


def with_picks(job: Job, path: Path) -> Job:
    """The job with the picks of a file in place of its own; a plan made with other picks is stale.

    Raises:
        ConfigError: the file cannot be read or is wrong, by its line.
    """
    picks = read_picks(path)
    digest = hashlib.blake2b(f"{job.digest} {picks.digest}".encode(), digest_size=16).hexdigest()
    return replace(job, picks=picks, digest=digest)


def read_picks(path: Path) -> Picks:
    """The picks of a file.

    Raises:
        ConfigError: the file cannot be read or is wrong, by its line.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _refusal(f"{path}: the picks cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _refusal(f"{path}: the picks are not UTF-8") from None
    try:
        picks = tuple(dict.fromkeys(_picks(path, text)))
    except csv.Error as error:
        raise _refusal(f"{path}: the picks are no CSV: {error}") from None
    found = contradiction(picks)
    if found is not None:
        first, second = found
        what = f"{second.sobject} is {first.record_id} in line {first.line}"
        raise _refusal(f"{path} line {second.line}: {what}, and {second.record_id} here, for one value")
    return Picks(str(path), picks)


def _picks(path: Path, text: str) -> Iterator[Pick]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [trimmed(each).lower() for each in next(reader, [])]
    lacking = [each for each in COLUMNS if each not in header]
    if lacking:
        raise _refusal(f"{path} line 1: there is no column {' and no column '.join(lacking)}")
    places = [header.index(each) for each in COLUMNS]
    begins = reader.line_num + 1
    for cells in reader:
        line, begins = begins, reader.line_num + 1
        if not any(map(trimmed, cells)):
            continue
        if len(cells) <= max(places):
            raise _refusal(f"{path} line {line}: it has {len(cells)} cells, and the header has {len(header)}")
        pick = _pick(path, line, [trimmed(cells[place]) for place in places])
        if pick is not None:
            yield pick


def _pick(path: Path, line: int, cells: list[str]) -> Pick | None:
    sobject, by, value, text = cells
    if not text:
        return None
    known = {each.lower(): each for each in KEY_PREFIXES}
    sobject = known.get(sobject.lower(), sobject)
    if not sobject or not value:
        raise _refusal(f"{path} line {line}: sobject and value must both be given")
    if sobject not in KEY_PREFIXES and not sobject.endswith("__c"):
        raise _refusal(f"{path} line {line}: sobject is unknown. {suggestion(sobject, KEY_PREFIXES)}")
    found = record_id(text, sobject)
    if found is None:
        what = f'"{text}"' if id_form(text) else "id"
        raise _refusal(f"{path} line {line}: {what} is no record id of {sobject}")
    return Pick(sobject, strategy(by).text if by else "", clean_key(value), found, line)


def _refusal(message: str) -> ConfigError:
    return ConfigError(message, code="PICKS", hint=_HINT)
