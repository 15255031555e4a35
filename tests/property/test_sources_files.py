"""What is written in any dialect is read back, cell for cell and line for line."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from long_proofs import examples

from sfsync.core.job import Section
from sfsync.core.reading.rows import SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.errors import SourceError
from sfsync.sources import open_source

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
CELLS = TEXT | st.sampled_from(["", '"', '""', ",;", "\r", "\n", "\r\n", "=1", "\ufeff", "sep=;"])
NAMES = st.lists(
    st.from_regex(r"[a-z][a-z ;,|]{0,4}[a-z]", fullmatch=True), min_size=1, max_size=4, unique=True
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXT


def read(content: bytes, name: str, kind: str, **spec: object) -> list[SourceRow | UnreadableRow]:
    """All rows of a file with that content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        section = Section("opportunities", "Opportunity", SourceSpec(kind, path, **spec), ())  # type: ignore[arg-type]
        return list(open_source(section).rows())  # type: ignore[arg-type]


@given(
    names=NAMES,
    data=st.data(),
    delimiter=st.sampled_from([",", ";", "\t", "|", ":", "^"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]),
    has_sep=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_i5_any_dialect_reads_back(names, data, delimiter, end, encoding, has_sep):
    """Every cell comes back as it was, and every row stands where its text starts."""
    rows = data.draw(st.lists(st.tuples(*(CELLS for _ in names)), min_size=1, max_size=4))
    text, starts = io.StringIO(newline=""), []
    if has_sep:
        text.write(f"sep={delimiter}{end}")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for row in rows:
        before = text.getvalue()
        starts.append(before.count("\n") + before.count("\r") - before.count("\r\n") + 1)
        writer.writerow(row)
    found = read(text.getvalue().encode(encoding), "x.csv", "csv", delimiter=delimiter, encoding=encoding)
    assert [row.raw for row in found] == rows
    assert [row.ref.line for row in found] == starts


@given(st.binary(max_size=60) | st.text('a1",;\n\r\t\\', max_size=40).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_i1_any_bytes_are_rows_or_a_source_error(content):
    """No file makes the reader crash, and no readable row has another width than the header."""
    try:
        found = read(content, "x.csv", "csv")
    except SourceError:
        return
    assert all(row.raw for row in found)
    assert len({len(row.raw) for row in found if isinstance(row, SourceRow)}) <= 1


@given(
    st.lists(st.dictionaries(st.from_regex(r"[a-z]{1,4}", fullmatch=True), SCALARS, max_size=4), min_size=1),
    st.sampled_from([None, 1]),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_documents_read_back_as_lines_and_as_a_list(documents, indent, is_escaped):
    """Both ways to write deals give the same cells, and each raw text is its document."""
    as_lines = "\n".join(json.dumps(each, ensure_ascii=is_escaped) for each in documents).encode()
    as_list = json.dumps(documents, indent=indent, ensure_ascii=is_escaped).encode()
    expected = [
        {name: Decimal(each) if type(each) is int else each for name, each in document.items()}
        for document in documents
    ]
    for found in (read(as_lines, "x.jsonl", "jsonl"), read(as_list, "x.json", "json")):
        assert [dict(row.cells) for row in found] == expected  # type: ignore[union-attr]
        assert [json.loads(row.raw[0]) for row in found] == documents


def _is_quoted_in(cell: str, end: str) -> bool:
    """Whether the csv module's writer quotes the line ends in a cell; older ones know those of the dialect."""
    ends = {"\r", "\n"} & set(cell)
    return not ends or bool(ends & set(end))


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp850", "cp1251"]


@st.composite
def tables(draw: st.DrawFn, encoding: str) -> list[list[str]]:
    """A table of text that the encoding has, its first row fit for a header."""
    chars = st.characters(codec=encoding, exclude_categories=["Cs"], exclude_characters="\0\x1a")
    cell = st.text(chars, max_size=8) | st.sampled_from(
        ["", '"', '""', ",;|\t", "\r", "\n", "\r\n", " x ", "sep=;", "=1+1"]
    )
    width = draw(st.integers(1, 4))
    names = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
    header = draw(st.lists(names, min_size=width, max_size=width, unique=True))
    return [header, *draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=6))]


@given(
    data=st.data(),
    encoding=st.sampled_from(ENCODINGS),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
@settings(
    max_examples=examples(200, quick=50),
    deadline=None,
    # The first draw of an encoding makes the table of its characters, once in a checkout: that takes seconds.
    suppress_health_check=[HealthCheck.too_slow],
)
def test_any_table_is_read_back_with_the_lines_of_its_rows(data, encoding, delimiter, end, quoting):
    """Every cell and line is as the csv module wrote it; lines of delimiters alone are the ones left out."""
    header, *rows = data.draw(tables(encoding))
    assume(quoting != csv.QUOTE_MINIMAL or all(_is_quoted_in(cell, end) for row in rows for cell in row))
    text, expected = io.StringIO(newline=""), []
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(header)
    for row in rows:
        before = text.getvalue()
        writer.writerow(row)
        written = text.getvalue()[len(before) :]
        if written.strip("\r\n").strip(delimiter):
            line = before.count("\n") + before.count("\r") - before.count("\r\n") + 1
            expected.append((line, tuple(row)))
    content = text.getvalue().encode(encoding)
    declared = delimiter if len(header) == 1 else data.draw(st.sampled_from([None, delimiter]))
    if not expected:
        with pytest.raises(SourceError, match="no rows"):
            read(content, "x.csv", "csv", delimiter=declared, encoding=encoding)
        return
    found = read(content, "x.csv", "csv", delimiter=declared, encoding=encoding)
    assert [(row.ref.line, row.raw) for row in found] == expected
    readable = [row for row in found if isinstance(row, SourceRow)]
    assert all(tuple(row.cells[name] for name in header) == row.raw for row in readable)
    assert all(row.raw == tuple(header) for row in found if isinstance(row, UnreadableRow))
