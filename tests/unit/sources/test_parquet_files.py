"""A Parquet file is read batch by batch, every value exactly; what is no value is named where a rule reads it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_making import a_section, cells, lines, unreadable

from sfsync.core.reading.rows import RowSource
from sfsync.errors import ConfigError, SourceError
from sfsync.sources import open_source


def written(path: Path, columns: dict[str, Any], column: str = "a", **given: Any) -> RowSource:
    """The source of a Parquet file with these columns."""
    pq.write_table(pa.table(columns), path, **given)
    return open_source(a_section(path, "parquet", column=column))


BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("array", "read"),
    [
        (pa.array([Decimal("1234567890123.4500")], pa.decimal128(20, 4)), "1234567890123.4500"),
        (pa.array([Decimal("1" * 60)], pa.decimal256(60, 0)), "1" * 60),
        (pa.array([2**63 - 1], pa.int64()), "9223372036854775807"),
        (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
        (pa.array([0.1], pa.float64()), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([16777216.0], pa.float32()), "16777216"),
        (pa.array([1e-7], pa.float64()), "0.0000001"),
        (pa.array([1.5], pa.float16()), "1.5"),
        (pa.array(["0042"]), "0042"),
        (pa.array(["0042"]).dictionary_encode(), "0042"),
        (pa.array([0.1], pa.float32()).dictionary_encode(), "0.1"),
        (pa.array(["0042"], pa.large_string()), "0042"),
        (pa.array([True]), "true"),
        (pa.array([date(2026, 9, 30)]), "2026-09-30"),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("s")), "2026-09-30T12:00:00"),
        (pa.array([NOON], pa.timestamp("ms", tz="UTC")), "2026-09-30T12:00:00+00:00"),
        (
            pa.array([NOON.replace(tzinfo=BERLIN)], pa.timestamp("us", tz="Europe/Berlin")),
            "2026-09-30T12:00:00+02:00",
        ),
        (pa.array([1790769600123456789], pa.timestamp("ns", tz="UTC")), "2026-09-30T12:00:00.123456+00:00"),
        (pa.array([time(14, 30)], pa.time64("ns")), "14:30:00"),
        (pa.array([None], pa.int64()), ""),
        (pa.array([None], pa.null()), ""),
    ],
)
def test_a_value_is_read_exactly(tmp_path, array, read):
    """Decimals, large numbers, single precision, dates, moments with their offset."""
    [row] = list(written(tmp_path / "x.parquet", {"a": array}).rows())
    assert row.raw == (read,)


def test_structs_are_columns_with_dots(tmp_path):
    """A struct that is null has nothing in its columns."""
    deals = pa.array([{"id": 1, "of": {"name": "Acme"}}, {"id": 2, "of": None}, None])
    source = written(tmp_path / "x.parquet", {"a": [1, 2, 3], "deal": deals})
    assert source.form.columns == ("a", "deal.id", "deal.of.name")
    assert [tuple(each.raw) for each in source.rows()] == [("1", "1", "Acme"), ("2", "2", ""), ("3", "", "")]


@pytest.mark.parametrize(
    ("array", "code", "said"),
    [
        (pa.array([[1, 2]]), "NOT_A_VALUE", '"a" is a list'),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "NOT_A_VALUE", '"a" is a list'),
        (pa.array([b"\xff"]), "NOT_A_VALUE", '"a" is a bytes'),
        (pa.array([timedelta(1)]), "NOT_A_VALUE", '"a" is a timedelta'),
        (pa.array([float("nan")]), "NOT_A_NUMBER", "nan"),
        (pa.array([float("inf")], pa.float32()), "NOT_A_NUMBER", "Infinity"),
        (pa.array(["a\0b"]), "BAD_CHARACTER", "NUL"),
    ],
)
def test_what_is_no_value_is_a_problem_where_a_rule_reads_it(tmp_path, array, code, said):
    """In a column that no rule reads it does not matter."""
    columns = {"a": array, "b": ["x"]}
    [bad] = unreadable(written(tmp_path / "x.parquet", columns))
    assert (bad.problem.code, bad.problem.column) == (code, "a")
    assert said in bad.problem.message
    assert [each["b"] for each in cells(written(tmp_path / "y.parquet", columns, column="b"))] == ["x"]


def test_lines_are_the_rows_over_all_row_groups(tmp_path):
    """From 1, also beyond a batch."""
    source = written(tmp_path / "x.parquet", {"a": list(range(2_500))}, row_group_size=700)
    assert lines(source) == list(range(1, 2_501))
    assert [each["a"] for each in cells(source)] == list(range(2_500))


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "BROKEN_PARQUET"), (b"PAR1" + b"x" * 50, "BROKEN_PARQUET"), (b"a;b\n1;2\n", "BROKEN_PARQUET")],
)
def test_a_file_that_is_no_parquet_file_is_refused(tmp_path, content, code):
    """With its name and what to do."""
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        open_source(a_section(path, "parquet"))
    assert (caught.value.code, "x.parquet" in caught.value.message) == (code, True)


def test_no_cut_of_a_file_and_no_flipped_byte_is_a_fault_of_the_program(tmp_path):
    """It is refused, or read where the damage is in nothing that is read."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [f"text {n}" for n in range(300)]}), path)
    content = path.read_bytes()
    for place in range(0, len(content), 23):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            path.write_bytes(damaged)
            with contextlib.suppress(SourceError):
                list(open_source(a_section(path, "parquet")).rows())


