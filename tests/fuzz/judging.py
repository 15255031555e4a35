"""The oracle: what may become of a generated file, and nothing else.

A file is refused as a whole by an error of ours that the catalogue of codes explains; or every row that is there
ends as mapped or as a problem, cells that were written well arrive exactly, and the rejects of the rows that are
problems read back to the same cells. Everything else is a finding. Files are written into a folder of the caller
and replace each other there.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Final

from written_files import ANY, KINDS, Row, Written, draw_of

from sfsync.app.planning import open_sources
from sfsync.core.job import Job
from sfsync.core.orgs.snapshot import Snapshot
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.presets.fitting import fitted_to_sources
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import SourceRow, UnreadableRow
from sfsync.core.reports.results import Outcome
from sfsync.engine.planning.reading import CheckedRow, ReadSection, read_section
from sfsync.engine.planning.schema import read_schema
from sfsync.errors import SyncError
from sfsync.explanations.catalogue import explanation
from sfsync.jobs import load_job
from sfsync.report.files.private_files import write_private_text
from sfsync.report.files.rejects import (
    OWN_COLUMNS,
    Failure,
    LeftRow,
    delimited_lines,
    document_lines,
    ending,
    is_json,
    one_line,
    problem_lines,
)
from sfsync.sources import open_source

TIME_LIMIT_S: Final = 60
"""How much of the processor's time one file may take: ten times what the slowest takes. A machine that is busy with
other things takes no more of it."""

LONGEST_WORDS: Final = 20_000
"""How long the words on one problem may be, in characters, whatever the cell holds."""

_RULES: Final = {
    "Sfsync_Key__c": '"id"',
    "Name": '"name"',
    "StageName": '"stage"',
    "CloseDate": '"close"',
    "Amount": '"amount"',
    "Description": '"note"',
}


class Wrong(Exception):
    """What happened and may not happen."""


class TooSlow(BaseException):
    """A file took longer than it may; no handler of errors may keep it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a file: the code that refused it as a whole (""), or its rows."""

    refused: str = ""
    mapped: int = 0
    problems: int = 0
    read_back: int = 0


def job_text(written: Written) -> str:
    """The job that reads the file, as TOML."""
    rules = {name: rule for name, rule in (_RULES | dict(written.rules)).items() if rule}
    fields = "\n".join(f"{name} = {rule}" for name, rule in rules.items())
    source = f'file = "{written.name}"'
    if written.query:
        source = f'database = "sqlite:///{written.name}"\nquery = "deals.sql"'
    top = f'org = "local"\n[opportunities]\n{source}\nkey = "Sfsync_Key__c"\n'
    return f"{top}{written.section}\n[opportunities.fields]\n{fields}\n"


def placed(written: Written, folder: Path) -> Path:
    """The path of the job, when file and job are written into the folder, which is emptied before."""
    for each in folder.iterdir():
        each.unlink()
    (folder / written.name).write_bytes(written.content)
    if written.query:
        (folder / "deals.sql").write_text(written.query, encoding="utf-8")
    job = folder / "fuzz.toml"
    job.write_text(job_text(written), encoding="utf-8")
    return job


def judged(name: str, seed: int, *, folder: Path, org: Snapshot, large: int = 6_000) -> Account:
    """The account of the file of a kind and seed.

    Raises:
        Wrong: what became of it may not become of it.
        TooSlow: it takes too long.
    """
    with in_time(TIME_LIMIT_S):
        return judge(KINDS[name](draw_of(name, seed, large=large)), folder=folder, org=org)


def judge(written: Written, *, folder: Path, org: Snapshot) -> Account:
    """The account of a file; see `judged`."""
    path = placed(written, folder)
    try:
        job = load_job(path, environ={})
        sources = open_sources(job)
        job = fitted_to_sources(job, sources)
        schema = read_schema(job, org)
        section = schema.sections["opportunities"]
        read = read_section(section, sources["opportunities"], schema.rules[section.sobject])
    except SyncError as error:
        return _refusal(written, error)
    if written.must_refuse:
        raise Wrong(f"the file should have been refused by one of {sorted(written.refusals)}, and was read")
    again = [each for each in sources["opportunities"].rows() if isinstance(each, SourceRow | UnreadableRow)]
    _require_account(written, read, again)
    if written.rows is not None:
        _require_rows(written.rows, read.rows, again, has_place=written.rules == {})
    bad = [each for each in read.rows if each.problems]
    for each in read.rows if written.same_digits else ():
        if not each.problems and not same_digits(each.texts["Amount"], each.values.get("Amount")):
            raise Wrong(
                f"line {each.ref.line}: {each.texts['Amount'][:80]!r} was taken for {each.values['Amount']}"
            )
    _require_words(bad)
    back = _read_back(read.image, bad, again, folder=folder, job=job)
    return Account("", len(read.rows) - len(bad), len(bad), back)


def _refusal(written: Written, error: SyncError) -> Account:
    if explanation(error.code) is None:
        raise Wrong(f"{error.code} is not in the catalogue of codes: {error.message[:200]}")
    if not error.message or "Traceback" in error.message:
        raise Wrong(f"{error.code} says nothing a person could use: {error.message!r}")
    if error.code not in written.refusals and ANY not in written.refusals:
        raise Wrong(f"the file was refused by {error.code}: {error.message[:300]}")
    if written.line is not None and f":{written.line}:" not in error.message:
        raise Wrong(f"the refusal does not name line {written.line}: {error.message[:300]}")
    return Account(error.code)


def _require_account(written: Written, read: ReadSection, again: Sequence[SourceRow | UnreadableRow]) -> None:
    count = len(read.rows)
    if len(again) != count or len(read.image.rows) != count:
        raise Wrong(f"{count} rows were read, {len(again)} when read again, {len(read.image.rows)} are kept")
    wanted = written.count if written.rows is None else len(written.rows)
    if wanted is not None and count != wanted:
        raise Wrong(f"{wanted} rows are there, {count} were read")
    for checked, raw, kept in zip(read.rows, again, read.image.rows.values(), strict=True):
        if checked.ref.line != raw.ref.line or raw.raw != kept:
            raise Wrong(f"line {checked.ref.line}: read again, the row is another one")
        if isinstance(raw, UnreadableRow) and not checked.problems:
            raise Wrong(f"line {checked.ref.line}: a row that cannot be read has no problem")


def _require_rows(
    rows: Sequence[Row],
    checked: Sequence[CheckedRow],
    raws: Sequence[SourceRow | UnreadableRow],
    *,
    has_place: bool,
) -> None:
    for row, found, raw in zip(rows, checked, raws, strict=True):
        where = f"line {found.ref.line}"
        if row.line is not None and row.line != found.ref.line:
            raise Wrong(f"{where}: the row stands in line {row.line}")
        if row.cells is not None:
            cells = (
                {name: as_text(cell) for name, cell in raw.cells.items()}
                if isinstance(raw, SourceRow)
                else None
            )
            if cells != dict(row.cells):
                raise Wrong(f"{where}: the cells were {_shown(row.cells)}, what arrived is {_shown(cells)}")
        codes = {each.code for each in found.problems}
        if row.codes is not None and not (codes <= row.codes if not row.codes else codes & row.codes):
            raise Wrong(f"{where}: should be {sorted(row.codes) or 'good'}, is {sorted(codes) or 'good'}")
        if has_place and any(not each.column and each.row is None for each in found.problems):
            raise Wrong(f"{where}: a problem has no place")
        for name, value in row.values.items():
            if found.values.get(name) != value:
                raise Wrong(f"{where}: {name} is {found.values.get(name)!r}, was {value!r}")


def _shown(cells: Mapping[str, str] | None) -> str:
    return (
        "a row that cannot be read"
        if cells is None
        else repr({n: c[:40] for n, c in list(cells.items())[:8]})
    )


def _require_words(rows: Sequence[CheckedRow]) -> None:
    for row in rows:
        for each in row.problems:
            if explanation(each.code) is None:
                raise Wrong(f"{each.code} is not in the catalogue of codes")
            if not each.message or len(each.message) + len(each.hint) > LONGEST_WORDS:
                raise Wrong(
                    f"{each.code} of line {row.ref.line} has no message, or an endless one: {each.message[:99]}"
                )
            for text in (each.message, each.hint, each.column, each.value):
                text.encode()


def _read_back(
    image: SourceImage,
    bad: Sequence[CheckedRow],
    raws: Sequence[SourceRow | UnreadableRow],
    *,
    folder: Path,
    job: Job,
) -> int:
    """How many rejected rows read back to the same cells."""
    if not bad:
        return 0
    by_ordinal = dict(zip(image.rows, raws, strict=True))
    left = [_left(each, number) for number, each in enumerate(bad)]
    path = folder / f"rejects{ending(image)}"
    if is_json(image):
        write_private_text(path, document_lines(image, left), encoding=image.encoding)
        for line in problem_lines(image, left):
            json.loads(line)
    else:
        write_private_text(path, delimited_lines(image, left), encoding=image.encoding)
    section = job.sections["opportunities"]
    delimiter = section.source.delimiter if image.kind == "csv" else None
    spec = replace(section.source, path=path, kind="csv", delimiter=delimiter, sheet=None)
    try:
        found = list(open_source(replace(section, source=spec)).rows())
    except SyncError as error:
        raise Wrong(f"the rejects are refused by {error.code}: {error.message[:300]}") from None
    wanted = [by_ordinal[each.ordinal] for each in left]
    if len(found) != len(wanted):
        raise Wrong(f"{len(wanted)} rows were rejected, {len(found)} are in the rejects")
    for one, other in zip(wanted, found, strict=True):
        assert isinstance(other, SourceRow | UnreadableRow)
        _require_same(image, one, other)
    return len(found)


def _left(row: CheckedRow, number: int) -> LeftRow:
    failures = [
        Failure(
            Change(f"c{number}", "Opportunity", Action.REJECT, row.key, row.label, row.ref),
            Outcome.REJECTED,
            each,
        )
        for each in row.problems
    ]
    return LeftRow(row.ref.ordinal, row.ref.line, tuple(failures))


def _require_same(
    image: SourceImage, one: SourceRow | UnreadableRow, other: SourceRow | UnreadableRow
) -> None:
    where = f"line {one.ref.line}, in the rejects line {other.ref.line}"
    if is_json(image):
        if other.raw != (one_line(one.raw[0]),):
            raise Wrong(f"{where}: the document is another one")
        return
    own = [name for name in image.columns if name in OWN_COLUMNS]
    if isinstance(one, SourceRow) and isinstance(other, SourceRow):
        first, second = ({name: as_text(cell) for name, cell in each.cells.items()} for each in (one, other))
        if first != second:
            raise Wrong(f"{where}: the cells were {_shown(first)}, the rejects hold {_shown(second)}")
    elif not own:
        raw = tuple(
            each.encode(image.encoding, "backslashreplace").decode(image.encoding) for each in one.raw
        )
        counts = (len(OWN_COLUMNS), len(OWN_COLUMNS) + 1)  # one more where the source has typed its cells
        if not any(raw in (other.raw[count:], other.raw[:-count]) for count in counts):
            raise Wrong(
                f"{where}: the cells were {str(one.raw)[:200]}, the rejects hold {str(other.raw)[:300]}"
            )


@contextmanager
def in_time(seconds: int) -> Iterator[None]:
    """Ends what is inside after so many seconds of the processor's time; only in a process's main thread.

    Raises:
        TooSlow: it took longer.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"longer than {seconds} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def same_digits(text: str, value: object) -> bool:
    """Whether a number has the digits of the text that it was read from."""
    if not isinstance(value, Decimal):
        return True
    digits = "".join(each for each in text if each.isdecimal()).strip("0")
    return "".join(map(str, value.as_tuple().digits)).strip("0") == digits
