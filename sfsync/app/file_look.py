"""Looks at a file once, from its first row to its last, and says what each column holds.

Part of the composition root: it opens the file as a run would, and keeps of it what a suggestion needs. A file
whose encoding is not known is looked at by the likeliest reading; the readings to choose from come with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sfsync.core.job import FieldRule, Section
from sfsync.core.reading.rows import HEADED, RowSource, SourceForm, SourceRow, UnreadableRow, notes_of
from sfsync.core.reading.source_spec import STANDARD_INPUT, SourceSpec
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.suggesting.column_account import ColumnAccount, ColumnFacts
from sfsync.core.suggesting.keys import Repeats
from sfsync.core.suggesting.suggestion import Rejected
from sfsync.errors import ConfigError, SourceError
from sfsync.sources import open_source
from sfsync.sources.column_repeats import ColumnRepeats
from sfsync.sources.text.encoding_advice import readings_to_choose
from sfsync.sources.text.encoding_choice import Reading

_MOST_LINES: Final = 5
_KINDS: Final = {OPPORTUNITY: "opportunities", CONTACT_ROLE: "contact_roles"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a file holds. `readings` are there where a person has to say the encoding; the first was used."""

    form: SourceForm
    rows: int
    columns: dict[str, ColumnFacts]
    repeats: tuple[Repeats, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    readings: tuple[Reading, ...] = ()


@dataclass(slots=True)
class _Unreadable:
    lines: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, row: UnreadableRow) -> None:
        why = row.problem.message if row.problem.code != "RAGGED_ROW" else "too few or too many cells"
        if why not in self.counts and len(self.counts) >= _MOST_LINES:
            why = "other reasons"
        self.counts[why] = self.counts.get(why, 0) + 1
        lines = self.lines.setdefault(why, [])
        if len(lines) < _MOST_LINES:
            lines.append(row.ref.line)

    def told(self) -> tuple[Rejected, ...]:
        return tuple(Rejected(why, count, tuple(self.lines[why])) for why, count in self.counts.items())


def look_at(spec: SourceSpec, sobject: str, *, is_encoding_said: bool) -> Look:
    """What the whole file holds.

    Raises:
        ConfigError: it is of a kind without a header, or standard input.
        SourceError: it cannot be read; only an encoding that is not said is left to be decided.
    """
    if spec.path == STANDARD_INPUT or spec.path is None:
        raise ConfigError(
            "suggest needs a file", code="USAGE", hint="Save what comes from the pipe to a file first."
        )
    try:
        return _looked(spec, sobject)
    except SourceError as error:
        if error.code != "ENCODING" or is_encoding_said:
            raise
        readings = readings_to_choose(spec.path, spec.encoding)
        if not readings:
            raise
    look = _looked(replace(spec, encoding=readings[0].encoding), sobject)
    return replace(look, readings=tuple(readings))


def _looked(spec: SourceSpec, sobject: str) -> Look:
    source = _opened(spec, sobject)
    accounts = [ColumnAccount(each) for each in source.form.columns]
    repeats = [ColumnRepeats(each) for each in source.form.columns]
    unreadable, rows = _Unreadable(), 0
    try:
        for row in source.rows():
            rows += 1
            if isinstance(row, UnreadableRow):
                unreadable.add(row)
            elif isinstance(row, SourceRow):
                for account, counted in zip(accounts, repeats, strict=True):
                    counted.add(row.ref.line, account.add(row.ref.line, row.cells.get(account.column)))
        found = tuple(each for one in repeats if (each := one.repeats()) is not None)
    finally:
        for one in repeats:
            one.close()
    columns = {each.column: each.facts() for each in accounts}
    notes = tuple(each.message for each in notes_of(source))
    return Look(source.form, rows, columns, found, unreadable.told(), notes)


def _opened(spec: SourceSpec, sobject: str) -> RowSource:
    """The source with all of its columns wanted, so that a cell which is no value is found."""
    section = Section(_KINDS[sobject], sobject, spec, ())
    source = open_source(section)
    if source.form.kind not in HEADED:
        raise ConfigError(
            f"{_name(spec.path)}: only files with a header can be looked at (.csv, .xlsx, .parquet)",
            code="NEEDS_HEADER",
            hint="Write a job file for JSON deals: sfsync init explains every section.",
        )
    rules = tuple(
        FieldRule(f"Column_{number}", column=each) for number, each in enumerate(source.form.columns)
    )
    return open_source(replace(section, rules=rules))


def _name(path: Path | None) -> str:
    return str(path)
