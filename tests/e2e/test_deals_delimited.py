"""Delimited files as people have them: each is read right, or refused by what is wrong, on the emulated org."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import PROGRAM, Done, warm_sfsync
from deal_desk import DealDesk, deal_desk, row

REPOSITORY = Path(__file__).resolve().parents[2]
HEADER = "id;name;stage;close;amount\r\n"
IMPORT = ("import", "deals.csv", "--key", "id", "-o", "local", "--map", "close=CloseDate", "--json", "--yes")
FROM_PIPE = ("import", "-", *IMPORT[2:])


def line(key: str, name: str = "Sneakers", amount: str = "100.00") -> str:
    """A line of a deal in Prospecting."""
    return f"{key};{name};Prospecting;2027-01-31;{amount}\r\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """An org without deals of ours, and a job that reads deals.csv."""
    with deal_desk(tmp_path) as made:
        made.write(row())
        yield made


def typed(desk: DealDesk, *words: str, file: str | bytes | None = None) -> Done:
    """What a command does, after deals.csv was made of that content."""
    if file is not None:
        (desk.folder / "deals.csv").write_bytes(file.encode() if isinstance(file, str) else file)
    return warm_sfsync(*words, environ=desk.environ, cwd=desk.folder)


def piped(desk: DealDesk, *words: str, rows: str | bytes, folder: Path | None = None) -> Done:
    """What a command does with these bytes on its standard input; `folder` is for its temporary files."""
    environ = {**desk.environ, "PYTHONPATH": str(REPOSITORY)}
    if folder is not None:
        environ["TMPDIR"] = str(folder)
    done = subprocess.run(
        [*PROGRAM, *words],
        input=rows.encode() if isinstance(rows, str) else rows,
        env=environ,
        cwd=desk.folder,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def job_option(desk: DealDesk, option: str) -> None:
    """Puts a key into the job's section of deals."""
    path = Path(desk.job)
    path.write_text(path.read_text().replace("[opportunities]\n", f"[opportunities]\n{option}\n"))


def test_a_file_in_a_code_page_stops_with_three_readings_and_each_setting_works(desk: DealDesk) -> None:
    """The job's key and the import's option are spelled out beside what the line would say."""
    text = HEADER + line("D-1", "Zürich \u2013 20 Schuhe für Müller")
    refused = typed(desk, "plan", desk.job, file=text.encode("cp1252"))
    assert refused.exit_code == 5
    assert "deals.csv:2: byte 6 of the line is not utf-8" in refused.err
    shown = [each.strip() for each in refused.err.splitlines() if "encoding = " in each]
    assert len(shown) == 3
    assert shown[0].startswith('encoding = "cp1252"')
    assert "(--encoding cp1252)" in shown[0]
    assert shown[0].endswith("D-1;Zürich \u2013 20 Schuhe für Müller;Prospecting;20...")
    assert typed(desk, *IMPORT).document["code"] == "ENCODING"
    assert typed(desk, *IMPORT, "--encoding", "cp1252").exit_code == 0
    assert desk.deal("D-1")["Name"] == "Zürich \u2013 20 Schuhe für Müller"
    job_option(desk, 'encoding = "cp1252"')
    assert typed(desk, "run", desk.job, "--json").document["counts"]["Opportunity"]["unchanged"] == 1


def test_an_import_by_a_job_takes_the_encoding_of_its_command(desk: DealDesk) -> None:
    """The option is not passed over where a job says the rest."""
    done = typed(
        desk,
        *("import", "deals.csv", "--job", desk.job, "--encoding", "cp850", "--json", "--yes"),
        file=(HEADER + line("D-1", "Müller")).encode("cp850"),
    )
    assert done.exit_code == 0, done.out + done.err
    assert desk.deal("D-1")["Name"] == "Müller"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named_with_its_byte_order(desk: DealDesk, encoding: str) -> None:
    """With the setting that it names the file is read."""
    refused = typed(desk, *IMPORT, file=(HEADER + line("D-1")).encode(encoding))
    assert (refused.exit_code, refused.document["code"]) == (5, "ENCODING")
    assert f"--encoding {encoding}" in refused.document["hint"]
    assert typed(desk, *IMPORT, "--encoding", encoding).exit_code == 0


