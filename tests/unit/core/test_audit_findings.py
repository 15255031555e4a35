"""What became of a value that was sent, by the two values and the record's last modification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sfsync.core.reports.audit import (
    Audit,
    Compared,
    Finding,
    Kind,
    Moment,
    Stamp,
    is_of_our_write,
    kind_of,
    running_user,
)

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)
US, MARIA = "005000000000001AAA", "005000000000002AAA"
OURS = Stamp(US, NOON, US, NOON)


def of(
    sent: object, held: object, *, before: object = "old", stamp: Stamp = OURS, us: str | None = US
) -> Kind | None:
    """The kind of an updated field, our write having been the last."""
    value = Compared("F", sent, held, {"F": before}, is_new=False)  # type: ignore[arg-type]
    return kind_of(value, stamp, us=us, is_ours=True)


@pytest.mark.parametrize(
    ("sent", "held", "kind"),
    [
        ("a", "a", None),
        ("a ", "a", Kind.TRIMMED),
        ("a long text", "a long", Kind.TRUNCATED),
        (Decimal("10.55"), Decimal("10.5"), Kind.ROUNDED),
        (Decimal("10.55"), Decimal("10.6"), Kind.ROUNDED),
        (Decimal("10.55"), Decimal("12.0"), Kind.BY_AUTOMATION),
        ("new", "old", Kind.IGNORED),
        ("new", "other", Kind.BY_AUTOMATION),
        ("new", None, Kind.BY_AUTOMATION),
    ],
)
def test_a_value_is_judged_by_what_is_there_now(sent: object, held: object, kind: Kind | None) -> None:
    """Cut off, rounded and as before are told by the values, the rest by whose the last modification was."""
    assert of(sent, held) is kind


def test_a_field_of_a_new_record_that_stayed_empty_was_ignored() -> None:
    """There is no value before a create, so an empty field is as it was."""
    value = Compared("F", "new", None, {}, is_new=True)
    assert kind_of(value, OURS, us=US, is_ours=True) is Kind.IGNORED


def test_another_users_edit_is_told_unless_the_values_leave_it_open() -> None:
    """Who put an old value back, or shortened a text, cannot be told after somebody else's edit."""
    theirs = Stamp(MARIA, NOON, US, NOON)
    assert of("new", "other", stamp=theirs) is Kind.BY_ANOTHER_USER
    assert of("new", "old", stamp=theirs) is Kind.CHANGED_IN_ORG
    assert of("new", "ne", stamp=theirs) is Kind.CHANGED_IN_ORG


def test_where_nobody_knows_who_we_are_nothing_is_claimed() -> None:
    """Neither automation nor a person is named."""
    assert of("new", "other", us=None) is Kind.CHANGED_IN_ORG


def test_we_are_whoever_created_what_we_inserted() -> None:
    """An insert tells it; a single update in the second of our write does so only on a record of that user."""
    now, never = Moment(NOON, NOON), Moment(None, None)
    theirs = Stamp(MARIA, NOON, US, NOON)
    assert running_user([(theirs, never, True)]) == US
    assert running_user([(theirs, now, False)]) is None
    assert running_user([(theirs, now, False), (theirs, now, False)]) == MARIA
    assert running_user([(OURS, now, False)]) == US
    assert running_user([(OURS, now, False), (theirs, now, False)]) is None
    assert running_user([(OURS, never, False)]) is None


def test_our_own_write_is_known_by_its_second() -> None:
    """A new record was modified when it was created; an update between the two answers around it."""
    later = Stamp(US, NOON + timedelta(seconds=5), US, NOON)
    assert is_of_our_write(OURS, Moment(None, None), is_new=True)
    assert not is_of_our_write(later, Moment(None, None), is_new=True)
    assert is_of_our_write(
        later, Moment(NOON + timedelta(seconds=4), NOON + timedelta(seconds=6)), is_new=False
    )
    assert not is_of_our_write(later, Moment(NOON, NOON), is_new=False)


def test_what_was_filled_in_or_trimmed_is_no_difference() -> None:
    """All that was sent is there; the counts still tell it, in the order of the kinds."""
    findings = tuple(
        Finding(kind, "Opportunity", "D", "D", "") for kind in (Kind.DEFAULTED, Kind.TRIMMED, Kind.MISSING)
    )
    audit = Audit(1, findings)
    assert [each.kind for each in audit.differences()] == [Kind.MISSING]
    assert list(audit.counts()) == [Kind.MISSING, Kind.TRIMMED, Kind.DEFAULTED]
