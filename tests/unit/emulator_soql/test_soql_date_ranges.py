"""Which days a date literal covers, seen from Wednesday, 30 September 2026."""

from datetime import date

import pytest

from sfsync.emulator.soql.date_ranges import days_covered, is_named_date

TODAY = date(2026, 9, 30)


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("TODAY", None, "2026-09-30", "2026-09-30"),
        ("YESTERDAY", None, "2026-09-29", "2026-09-29"),
        ("TOMORROW", None, "2026-10-01", "2026-10-01"),
        ("THIS_WEEK", None, "2026-09-27", "2026-10-03"),
        ("LAST_WEEK", None, "2026-09-20", "2026-09-26"),
        ("NEXT_MONTH", None, "2026-10-01", "2026-10-31"),
        ("THIS_QUARTER", None, "2026-07-01", "2026-09-30"),
        ("NEXT_QUARTER", None, "2026-10-01", "2026-12-31"),
        ("LAST_FISCAL_QUARTER", None, "2026-04-01", "2026-06-30"),
        ("THIS_YEAR", None, "2026-01-01", "2026-12-31"),
        ("LAST_90_DAYS", None, "2026-07-02", "2026-09-30"),
        ("NEXT_90_DAYS", None, "2026-10-01", "2026-12-29"),
        ("LAST_N_DAYS", 7, "2026-09-23", "2026-09-30"),
        ("NEXT_N_DAYS", 7, "2026-10-01", "2026-10-07"),
        ("N_DAYS_AGO", 7, "2026-09-23", "2026-09-23"),
        ("LAST_N_WEEKS", 2, "2026-09-13", "2026-09-26"),
        ("LAST_N_MONTHS", 10, "2025-11-01", "2026-08-31"),
        ("NEXT_N_QUARTERS", 2, "2026-10-01", "2027-03-31"),
        ("N_YEARS_AGO", 3, "2023-01-01", "2023-12-31"),
        ("LAST_N_FISCAL_YEARS", 1, "2025-01-01", "2025-12-31"),
    ],
)
def test_a_date_literal_covers_whole_days(name, count, first, last):
    """Weeks begin on Sunday; only LAST_N_DAYS and LAST_90_DAYS run on to today."""
    start, after = days_covered(name, count=count, today=TODAY)
    assert start.isoformat() == first
    assert date.fromordinal(after.toordinal() - 1).isoformat() == last


def test_only_documented_names_are_date_literals():
    """A count belongs to the N literals and to no other."""
    assert is_named_date("LAST_N_DAYS", has_count=True)
    assert not is_named_date("LAST_N_DAYS", has_count=False)
    assert not is_named_date("TODAY", has_count=True)
    assert not is_named_date("SOMEDAY", has_count=False)
