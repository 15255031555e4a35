"""Deals from Excel workbooks and Parquet files, each sentence shown on the emulated org."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import Done, warm_sfsync
from deal_desk import DealDesk, change_of, deal_desk
from main_job_bench import ALAN, LEUNG
from workbook_writer import Book, X, day

DEALS = ["deal_id", "Name", "StageName", "CloseDate", "Amount"]
ROLES = ["deal_id", "ContactId.Email", "Role", "Primary"]
DAY = 46387  # 2026-12-31
JOB = """
org = "local"
[opportunities]
file = "{file}"
{options}
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "Name"
StageName = "StageName"
CloseDate = "CloseDate"
Amount = "Amount"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on the example org."""
    with deal_desk(tmp_path) as opened:
        yield opened


def typed(desk: DealDesk, *words: str) -> Done:
    """A command, typed in the desk's folder."""
    return warm_sfsync(*words, environ=desk.environ, cwd=desk.folder)


def imported(desk: DealDesk, *words: str) -> dict[str, Any]:
    """The document of an import of these files."""
    maps = ("--map", "ContactId.Email=ContactId.Email", "--map", "Primary=IsPrimary")
    done = typed(
        desk, "import", *words, *maps[: 4 if "--roles" in words else 0], "--key", "deal_id", *OPTIONS
    )
    document: dict[str, Any] = done.document
    return document


OPTIONS = ("-o", "local", "--json")


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: count for name, count in counts.items() if count}


def written_job(desk: DealDesk, *rows: list[object], options: str = "", **given: Any) -> None:
    """Makes a workbook of these deals the job."""
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": [DEALS, *rows]}, **given).content())
    desk.job = str(desk.folder / "deals.toml")
    Path(desk.job).write_text(JOB.format(file="deals.xlsx", options=options), encoding="utf-8")


def row(key: object = "D-1", close: object = None, amount: object = 100) -> list[object]:
    """A row of a deal in Prospecting."""
    return [key, f"Deal {key}", "Prospecting", close or day(DAY), amount]


def test_a_workbook_with_deals_and_roles_is_imported_and_a_second_import_writes_nothing(
    desk: DealDesk,
) -> None:
    """Saved by another program; a dry run shows the plan and writes nothing."""
    book = openpyxl.Workbook()
    book.active.title = "Deals"
    for each in (DEALS, [10012345678, "Gel", "Prospecting", date(2026, 12, 31), 59.97], ["0042", "Ice"]):
        book.active.append([*each, "Prospecting", date(2027, 1, 31), 0.1] if len(each) == 2 else each)
    roles = book.create_sheet("Roles")
    for each in (ROLES, [10012345678, LEUNG, "Evaluator", True], ["0042", ALAN, "Decision Maker", False]):
        roles.append(each)
    book.save(desk.folder / "book.xlsx")
    words = ("book.xlsx", "--sheet", "Deals", "--roles", "book.xlsx", "--roles-sheet", "Roles")
    dry = imported(desk, *words, "--dry-run")
    assert desk.write_count() == 0, dry
    first = imported(desk, *words)
    assert nonzero(first["counts"]["Opportunity"]) == {"rows": 2, "created": 2}
    assert nonzero(first["counts"]["OpportunityContactRole"]) == {"rows": 2, "created": 2}
    assert desk.roles("10012345678") == [(LEUNG, "Evaluator", True)]
    assert desk.roles("0042") == [(ALAN, "Decision Maker", False)]
    deal = desk.deal("10012345678")
    assert (deal["CloseDate"], Decimal(str(deal["Amount"]))) == ("2026-12-31", Decimal("59.97"))
    before = desk.write_count()
    second = imported(desk, *words)
    assert nonzero(second["counts"]["Opportunity"]) == {"rows": 2, "unchanged": 2}
    assert desk.write_count() == before