def test_a_file_without_rows_or_with_two_columns_of_a_name_is_refused(tmp_path):
    """As a delimited file would be."""
    with pytest.raises(SourceError) as empty:
        list(written(tmp_path / "x.parquet", {"a": pa.array([], pa.string())}).rows())
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "y.parquet")
    with pytest.raises(SourceError) as twice:
        open_source(a_section(tmp_path / "y.parquet", "parquet"))
    assert (empty.value.code, twice.value.code) == ("SOURCE_EMPTY", "HEADER")


def test_a_file_without_columns_is_empty(tmp_path):
    """Frames that nothing was put into are written so."""
    with pytest.raises(SourceError, match="no columns") as caught:
        written(tmp_path / "x.parquet", {})
    assert caught.value.code == "SOURCE_EMPTY"


def test_a_missing_extra_is_named_with_what_installs_it(tmp_path, monkeypatch):
    """And nothing is imported before such a file is opened."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError) as caught:
        open_source(a_section(tmp_path / "x.parquet", "parquet"))
    assert (caught.value.code, caught.value.hint) == ("EXTRA_MISSING", "pip install 'sfsync[parquet]'")
    program = "import sys, sfsync.sources.opening as o; print([m for m in sys.modules if 'pyarrow' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


READ = """
import re, sys
sys.path[:0] = {path!r}
from pathlib import Path
from source_making import a_section
from sfsync.sources import open_source
for name in sys.argv[1:]:
    source = open_source(a_section(Path(name), "csv", column="a"))
    rows = sum(1 for _ in source.rows())
    hwm = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    print(rows, hwm[1])
"""


def peak(*files: Path) -> list[tuple[int, int]]:
    """Rows and the process's peak memory in KB after each of the files, read one after the other."""
    here = Path(__file__).resolve()
    program = READ.format(path=[str(here.parent), str(here.parents[3])])
    words = [sys.executable, "-c", program, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [(int(a), int(b)) for a, b in (line.split() for line in done.stdout.splitlines())]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path):
    """Ten times the rows cost no more memory, whatever the number of row groups."""
    files = []
    for name, count in (("small", 20_000), ("large", 200_000)):
        table = pa.table({"a": range(count), "b": [f"text of row {n}" for n in range(count)]})
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=20_000)
        files.append(tmp_path / f"{name}.parquet")
    (small, before), (large, after) = peak(*files)
    assert (small, large) == (20_000, 200_000)
    assert after - before < 20_000
