"""The journal's JSON: every value of a field comes back as exactly the same value."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import JournalError
from sfsync.journal.encoding import read_detail, read_values, write_detail, write_values

ANY_TEXT = st.text(st.characters())
VALUES = st.one_of(
    ANY_TEXT,
    st.booleans(),
    st.none(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def exact(values: dict[str, object]) -> dict[str, tuple[type, str]]:
    """Kind and digits: 1.50 is not 1.5, a date is not a moment."""
    return {field: (type(value), repr(value)) for field, value in values.items()}


@given(st.dictionaries(ANY_TEXT, VALUES, max_size=6))
def test_values_come_back_exactly(values: dict[str, object]) -> None:
    """Kind, digits, sign of zero and every character survive, as pure ASCII."""
    text = write_values(values)
    assert text.isascii()
    assert exact(read_values(text)) == exact(values)


@given(st.dictionaries(ANY_TEXT, JSON, max_size=4) | st.none())
def test_details_come_back_exactly(detail: dict[str, object] | None) -> None:
    """A JSON detail, or none, survives."""
    assert read_detail(write_detail(detail)) == detail


@given(st.text(max_size=30) | JSON.map(str))
def test_foreign_text_is_read_or_refused_by_name(text: str) -> None:
    """Whatever stands in the file, reading gives values or our own error."""
    code = ""
    try:
        code = "" if isinstance(read_values(text), dict) else "no values"
    except JournalError as error:
        code = error.code
    assert code in {"", "JOURNAL_DAMAGED"}


@pytest.mark.parametrize(
    "text", ['{"a":{"number":"x"}}', '{"a":{"date":"2026-13-01"}}', '{"a":{}}', "[]", "", '{"a":{"b":1}}']
)
def test_damaged_values_are_refused(text: str) -> None:
    """A tag that does not hold is damage, not another value."""
    with pytest.raises(JournalError):
        read_values(text)


@pytest.mark.parametrize("detail", [{"a": object()}, {"a": float("nan")}])
def test_a_detail_that_is_no_json_is_refused(detail: dict[str, object]) -> None:
    """It is refused when it is written."""
    with pytest.raises(JournalError):
        write_detail(detail)