BAD = {
    "amount": (row("D-7", amount=X("#N/A", type="e")), "CELL_ERROR", "Deals!E3 is #N/A", "E"),
    "key": (row(X("1234567890123450")), "LOST_DIGITS", "Deals!A3 holds a number of more than 15", "A"),
    "formula": (
        row("D-7", amount=X(None, formula="A1*2")),
        "FORMULA_WITHOUT_VALUE",
        "Deals!E3 is a form",
        "E",
    ),
    "day": (row("D-7", close=day(60)), "NO_SUCH_DATE", "Deals!D3 is formatted as a date", "D"),
    "time": (
        row("D-7", close=day(DAY + 0.5, "dd.mm.yyyy hh:mm")),
        "BAD_VALUE",
        "'2026-12-31T12:00:00' is not a date",
        "D",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_cell_that_is_no_value_is_a_reject_by_its_address(desk: DealDesk, case: str) -> None:
    """The row around it is not sent, the other rows are."""
    bad, code, said, column = BAD[case]
    written_job(desk, row("D-1"), bad, row("D-9"))
    plan = desk.plan()
    [problem] = [each for change in plan.changes for each in change.problems]
    assert (problem.code, problem.row and problem.row.line) == (code, 3)
    assert said in problem.message
    assert problem.column == DEALS["ABCDE".index(column)]
    assert problem.hint
    assert desk.run().exit_code == 3
    assert len(desk.named("Deal D-1")) == len(desk.named("Deal D-9")) == 1


def test_rejects_of_a_workbook_are_a_csv_that_is_corrected_and_imported_with_the_same_job(
    desk: DealDesk,
) -> None:
    """UTF-8 with a byte order mark, as spreadsheets read it; what was right in the row comes back as it was."""
    written_job(desk, row("D-1"), row("0042", amount=X("#DIV/0!", type="e")), options='sheet = "Deals"')
    done = typed(desk, "run", "./deals.toml", "--json")
    assert done.exit_code == 3
    rejects = Path(done.document["files"]["rejects"])
    content = rejects.read_bytes()
    assert (rejects.suffix, content[:3]) == (".csv", b"\xef\xbb\xbf")
    assert b"0042,Deal 0042,Prospecting,2026-12-31,#DIV/0!," in content
    rejects.write_bytes(content.replace(b",#DIV/0!,", b",12.50,", 1))
    again = typed(desk, "import", str(rejects), "--job", "./deals.toml", "--json")
    assert nonzero(again.document["counts"]["Opportunity"]) == {"rows": 1, "created": 1}
    deal = desk.deal("0042")
    assert (deal["CloseDate"], Decimal(str(deal["Amount"]))) == ("2026-12-31", Decimal("12.5"))


def test_a_job_of_a_delimited_file_takes_a_workbook_by_import(desk: DealDesk) -> None:
    """The ending says what FILE is, and --sheet which of its sheets."""
    desk.write({"id": "D-1", "name": "x", "stage": "Prospecting", "close": "2026-12-31", "amount": "1"})
    sheets = {"Deals": [["id", "name", "stage", "close", "amount"], row("D-2")], "Other": [["x"], [1]]}
    (desk.folder / "book.xlsx").write_bytes(Book(sheets).content())
    words = ("import", "book.xlsx", "--job", "./deals.toml", "--json")
    unclear = typed(desk, *words)
    assert (unclear.exit_code, unclear.document["code"]) == (5, "SHEET_UNCLEAR")
    assert typed(desk, *words, "--sheet", "Deals").exit_code == 0
    assert desk.deal("D-2")["CloseDate"] == "2026-12-31"


def test_several_sheets_with_rows_are_refused_before_the_org_is_asked_for_records(desk: DealDesk) -> None:
    """The message has the sheets and their sizes, the hint the line to add; with it the job runs."""
    written_job(desk, row())
    Path(desk.folder / "deals.xlsx").write_bytes(
        Book({"Deals": [DEALS, row()], "Archive": [DEALS, row("D-2"), row("D-3")]}).content()
    )
    done = typed(desk, "run", "./deals.toml")
    assert done.exit_code == 5
    assert '"Deals" (2 rows, 5 columns), "Archive" (3 rows, 5 columns)' in done.err
    assert 'sheet = "Deals"' in done.err
    assert desk.write_count() == 0
    Path(desk.job).write_text(JOB.format(file="deals.xlsx", options='sheet = "Archive"'), encoding="utf-8")
    assert desk.run().exit_code == 0
    assert [len(desk.deals(key)) for key in ("D-1", "D-2", "D-3")] == [0, 1, 1]


def test_the_plan_tells_of_blank_and_hidden_rows_and_of_percentages(desk: DealDesk) -> None:
    """Nothing is wrong with them, and a person should know."""
    written_job(desk, row("D-1"), [], row("D-2", amount=X("0.25", format="0.00%")), hidden_rows=[2])
    notes = {each.code: each.message for each in desk.plan().notes}
    assert {"BLANK_ROWS", "HIDDEN_ROWS", "PERCENTAGES"} <= notes.keys()
    assert "25% is 25 for a percent field" in notes["PERCENTAGES"]


def parquet(path: Path, **columns: object) -> None:
    """A Parquet file of two deals, with these columns in place of its own."""
    plain: dict[str, object] = {
        "deal_id": pa.array([10012345678, 42], pa.int64()),
        "Name": pa.array(["Gel", "Ice"]).dictionary_encode(),
        "StageName": ["Prospecting", "Prospecting"],
        "CloseDate": pa.array([date(2026, 12, 31), date(2027, 1, 31)]),
        "Amount": pa.array([Decimal("59.97"), Decimal("0.10")], pa.decimal128(18, 2)),
    }
    pq.write_table(pa.table(plain | columns), path)


def test_a_parquet_file_with_deals_and_roles_is_imported_and_a_second_import_writes_nothing(
    desk: DealDesk,
) -> None:
    """Decimals and dates arrive as they are."""
    parquet(desk.folder / "deals.parquet")
    roles = {"deal_id": [10012345678], "ContactId.Email": [LEUNG], "Role": ["Evaluator"], "Primary": [True]}
    pq.write_table(pa.table(roles), desk.folder / "roles.parquet")
    words = ("deals.parquet", "--roles", "roles.parquet")
    imported(desk, *words, "--dry-run")
    assert desk.write_count() == 0
    first = imported(desk, *words)
    assert nonzero(first["counts"]["Opportunity"]) == {"rows": 2, "created": 2}
    assert desk.roles("10012345678") == [(LEUNG, "Evaluator", True)]
    assert Decimal(str(desk.deal("42")["Amount"])) == Decimal("0.1")
    before = desk.write_count()
    second = imported(desk, *words)
    assert nonzero(second["counts"]["Opportunity"]) == {"rows": 2, "unchanged": 2}
    assert desk.write_count() == before


def test_rejects_of_a_parquet_file_are_a_csv_that_is_corrected_and_imported_with_the_same_job(
    desk: DealDesk,
) -> None:
    """A list that a rule reads is a problem of its row; a struct's members are columns with dots."""
    parquet(desk.folder / "deals.parquet", CloseDate=pa.array([[date(2026, 12, 31)], None]))
    text = JOB.format(file="deals.parquet", options="")
    Path(desk.folder / "deals.toml").write_text(text, encoding="utf-8")
    done = typed(desk, "run", "./deals.toml", "--json")
    assert done.exit_code == 3
    rejects = Path(done.document["files"]["rejects"])
    content = rejects.read_text(encoding="utf-8-sig")
    assert '"CloseDate"" is a list, not a value' in content
    assert "42,Ice,Prospecting,,0.10," in content
    fixed = content.replace('"[""2026-12-31""]"', "2026-12-31").replace(
        "42,Ice,Prospecting,,", "42,Ice,Prospecting,2027-01-31,"
    )
    rejects.write_text(fixed, encoding="utf-8-sig")
    again = typed(desk, "import", str(rejects), "--job", "./deals.toml", "--json")
    assert nonzero(again.document["counts"]["Opportunity"]) == {"rows": 2, "created": 2}, content


def test_a_column_that_the_file_lacks_or_the_job_does_not_map_is_named(desk: DealDesk) -> None:
    """As for a delimited file, for both kinds."""
    written_job(desk, [*row(), "note"], options='ignore = ["x"]')
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": [[*DEALS, "Note"], [*row(), "n"]]}).content())
    assert '"Note"' in next(each.message for each in desk.plan().notes if each.code == "COLUMN_NOT_MAPPED")
    assert change_of(desk.plan()).key == "D-1"
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": [DEALS[:4], row()[:4]]}).content())
    done = typed(desk, "run", "./deals.toml", "--json")
    assert (done.exit_code, done.document["code"]) == (5, "COLUMN_MISSING")


def test_real_dates_and_numbers_of_a_workbook_need_no_declaration(desk: DealDesk) -> None:
    """A job that declares how its texts are written takes the cells that the spreadsheet has typed as they are."""
    rows = row("D-1", amount=1234.5), row("D-2", close="30.11.2026", amount="1.234,50")
    written_job(desk, *rows, options='dates = "D.M.Y"\nnumbers = "de_DE"')
    assert desk.run().exit_code == 0
    told = [(desk.deal(key)["CloseDate"], Decimal(str(desk.deal(key)["Amount"]))) for key in ("D-1", "D-2")]
    assert told == [("2026-12-31", Decimal("1234.5")), ("2026-11-30", Decimal("1234.5"))]


def test_a_percentage_of_a_workbook_is_the_percent_that_it_shows(desk: DealDesk) -> None:
    """A cell that shows 100 % holds 1, and the deal gets 100; an id that shows 00077 keeps its zeros."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([*DEALS, "Probability"])
    sheet.append([77, "Deal 77", "Prospecting", date(2026, 12, 31), 100, 1])
    sheet["A2"].number_format = "00000"
    sheet["F2"].number_format = "0%"
    book.save(desk.folder / "deals.xlsx")
    desk.job = str(desk.folder / "deals.toml")
    job = JOB.format(file="deals.xlsx", options="") + 'Probability = "Probability"\n'
    Path(desk.job).write_text(job, encoding="utf-8")
    assert desk.run().exit_code == 0
    assert Decimal(str(desk.deal("00077")["Probability"])) == 100


def test_a_date_with_a_time_is_a_day_where_the_job_says_so(desk: DealDesk) -> None:
    """With iso-minutes the day counts, as of text; undeclared it is a problem that says how to declare it."""
    written_job(desk, row("D-1", close=day(DAY + 0.75)), options='dates = "iso-minutes"')
    assert desk.run().exit_code == 0
    assert desk.deal("D-1")["CloseDate"] == "2026-12-31"
    written_job(desk, row("D-2", close=day(DAY + 0.75)))
    [problem] = [each for change in desk.plan().changes for each in change.problems]
    assert problem.code == "BAD_VALUE"
    assert "iso-minutes" in problem.hint
