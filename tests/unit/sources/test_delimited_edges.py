"""The edges of delimited files as spreadsheets, exports and people leave them: read right, or named."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from source_making import a_section, cells, lines, opened, unreadable

from sfsync.core.reading.rows import notes_of
from sfsync.errors import ConfigError, SourceError
from sfsync.sources import open_source
from sfsync.sources.text.row_account import RowAccount, RowsUnaccounted


@pytest.fixture
def file(tmp_path):
    """A CSV file to be."""
    return tmp_path / "deals.csv"


def refusal(path, content, **given) -> SourceError:
    """The error that reading the file ends with."""
    with pytest.raises(SourceError) as caught:
        list(opened(path, content, **given).rows())
    return caught.value


def notes(source):
    """The notes after a full reading: code -> message."""
    list(source.rows())
    return {each.code: each.message for each in notes_of(source)}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;;;", '"sep=;";;'])
def test_a_sep_line_is_understood_as_spreadsheets_write_it(file, mark, first):
    """Behind a byte order mark, in quotes, and with the delimiters that saving it again leaves behind it."""
    source = opened(file, f"{mark}{first}\r\na;b,c\r\n1;2\r\n")
    assert source.form.columns == ("a", "b,c")
    assert lines(source) == [3]


def test_a_header_with_two_delimiters_shows_what_each_would_mean(file):
    """With the line, the header itself, and the settings that would say which."""
    error = refusal(file, "\na\tb;c\td\n1\t2;3\t4\n")
    assert f"{file}:2: the header holds ';' (2 columns) and '\\t' (3 columns): a\tb;c\td" in error.message
    assert 'delimiter = ";" or "\\t" in the job' in error.hint
    assert "--delimiter \";\" or --delimiter $'\\t' in an import" in error.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Amount, EUR\n100\n200\n", "holds ',' (2 columns), but none of the first 2 rows does"),
        ("a,b\n1;2\n3;4\n", "holds ',' (2 columns), but the first 2 rows hold ';' (2 cells each)"),
        ("a|b\n1\t2\n3\t4\n", "holds '|' (2 columns), but the first 2 rows hold '\\t' (2 cells each)"),
    ],
)
def test_a_delimiter_that_the_rows_do_not_have_is_refused(file, content, said):
    """Every row would be wrong in the same way; declared, the delimiter is taken as it is."""
    error = refusal(file, content)
    assert error.code == "DELIMITER"
    assert said in error.message
    assert opened(file, content, delimiter=";").form.delimiter == ";"


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1\n",  # one row says nothing about a file
        "a,b\n1\n2,3\n",  # one that fits is enough
        "a,b\n1,x;y\n2,z;w\n",  # another delimiter in cells of a file that fits
        '"Amount, EUR"\n100\n200\n',  # one column, in quotes
        "a,b\n" + "x" * 1_100_000 + ",2\n3,4\n",  # longer than what is looked at first
        'a,b\n"open\n',  # another error's business
    ],
)
def test_a_delimiter_that_fits_is_not_doubted(file, content):
    """Nor is one that too few rows speak against."""
    assert opened(file, content).form.columns


def test_a_blank_before_a_quote_in_the_header_is_named(file):
    """The quotes would become part of the name."""
    assert "before the quote of column 2" in refusal(file, 'a, "b"\n1,2\n').message


def test_a_second_byte_order_mark_is_named(file):
    """It would be an unseen part of the first name."""
    assert "two byte order marks" in refusal(file, "\ufeff\ufeffa,b\n1,2\n").message


def test_mixed_line_ends_are_all_line_ends(file):
    """Rows and lines are the same whatever ends them."""
    source = opened(file, 'a,b\r\n1,2\r3,"x\r\ry"\n4,5')
    assert lines(source) == [2, 3, 6]
    assert cells(source)[1]["b"] == "x\r\ry"


def test_blank_lines_are_told_with_their_lines(file):
    """At the top of the rows, between them and at the end; four are too many to name each."""
    source = opened(file, "a,b\n\n1,2\n\n,\n3,4\n\n")
    assert lines(source) == [3, 6]
    assert notes(source) == {
        "BLANK_LINES": f"{file}: 4 blank lines left out (lines 2, 4, 5 and 1 more); of delimiters alone: 1"
    }


def test_a_file_without_blank_lines_has_nothing_to_tell(file):
    """A last line end makes no blank line."""
    assert notes(opened(file, "a,b\n1,2\n")) == {}
    assert notes(opened(file, "a,b\n1,2")) == {}


def test_cells_in_quotes_that_are_empty_are_a_row(file):
    """Whoever writes quotes means a cell."""
    assert cells(opened(file, 'a\n""\n')) == [{"a": ""}]
    assert cells(opened(file, 'a,b\n"",""\n')) == [{"a": "", "b": ""}]


def test_a_file_of_blank_lines_behind_its_header_is_empty(file):
    """Lines of delimiters are no rows."""
    assert refusal(file, "a,b\n,\n\n,\n").code == "SOURCE_EMPTY"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"])
def test_a_file_of_a_byte_order_mark_alone_is_empty(file, content):
    """In every encoding that has one."""
    assert refusal(file, content).code == "SOURCE_EMPTY"


def test_the_end_mark_of_old_programs_is_no_row_on_a_line_of_its_own(file):
    """And a problem of its row where it is glued to a cell."""
    assert cells(opened(file, "a,b\n1,2\n\x1a")) == [{"a": "1", "b": "2"}]
    assert cells(opened(file, "a\n1\n\x1a\n")) == [{"a": "1"}]
    [bad] = unreadable(opened(file, "a,b\n1,2\n3,4\x1a"))
    assert (bad.problem.code, bad.problem.column, bad.ref.line) == ("BAD_CHARACTER", "b", 3)


def test_a_header_that_comes_again_is_a_problem_of_its_line(file):
    """Files were put together, with or without a second byte order mark; a column may hold its own name."""
    bad = unreadable(opened(file, "a,b\n1,2\na,b\n\ufeffa,b\na,c\n"))
    assert [(each.problem.code, each.ref.line) for each in bad] == [
        ("REPEATED_HEADER", 3),
        ("REPEATED_HEADER", 4),
    ]
    assert cells(opened(file, "a\na\n")) == [{"a": "a"}]
    [spaced] = unreadable(opened(file, "a, b \n1,2\na, b \n"))
    assert (spaced.problem.code, spaced.ref.line) == ("REPEATED_HEADER", 3)


@pytest.mark.parametrize(
    ("row", "message", "hint"),
    [
        ("1,2,3,", "4 cells, the header has 3; the last one is blank", "a delimiter too many"),
        ("1,2,3,,", "5 cells, the header has 3; the last 2 are blank", "a delimiter too many"),
        ("Total", "1 cell, the header has 3", "a remark or a total"),
        ("1,2", "2 cells, the header has 3", "a quote or a delimiter missing"),
    ],
)
def test_a_ragged_row_says_its_counts_and_what_it_may_be(file, row, message, hint):
    """Nothing is filled up or cut off."""
    [bad] = unreadable(opened(file, f"a,b,c\n1,2,3\n{row}\n"))
    assert message in bad.problem.message
    assert hint in bad.problem.hint


def test_one_nul_makes_no_utf_16(file):
    """A short file with a stray NUL is not taken for another encoding."""
    [bad] = unreadable(opened(file, "a\n\0\n1\n"))
    assert (bad.problem.code, bad.ref.line) == ("BAD_CHARACTER", 2)


def test_a_nul_names_its_column(file):
    """So that it can be found in a wide row."""
    [bad] = unreadable(opened(file, "a,b\n1,x\0y\n2,z\n"))
    assert bad.problem.column == "b"


def test_a_cell_of_ten_million_characters_is_the_longest(file):
    """One more is refused by its line, and the rows before it were read."""
    assert len(cells(opened(file, "a,b\n1,2\n" + "x" * 10_000_000 + ",2\n"))[1]["a"]) == 10_000_000
    source = opened(file, "a,b\n1,2\n" + "x" * 10_000_001 + ",2\n")
    rows = source.rows()
    assert next(rows).ref.line == 2
    with pytest.raises(SourceError, match=":3: a cell is larger"):
        next(rows)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0[Content_Types].xml", "an Excel workbook (.xlsx)"),
        (b"PK\x03\x04\x14\0\0\x08\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument"),
        (b"PK\x03\x04\x14\0\0\0deals.csv", "packed (zip)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", "an Excel workbook of the old kind (.xls)"),
        (b"\x1f\x8b\x08\0", "packed (gzip)"),
        (b"BZh91AY&SY", "packed (bzip2)"),
        (b"\xfd7zXZ\0", "packed (xz)"),
        (b"%PDF-1.4", "a PDF"),
        (b"SQLite format 3\0", "a database (SQLite)"),
        (b"PAR1\x15\x04", "a column file (Parquet)"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"<table border=1><tr><td>a", "a web page (HTML)"),
        ("<html xmlns:x='urn:schemas-microsoft-com:office:excel'>".encode("utf-16"), "a web page (HTML)"),
        (b'<?xml version="1.0"?><Workbook>', "an XML document"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', "a web page (HTML)"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_is(file, start, what):
    """By its first bytes, whatever its name says."""
    error = refusal(file, start)
    assert (error.code, error.exit_code) == ("SOURCE_KIND", 5)
    assert what in error.message
    assert error.hint


@pytest.mark.parametrize("header", ["PK,b", "PAR1,b", "BZh,b", "<b>,b", "%PDF,b", "7z,b", "{x},b"])
def test_names_that_only_look_like_a_signature_are_names(file, header):
    """A column may be called anything."""
    assert cells(opened(file, f"{header}\n1,2\n"))


@pytest.mark.parametrize(
    ("cell", "was"),
    [
        ("MÃ¼ller", "Müller"),
        ("CafÃ© Ã\u00a0 Paris", "Café à Paris"),
        ("Å\u0081Ã³dÅº", "Łódź"),
        ("Leungâ€™s", "Leung\u2019s"),
        ("Ð\u02dcÐ²Ð°Ð½", "Иван"),
    ],
)
def test_text_that_was_decoded_twice_is_a_note_with_what_it_was(file, cell, was):
    """The cell stays as it is."""
    source = opened(file, f"a,b\n1,{cell}\n2,{cell}\n")
    assert cells(source)[0]["b"] == cell
    message = notes(source)["MOJIBAKE"]
    assert f'"{cell}" looks like UTF-8 that was read in another encoding, once "{was}"' in message
    assert "(2 rows hold such text)" in message


@pytest.mark.parametrize(
    "cell", ["Müller", "São João", "MAÇÃO", "ÀÉÎÕÜ", "CAFÉ\u00a0»", "Ñandú", "Ångström", "20 €"]
)
def test_text_as_languages_write_it_is_no_note(file, cell):
    """Accents, capitals, and signs behind them."""
    assert notes(opened(file, f"a,b\n1,{cell}\n")) == {}


def test_a_count_that_does_not_come_out_is_a_fault_of_ours():
    """A record that became neither a row, nor a problem, nor a blank line stops the run."""
    account = RowAccount(records=3, rows=1, unreadable=1)
    with pytest.raises(RowsUnaccounted):
        account.require_settled("deals.csv")
    account.leave_out(4, holds_delimiters=False)
    account.require_settled("deals.csv")


def test_two_readings_at_once_do_not_mix_their_accounts(file):
    """Each has its own place and its own counts."""
    source = opened(file, "a\n1\n\n2\n")
    first, second = source.rows(), source.rows()
    next(first)
    assert len(list(second)) == 2
    assert len(list(first)) == 1


def peak_of_reading(path, rows: int) -> int:
    """The most memory that Python held while so many rows were read, in bytes."""
    with path.open("w", encoding="utf-8") as out:
        out.write("a;b;c\n")
        out.writelines(f"D-{number};Müller {number:060d};{number}.50\n" for number in range(rows))
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(1 for _ in open_source(a_section(path)).rows()) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_rows_take_no_more_memory(file):
    """Rows are read as they are asked for, and none is kept."""
    small = peak_of_reading(file, 20_000)
    large = peak_of_reading(file, 200_000)
    assert large < 1.2 * small


@pytest.mark.parametrize("name", ["idna", "rot13", "undefined", "zlib"])
def test_what_is_a_codec_and_no_encoding_of_files_is_refused_by_name(file, name):
    """As one that does not exist is."""
    with pytest.raises(ConfigError) as caught:
        opened(file, "a,b\n1,2\n", encoding=name)
    assert caught.value.code == "ENCODING"
