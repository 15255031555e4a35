"""The file of pulled deals: CSV or JSON Lines, written whole beside its old self and put in its place.

A cell of CSV that a spreadsheet would take for a formula gets a leading apostrophe, as in the rejects; JSON Lines
hold every text as the org has it. The digest of a file says whether it is still the one that was written.
Invariant: until `keep` returns, the old file is untouched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import orjson

from sfsync.core.pull import COLUMNS, TEXTS, PulledDeal
from sfsync.errors import SyncError
from sfsync.report.safe_text import json_text, unformulated

CSV: Final = "csv"
JSONL: Final = "jsonl"

_ID_PLACE: Final = COLUMNS.index("Id")


def row_text(deal: PulledDeal, form: str) -> str:
    """The deal as it stands in the file, with its line end."""
    if form == JSONL:
        return _json(deal.values) + "\n"
    return _csv_line([_cell(name, deal.values[name]) for name in COLUMNS])


def _csv_line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _json(value) if value else ""
    text = json_text(str(value))
    return unformulated(text) if name in TEXTS else text


def _json(value: Any) -> str:
    data: bytes = orjson.dumps(value, default=_number)
    return data.decode()


def _number(value: Any) -> orjson.Fragment:
    """A decimal as exactly the number that it is."""
    return orjson.Fragment(f"{value:f}")


def kept_rows(path: Path, form: str) -> Iterator[tuple[str, str]]:
    """The rows of a file that was written here, each with its record's id."""
    with path.open(encoding="utf-8", newline="") as file:
        if form == JSONL:
            for line in file:
                yield str(orjson.loads(line)["Id"]), line
            return
        rows = csv.reader(file)
        next(rows, None)
        for cells in rows:
            yield cells[_ID_PLACE], _csv_line(cells)


def digest_of(path: Path) -> str:
    """The digest of a file's bytes; "" where there is none that can be read."""
    digest = _new_digest()
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError:
        return ""
    return str(digest.hexdigest())


def _new_digest() -> Any:
    return hashlib.blake2b(digest_size=16)


@dataclass(slots=True)
class NewFile:
    """A file in the making, readable by its owner alone; without `keep` nothing of it stays."""

    path: Path
    form: str
    _part: Path = field(init=False)
    _file: IO[bytes] = field(init=False)
    _digest: Any = field(default_factory=_new_digest)

    def __enter__(self) -> Self:
        try:
            descriptor, name = tempfile.mkstemp(
                dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part"
            )
        except OSError as error:
            raise _refusal(self.path, error) from None
        self._part, self._file = Path(name), os.fdopen(descriptor, "wb")
        if self.form == CSV:
            self.write(_csv_line(list(COLUMNS)))
        return self

    def write(self, row: str) -> None:
        """Adds a row."""
        data = row.encode()
        self._digest.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise _refusal(self.path, error) from None

    @property
    def digest(self) -> str:
        """The digest of what was written so far."""
        return str(self._digest.hexdigest())

    def keep(self) -> None:
        """Puts the file in the place of the old one; it survives power loss when this returns."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._part.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _refusal(self.path, error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def _refusal(path: Path, error: OSError) -> SyncError:
    return SyncError(
        f"the file {path} cannot be written: {error.strerror or error}",
        code="PULL_NOT_WRITTEN",
        hint="The old file and its watermark are as they were. Make room, or correct the folder's rights.",
    )


def counts_of(values: Mapping[str, int]) -> dict[str, int]:
    """All counts of a pull, also those that are nothing."""
    return {
        name: values.get(name, 0) for name in ("deals", "new", "changed", "unchanged", "dropped", "deleted")
    }
