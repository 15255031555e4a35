"""Any content of a cell goes round: written for a job, read by the platform, told in its results, known again."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from sfsync.core.sending.bulk import JobOperation, JobShape, ResultFile, RowMarks, shape_of
from sfsync.core.writes import Node
from sfsync.emulator.bulk.csv_reading import CsvFile
from sfsync.emulator.bulk.csv_writing import unprocessed_rows
from sfsync.emulator.bulk.jobs import Job, JobRequest
from sfsync.emulator.switches import Switches
from sfsync.salesforce.bulk_files import CsvRows, CsvUpload
from sfsync.salesforce.spooling import Spool, text_lines

CELL = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        [
            "",
            '"',
            '""',
            "\n",
            "\r\n",
            "\r",
            ",",
            "\t",
            " a ",
            'a"\r\n"b',
            "=1+1",
            "@x",
            "#N/A",
            "\x00",
            "\u2028",
            "''",
        ]
    ),
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)
)
REQUEST = JobRequest("insert", "Opportunity")
MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


def sendable(table: list[list[str]]) -> list[tuple[str, ...]]:
    """The rows that a job may carry, as its cells."""
    found = []
    for row in table:
        node = Node("n", "c", "Opportunity", None, dict(zip("abcd", row, strict=False)))
        with suppress(ValueError):
            found.append(shape_of(node, "abcd"[: len(row)]).cells(node))
    assert all(cells in map(tuple, table) for cells in found)
    return found


@given(TABLES, st.integers(1, 9))
@example([["a\rb", "=1+1"]], 1)
def test_any_cell_goes_round(table: list[list[str]], cut: int) -> None:
    """The platform reads what was meant, and each result is known for its row's, however the answer is cut."""
    rows, columns = sendable(table), tuple("abcd"[: len(table[0])])
    shape = JobShape("Opportunity", JobOperation.INSERT, columns)
    with closing(CsvUpload(shape)) as upload, closing(Spool()) as spool:
        assert all(upload.add(row) for row in rows)
        sending = upload.body().begin(float("inf"))
        content = b"".join(sending)
        assert (len(content), upload.rows) == (len(sending), len(rows))
        assert list(upload.cells()) == rows
        file = CsvFile([content], REQUEST)
        read = [tuple(record) for batch in file.batches() for record in batch]
        assert (tuple(file.header), read) == (columns, rows)
        echoed = unprocessed_rows(_job(content), Switches())
        chunks = [echoed[start : start + cut] for start in range(0, len(echoed), cut)]
        assert spool.take(chunks, {}, [b"token-of-the-run"], float("inf"))
        told = CsvRows(spool, ResultFile.UNPROCESSED, shape)
        mine, theirs = RowMarks(columns), RowMarks(told.columns)
        assert (told.count, told.is_whole) == (len(rows), True)
        assert sorted(theirs.of(each.cells) for each in told) == sorted(map(mine.of, rows))


def _job(content: bytes) -> Job:
    return Job("750", REQUEST, "005", MOMENT, "66.0", MOMENT, uploads=[content])


@given(st.binary(max_size=60), st.integers(1, 7), st.integers(0, 60))
def test_no_secret_gets_through_between_two_chunks(text: bytes, cut: int, place: int) -> None:
    """Wherever the answer is cut, the token is taken out and the rest is as it came."""
    secret = b"00D!token"
    body = text[:place] + secret + text[place:]
    chunks = [body[start : start + cut] for start in range(0, len(body), cut)]
    with closing(Spool()) as spool:
        assert spool.take(chunks, {}, [secret], float("inf"))
        held = b"".join(each.encode("latin-1") for each in _latin(spool))
    assert held == body.replace(secret, b"(secret)")


def _latin(spool: Spool) -> list[str]:
    file = spool._file
    file.flush()
    file.seek(0)
    return [file.read().decode("latin-1")]


def test_lines_end_at_line_feeds_alone() -> None:
    """A carriage return within a cell ends no line."""
    with closing(Spool()) as spool:
        spool.take([b'"a\rb"\n"c"\n'], {}, [], float("inf"))
        assert list(text_lines(spool._file)) == ['"a\rb"\n', '"c"\n']
