"""Prints tell raw rows apart, and sums of prints tell multisets of rows apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.reading.rows import SourceForm, SourceRow
from sfsync.core.reports.results import RowRef
from sfsync.core.resync.prints import (
    PrintSum,
    RowPrint,
    RowPrinter,
    basis_of,
    group_print,
    packed_groups,
    packed_rows,
    sum_of,
    unpacked_groups,
    unpacked_rows,
)

FORM = SourceForm("opportunities", "deals.csv", "csv", ("id", "name"))
BASIS = basis_of(job_digest="job", schema_digest="schema", org_id="00D")
PRINTER = RowPrinter(BASIS, "opportunities", FORM)


def row(*cells: str, quotes: str = "", types: str = "", line: int = 2) -> SourceRow:
    """A row of those cells."""
    return SourceRow(RowRef("opportunities", "deals.csv", line), {}, cells, quotes, types)


def test_place_and_quotes_of_a_row_mean_nothing() -> None:
    """The same cells in another line and in quotes are the same row."""
    assert PRINTER.of(row("1", "a")) == PRINTER.of(row("1", "a", quotes="11", line=9))


@pytest.mark.parametrize(
    "other", [row("1", "b"), row("1", "a", types="tn"), row("1\x1fa", ""), row("1a", ""), row("", "1a")]
)
def test_another_cell_or_type_is_another_row(other: SourceRow) -> None:
    """Also where the texts of the cells run together to the same text."""
    assert PRINTER.of(row("1", "a")) != PRINTER.of(other)


def test_job_schema_org_section_and_columns_are_in_the_print() -> None:
    """Under another one of them no print of before is known."""
    same = row("1", "a")
    others = [
        RowPrinter(basis_of(job_digest="2", schema_digest="schema", org_id="00D"), "opportunities", FORM),
        RowPrinter(basis_of(job_digest="job", schema_digest="2", org_id="00D"), "opportunities", FORM),
        RowPrinter(basis_of(job_digest="job", schema_digest="schema", org_id="2"), "opportunities", FORM),
        RowPrinter(BASIS, "accounts", FORM),
        RowPrinter(BASIS, "opportunities", replace(FORM, columns=("name", "id"))),
    ]
    prints = [each.of(same) for each in (PRINTER, *others)]
    assert len(set(prints)) == len(prints)


def test_a_number_of_a_document_is_not_its_text() -> None:
    """The raw text of a role inside a document is that of the whole document, so its cells count."""
    printer = RowPrinter(BASIS, "contact_roles", replace(FORM, kind="nested"))
    one, two = (SourceRow(RowRef("d", "d", 1), {"a": cell}, ("{}",)) for cell in (Decimal(1), "1"))
    assert printer.of(one) != printer.of(two)


CELLS = st.tuples(
    st.text(alphabet="a\x1f\x1e,'\n", max_size=3), st.text(alphabet="a\x1f\x1e,'\n", max_size=3)
)


@given(st.lists(CELLS, max_size=6), st.lists(CELLS, max_size=6))
def test_sums_are_equal_exactly_when_the_multisets_are(
    some: list[tuple[str, str]], others: list[tuple[str, str]]
) -> None:
    """The order means nothing, how often a row is there means something."""
    sums = [sum_of(PRINTER.of(row(*each)) for each in cells) for cells in (some, others)]
    assert (sums[0] == sums[1]) == (sorted(some) == sorted(others))


@given(st.lists(st.binary(min_size=16, max_size=16)), st.lists(st.binary(min_size=16, max_size=16)))
def test_sums_add_and_subtract(some: list[bytes], others: list[bytes]) -> None:
    """What is dropped leaves the sum of the rest."""
    assert sum_of(some) + sum_of(others) == sum_of([*some, *others])
    assert sum_of([*some, *others]) - sum_of(others) == sum_of(some)
    assert sum_of(some).with_print(b"\xff" * 16, 2) == sum_of([*some, b"\xff" * 16, b"\xff" * 16])
    assert sum_of([]) == PrintSum()


def test_rows_and_groups_come_back_from_a_saved_plan() -> None:
    """Packed and unpacked they are the same."""
    rows = [RowPrint(number, bytes([number] * 16), group_print(f"g{number}")) for number in range(1, 4)]
    assert list(unpacked_rows(packed_rows(rows))) == rows
    groups = frozenset(each.group for each in rows)
    assert unpacked_groups(packed_groups(groups)) == groups
