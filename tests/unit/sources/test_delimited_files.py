"""Delimited files: every row is accounted for with its line, and what is unclear is refused by name."""

from __future__ import annotations

import csv
import os

import pytest
from source_making import a_section, cells, lines, opened, unreadable

from sfsync.errors import ConfigError, SourceError
from sfsync.sources import open_source


@pytest.fixture
def file(tmp_path):
    """A CSV file to be."""
    return tmp_path / "deals.csv"


def refusal(path, content, **given) -> SourceError:
    """The error that reading the file ends with."""
    with pytest.raises(SourceError) as caught:
        list(opened(path, content, **given).rows())
    return caught.value


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_of_the_header(file, delimiter):
    """Each usual delimiter is seen in the header, whatever the rows hold."""
    source = opened(file, f"a{delimiter}b\n1.5{delimiter}x:y\n")
    assert cells(source) == [{"a": "1.5", "b": "x:y"}]
    assert source.form.delimiter == delimiter


def test_a_delimiter_inside_quotes_does_not_count(file):
    """A quoted column name may hold another delimiter."""
    assert opened(file, '"a, b";c\n1;2\n').form.columns == ("a, b", "c")


def test_an_unclear_delimiter_is_asked_for(file):
    """A header with two delimiters is refused, and read once the job says which."""
    error = refusal(file, "a,b;c\n1,2;3\n")
    assert (error.code, error.exit_code) == ("DELIMITER", 5)
    assert cells(opened(file, "a,b;c\n1,2;3\n", delimiter=";")) == [{"a,b": "1,2", "c": "3"}]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\0"])
def test_what_cannot_be_a_delimiter_is_refused(file, delimiter):
    """A delimiter is one character that is no quote, line end or NUL."""
    with pytest.raises(ConfigError, match="cannot be a delimiter"):
        opened(file, "a,b\n1,2\n", delimiter=delimiter)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_first_line_sep_says_the_delimiter_and_is_counted(file, end):
    """`sep=` is no header; rows keep their lines in the file and the file its line ends."""
    source = opened(file, end.join(["sep=;", "a;b,c", '1;"x', 'y"', "2;z", ""]))
    assert source.form.columns == ("a", "b,c")
    assert (source.form.delimiter, source.form.line_end) == (";", end)
    assert lines(source) == [3, 5]


def test_a_sep_line_that_contradicts_the_job_is_refused(file):
    """Of two stated delimiters none is taken."""
    assert refusal(file, "sep=;\na;b\n1;2\n", delimiter=",").code == "DELIMITER"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_stands_on_the_line_where_it_starts(file, end):
    """Line ends in quotes and blank lines are counted, and blank lines are no rows."""
    source = opened(file, end.join(["", "a,b", "", '1,"x', "", 'y"', "2,z", "", "3,w"]))
    assert lines(source) == [4, 7, 9]
    assert source.form.line_end == end


def test_cells_stay_byte_for_byte(file):
    """I5: blanks, quotes, formulas and line ends in cells are data."""
    row = [" x ", '"', "=1+1", "a\r\nb", "'-1", "\u00a0"]
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([list("abcdef"), row])
    [found] = list(open_source(a_section(file)).rows())
    assert list(found.raw) == row


@pytest.mark.parametrize("text", ["1\n", "1,2,3\n"])
def test_i4_a_ragged_row_is_one_problem(file, text):
    """A row with too few or too many cells is a problem of its own, and the next is read."""
    source = opened(file, "a,b\n" + text + "8,9\n")
    [bad] = unreadable(source)
    assert (bad.problem.code, bad.ref.line) == ("RAGGED_ROW", 2)
    assert bad.raw == tuple(text.strip().split(","))
    assert lines(source) == [2, 3]


def test_i4_an_open_quote_is_named_by_its_line(file):
    """The line is that of the quote, not that of the row that it stands in."""
    error = refusal(file, 'a,b,c\n1,2,3\n4,"x\ny","open\n7,8,9\n')
    assert error.code == "BROKEN_ROW"
    assert f"{file}:4: a quote that is opened here is never closed" in error.message


def test_text_behind_a_closing_quote_names_both_lines(file):
    """A quote that closes at the wrong place is told with the row's line and its own."""
    error = refusal(file, 'a,b\n1,"x\n2,"y"\n')
    assert f"{file}:2:" in error.message
    assert "in line 3" in error.message


def test_a_nul_is_a_problem_of_its_row(file):
    """I1: NUL is no text, and the other rows are read."""
    [bad] = unreadable(opened(file, "a,b\n1,x\0y\n2,z\n"))
    assert (bad.problem.code, bad.ref.line) == ("BAD_CHARACTER", 2)


def test_utf_16_without_a_mark_is_recognised_by_its_nuls(file):
    """The NULs at its start say which half is first, and that leads to the encoding to declare."""
    for encoding in ("utf-16-le", "utf-16-be"):
        error = refusal(file, "a,b\n1,2\n".encode(encoding))
        assert error.code == "ENCODING"
        assert f'encoding = "{encoding}"' in error.hint


def test_a_column_twice_is_refused(file):
    """I4: repeated names would overwrite each other."""
    assert '"a"' in refusal(file, "a,b, a \n1,2,3\n").message


def test_an_empty_name_between_names_is_refused(file):
    """The number of the column is told."""
    assert "column 2 has no name" in refusal(file, "a,,c\n1,2,3\n").message


def test_empty_names_at_the_end_are_explained(file):
    """Trailing delimiters of spreadsheets are named as what they are."""
    error = refusal(file, "a;b;;\n1;2;;\n")
    assert '2 columns behind the last one, "b", have no name' in error.message
    assert "spreadsheets" in error.hint


