"""Good files that are damaged without a plan: bits flipped, bytes lost or doubled, cut off, mixed up, or noise.

What became of the rows cannot be known, so the account is judged: an error of ours, or as many rows as a plain
reading counts, each of them mapped or a problem.
"""

from __future__ import annotations

import csv
import io

from written_files import ANY, Draw, Written, ascii_deals, deals, kind, table


def plain_count(content: bytes) -> int | None:
    """How many rows the csv module alone sees behind the header; None where it cannot read the text."""
    try:
        text = content.decode("utf-8-sig")
        if text.lower().startswith(("sep=", '"sep=')):
            return None
        csv.field_size_limit(10_000_000)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        records = [(each, reader.line_num) for each in reader]
    except (UnicodeError, csv.Error):
        return None
    filled = [each for each, _ in records if each and (any(each) and each != ["\x1a"])]
    blank = [each for each, _ in records if each and not any(each)]
    return None if blank else len(filled) - 1


def damaged(content: bytes, draw: Draw) -> bytes:
    """The content with a few bytes changed, lost, doubled or moved."""
    data = bytearray(content)
    for _ in range(1 + draw.below(4)):
        at = draw.below(len(data)) if data else 0
        match draw.below(6):
            case 0:
                data[at : at + 1] = bytes([data[at] ^ (1 << draw.below(8))]) if data else b"x"
            case 1:
                del data[at : at + 1 + draw.below(9)]
            case 2:
                data[at:at] = data[at : at + 1 + draw.below(90)]
            case 3:
                data[at:at] = draw.random.choice(
                    [b'"', b"\0", b"\r", b"\n", b",", b";", b"\xff", b"\xef\xbb\xbf"]
                )
            case 4:
                data[at : at + 4] = draw.random.randbytes(4)
            case _:
                other = draw.below(len(data) + 1)
                data[at:at] = data[other : other + 200]
    return bytes(data)


def _judged_by_account(content: bytes, name: str = "deals.csv") -> Written:
    return Written(name, content, refusals=frozenset({ANY}), count=plain_count(content))


@kind
def damaged_tables(draw: Draw) -> Written:
    """A few bytes of a good table are changed, lost, doubled or moved."""
    return _judged_by_account(damaged(table(deals(draw))[0].encode(), draw))


@kind
def flipped_bits(draw: Draw) -> Written:
    """Single bits of a good table are flipped."""
    data = bytearray(table(ascii_deals(draw))[0].encode())
    for _ in range(1 + draw.below(20)):
        data[draw.below(len(data))] ^= 1 << draw.below(8)
    return _judged_by_account(bytes(data))


@kind
def cut_tables(draw: Draw) -> Written:
    """A good table is cut off anywhere, also inside quotes."""
    content = table(deals(draw))[0].encode()
    return _judged_by_account(content[: draw.below(len(content))])


@kind
def overwritten_tables(draw: Draw) -> Written:
    """A block of a good table is zeros, or belongs to another place."""
    data = bytearray(table(ascii_deals(draw))[0].encode())
    at, length = draw.below(len(data)), 1 + draw.below(700)
    if draw.below(2):
        data[at : at + length] = bytes(len(data[at : at + length]))
    else:
        data[at : at + length] = data[:length]
    return _judged_by_account(bytes(data))


@kind
def lines_mixed_up(draw: Draw) -> Written:
    """Lines in another order, some of them twice: repeated keys are problems, and the header stays in front."""
    header, *lines = table(ascii_deals(draw))[0].splitlines(keepends=True)
    mixed = draw.random.choices(lines, k=len(lines) + 3)
    return _judged_by_account((header + "".join(mixed)).encode())


@kind
def noise(draw: Draw) -> Written:
    """Random bytes by the name of any format."""
    name = draw.word("deals.csv", "deals.tsv", "deals.json", "deals.jsonl", "deals.xlsx", "deals.parquet")
    start = draw.random.choice(
        [b"", b"PK\x03\x04", b"PAR1", b"\xff\xfe", b"id,name\n", b"{", b"[", b"\x1f\x8b"]
    )
    return Written(name, start + draw.random.randbytes(draw.size * 8), refusals=frozenset({ANY}))


@kind
def names_of_other_kinds(draw: Draw) -> Written:
    """A good table by the name of another kind, known or not."""
    ending = draw.word(
        *("xlsx", "parquet", "json", "jsonl", "xls", "ods", "zip", "gz", "xml", "avro", "feather", "numbers"),
    )
    content = table(ascii_deals(draw))[0].encode()
    rows = ending == "jsonl"
    return Written(
        f"deals.{ending}",
        content,
        refusals=frozenset({ANY}),
        must_refuse=not rows,
        count=len(content.splitlines()) if rows else None,
    )
