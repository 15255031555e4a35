"""What is written into a workbook is read back, by our own writer and by others, and so are its rejects."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st
from workbook_writer import MAIN, Book, workbook

from sfsync.core.job import Section
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.reading.mapping import as_text
from sfsync.core.reading.rows import RowSource, SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import Outcome, Problem, RowRef, Stage
from sfsync.errors import SourceError
from sfsync.report.files.rejects import Failure, LeftRow, delimited_lines, ending
from sfsync.sources import open_source

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS, min_size=1, max_size=8) | st.sampled_from(
    ["0042", "1e5", "=1", "#N/A", "true", "2026-09-30", "a\nb", "\tx", " x ", "_x000D_", "<&>", "]]>"]
)
NAMES = st.lists(
    st.from_regex(r"[a-z][a-z ;,|]{0,4}[a-z]", fullmatch=True), min_size=1, max_size=4, unique=True
)


def source(path: Path, content: bytes) -> RowSource:
    """The source of a file with that content."""
    path.write_bytes(content)
    return open_source(Section("opportunities", "Opportunity", SourceSpec("csv", path), ()))


def read(content: bytes, name: str = "x.xlsx") -> list[SourceRow | UnreadableRow]:
    """All rows of a file with that content."""
    with tempfile.TemporaryDirectory() as folder:
        return list(source(Path(folder) / name, content).rows())  # type: ignore[arg-type]


def escaped(row: Sequence[object]) -> list[object]:
    """The cells as a spreadsheet program writes them: `_x000A_` would be a line break."""
    return [each.replace("_x", "_x005F_x") if isinstance(each, str) else each for each in row]


def saved(rows: Sequence[Sequence[object]]) -> bytes:
    """A workbook of these rows, written by openpyxl."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@given(names=NAMES, data=st.data(), shared=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_table_of_text_is_read_back_as_the_same_text(names, data, shared):
    """Whatever it looks like: zeros, numbers, formulas, errors, dates."""
    rows = data.draw(st.lists(st.tuples(st.just("k"), *(TEXT for _ in names)), min_size=1, max_size=4))
    found = read(workbook(["KEY", *names], *map(escaped, rows), shared=shared))
    filled = dict(enumerate(rows, start=2))
    assert {each.ref.line: each.raw for each in found} == filled
    assert all(isinstance(each, SourceRow) and tuple(each.cells.values()) == each.raw for each in found)