def test_text_that_was_decoded_twice_is_told_and_never_changed(desk: DealDesk) -> None:
    """The note shows what it was once; the org gets what the file says."""
    done = typed(desk, "run", desk.job, file=HEADER + line("D-1", "MÃ¼ller"))
    assert done.exit_code == 0, done.out + done.err
    assert '"MÃ¼ller" looks like UTF-8 that was read in another encoding, once "Müller"' in done.out
    assert desk.deal("D-1")["Name"] == "MÃ¼ller"


def test_a_header_with_two_delimiters_is_refused_with_both(desk: DealDesk) -> None:
    """And read with the one that is then said."""
    text = "id;name;stage;close;amount,net\n" + line("D-1")
    refused = typed(desk, *IMPORT, file=text)
    assert (refused.exit_code, refused.document["code"]) == (5, "DELIMITER")
    assert "the header holds ',' (2 columns) and ';' (5 columns)" in refused.document["message"]
    assert typed(desk, *IMPORT, "--delimiter", ";", "--map", "amount,net=Amount").exit_code == 0


def test_a_delimiter_that_only_the_header_has_is_refused(desk: DealDesk) -> None:
    """What the rows have is shown beside it."""
    refused = typed(desk, *IMPORT, file="id,name,stage,close,amount\r\n" + line("D-1") + line("D-2"))
    assert refused.document["code"] == "DELIMITER"
    assert (
        "holds ',' (5 columns), but the first 2 rows hold ';' (5 cells each)" in refused.document["message"]
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html><body><table><tr><td>id</td></tr></table>", "a web page (HTML)"),
        (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", "an Excel workbook (.xlsx)"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "packed (gzip)"),
        (b"%PDF-1.7\n", "a PDF"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_what_it_is(desk: DealDesk, content: bytes, what: str) -> None:
    """Whatever its name says, with what to do."""
    refused = typed(desk, "plan", desk.job, "--json", file=content)
    assert (refused.exit_code, refused.document["code"]) == (5, "SOURCE_KIND")
    assert what in refused.document["message"]
    assert refused.document["hint"]


def test_blank_lines_are_left_out_and_told_with_their_lines(desk: DealDesk) -> None:
    """Also lines of delimiters alone, which spreadsheets leave, and the end mark of old programs."""
    text = HEADER + line("D-1") + "\r\n" + ";;;;\r\n" + line("D-2") + "\r\n\x1a"
    planned = typed(desk, "plan", desk.job, file=text)
    assert planned.exit_code == 0, planned.out
    told = " ".join(planned.out.split())
    assert "4 blank lines left out (lines 3, 4, 6 and 1 more); of delimiters alone: 1" in told
    done = typed(desk, "run", desk.job, "--json")
    assert done.document["counts"]["Opportunity"]["rows"] == 2


def test_rows_that_cannot_be_read_are_told_one_by_one_and_the_others_go(desk: DealDesk) -> None:
    """Each with its line: of a wrong width, with a NUL, with an end mark, and a header once more."""
    rows = ["D-2;too few\r\n", line("D-3", "a\0b"), HEADER, line("D-4", amount="1\x1a"), line("D-5")]
    done = typed(desk, "run", desk.job, "--json", file=HEADER + line("D-1") + "".join(rows))
    assert done.exit_code == 3
    counts = done.document["counts"]["Opportunity"]
    assert (counts["rows"], counts["created"], counts["rejected"]) == (6, 2, 4)
    found = {(each["line"], each["code"]) for each in done.document["problems"]}
    assert found == {
        (3, "RAGGED_ROW"),
        (4, "BAD_CHARACTER"),
        (5, "REPEATED_HEADER"),
        (6, "BAD_CHARACTER"),
    }


def test_rows_of_an_import_may_come_from_standard_input(desk: DealDesk, tmp_path: Path) -> None:
    """They are called (standard input), and nothing of them is left on the disk."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    text = HEADER + line("D-1") + line("D-2", amount="12,5") + line("D-3")
    done = piped(desk, *FROM_PIPE, rows=text, folder=temporary)
    assert done.exit_code == 3, done.out + done.err
    assert done.document["counts"]["Opportunity"]["created"] == 2
    [problem] = done.document["problems"]
    assert (problem["file"], problem["line"]) == ("(standard input)", 3)
    assert list(temporary.iterdir()) == []
    again = piped(desk, *FROM_PIPE, rows=HEADER + line("D-1") + line("D-3"))
    assert again.document["counts"]["Opportunity"]["unchanged"] == 2


def test_a_job_may_read_standard_input_and_say_what_it_is(desk: DealDesk) -> None:
    """CSV where nothing else is said; `kind` says JSON Lines."""
    path = Path(desk.job)
    path.write_text(path.read_text().replace('"deals.csv"', '"-"'))
    assert piped(desk, "run", desk.job, rows=HEADER + line("D-1")).exit_code == 0
    job_option(desk, 'kind = "jsonl"')
    document = '{"id": "D-2", "name": "B", "stage": "Prospecting", "close": "2027-01-31", "amount": 7.5}\n'
    done = piped(desk, "run", desk.job, "--json", rows=document)
    assert done.exit_code == 0, done.out + done.err
    assert [desk.deal(key)["Amount"] for key in ("D-1", "D-2")] == [100.0, 7.5]
    by_job = ("import", "-", "--job", desk.job, "--json", "--yes")
    assert piped(desk, *by_job, rows=document).document["counts"]["Opportunity"]["unchanged"] == 1
    assert piped(desk, *by_job, "--kind", "csv", rows=HEADER + line("D-3")).exit_code == 0


def test_what_is_wrong_with_standard_input_is_told_like_a_files_fault(desk: DealDesk) -> None:
    """By its name and line, and an empty one as an empty export."""
    broken = piped(desk, *FROM_PIPE, rows=HEADER + line("D-1") + 'D-2;"open\r\n').document
    assert broken["code"] == "BROKEN_ROW"
    assert broken["message"].startswith("(standard input):3: a quote that is opened here")
    assert piped(desk, *FROM_PIPE, rows="").document["code"] == "SOURCE_EMPTY"
    plain = ("import", "-", "--key", "id", "-o", "local", "--json")
    unknown = piped(desk, *plain, rows="id;Firm\n1;x\n").document
    assert unknown["message"].startswith("(standard input): 1 column is no field")


def test_a_terminal_is_no_source_and_the_command_says_what_to_do(desk: DealDesk) -> None:
    """It does not wait for somebody to type rows."""
    ours, theirs = pty.openpty()
    try:
        environ = {**desk.environ, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(
            [*PROGRAM, *FROM_PIPE],
            stdin=theirs,
            env=environ,
            cwd=desk.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 5
    assert b"(standard input) is a terminal, not rows" in done.stderr
    assert b"PROGRAM | sfsync import -" in done.stderr


def test_only_one_file_of_a_command_can_be_standard_input(desk: DealDesk) -> None:
    """Deals and roles cannot both be read from it."""
    refused = typed(desk, *FROM_PIPE, "--roles", "-")
    assert (refused.exit_code, refused.document["code"]) == (2, "USAGE")
    Path(desk.job).write_text(
        Path(desk.job).read_text().replace('"deals.csv"', '"-"')
        + '\n[contact_roles]\nfile = "-"\n[contact_roles.fields]\nOpportunityId = "id"\nContactId = "contact"\n'
    )
    refused = typed(desk, "check", desk.job)
    assert refused.exit_code == 2
    assert '"-" is read by [opportunities] already' in refused.err
