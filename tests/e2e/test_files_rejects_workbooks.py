"""Rejects as an Excel workbook: text cells that stay what they were, typed cells that need no declaration."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, deal_desk, row
from main_job_bench import ORG_FILE
from workbook_writer import Book, day

from sfsync.emulator.org.hooks import Event

FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """An org without deals of ours."""
    with deal_desk(tmp_path) as made:
        yield made


def typed(desk: DealDesk, *words: str) -> dict[str, Any]:
    """The document of a command that ended."""
    done = warm_sfsync(*words, "--json", environ=desk.environ, cwd=desk.folder)
    assert done.exit_code in (0, 3), done.out + done.err
    document: dict[str, Any] = done.document
    return document


def codes(document: dict[str, Any]) -> set[str]:
    """The codes of the notes."""
    return {each["code"] for each in document["notes"]}


@pytest.mark.parametrize("command", ["run", "plan"])
def test_every_cell_of_a_delimited_file_is_a_text_in_the_workbook(desk: DealDesk, command: str) -> None:
    """Neither a formula nor a number nor a date; the header is bold and stays in view, the message is wide."""
    desk.write(row("00123", name=FORMULA, close="03/04/2026"))
    rejects = Path(typed(desk, command, desk.job, "--rejects-format", "xlsx")["files"]["rejects"])
    assert rejects.name == "rejects-opportunities.xlsx"
    assert rejects.stat().st_mode & 0o777 == 0o600
    sheet = openpyxl.load_workbook(rejects).active
    header, line = sheet.iter_rows()
    assert [cell.value for cell in line[:5]] == ["00123", FORMULA, "Prospecting", "03/04/2026", "100.00"]
    assert {(cell.data_type, cell.number_format) for cell in line if cell.value is not None} == {("s", "@")}
    assert [cell.value for cell in header[:6]] == [
        "id",
        "name",
        "stage",
        "close",
        "amount",
        "_sfsync_outcome",
    ]
    assert (sheet.freeze_panes, all(cell.font.b for cell in header)) == ("A2", True)
    message = next(cell for cell in header if cell.value == "_sfsync_message")
    assert sheet.column_dimensions[message.column_letter].width > 50
    assert line[message.column - 1].alignment.wrap_text
    assert not list(rejects.parent.glob("*.csv"))


@pytest.mark.parametrize("form", ["source", "xlsx"])
def test_typed_cells_of_a_workbook_are_taken_typed_out_of_its_rejects(desk: DealDesk, form: str) -> None:
    """A cell that nobody changed is what it was; texts, and what a person wrote anew, are read as declared."""
    header = ["id", "name", "stage", "close", "amount"]
    rows = [
        ["D-1", "Typed", "many", day(46387), Decimal("1234.5")],
        ["D-2", "Text", "many", "30.11.2026", "1.234,50"],
        ["D-3", "Changed", "many", day(46387), Decimal("8.25")],
    ]
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": [header, *rows]}).content())
    desk.write(options='dates = "D.M.Y"\nnumbers = "de_DE"')
    job = Path(desk.job)
    job.write_text(job.read_text().replace("deals.csv", "deals.xlsx"))
    rejects = Path(typed(desk, "run", desk.job, "--rejects-format", form)["files"]["rejects"])
    if form == "xlsx":
        book = openpyxl.load_workbook(rejects)
        for line in book.active.iter_rows(min_row=2):
            line[2].value = "Prospecting"
            line[4].value = "2,5" if line[4].value == "8.25" else line[4].value
        book.save(rejects)
    else:
        text = rejects.read_bytes().decode().replace(",many,", ",Prospecting,").replace(",8.25,", ',"2,5",')
        rejects.write_bytes(text.encode())
    done = typed(desk, "import", str(rejects), "--job", desk.job)
    assert done["counts"]["Opportunity"]["created"] == 3, done["problems"]
    told = {
        key: (desk.deal(key)["CloseDate"], Decimal(str(desk.deal(key)["Amount"])))
        for key in ("D-1", "D-2", "D-3")
    }
    assert told == {
        "D-1": ("2026-12-31", Decimal("1234.5")),
        "D-2": ("2026-11-30", Decimal("1234.5")),
        "D-3": ("2026-12-31", Decimal("2.5")),
    }


def test_rejects_of_typed_cells_that_are_still_wrong_keep_what_they_were(desk: DealDesk) -> None:
    """Also the second time round; a mark that somebody broke is a problem of its row."""
    rows = [
        ["id", "name", "stage", "close", "amount"],
        ["D-1", "Typed", "many", day(46387), Decimal("1234.5")],
    ]
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": rows}).content())
    desk.write(options='dates = "D.M.Y"\nnumbers = "de_DE"')
    job = Path(desk.job)
    job.write_text(job.read_text().replace("deals.csv", "deals.xlsx"))
    first = Path(typed(desk, "run", desk.job)["files"]["rejects"]).read_bytes()
    (desk.folder / "first.csv").write_bytes(first)
    again = Path(typed(desk, "import", "first.csv", "--job", desk.job)["files"]["rejects"]).read_bytes()
    assert again == first
    (desk.folder / "broken.csv").write_bytes(again.replace(b"d2026", b"x2026"))
    [problem] = typed(desk, "import", "broken.csv", "--job", desk.job)["problems"]
    assert (problem["code"], problem["column"]) == ("BAD_TYPE_MARK", "_sfsync_typed")


def test_what_a_sheet_cannot_say_stays_a_csv_with_a_note(desk: DealDesk) -> None:
    """A row that is too short would be filled up in silence, and a cell can be too long for a sheet."""
    desk.write(row("D-1"), row("D-2"))
    (desk.folder / "deals.csv").write_text(
        "id,name,stage,close,amount\nD-1,Deal\nD-2,Deal,many,2027-01-31,1\n"
    )
    done = typed(desk, "run", desk.job, "--rejects-format", "xlsx")
    assert done["files"]["rejects"].endswith(".csv")
    assert "REJECTS_NOT_XLSX" in codes(done)
    desk.write(row("D-1", name="x" * 32_768, stage="many"))
    done = typed(desk, "run", desk.job, "--rejects-format", "xlsx")
    assert done["files"]["rejects"].endswith(".csv")
    [note] = [each for each in done["notes"] if each["code"] == "REJECTS_NOT_XLSX"]
    assert "more than 32,767 characters" in note["message"]


def no_deal(event: Event) -> str | None:
    """Validate: the deal is not taken."""
    return "Not today." if event.row["Name"] == "Deal D-1" else None


def test_a_retried_run_gives_its_rejects_as_a_workbook_too(tmp_path: Path) -> None:
    """As asked for at the command that writes them."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    rule = {"object": "Opportunity", "hook": f"{__name__}:no_deal", "fields": ["Name"]}
    with deal_desk(tmp_path, org | {"validation_rules": [rule]}) as desk:
        desk.write(row("D-1"))
        assert typed(desk, "run", desk.job)["files"]["rejects"].endswith(".csv")
        again = typed(desk, "retry", "--rejects-format", "xlsx")["files"]
        assert again["rejects"].endswith(".xlsx")
