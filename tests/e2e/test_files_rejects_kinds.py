"""Rejects of each kind of source go round: three of ten rows are corrected, and exactly those are written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, deal_desk, row
from main_job_bench import ALAN
from workbook_writer import Book, day

import sfsync
from sfsync.report.files.folder import write_run_folder
from sfsync.report.files.rejects_form import RejectsFormat

BROKEN = (2, 5, 9)
COLUMNS = ("id", "name", "stage", "close", "amount")
ROLES = """
[contact_roles]
{source}
[contact_roles.fields]
OpportunityId = "id"
ContactId = {{ column = "email", match = "Email" }}
Role = {{ constant = "Evaluator" }}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """An org without deals of ours."""
    with deal_desk(tmp_path) as made:
        made.write(row())
        yield made


def typed(desk: DealDesk, *words: str) -> dict[str, Any]:
    """The document of a command that ended."""
    environ = {**desk.environ, "DEALS_DB": "sqlite:///crm.db"}
    done = warm_sfsync(*words, "--json", "--yes", environ=environ, cwd=desk.folder)
    assert done.exit_code in (0, 3), done.out + done.err
    document: dict[str, Any] = done.document
    return document


def counted(document: dict[str, Any], sobject: str = "Opportunity") -> dict[str, int]:
    """The counts that are not zero."""
    return {name: count for name, count in document["counts"][sobject].items() if count}


def of_job(desk: DealDesk, source: str, options: str = "", after: str = "") -> None:
    """Makes the job read that source."""
    job = Path(desk.job)
    text = job.read_text().replace('file = "deals.csv"', source)
    job.write_text(text.replace("[opportunities.fields]", f"{options}\n[opportunities.fields]") + after)


def corrected(rejects: Path, wrong: str, right: str) -> None:
    """What a person does: opens the file, puts `right` where `wrong` stands, and saves."""
    if rejects.suffix != ".xlsx":
        content = rejects.read_bytes().decode()
        if rejects.suffix == ".csv":  # the same words may stand in our message
            wrong, right = f",{wrong},", f',"{right}",' if "," in right else f",{right},"
        assert content.count(wrong) >= len(BROKEN)
        rejects.write_bytes(content.replace(wrong, right).encode())
        return
    book = openpyxl.load_workbook(rejects)
    cells = [cell for line in book.active.iter_rows(min_row=2) for cell in line if cell.value == wrong]
    assert len(cells) == len(BROKEN)
    for cell in cells:
        cell.value = right
    book.save(rejects)


def goes_round(desk: DealDesk, form: str, wrong: str, right: str) -> None:
    """Runs the job, corrects its rejects, imports them twice."""
    first = typed(desk, "run", desk.job, "--rejects-format", form)
    assert counted(first) == {"rows": 10, "created": 7, "rejected": 3}
    comes_back(desk, Path(first["files"]["rejects"]), form, wrong, right)


def comes_back(desk: DealDesk, rejects: Path, form: str, wrong: str, right: str) -> None:
    """Corrects the rejects and imports them twice by the same job."""
    assert (rejects.suffix == ".xlsx") == (form == "xlsx")
    corrected(rejects, wrong, right)
    words = ("import", str(rejects), "--job", desk.job)
    second = typed(desk, *words)
    assert counted(second) == {"rows": 3, "created": 3}, second["problems"]
    assert counted(typed(desk, *words)) == {"rows": 3, "unchanged": 3}
    amounts = {Decimal(str(desk.deal(f"D-{at}")["Amount"])) for at in range(10)}
    assert amounts == {Decimal("1.23"), Decimal("5.5")}


FORMS = pytest.mark.parametrize("form", ["source", "xlsx"])


def deals(close: Callable[[int], object], amount: object) -> list[list[object]]:
    """Ten rows of deals, three of which have a word for an amount."""
    return [
        [f"D-{at}", f"Deal {at}", "Prospecting", close(at), "many" if at in BROKEN else amount]
        for at in range(10)
    ]


@FORMS
def test_three_rows_of_a_workbook_come_back_and_its_typed_cells_need_no_declaration(
    desk: DealDesk, form: str
) -> None:
    """The job declares how its texts are written, and reads a sheet of its own; a text is read as declared."""
    rows = deals(lambda at: day(46387 + at), Decimal("1.23"))
    (desk.folder / "deals.xlsx").write_bytes(Book({"Deals": [COLUMNS, *rows], "Other": [["x"]]}).content())
    of_job(desk, 'file = "deals.xlsx"\nsheet = "Deals"', 'numbers = "de_DE"\ndates = "D.M.Y"')
    goes_round(desk, form, "many", "5,50")
    assert desk.deal("D-2")["CloseDate"] == "2027-01-02"


