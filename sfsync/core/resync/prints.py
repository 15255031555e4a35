"""The print of a raw row, and sums of prints by which two sources are found equal without comparing rows.

A print covers all that decides what becomes of a row save the org: this module's version, the digests of job and
schema, the org, the section, its columns, and the raw cells with their types. How a cell is quoted means nothing
and is left out. Two multisets of rows are equal exactly when the sums of their prints modulo 2^128 and their
counts are, but for a chance of 2^-128: prints are uniform, and a sum forgets the order and keeps how often each is.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from sfsync.core.reading.rows import Cell, ModelRow, SourceForm, SourceRow, UnreadableRow

VERSION: Final = 1
"""Counts up with every change of what a print covers or of what the same rows mean: all is planned anew then."""

PRINT_BYTES: Final = 16
GROUP_BYTES: Final = 8
"""Two of a million groups share a name of 64 bits with a chance of 3 in 10^8; they are looked at together then."""

_MODULUS: Final = 1 << (8 * PRINT_BYTES)
_SEPARATOR: Final = "\x1f"
_TEXT_KINDS: Final = frozenset({"csv", "xlsx", "parquet"})
"""The kinds whose raw cells, with their types, are all that a row says."""

_ENTRY: Final = Struct(f">I{PRINT_BYTES}s{GROUP_BYTES}s")

PrintedRow = SourceRow | UnreadableRow | ModelRow


class RowPrint(NamedTuple):
    """One row: its ordinal in its source, its print and its group."""

    ordinal: int
    print: bytes
    group: bytes


@dataclass(frozen=True, slots=True)
class PrintSum:
    """The sum of the prints of some rows, and how many they are."""

    total: int = 0
    rows: int = 0

    def __add__(self, other: PrintSum) -> PrintSum:
        return PrintSum((self.total + other.total) % _MODULUS, self.rows + other.rows)

    def __sub__(self, other: PrintSum) -> PrintSum:
        return PrintSum((self.total - other.total) % _MODULUS, self.rows - other.rows)

    def with_print(self, print_: bytes, copies: int = 1) -> PrintSum:
        """The sum with one more print, or with several copies of it."""
        return PrintSum((self.total + copies * int.from_bytes(print_)) % _MODULUS, self.rows + copies)


NOTHING: Final = PrintSum()


def sum_of(prints: Iterable[bytes]) -> PrintSum:
    """The sum of prints."""
    total = rows = 0
    for rows, each in enumerate(prints, start=1):  # noqa: B007 - the last count is wanted
        total += int.from_bytes(each)
    return PrintSum(total % _MODULUS, rows)


def group_print(name: str) -> bytes:
    """The short name of a row group (`core.reading.row_groups`) as the journal keeps it."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=GROUP_BYTES).digest()


def basis_of(*, job_digest: str, schema_digest: str, org_id: str) -> str:
    """What prints are made under; with another basis no print of before is known."""
    return f"{VERSION} {job_digest} {schema_digest} {org_id}"


class RowPrinter:
    """Makes the prints of one section's rows."""

    def __init__(self, basis: str, section: str, form: SourceForm) -> None:
        seed = _text_of((basis, section, form.kind, *form.columns))
        self._seeded = hashlib.blake2b(_bytes(seed), digest_size=PRINT_BYTES)
        self._is_text = form.kind in _TEXT_KINDS and not form.entry_columns

    def of(self, row: PrintedRow) -> bytes:
        """The print of a row."""
        made = self._seeded.copy()
        made.update(_bytes(_text_of(row.raw)))
        if row.types:
            made.update(_bytes(f"\x1etypes {row.types}"))
        if isinstance(row, UnreadableRow):
            made.update(_bytes(f"\x1eunreadable {row.problem.code}"))
        elif isinstance(row, ModelRow):
            made.update(_bytes(f"\x1emodel {sorted(row.record.given(), key=_name)!r}"))
        elif not self._is_text:
            made.update(_bytes(f"\x1ecells {_typed(row.cells)}"))
        return made.digest()


def _name(pair: tuple[str, object]) -> str:
    return pair[0]


def _typed(cells: Mapping[str, Cell]) -> str:
    """The cells of a document, of an entry of a list or of a program's row: the raw text may be of more than it."""
    return repr(sorted(cells.items()))


def _text_of(cells: tuple[str, ...]) -> str:
    """One text for the cells, another one for any other cells."""
    text = _SEPARATOR.join(cells)
    return text if text.count(_SEPARATOR) == len(cells) - 1 else f"\x1e{cells!r}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def packed_rows(rows: Iterable[RowPrint]) -> str:
    """Rows as text for a saved plan: 28 bytes a row, in base 64."""
    return b64encode(b"".join(_ENTRY.pack(*each) for each in rows)).decode()


def unpacked_rows(text: str) -> Iterator[RowPrint]:
    """The rows that `packed_rows` wrote."""
    return (RowPrint(*each) for each in _ENTRY.iter_unpack(b64decode(text)))


def packed_groups(groups: Iterable[bytes]) -> str:
    """Names of groups as text for a saved plan."""
    return b64encode(b"".join(sorted(set(groups)))).decode()


def unpacked_groups(text: str) -> frozenset[bytes]:
    """The groups that `packed_groups` wrote."""
    data = b64decode(text)
    return frozenset(data[start : start + GROUP_BYTES] for start in range(0, len(data), GROUP_BYTES))
