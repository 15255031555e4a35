"""What a column's texts could be, with the two lines that prove it or leave it open."""

from __future__ import annotations

import pytest

from sfsync.core.reading.reading_hints import (
    ColumnEvidence,
    DateEvidence,
    Kind,
    NumberEvidence,
    Sample,
    Standing,
    Verdict,
)


def dates(*texts: str) -> Verdict:
    """The verdict on a column of dates that begins in line 2."""
    evidence = DateEvidence()
    for line, text in enumerate(texts, start=2):
        evidence.add(line, text)
    return evidence.verdict()


def numbers(*texts: str) -> Verdict:
    """The verdict on a column of numbers that begins in line 2."""
    evidence = NumberEvidence()
    for line, text in enumerate(texts, start=2):
        evidence.add(line, text)
    return evidence.verdict()


def test_a_thirteenth_month_proves_which_comes_first() -> None:
    """The line that disproves the other order is named."""
    found = dates("03/04/2026", "05/04/2026", "13/02/2026", "01/01/2026")
    assert (found.standing, found.name, found.count) == (Standing.DECIDED, "D/M/Y", 4)
    assert found.evidence == (Sample(2, "03/04/2026"), Sample(4, "13/02/2026"))
    assert found.sentence == 'D/M/Y: line 4 "13/02/2026" disproves M/D/Y'


def test_dates_that_both_orders_read_are_ambiguous() -> None:
    """Both are named, with the lines that were looked at; none is preferred."""
    found = dates("03/04/2026", "", "05/06/2026")
    assert (found.standing, found.name) == (Standing.AMBIGUOUS, "")
    assert [each.name for each in found.rivals] == ["D/M/Y", "M/D/Y"]
    assert found.evidence == (Sample(2, "03/04/2026"), Sample(4, "05/06/2026"))
    assert found.sentence == (
        'nothing decides between D/M/Y and M/D/Y: looked at line 2 "03/04/2026" and line 4 "05/06/2026"'
    )


def test_days_that_are_the_same_in_both_orders_decide_nothing_and_need_nothing() -> None:
    """Where all readings agree, the first name will do."""
    assert (dates("04/04/2026").standing, dates("04/04/2026").name) == (Standing.DECIDED, "D/M/Y")


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["2026-09-30"], "iso"),
        (["2026-09-30", "2026-09-30 14:05"], "iso-minutes"),
        (["30.09.2026"], "D.M.Y"),
        (["1790726400000"], "epoch-ms"),
        (["1790726400"], "epoch-s"),
        (["12. Okt. 2026", "1. März 2026"], "D MMM Y de_DE"),
        (["Oct 12, 2026"], "MMM D Y en_US"),
    ],
)
def test_a_form_that_alone_reads_all_is_decided(texts: list[str], name: str) -> None:
    """Each form is found by its own texts."""
    assert (dates(*texts).standing, dates(*texts).name) == (Standing.DECIDED, name)


def test_days_of_excel_may_be_counted_from_1900_or_1904() -> None:
    """Only the workbook knows."""
    found = dates("46295", "46300")
    assert [each.name for each in found.rivals] == ["excel-serial", "excel-serial-1904"]


def test_a_column_with_one_odd_text_says_which() -> None:
    """The form that reads most is named, with the line that it does not read."""
    found = dates("30.09.2026", "31.12.2026", "tbd")
    assert (found.standing, found.name) == (Standing.MIXED, "D.M.Y")
    assert found.sentence == 'D.M.Y reads 2 of 3: not line 4 "tbd"'


def test_words_are_no_dates_and_nothing_is_nothing() -> None:
    """The verdict says so instead of guessing."""
    assert dates("soon", "later").standing is Standing.NONE
    assert dates("", "  ").standing is Standing.EMPTY


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["1", "250"], "plain"),
        (["12.5", "0.25"], "plain"),
        (["1,234.50"], "en_US"),
        (["1.234,50", "7"], "de_DE"),
        (["1.234", "12,5"], "de_DE"),
        (["1 234,50"], "fr_FR"),
        (["1'234.50"], "de_CH"),
        (["12,34,567"], "en_IN"),
    ],
)
def test_a_locale_is_decided_by_what_only_it_writes(texts: list[str], name: str) -> None:
    """Numbers that all locales read alike need none."""
    assert (numbers(*texts).standing, numbers(*texts).name) == (Standing.DECIDED, name)


def test_a_group_that_could_be_decimals_is_ambiguous() -> None:
    """1.234 is one and a bit in English and a thousand in German."""
    found = numbers("1.234", "5.678")
    assert (found.standing, [each.name for each in found.rivals]) == (
        Standing.AMBIGUOUS,
        ["plain", "de_DE"],
    )
    assert numbers("1.234", "5.67").name == "plain"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["a@b.example", "c@d.example"], Kind.EMAIL),
        (["0018dYF00000003AAA"], Kind.TEXT),
        (["0018dYF00000003", "0018dYF00000004"], Kind.RECORD_ID),
        (["1,5", "2"], Kind.NUMBER),
        (["46295"], Kind.NUMBER),
        (["30.09.2026"], Kind.DATE),
        (["yes", "no"], Kind.BOOLEAN),
        (["Acme", "12"], Kind.TEXT),
        ([""], Kind.EMPTY),
    ],
)
def test_a_column_has_a_kind(texts: list[str], kind: Kind) -> None:
    """The most special kind that all its texts are; an id with a wrong checksum is none."""
    evidence = ColumnEvidence()
    for line, text in enumerate(texts, start=2):
        evidence.add(line, text)
    assert evidence.verdict().kind is kind


def test_a_column_of_mostly_numbers_names_the_text_among_them() -> None:
    """It is text, and the line that makes it so is said."""
    evidence = ColumnEvidence()
    for line, text in enumerate(["1", "2", "n/a", "3"], start=2):
        evidence.add(line, text)
    found = evidence.verdict()
    assert (found.kind, found.likely, found.exceptions) == (Kind.TEXT, Kind.NUMBER, (Sample(4, "n/a"),))


def test_what_is_kept_does_not_grow_with_the_texts() -> None:
    """A long column is judged like a short one, and cut texts stay short."""
    evidence = DateEvidence()
    for line in range(2, 2_000):
        evidence.add(line, "x" * 500)
    found = evidence.verdict()
    assert (found.standing, found.count) == (Standing.NONE, 1_998)
    assert max(len(each.text) for each in found.evidence) == 60