PLAIN = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text and not text.startswith(("=", "#")) and "_x" not in text
)
DAYS = st.dates(date(1900, 3, 1), date(9999, 12, 31))
MOMENTS = st.datetimes(datetime(1900, 3, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
NUMBERS = st.integers(-(10**15) + 1, 10**15 - 1) | st.decimals(-(10**9), 10**9, places=4).map(float)


@given(st.lists(st.tuples(PLAIN, DAYS, MOMENTS, NUMBERS, st.booleans()), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_what_another_program_writes_is_read_as_another_program_reads_it(rows):
    """Openpyxl writes, and calamine reads the same values."""
    content = saved([["text", "day", "moment", "number", "truth"], *rows])
    found = read(content)
    peers = (
        python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    )
    assert len(found) == len(rows) == len(peers) - 1
    for row, (text, day, moment, number, truth), peer in zip(found, rows, peers[1:], strict=True):
        assert isinstance(row, SourceRow)
        iso = moment.isoformat() if moment.time() != datetime.min.time() else moment.date().isoformat()
        assert row.raw == (text, day.isoformat(), iso, row.raw[3], "true" if truth else "false")
        assert float(row.raw[3]) == number == peer[3]
        assert (text, truth) == (peer[0], peer[4])
        assert str(peer[1])[:10] == day.isoformat()
        assert str(peer[2])[:10] == moment.date().isoformat()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**8), max_value=10**8))
@settings(max_examples=200, deadline=None)
def test_a_decimal_that_was_entered_is_read_exactly(number):
    """A spreadsheet keeps a double; with its fifteen digits the decimal comes back."""
    [row] = read(workbook(["a", "b"], [float(number), "x"]))
    assert isinstance(row, SourceRow)
    assert Decimal(as_text(row.cells["a"])) == number


@given(st.integers(61, 2_958_465), st.integers(0, 86_399), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_moment_of_a_day_is_read_to_the_second_in_both_date_systems(serial, seconds, since_1904):
    """Doubles do not hold seconds exactly; the moment is the one that is shown."""
    serial = serial if not since_1904 else min(serial, 2_957_003)
    number = serial + seconds / 86_400
    book = Book({"Deals": [["a", "b"], ["x", "y"]]}, since_1904=since_1904)
    sheet = f'<c r="A2" s="2"><v>{number!r}</v></c>'
    rows = f'<row r="1"><c t="str"><v>a</v></c></row><row r="2">{sheet}</row>'
    book.parts["xl/worksheets/sheet1.xml"] = (
        f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    )
    [row] = read(book.content())
    first = datetime(1904, 1, 1, tzinfo=UTC) if since_1904 else datetime(1899, 12, 30, tzinfo=UTC)
    meant = (first + timedelta(days=serial, seconds=seconds)).replace(tzinfo=None)
    assert row.raw == (meant.isoformat() if seconds else meant.date().isoformat(),)


def left(image: SourceImage) -> list[LeftRow]:
    """Every row of the image, rejected."""
    ref = RowRef("s", "f", 1)
    change = Change("c", "Account", Action.REJECT, "k", "l", ref)
    failure = Failure(change, Outcome.REJECTED, Problem("CODE", Stage.MAP, "message"))
    return [LeftRow(ordinal, ordinal, (failure,)) for ordinal in image.rows]


@given(names=NAMES, data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_rejects_of_a_workbook_are_a_csv_of_the_same_cells(names, data):
    """So a rejects file is corrected and imported with the same job."""
    cell = TEXT | st.booleans() | st.integers(-(10**14), 10**14) | st.floats(-1e6, 1e6)
    rows = data.draw(st.lists(st.tuples(st.just("k"), *(cell for _ in names)), min_size=1, max_size=4))
    with tempfile.TemporaryDirectory() as folder:
        opened = source(Path(folder) / "x.xlsx", workbook(["KEY", *names], *map(escaped, rows)))
        found = [each for each in opened.rows() if isinstance(each, SourceRow)]
        assert len(found) == len(rows)
        raws = {number: each.raw for number, each in enumerate(found, start=1)}
        form = opened.form
        image = SourceImage(
            "s", "f", form.kind, form.columns, form.delimiter, form.encoding, form.line_end, raws
        )
        assert ending(image) == ".csv"
        text = "".join(delimited_lines(image, left(image)))
        header = next(csv.reader(io.StringIO(text, newline="")))
        assert tuple(header[: len(form.columns)]) == form.columns
        again = list(source(Path(folder) / "y.csv", text.encode(form.encoding)).rows())
    assert [{name: as_text(cell) for name, cell in each.cells.items()} for each in found] == [
        dict(each.cells) for each in again if isinstance(each, SourceRow)
    ]


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_T19_any_damage_to_a_workbook_is_a_source_error_or_harmless(place, damage):
    """No bytes make the reader crash."""
    content = workbook(["a", "b"], *[[n, f"text {n}"] for n in range(20)])
    place %= len(content)
    try:
        read(content[:place] + damage + content[place + len(damage) :])
    except SourceError as error:
        assert error.code  # noqa: PT017


@given(st.text("<>/arowctvsf \"='0123456789#&;!", max_size=60))
@settings(max_examples=200, deadline=None)
def test_T19_any_text_as_a_sheet_is_a_source_error_or_a_sheet(inside):
    """Nor does any XML, whole or not."""
    rows = f'<row><c t="str"><v>a</v></c></row>{inside}'
    part = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    try:
        read(workbook(["a"], parts={"xl/worksheets/sheet1.xml": part}))
    except SourceError as error:
        assert error.code  # noqa: PT017
