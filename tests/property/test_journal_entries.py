"""The ledger's texts: every entry comes back as exactly the same, also one that an earlier version wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import JournalError
from sfsync.journal.encoding import write_values
from sfsync.journal.entries import NAMES, read_entry, write_entry

ANY_TEXT = st.text(st.characters())
KEYS = st.one_of(
    ANY_TEXT, st.sampled_from(["D-1", "006A/003B/Decision Maker", "006A/003B/", "a/b/c/d", "//"])
)
VALUES = st.one_of(
    ANY_TEXT,
    st.sampled_from(["D-1", "006A", "003B", "Decision Maker", "", "c/d"]),
    st.booleans(),
    st.none(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
)
FIELDS = st.one_of(st.sampled_from(NAMES), ANY_TEXT)
VALUES_BY_FIELD = st.dictionaries(FIELDS, VALUES, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def exact(values: Mapping[str, object]) -> dict[str, tuple[type, str]]:
    """Kind and digits: 1.50 is not 1.5, a date is not a moment."""
    return {field: (type(value), repr(value)) for field, value in values.items()}


def again(key: str, sent: Mapping[str, object], seen: Mapping[str, object]) -> tuple[object, object]:
    """The entry as it comes back."""
    texts = write_entry(key, sent, seen)  # type: ignore[arg-type]
    assert all(each.isascii() for each in texts)
    one, other = read_entry(key, *texts)
    return exact(one), exact(other)


@given(KEYS, VALUES_BY_FIELD, VALUES_BY_FIELD)
def test_an_entry_comes_back_exactly(key: str, sent: dict[str, object], seen: dict[str, object]) -> None:
    """Whatever was sent and seen, kind, digits and every character survive, as pure ASCII."""
    assert again(key, sent, seen) == (exact(sent), exact(seen))


@given(KEYS, VALUES_BY_FIELD, st.data())
def test_what_differs_a_little_comes_back_exactly(
    key: str, sent: dict[str, object], data: st.DataObject
) -> None:
    """Also where the two have the same fields, which is kept as the difference."""
    seen = {name: data.draw(VALUES | st.just(value)) for name, value in sent.items()}
    assert again(key, sent, seen) == (exact(sent), exact(seen))


@given(KEYS, VALUES_BY_FIELD, VALUES_BY_FIELD)
def test_an_entry_of_an_earlier_version_is_read(
    key: str, sent: dict[str, object], seen: dict[str, object]
) -> None:
    """Its texts are objects by field."""
    one, other = read_entry(key, write_values(sent), write_values(seen))  # type: ignore[arg-type]
    assert (exact(one), exact(other)) == (exact(sent), exact(seen))


@given(KEYS, ANY_TEXT | JSON.map(json.dumps), ANY_TEXT | JSON.map(json.dumps))
def test_foreign_texts_are_read_or_refused_by_name(key: str, sent: str, seen: str) -> None:
    """Whatever stands in the journal, reading gives values or our own error."""
    code = ""
    try:
        code = "" if all(isinstance(each, dict) for each in read_entry(key, sent, seen)) else "no values"
    except JournalError as error:
        code = error.code
    assert code in {"", "JOURNAL_DAMAGED"}


@pytest.mark.parametrize("seen", ['{"7":"x"}', '{"a":"x"}', "[[0]]", "[", "7"])
def test_a_second_text_that_does_not_fit_is_damage(seen: str) -> None:
    """It is not taken for another value."""
    with pytest.raises(JournalError):
        read_entry("006A/003B/", "[[0,1],[0],[1]]", seen)


def test_a_kind_of_value_that_no_field_has_is_refused() -> None:
    """It is refused when it is written."""
    with pytest.raises(JournalError) as refused:
        write_entry("K", {"Amount": 1.5}, {})  # type: ignore[dict-item]
    assert refused.value.code == "JOURNAL_VALUE"


def test_a_role_and_a_deal_take_few_bytes() -> None:
    """What the key says, and what was seen as it was sent, takes none."""
    role = {"OpportunityId": "006A", "ContactId": "003B", "Role": "Decision Maker"}
    assert write_entry("006A/003B/Decision Maker", role, dict(role)) == ("[[0,1,2],[0],[1],[2]]", "")
    sent = {
        "Sfsync_Key__c": "D-1",
        "Name": "A deal",
        "CloseDate": date(2026, 9, 30),
        "Amount": Decimal("1.50"),
    }
    seen = {**sent, "Amount": Decimal("1.5")}
    assert write_entry("D-1", sent, seen) == ('[[22,4,6,7],[],"A deal",739889,["1.50"]]', '{"3":["1.5"]}')


def test_the_released_names_keep_their_numbers() -> None:
    """A journal of before would be read wrongly otherwise."""
    assert NAMES[:4] == ("OpportunityId", "ContactId", "Role", "IsPrimary")
    assert (NAMES.index("Name"), NAMES.index("Amount"), NAMES.index("Sfsync_Key__c")) == (4, 7, 22)
    assert len(set(NAMES)) == len(NAMES)
