"""Parquet files: whole, cut off, damaged, and with columns of every type."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from damaged_kinds import damaged
from written_files import ANY, COLUMNS, Draw, Row, Written, deals, kind, refused

_TEXT: Final = "text"


def _saved(table: Any, **given: Any) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, **given)
    return buffer.getvalue()


def _file(draw: Draw, more: Any = None, **given: Any) -> tuple[bytes, list[Row]]:
    import pyarrow as pa

    rows = [replace(each, line=number) for number, each in enumerate(deals(draw), start=1)]
    columns = {name: [(each.cells or {})[name] for each in rows] for name in COLUMNS}
    table = pa.table(columns)
    if more is not None:
        table = table.append_column("odd", more(len(rows)))
    return _saved(table, **given), rows


@kind
def parquet(draw: Draw) -> Written:
    """Whole files, packed in any way, in row groups of any size."""
    content, rows = _file(
        draw,
        compression=draw.word("none", "snappy", "gzip", "zstd"),
        row_group_size=draw.random.choice([1, 7, 1_000, 100_000]) if draw.size < 100 else 1_000,
        use_dictionary=bool(draw.below(2)),
        data_page_version=draw.word("1.0", "2.0"),
    )
    return Written("deals.parquet", content, tuple(rows))


@kind
def parquet_cut_off(draw: Draw) -> Written:
    """A file that is cut off has lost its footer."""
    content, _ = _file(draw)
    return refused("deals.parquet", content[: draw.below(len(content) - 1)], "BROKEN_PARQUET", "SOURCE_EMPTY")


@kind
def parquet_damaged(draw: Draw) -> Written:
    """A few bytes are changed, lost, doubled or moved."""
    content, _ = _file(draw, write_page_checksum=bool(draw.below(2)))
    return Written("deals.parquet", damaged(content, draw), refusals=frozenset({ANY}))


@kind
def parquet_damaged_pages(draw: Draw) -> Written:
    """A bit of a page with a checksum is flipped: refused, or read exactly as it was written."""
    content, rows = _file(draw, write_page_checksum=True)
    data = bytearray(content)
    length = int.from_bytes(content[-8:-4], "little")
    data[4 + draw.below(len(data) - 12 - length)] ^= 1 << draw.below(8)
    return Written("deals.parquet", bytes(data), tuple(rows), refusals=frozenset({ANY}))


@kind
def parquet_damaged_footers(draw: Draw) -> Written:
    """Bytes of the footer, which says where everything is, are changed."""
    content, _ = _file(draw)
    data = bytearray(content)
    length = int.from_bytes(content[-8:-4], "little")
    for _ in range(1 + draw.below(3)):
        data[len(data) - 8 - length + draw.below(length)] = draw.below(256)
    return Written("deals.parquet", bytes(data), refusals=frozenset({ANY}))


@kind
def parquet_of_every_type(draw: Draw) -> Written:
    """A column of any type, read by a rule: every row is mapped or a problem, or the file is refused."""
    import pyarrow as pa

    naive = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - Parquet has moments without a zone
    chosen: list[tuple[Any, list[Any]]] = [
        (pa.list_(pa.int64()), [[1, 2], [], None]),
        (pa.map_(pa.string(), pa.int64()), [[("a", 1)], None]),
        (pa.binary(), [b"\xff\x00", None]),
        (pa.binary(4), [b"abcd", None]),
        (pa.null(), [None]),
        (pa.float64(), [float("nan"), float("inf"), -0.0, 1e308, 5e-324, None]),
        (pa.float32(), [float("nan"), 0.1, 3.4e38, None]),
        (pa.int64(), [2**63 - 1, -(2**63), None]),
        (pa.uint64(), [2**64 - 1, 0]),
        (pa.decimal128(38, 10), [Decimal("1.5"), None]),
        (pa.decimal256(76, 0), [Decimal("9" * 76), None]),
        (pa.bool_(), [True, False, None]),
        (pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
        (pa.date64(), [date(2026, 1, 2), None]),
        (pa.timestamp("ns"), [naive, None]),
        (pa.timestamp("us", tz="Europe/Berlin"), [naive, None]),
        (pa.timestamp("us", tz="Nowhere/Land"), [0, None]),
        (pa.timestamp("us", tz="+25:99"), [0, None]),
        (pa.timestamp("us", tz=""), [0]),
        (pa.timestamp("us", tz="+05:30"), [2**60, -(2**62)]),
        (pa.timestamp("s"), [2**40]),
        (pa.timestamp("us"), [2**62, -(2**62), None]),
        (pa.date32(), [2**31 - 1]),
        (pa.duration("s"), [timedelta(days=3), None]),
        (pa.duration("ns"), [2**62]),
        (pa.time64("ns"), [time(1, 2, 3), None]),
        (pa.time32("ms"), [time(1, 2, 3)]),
        (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None]),
        (pa.large_string(), ["x"]),
        (pa.dictionary(pa.int8(), pa.string()), ["x", None]),
        (pa.string(), ["a\0b", "\ufeff", "x" * 100_000]),
        (pa.list_(pa.struct([("a", pa.date32())])), [[{"a": date(2026, 1, 1)}], None]),
        (pa.struct([]), [{}, None]),
        (pa.list_(pa.timestamp("us", tz="Nowhere/Land")), [[0]]),
        (pa.list_(pa.timestamp("us")), [[2**62]]),
    ]
    kind_, values = draw.random.choice(chosen)
    try:
        content, rows = _file(
            draw, lambda count: pa.array([values[each % len(values)] for each in range(count)], kind_)
        )
    except pa.ArrowNotImplementedError:
        content, rows = _file(draw)
    field = draw.word(
        "Name", "Amount", "CloseDate", "Description", "Weight__c", "Seen__c", "Sfsync_Key__c", ""
    )
    column = "odd.a" if pa.types.is_struct(kind_) else "odd"
    rules = {field: f'"{column}"'} if field else {}
    return Written("deals.parquet", content, refusals=frozenset({ANY}), count=len(rows), rules=rules)


@kind
def parquet_with_odd_names(draw: Draw) -> Written:
    """Columns without a name, with the same name, with dots, NUL or very long ones."""
    import pyarrow as pa

    names = [
        *COLUMNS,
        draw.word("", "id", "a.b", "x" * 70_000, "no\0te", "\ufeff", " ", "_sfsync_code", "😀", "\n"),
    ]
    rows = deals(draw, count=20)
    columns = [[(each.cells or {})[name] for each in rows] for name in COLUMNS]
    table = pa.table([pa.array(each) for each in [*columns, columns[0]]], names=names)
    return Written("deals.parquet", _saved(table), refusals=frozenset({ANY}), count=20)


@kind
def parquet_of_text_that_is_none(draw: Draw) -> Written:
    """Bytes that are no UTF-8 in a column that says it is text."""
    import pyarrow as pa

    rows = deals(draw, count=20)
    columns = {name: pa.array([(each.cells or {})[name] for each in rows]) for name in COLUMNS}
    bad = pa.array([b"\xff\xfe", *[b"x"] * 19], pa.binary())
    columns[draw.word(*COLUMNS)] = pa.StringArray.from_buffers(20, bad.buffers()[1], bad.buffers()[2])
    return Written("deals.parquet", _saved(pa.table(columns)), refusals=frozenset({ANY}), count=20)


@kind
def parquet_without_rows(draw: Draw) -> Written:
    """Columns and no rows, or not even columns."""
    import pyarrow as pa

    none = pa.table({name: pa.array([], pa.string()) for name in COLUMNS})
    table = draw.random.choice([none, pa.table({})])
    return refused(
        "deals.parquet", _saved(table), "SOURCE_EMPTY", "HEADER", "BROKEN_PARQUET", "COLUMN_MISSING"
    )
