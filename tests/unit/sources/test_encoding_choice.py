"""The three code pages that are shown for a text that is no UTF-8: the right one is the first of them."""

from __future__ import annotations

import pytest
from source_making import opened

from sfsync.errors import SourceError
from sfsync.sources.text.encoding_choice import CHOICES, likely_readings


@pytest.mark.parametrize(
    ("encoding", "lines"),
    [
        ("cp1252", ["1;Müller", "2;Zürich"]),
        ("cp1252", ["1;O\u2019Brien “Ltd”", "2;20 €"]),
        ("cp1252", ["1;Société Générale à Paris", "2;garçon"]),
        ("cp1252", ["1;Peña Nieto", "2;São João"]),
        ("cp850", ["1;Müller", "2;Zürich"]),
        ("mac_roman", ["1;Müller", "2;Zürich \u2013 20 €"]),
        ("cp1250", ["1;Müller", "2;Łódź"]),
        ("cp1250", ["1;Ľubomír Žák"]),
        ("cp1251", ["1;Иванов", "2;Сделка"]),
        ("koi8_r", ["1;Иванов", "2;Сделка"]),
        ("cp866", ["1;Иванов", "2;Сделка"]),
        ("cp1253", ["1;Δημήτρης"]),
        ("cp932", ["1;山田商事", "2;テスト"]),
    ],
)
def test_the_code_page_of_a_persons_text_is_the_first_choice(encoding, lines):
    """Letters stand among letters of their script, and accents one at a time."""
    readings, shown = likely_readings([each.encode(encoding) for each in lines])
    assert readings[0].encoding == encoding
    assert readings[0].lines == tuple(lines[each] for each in shown)
    assert len(readings) == CHOICES


def test_the_choice_depends_on_the_bytes_alone():
    """The same lines give the same three in the same order."""
    sample = ["1;Zürich".encode("cp1252")]
    assert likely_readings(sample) == likely_readings(list(sample))


def test_readings_that_are_the_same_count_as_one():
    """cp1250 and cp1252 agree on ü, so only one of them takes a place."""
    readings, _ = likely_readings(["Zürich".encode("cp1252")])
    assert len({each.lines for each in readings}) == len(readings)


def test_a_line_that_tells_two_choices_apart_is_shown_too():
    """The first line alone would read the same in both."""
    readings, shown = likely_readings([each.encode("cp1250") for each in ("Müller", "Jörg", "Łódź")])
    assert shown == [0, 2]
    assert {each.encoding: each.lines for each in readings}["cp1252"] == ("Müller", "£ódŸ")


def test_a_long_line_is_shown_around_its_first_letter_beyond_ascii():
    """A person sees the place, and not the whole row."""
    readings, _ = likely_readings([b"x" * 500 + "ü".encode("cp1252") + b"y" * 500])
    assert readings[0].lines[0] == "..." + "x" * 20 + "ü" + "y" * 27 + "..."


def test_lines_that_are_utf_8_all_the_same_are_told(tmp_path):
    """Then files of two encodings were put together, and no setting is right."""
    content = "id;name\n1;Müller\n".encode() + "2;Zürich\n".encode("cp1252")
    with pytest.raises(SourceError) as caught:
        opened(tmp_path / "deals.csv", content)
    assert ":3: byte 4 of the line" in caught.value.message
    assert "But 1 line is utf-8 and not plain ASCII" in caught.value.hint


def test_a_declared_code_page_that_does_not_fit_gets_the_same_advice(tmp_path):
    """0x81 is no character of cp1252; the bytes fit others."""
    with pytest.raises(SourceError) as caught:
        opened(tmp_path / "deals.csv", "id;name\n1;Müller\n".encode("cp850"), encoding="cp1252")
    assert "is not cp1252" in caught.value.message
    assert 'encoding = "cp850"' in caught.value.hint.splitlines()[1]
