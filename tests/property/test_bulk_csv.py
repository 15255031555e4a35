"""The emulator's CSV: whatever a client can quote is read cell by cell as it was meant, and echoed alike."""

import csv
import io
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sfsync.emulator.bulk.csv_reading import CsvFile
from sfsync.emulator.bulk.csv_writing import scientific, unprocessed_rows
from sfsync.emulator.bulk.jobs import DELIMITERS, LINE_ENDS, Job, JobRequest
from sfsync.emulator.switches import Switches

CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NASTY = st.sampled_from(
    ["", '"', '""', "\n", "\r\n", "\r", ",", "\t", "`", " a ", 'a"\r\n"b', "\x00", "\u2028"]
)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(CELL, NASTY), min_size=width, max_size=width), min_size=1, max_size=8
    )
)
MOMENT = datetime(2026, 5, 1, tzinfo=UTC)


@given(TABLES, st.sampled_from(sorted(DELIMITERS)), st.sampled_from(sorted(LINE_ENDS)))
def test_cells_survive_reading_and_echoing(table: list[list[str]], delimiter: str, line_end: str) -> None:
    """Quoted cells come out of the reader, and out of the result file, as they went in."""
    request = JobRequest("insert", "Account", delimiter=delimiter, line_end=line_end)
    text = io.StringIO(newline="")
    csv.writer(
        text,
        delimiter=DELIMITERS[delimiter],
        lineterminator=LINE_ENDS[line_end],
        quoting=csv.QUOTE_ALL,
    ).writerows(table)
    upload = text.getvalue().encode()
    file = CsvFile([upload], request)
    assert [file.header, *(record for batch in file.batches() for record in batch)] == table
    job = Job("750", request, "005", MOMENT, "66.0", MOMENT, uploads=[upload])
    echoed = CsvFile([unprocessed_rows(job, Switches())], request)
    assert [echoed.header, *reversed(next(echoed.batches(), []))] == table


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value_in_powers_of_ten(number: float) -> None:
    """However a number is written, reading it gives the number."""
    assert float(scientific(number)) == number