def test_our_own_columns_are_not_read(file):
    """A corrected rejects file is imported as if its reasons were not there."""
    source = opened(file, "a,_sfsync_code\n1,RAGGED_ROW\n")
    assert cells(source) == [{"a": "1"}]
    assert source.form.columns == ("a", "_sfsync_code")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32")]
)
def test_a_byte_order_mark_says_the_encoding_and_is_kept(file, encoding, shown):
    """I1: the mark is no part of the first name, and rejects are written alike."""
    source = opened(file, "a;ü\n1;é\n".encode(encoding))
    assert cells(source) == [{"a": "1", "ü": "é"}]
    assert source.form.encoding == shown


def test_a_declared_encoding_is_used(file):
    """cp1252 is read when the job says so."""
    assert cells(opened(file, "a\nZürich\n".encode("cp1252"), encoding="cp1252")) == [{"a": "Zürich"}]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_i1_a_byte_that_is_no_text_is_named_by_line_and_byte(file, end):
    """The message leads to the byte, the hint to the key."""
    error = refusal(file, end.join([b"a,b", b"1,2", b"x,Z\xfcrich", b""]))
    assert error.code == "ENCODING"
    assert f"{file}:3: byte 4 of the line" in error.message
    assert "cp1252" in error.hint


def test_half_a_utf_16_file_is_refused(file):
    """A wide encoding that breaks off is told without a line, never as a crash."""
    assert refusal(file, "a\nü\n".encode("utf-16")[:-1]).code == "ENCODING"


def test_utf_16_that_is_declared_but_has_no_mark_is_refused(file):
    """The codec's own error for a missing mark is told as ours."""
    assert refusal(file, b"a,b\n1,2\n", encoding="utf-16").code == "ENCODING"


@pytest.mark.parametrize("encoding", ["klingon", "base64", "x\0y"])
def test_an_encoding_that_is_none_is_refused(file, encoding):
    """Unknown names and codecs that are not for text are mistakes of the job."""
    with pytest.raises(ConfigError, match="is no encoding"):
        opened(file, "a\n1\n", encoding=encoding)


def test_t14_a_large_cell_is_read_and_the_process_keeps_its_limit(file):
    """The csv module's limit of 131,072 does not hold for us, nor ours for others."""
    before = csv.field_size_limit()
    assert len(cells(opened(file, "a,b\n" + "x" * 200_000 + ",2\n"))[0]["a"]) == 200_000
    assert csv.field_size_limit() == before


def test_i2_a_cell_beyond_the_limit_is_refused_by_line(file):
    """Ten million characters are a broken file, told with its line."""
    error = refusal(file, "a,b\n1,2\n" + "x" * 10_000_001 + ",2\n")
    assert error.code == "CELL_TOO_LARGE"
    assert f"{file}:3:" in error.message


def test_i2_five_thousand_columns_are_read(file):
    """A wide file is read like any other."""
    names = [f"column_number_{each}" for each in range(5_000)]
    source = opened(file, ",".join(names) + "\r\n" + ",".join(["1"] * 5_000) + "\r\n")
    assert len(cells(source)[0]) == 5_000
    assert source.form.line_end == "\r\n"


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "sep=;\n"])
def test_i2_an_empty_file_is_refused(file, content):
    """Nothing in a file is more likely a broken export than no deals."""
    assert refusal(file, content).code == "SOURCE_EMPTY"


def test_i2_a_header_alone_is_an_empty_source(file):
    """The form is known, the rows are refused."""
    source = opened(file, "a,b\n")
    assert source.form.columns == ("a", "b")
    with pytest.raises(SourceError, match="a header and no rows"):
        list(source.rows())


def test_rows_can_be_read_twice(file):
    """Reading again gives the same rows."""
    source = opened(file, "a\n1\n2\n")
    assert cells(source) == cells(source)


@pytest.mark.parametrize("replacement", ["a\n1\n2\n3\n", "b\n1\n2\n4\n"])
def test_i15_a_file_that_changes_while_it_is_read_is_refused(file, replacement):
    """Rows of two versions are not mixed."""
    source = opened(file, "a\n1\n2\n")
    rows = source.rows()
    next(rows)
    file.write_text(replacement)
    os.utime(file, (1, 1))
    with pytest.raises(SourceError) as caught:
        list(rows)
    assert caught.value.code == "SOURCE_CHANGED"


def test_i15_a_file_that_vanishes_before_it_is_read_is_refused(file):
    """The operating system's error becomes ours."""
    source = opened(file, "a\n1\n")
    file.unlink()
    with pytest.raises(SourceError) as caught:
        list(source.rows())
    assert caught.value.code == "SOURCE_MISSING"


def test_i12_folders_pipes_and_missing_files_are_refused_at_once(tmp_path):
    """A pipe does not make a run hang, and each is told by its path."""
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    codes = []
    for name in ("folder.csv", "pipe.csv", "missing.csv", "nul\0.csv"):
        with pytest.raises(SourceError) as caught:
            open_source(a_section(tmp_path / name))
        codes.append(caught.value.code)
    assert codes == ["SOURCE_NOT_A_FILE", "SOURCE_NOT_A_FILE", "SOURCE_MISSING", "SOURCE_MISSING"]


@pytest.mark.parametrize("name", ["x.xls", "x.feather", "x.ods", "x.csv.gz", "x.SQLITE"])
def test_t19_files_of_other_kinds_are_refused_by_name(tmp_path, name):
    """What is not read, such as an archive that unpacks to gigabytes, is not opened and said with what to do."""
    with pytest.raises(ConfigError) as caught:
        open_source(a_section(tmp_path / name))
    assert caught.value.code == "SOURCE_KIND"
    assert name in caught.value.message
    assert caught.value.hint
