"""Dates of declared forms: many real spellings, and what is none of them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sfsync.core.reading.dates import FORM_NAMES, date_form, read_date, read_moment

DAY = date(2026, 9, 30)


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("iso", "2026-09-30", DAY),
        ("iso-minutes", "2026-09-30", DAY),
        ("iso-minutes", "2026-09-30 23:59", DAY),
        ("iso-minutes", "2026-09-30 00:00:00", DAY),
        ("iso-minutes", "2026-09-30T14:05:59.123", DAY),
        ("excel-serial", "46295", DAY),
        ("excel-serial", "46295.0", DAY),
        ("excel-serial", "1", date(1900, 1, 1)),
        ("excel-serial", "59", date(1900, 2, 28)),
        ("excel-serial", "61", date(1900, 3, 1)),
        ("excel-serial", "2958465", date(9999, 12, 31)),
        ("excel-serial-day", "46295.9999", DAY),
        ("excel-serial-1904", "44833", DAY),
        ("excel-serial-1904", "0", date(1904, 1, 1)),
        ("excel-serial-1904-day", "44833.5", DAY),
        ("epoch-ms", "1790726400000", DAY),
        ("epoch-ms", "1790812799999", DAY),
        ("epoch-s", "1790726400", DAY),
        ("D.M.Y", "30.9.2026", DAY),
        ("D.M.Y", "30.09.2026", DAY),
        ("D/M/Y", "03/04/2026", date(2026, 4, 3)),
        ("M/D/Y", "03/04/2026", date(2026, 3, 4)),
        ("M/D/Y", "9/30/2026", DAY),
        ("D-M-Y", "30-09-2026", DAY),
        ("Y/M/D", "2026/9/30", DAY),
        ("Y.M.D", "2026.09.30", DAY),
        ("D. M. Y", "30. 9. 2026", DAY),
        ("D MMM Y de_DE", "12. Okt. 2026", date(2026, 10, 12)),
        ("D MMM Y de_DE", "1. März 2026", date(2026, 3, 1)),
        ("D MMM Y de_DE", "12 OKTOBER 2026", date(2026, 10, 12)),
        ("D MMM Y fr_FR", "12 août 2026", date(2026, 8, 12)),
        ("D MMM Y fr_FR", "3 févr. 2026", date(2026, 2, 3)),
        ("D MMM Y es_ES", "12 de octubre de 2026", date(2026, 10, 12)),
        ("D MMM Y en_US", "12-Oct-2026", date(2026, 10, 12)),
        ("MMM D Y en_US", "Oct 12, 2026", date(2026, 10, 12)),
        ("MMM D, Y en_US", "October 12, 2026", date(2026, 10, 12)),
        ("%d.%m.%y", "30.09.26", DAY),
        ("%d %B %Y", "30 September 2026", DAY),
    ],
)
def test_a_date_is_what_its_declared_form_says(form: str, text: str, day: date) -> None:
    """Each form reads the spellings that files really have."""
    assert read_date(text, form) == day


@pytest.mark.parametrize(
    ("form", "text", "why"),
    [
        ("iso", "03/04/2026", "is not a date"),
        ("iso", "2026-02-30", "is not a date written as iso"),
        ("iso-minutes", "2026-09-30T14:05Z", "it has an offset"),
        ("iso-minutes", "2026-09-30 14:05+02:00", "it has an offset"),
        ("iso-minutes", "2026-09-30 24:00", "is not a date written as iso-minutes"),
        ("iso-minutes", "2026-09-30 14", "such as 2026-09-30 14:05"),
        ("excel-serial", "60", "1900-02-29, a day that never was"),
        ("excel-serial", "0", "no day between"),
        ("excel-serial", "2958466", "no day between"),
        ("excel-serial", "20260930", "no number of days"),
        ("excel-serial", "-1", "no number of days"),
        ("excel-serial", "46295.5", "excel-serial-day leaves out"),
        ("excel-serial-1904", "46295.5", "excel-serial-1904-day leaves out"),
        ("excel-serial-1904", "2957004", "behind the year 9999"),
        ("epoch-ms", "1790726400", "it would lie in 1970; epoch-s is the other unit"),
        ("epoch-s", "1790726400000", "epoch-ms is the other unit"),
        ("epoch-s", "9999999999999999", "beyond all years"),
        ("epoch-s", "0", "in 1970"),
        ("epoch-s", "1.5", "no whole number"),
        ("D/M/Y", "3/4/26", "the year needs four digits"),
        ("D/M/Y", "31/02/2026", "is not a date written as D/M/Y"),
        ("M/D/Y", "13/02/2026", "such as 9/30/2026"),
        ("D.M.Y", "30/09/2026", "such as 30.9.2026"),
        ("D.M.Y", "30.09.2026 14:05", "such as 30.9.2026"),
        ("D.M.Y", "\uff13\uff10.09.2026", "its digits are not 0 to 9"),
        ("%d.%m.%Y", "\u0663\u0660.09.2026", "such as 30.09.2026"),
        ("%d.%m.%Y", "tomorrow", "is not a date written as %d.%m.%Y"),
        ("D MMM Y de_DE", "12 Oct 2026", '"Oct" is no month of it'),
        ("D MMM Y en_US", "12-Oct-26", "the year needs four digits"),
    ],
)
def test_what_is_written_otherwise_is_refused(form: str, text: str, why: str) -> None:
    """A wrong order, unit, year or script is a problem, and the message says what was expected."""
    with pytest.raises(ValueError, match="is not a date") as error:
        read_date(text, form)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("%d.%m", "does not say day, month and year; an example is %d.%m.%Y"),
        ("D/M", "does not say day, month and year; an example is D.M.Y"),
        ("D/D/Y", "does not say day, month and year"),
        ("excel_serial", 'did you mean "excel-serial"?'),
        ("epoch", 'did you mean "epoch-s"?'),
        ("klingon", 'known are "iso", "iso-minutes"'),
        ("D MMM Y", 'needs the language: "D MMM Y en_US"'),
        ("D/M/Y de_DE", "names a language without a month in words"),
        ("D MMM Y de_DX", '"de_DX" is no locale'),
        ("D MMM Y ja_JP", "whose months are no single words"),
    ],
)
def test_a_form_that_is_none_is_refused_with_near_names(name: str, why: str) -> None:
    """What a job declares is known, or is a mistake of the job."""
    with pytest.raises(ValueError) as error:
        date_form(name)
    assert why in str(error.value)


@pytest.mark.parametrize("name", [*FORM_NAMES, "D MMM Y de_DE", "MMM D Y en_US", "%d.%m.%Y"])
def test_the_example_of_a_form_is_one_of_its_dates(name: str) -> None:
    """What a message shows can be typed."""
    assert read_date(date_form(name).example, name) == DAY


def test_no_number_is_a_moment_in_both_units() -> None:
    """Whatever epoch-s takes, epoch-ms refuses, and the other way round, at the ends of both ranges."""
    for number in (315532800, 64092211199, 315532800000, 64092211199000):
        taken = []
        for name in ("epoch-s", "epoch-ms"):
            try:
                read_date(str(number), name)
            except ValueError:
                continue
            taken.append(name)
        assert len(taken) == 1


def test_only_epoch_times_are_moments() -> None:
    """All other forms say no zone, so nobody could know which moment they mean."""
    assert read_moment("1790726400123", "epoch-ms") == datetime(2026, 9, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="no moment with a zone"):
        read_moment("2026-09-30 14:05", "iso-minutes")
