"""Rows come out of the spool as they went in, in portions of whole groups, and memory stays flat meanwhile."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.models import Opportunity
from sfsync.core.reading.row_groups import Row, group_of
from sfsync.core.reading.rows import (
    ModelRow,
    PassedLine,
    RowSource,
    SourceForm,
    SourceRow,
    UnreadableRow,
    notes_of,
    numbered,
)
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.sources.spool import RowSpool, spooled

NOTE = Problem("BLANK_LINES", Stage.PARSE, "2 blank lines")
KEY = FieldRule("Key__c", column="id")
DEALS = Section("opportunities", "Opportunity", SourceSpec("csv"), (KEY,), key="Key__c")
ROLES = Section(
    "contact_roles",
    "OpportunityContactRole",
    SourceSpec("csv"),
    (FieldRule("OpportunityId", column="deal"),),
)
JOB = Job("job", "org", {"opportunities": DEALS, "contact_roles": ROLES}, "digest")


class Given:
    """A source of these rows."""

    def __init__(self, name: str, rows: list[Row]) -> None:
        self._rows = rows
        self.form = SourceForm(name, f"{name}.csv", "csv", ("id",), ",", "utf-8")

    def rows(self) -> Iterator[Row]:
        """The rows."""
        return iter(self._rows)

    def notes(self) -> tuple[Problem, ...]:
        """One note."""
        return (NOTE,)


def line(name: str, number: int, **cells: str) -> SourceRow:
    """A row of a file."""
    ref = RowRef(name, f"{name}.csv", number + 1, number)
    return SourceRow(ref, cells, tuple(cells.values()), quotes="1")


def portions_of(deals: list[Row], roles: list[Row], most: int) -> list[dict[str, RowSource]]:
    """The portions of a job of these rows."""
    sources: dict[str, RowSource] = {"opportunities": Given("opportunities", deals)}
    sources["contact_roles"] = Given("contact_roles", roles)
    made = spooled(JOB, sources, most=most)
    assert isinstance(made, RowSpool)
    return list(made.portions(most=most))


@given(
    st.lists(st.sampled_from("abcdefghijklmnop"), min_size=4, max_size=40),
    st.lists(st.sampled_from("abcDEFxyz "), max_size=40),
    st.integers(1, 3),
)
def test_every_row_is_in_one_portion_with_all_of_its_group(
    keys: list[str], named: list[str], most: int
) -> None:
    """Rows keep their order and numbers, and no group is in two portions."""
    deals: list[Row] = [line("opportunities", number, id=key) for number, key in enumerate(keys, 1)]
    roles: list[Row] = [line("contact_roles", number, deal=key) for number, key in enumerate(named, 1)]
    found: dict[str, dict[int, Row]] = {"opportunities": {}, "contact_roles": {}}
    groups: dict[str, int] = {}
    for place, portion in enumerate(portions_of(deals, roles, most)):
        for name, source in portion.items():
            rows = list(numbered(source))
            assert [number for number, _ in rows] == sorted(number for number, _ in rows)
            assert not found[name].keys() & dict(rows).keys()
            found[name] |= dict(rows)
            for number, row in rows:
                assert groups.setdefault(group_of(JOB.sections[name], row, number), place) == place
    assert found["opportunities"] == dict(enumerate(deals, 1))
    assert found["contact_roles"] == dict(enumerate(roles, 1))


def test_rows_of_every_kind_come_back_as_they_were() -> None:
    """Typed cells, unreadable rows, rows from Python and lines that are no rows."""
    ref = RowRef("opportunities", "opportunities.csv", 7, 6)
    typed = SourceRow(ref, {"id": "T", "n": Decimal("1.50"), "d": date(2027, 1, 2), "b": True, "e": None}, ())
    model = ModelRow(
        ref, Opportunity(Name="x", StageName="New", CloseDate="2027-01-01", Key__c="M"), ("m",), "t"
    )
    bad = UnreadableRow(ref, ("x", "half a \ud800"), NOTE, quotes="01")
    other = SourceRow(ref, {"id": "half a \ud800"}, ("another", "text"), types="n")
    passed = PassedLine(ref, ("a footer",))
    rows: list[Row] = [typed, model, bad, other, passed, line("opportunities", 5, id="L")]
    portions = portions_of(rows, [], 2)
    back = {number: row for each in portions for number, row in numbered(each["opportunities"])}
    assert back == {1: typed, 2: model, 3: bad, 4: other, 5: rows[5], 0: passed}
    assert [type(each) for each in back[1].cells.values()] == [str, Decimal, date, bool, type(None)]  # type: ignore[union-attr]


def test_what_a_source_tells_is_told_once() -> None:
    """Notes and columns are those of the whole, in the first portion and in all."""
    portions = portions_of([line("opportunities", number, id=f"{number}") for number in range(1, 9)], [], 2)
    assert [note for each in portions for note in notes_of(each["opportunities"])] == [NOTE]


def test_a_small_job_stays_in_memory_and_is_read_once() -> None:
    """So many rows as a portion has are given as they were read."""
    rows: list[Row] = [line("opportunities", number, id=f"{number}") for number in range(1, 4)]
    made = spooled(JOB, {"opportunities": Given("opportunities", rows)}, most=3)
    assert isinstance(made, dict)
    assert list(made["opportunities"].rows()) == rows
    assert notes_of(made["opportunities"]) == (NOTE,)


def test_memory_does_not_grow_with_the_rows() -> None:
    """Forty thousand more rows, of some hundred bytes each, take next to nothing."""

    class Made(Given):
        def __init__(self, count: int) -> None:
            super().__init__("opportunities", [])
            self.count = count

        def rows(self) -> Iterator[Row]:
            text = "some text that is long enough to be felt " * 5
            for number in range(1, self.count + 1):
                yield line("opportunities", number, id=f"D-{number}", text=f"{text}{number}")

    def peak(count: int) -> int:
        tracemalloc.start()
        made = spooled(JOB, {"opportunities": Made(count)}, most=1_000)
        assert isinstance(made, RowSpool)
        given = sum(1 for each in made.portions(most=1_000) for _ in numbered(each["opportunities"]))
        assert given == count
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2_000)  # what is made once
    assert peak(60_000) < peak(20_000) + 8_000_000
