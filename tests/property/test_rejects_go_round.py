"""A rejects file reads as its source did, cell by cell, and its rows begin with the source's own bytes."""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from long_proofs import examples

from sfsync.core.job import Section
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.reading.quoting import add_run
from sfsync.core.reading.rows import RowSource, SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import Outcome, Problem, RowRef, Stage
from sfsync.errors import SourceError
from sfsync.report.files.private_files import write_private_text
from sfsync.report.files.rejects import OWN_COLUMNS, Failure, LeftRow, delimited_lines
from sfsync.sources import open_source

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-be",
    "cp1252",
    "iso-8859-15",
    "cp437",
    "shift_jis",
    "gb18030",
)
ODD = (
    "",
    " ",
    '"',
    'a"b',
    "\r",
    "\n",
    "\r\n",
    "=1+1",
    "+1",
    "-1",
    "@x",
    "'=1",
    " a ",
    "\ufeff",
    "\x1a",
    "\x0b",
    "\x85",
)
MESSAGE = "=cmd|' /C calc'!A0 \u20ac \u4e16 \x00\x1b"


@dataclass(frozen=True)
class Sheet:
    """A file as somebody wrote it, and what is declared of it."""

    content: bytes
    delimiter: str | None
    encoding: str


def quoted(cell: str) -> str:
    """The cell in quotes."""
    return '"' + cell.replace('"', '""') + '"'


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """A header and a few rows, some of a wrong width, some cells in quotes for no reason."""
    encoding, delimiter = draw(st.sampled_from(ENCODINGS)), draw(st.sampled_from([",", ";", "\t", "|", "^"]))
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
    cells = st.one_of(plain, st.sampled_from([*ODD, delimiter, f"a{delimiter}b", "sep=;"])).map(
        lambda cell: cell.encode(encoding, "ignore").decode(encoding).removeprefix("\ufeff")
    )

    def written(cell: str) -> str:
        needed = any(char in cell for char in f"{delimiter}\r\n") or cell.startswith('"')
        return quoted(cell) if needed or draw(st.booleans()) else cell

    names = draw(st.lists(cells, min_size=1, max_size=4, unique_by=str.strip))
    if draw(st.booleans()):
        names = draw(st.permutations([*names, *OWN_COLUMNS[:2]]))
    width = st.just(len(names)) | st.integers(1, 6)
    rows = draw(
        st.lists(
            width.flatmap(lambda size: st.lists(cells, min_size=size, max_size=size)), min_size=1, max_size=4
        )
    )
    has_line = draw(st.booleans())
    text = f"sep={delimiter}{line_end}" if has_line else ""
    text += "".join(delimiter.join(map(written, each)) + line_end for each in [names, *rows])
    mark = "\ufeff" if encoding == "utf-16-be" and draw(st.booleans()) else ""
    declared = None if has_line or draw(st.booleans()) else delimiter
    return Sheet((mark + text).encode(encoding), declared, encoding.removesuffix("-sig"))


def opened(path: Path, sheet: Sheet) -> RowSource:
    """The file as a job with the sheet's options opens it."""
    spec = SourceSpec("csv", path, sheet.delimiter, sheet.encoding)
    return open_source(Section("opportunities", "Opportunity", spec, ()))


def image_of(source: RowSource) -> SourceImage:
    """The picture of a source that a plan keeps."""
    form, raws, quotes = source.form, {}, []
    add_run(quotes, 0, form.header_quotes)
    for ordinal, row in enumerate(source.rows(), start=1):
        assert isinstance(row, SourceRow | UnreadableRow)
        raws[ordinal] = row.raw
        add_run(quotes, ordinal, row.quotes)
    return SourceImage(
        form.name,
        form.file,
        form.kind,
        form.columns,
        form.delimiter,
        form.encoding,
        form.line_end,
        raws,
        form.before,
        form.header,
        tuple(quotes),
    )


def all_left(image: SourceImage) -> list[LeftRow]:
    """Every row, rejected."""
    change = Change("c", "Opportunity", Action.REJECT, "k", "l", RowRef("s", "f", 1))
    failure = Failure(change, Outcome.REJECTED, Problem("CODE", Stage.MAP, MESSAGE, MESSAGE))
    return [LeftRow(ordinal, ordinal + 1, (failure,)) for ordinal in image.rows]


def theirs(image: SourceImage, cells: Sequence[str]) -> list[str]:
    """The cells of a header or row without our columns, where anybody can say which these are."""
    own = [name in OWN_COLUMNS for name in image.columns]
    if len(cells) == len(own):
        return [cell for cell, is_ours in zip(cells, own, strict=True) if not is_ours]
    leading = sum(own) if all(own[: sum(own)]) else 0
    return [*cells[leading:]] if len(cells) >= leading else [*cells]


def going_round(sheet: Sheet, check: Callable[[SourceImage, SourceImage, Path], None]) -> None:
    """Reads the sheet, writes all of it as rejects, reads these, and compares."""
    with tempfile.TemporaryDirectory() as folder:
        path, rejects = Path(folder, "deals.csv"), Path(folder, "rejects.csv")
        path.write_bytes(sheet.content)
        try:
            first = image_of(opened(path, sheet))
        except SourceError:
            assume(False)  # no such file is read, so it has no rejects
        write_private_text(rejects, delimited_lines(first, all_left(first)), encoding=first.encoding)
        check(first, image_of(opened(rejects, sheet)), rejects)


SLOW = settings(
    max_examples=examples(300, quick=60),
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@given(sheets())
@SLOW
def test_i5_rejects_are_read_by_the_options_of_their_source_as_the_same_cells(sheet: Sheet) -> None:
    """Columns and every cell are the same, in rows of a right and of a wrong width, and ours are told apart."""

    def check(first: SourceImage, second: SourceImage, _: Path) -> None:
        assert second.delimiter == first.delimiter
        assert theirs(second, second.columns) == theirs(first, first.columns)
        assert set(OWN_COLUMNS) <= set(second.columns)
        assert [theirs(second, row) for row in second.rows.values()] == [
            theirs(first, row) for row in first.rows.values()
        ]

    going_round(sheet, check)


@given(sheets())
@SLOW
def test_i5_a_rejected_row_keeps_the_bytes_of_its_cells(sheet: Sheet) -> None:
    """Quotes that nobody needs come back too, also where the encoding lacks what our message says."""

    def check(first: SourceImage, second: SourceImage, rejects: Path) -> None:
        assume(not set(first.columns) & set(OWN_COLUMNS))
        assume(sheet.encoding == "utf-8")
        text = rejects.read_bytes()
        for line in sheet.content.removeprefix(codecs.BOM_UTF8).splitlines():
            is_blank = line.strip(first.delimiter.encode()) in (b"", b"\x1a")
            assert is_blank or line in text

    going_round(sheet, check)


@given(sheets())
@SLOW
def test_i5_rejects_of_rejects_are_the_same_file(sheet: Sheet) -> None:
    """Our columns replace themselves, so a file may go round as often as it takes."""

    def check(first: SourceImage, second: SourceImage, rejects: Path) -> None:
        assume(second.columns[0] != OWN_COLUMNS[0] or second.columns[len(OWN_COLUMNS) :] == first.columns)
        again = rejects.with_name("again.csv")
        write_private_text(again, delimited_lines(second, all_left(second)), encoding=second.encoding)
        assert again.read_bytes() == rejects.read_bytes()

    going_round(sheet, check)