@FORMS
def test_three_rows_of_a_parquet_file_come_back(desk: DealDesk, form: str) -> None:
    """A list is no value; dates and decimals stay what they were."""
    table = {
        "id": [f"D-{at}" for at in range(10)],
        "name": ["many" if at in BROKEN else "Deal" for at in range(10)],
        "stage": ["many" if at in BROKEN else "Prospecting" for at in range(10)],
        "close": [date(2027, 1, 1 + at) for at in range(10)],
        "amount": [Decimal("5.500") if at in BROKEN else Decimal("1.230") for at in range(10)],
    }
    table["name"] = [f"Deal {at}" for at in range(10)]
    pq.write_table(pa.table(table), desk.folder / "deals.parquet")
    of_job(desk, 'file = "deals.parquet"', 'numbers = "de_DE"\ndates = "D.M.Y"')
    goes_round(desk, form, "many", "Prospecting")


@FORMS
def test_three_rows_of_a_database_come_back(desk: DealDesk, form: str) -> None:
    """By the job that reads the database, which need not be there."""
    with closing(sqlite3.connect(desk.folder / "crm.db")) as crm, crm:
        crm.execute("CREATE TABLE deals (id, name, stage, close, amount)")
        crm.executemany("INSERT INTO deals VALUES (?, ?, ?, ?, ?)", deals(lambda at: f"2027-01-1{at}", 1.23))
    (desk.folder / "deals.sql").write_text("SELECT * FROM deals ORDER BY id")
    of_job(desk, 'database = "${DEALS_DB}"\nquery = "deals.sql"')
    goes_round(desk, form, "many", "5.50")


@FORMS
def test_three_rows_of_a_program_come_back(desk: DealDesk, form: str) -> None:
    """Decimals and dates of Python are typed too."""
    rows = deals(lambda at: date(2027, 1, 10 + at), Decimal("1.23"))
    of_job(desk, 'file = "deals.csv"', 'numbers = "de_DE"\ndates = "D.M.Y"')
    given = (dict(zip(COLUMNS, each, strict=True)) for each in rows)
    job = sfsync.with_rows(sfsync.load_job(desk.job, environ=desk.environ), opportunities=given)
    report = sfsync.sync(job, around=desk.around)
    folder = desk.folder / "run"
    folder.mkdir()
    files = write_run_folder(report, folder, RejectsFormat(form))
    comes_back(desk, Path(str(files["rejects"])), form, "many", "5,50")


def roles_go_round(desk: DealDesk, form: str, wrong: str, right: str) -> None:
    """Runs a job with ten roles of ten deals, corrects three, and imports them by the same job."""
    first = typed(desk, "run", desk.job, "--rejects-format", form)
    assert counted(first, "OpportunityContactRole") == {"rows": 10, "created": 7, "rejected": 3}
    rejects = Path(first["files"]["rejects"])
    corrected(rejects, wrong, right)
    before = desk.write_count()
    second = typed(desk, "import", str(rejects), "--job", desk.job)
    assert counted(second) == {"rows": 3, "unchanged": 3}
    assert counted(second, "OpportunityContactRole") == {"rows": 3, "created": 3}
    assert desk.write_count() > before
    again = typed(desk, "import", str(rejects), "--job", desk.job)
    assert counted(again, "OpportunityContactRole") == {"rows": 3, "unchanged": 3}
    assert [desk.roles(f"D-{at}")[0][0] for at in range(10)] == [ALAN] * 10


def emails(wrong: str) -> Sequence[str]:
    """The contacts of ten deals, three of them wrong."""
    return [wrong if at in BROKEN else ALAN for at in range(10)]


@FORMS
def test_three_roles_inside_documents_come_back_as_json_lines(desk: DealDesk, form: str) -> None:
    """Also where a workbook was asked for, which a note tells."""
    told = [row(f"D-{at}") | {"roles": [{"email": each}]} for at, each in enumerate(emails("no@b.example"))]
    (desk.folder / "deals.json").write_text(json.dumps(told))
    of_job(desk, 'file = "deals.json"', after=ROLES.format(source='nested = "roles"'))
    if form == "xlsx":
        planned = typed(desk, "run", desk.job, "--dry-run", "--rejects-format", form)
        assert "REJECTS_NOT_XLSX" in {each["code"] for each in planned["notes"]}
    roles_go_round(desk, form, "no@b.example", ALAN)


@FORMS
def test_three_roles_listed_in_a_cell_come_back_with_their_deals(desk: DealDesk, form: str) -> None:
    """One line a deal."""
    told = [row(f"D-{at}", who=f"Alan ({each})") for at, each in enumerate(emails("no@b.example"))]
    desk.write(*told, columns=["who"])
    listed = 'listed = { column = "who" }\n'
    of_job(desk, 'file = "deals.csv"', after=ROLES.format(source=listed))
    roles_go_round(desk, form, "Alan (no@b.example)", f"Alan ({ALAN})")
