"""CSV as Bulk API 2.0 takes it: delimiters and line ends by the job's word, strict text, columns by name."""

import csv
import io
from collections.abc import Iterator

import pytest
from bulk_client import HEADER, Bulk, bulk_org
from facts import fact

DEAL = "Deal,Prospecting,2026-12-31"
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}


@pytest.fixture(scope="module")
def org() -> Iterator[Bulk]:
    """Run one org for the module."""
    with bulk_org() as client:
        yield client


def message(org: Bulk, job: str) -> str:
    """Return why a job failed, as two words."""
    info = org.info(job)
    assert info["state"] == "Failed", info
    return str(info["errorMessage"])


@fact("5.1-delimiters", "5.1-line-ends", "5.1-result-files")
@pytest.mark.parametrize("line_end", ["LF", "CRLF"])
@pytest.mark.parametrize("delimiter", sorted(DELIMITERS))
def test_delimiters_and_line_ends(org: Bulk, delimiter: str, line_end: str):
    """Every delimiter and both line ends are read and written, with delimiter, quotes and newlines in a cell."""
    mark, end = DELIMITERS[delimiter], {"LF": "\n", "CRLF": "\r\n"}[line_end]
    name = f'a{mark}"b"\r\nc\nd'
    cells = [name, "Prospecting", "2026-12-31", f"{delimiter}-{line_end}"]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=end)
    writer.writerows([HEADER.split(","), cells])
    job = org.load(text.getvalue(), columnDelimiter=delimiter, lineEnding=line_end)
    answer = org.call("GET", f"/jobs/ingest/{job}/successfulResults").content.decode()
    header = mark.join(f'"{cell}"' for cell in ["sf__Id", "sf__Created", *HEADER.split(",")])
    assert answer.startswith(header + end)
    (row,) = org.rows(job, "successfulResults", mark)
    assert [row[column] for column in HEADER.split(",")] == cells
    assert org.get("Opportunity", row["sf__Id"])["Name"] == name


@fact("5.1-line-ends")
@pytest.mark.parametrize(("said", "sent"), [("LF", "\r\n"), ("CRLF", "\n"), ("LF", "\r")])
@pytest.mark.parametrize("rows", [0, 2])
def test_another_line_end_fails_the_job(org: Bulk, said: str, sent: str, rows: int):
    """A file whose lines end otherwise than the job says is not processed at all."""
    content = sent.join([HEADER, *[f"{DEAL},end-{n}" for n in range(rows)]]) + sent
    job = org.load(content, lineEnding=said)
    assert message(org, job).startswith("ClientInputError : LineEnding is invalid")
    assert (org.count("end"), org.info(job)["numberRecordsProcessed"]) == (0, 0)


@fact("5.2-header")
def test_headers_are_found_in_any_case(org: Bulk):
    """Column names are compared without regard to case and echoed as they were sent."""
    job = org.load(f"nAME,STAGENAME,closedate,sfsync_key__C\n{DEAL},case-1\n")
    (row,) = org.saved(job)
    assert list(row) == ["sf__Id", "sf__Created", "nAME", "STAGENAME", "closedate", "sfsync_key__C"]


@fact("5.2-header")
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "InvalidBatch"),
        (b"Name,Nope__c\nx,y\n", "InvalidBatch : Field name not found : Nope__c"),
        (b"Name, StageName\nx,y\n", "InvalidBatch : Field name not found :  StageName"),
        (b"\xef\xbb\xbfName\nx\n", "InvalidBatch : Field name not found : \ufeffName"),
        (b"Name,name\nx,y\n", "InvalidBatch"),
        (b"Name,Account.Industry\nx,y\n", "InvalidBatch : Field name not found : Account.Industry"),
        (b"Name,Nope:Account.Sfsync_Key__c\nx,y\n", "InvalidBatch : Field name not found"),
        (b"Name" + b" " * 32_000 + b"\nx\n", "InvalidBatch"),
        (b",".join(b"F%d" % n for n in range(5001)) + b"\n", "InvalidBatch : The file has more than 5000"),
        (b"Name\n\xff\n", "ClientInputError"),
        ("Name\nx\n".encode("utf-16"), "ClientInputError"),
    ],
)
def test_a_header_that_does_not_fit_fails_the_job(org: Bulk, content: bytes, problem: str):
    """What the header or the encoding gets wrong fails the job before any row is saved."""
    job = org.load(content)
    assert message(org, job).startswith(problem)
    assert org.saved(job) == []


@pytest.mark.parametrize(
    "row",
    [
        '"open,Prospecting,2026-12-31,q',
        '"a"b,Prospecting,2026-12-31,q',
        'a, "b,c",2026-12-31,q',
        "a,b",
        "a,b,c,d,e",
    ],
)
def test_broken_rows_fail_the_job(org: Bulk, row: str):
    """Quotes left open or followed by text, and rows of another width, fail the job."""
    job = org.load(f"{HEADER}\n{DEAL},broken-1\n{row}\n")
    assert message(org, job).startswith("ClientInputError")
    assert org.count("broken") == 0
    assert [left["Sfsync_Key__c"] for left in org.left(job)] == ["broken-1"]


@fact("5.2-sizes")
@pytest.mark.parametrize(("cells", "fits"), [([131_072], True), ([131_073], False), ([110_000] * 4, False)])
def test_the_size_of_fields_and_records(org: Bulk, cells: list[int], fits: bool):
    """A field of 131,072 characters is read, though it may not be saved; a longer one fails the job."""
    header = ["Name", "StageName", "NextStep", "Description"][: len(cells)]
    job = org.load(",".join(header) + "\n" + ",".join("x" * size for size in cells) + "\n")
    assert (org.info(job)["state"] == "JobComplete") == fits
    if fits:
        refused = org.call("GET", f"/jobs/ingest/{job}/failedResults").text
        assert refused.splitlines()[1].startswith('"","STRING_TOO_LONG:')


def test_empty_lines_and_a_missing_last_line_end(org: Bulk):
    """Empty lines are no rows, and the last line need not be ended."""
    job = org.load(f"{HEADER}\n\n{DEAL},lines-1\n\n{DEAL},lines-2")
    assert org.info(job)["numberRecordsProcessed"] == org.count("lines") == 2


def test_a_file_without_rows_is_complete(org: Bulk):
    """A header alone makes a job that is complete with nothing done."""
    job = org.load(f"{HEADER}\n")
    assert (org.info(job)["state"], org.info(job)["numberRecordsProcessed"]) == ("JobComplete", 0)


@fact("5.2-empty-and-null")
def test_empty_cells_and_nulls(org: Bulk):
    """An empty cell leaves a field alone, #N/A empties it, and a required field cannot be emptied."""
    deal = org.deal(NextStep="call", Description="long", Amount=5)
    job = org.load(f"Id,NextStep,Description,Amount,Name\n{deal},,#N/A,#N/A,\n", "update")
    assert [row["sf__Id"] for row in org.saved(job)] == [deal]
    stored = org.get("Opportunity", deal)
    assert (stored["NextStep"], stored["Description"], stored["Amount"]) == ("call", None, None)
    job = org.load(f"Id,Name\n{deal},#N/A\n", "update")
    assert org.refused(job)[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")


@fact("5.2-no-trimming")
def test_blanks_are_kept_by_csv_and_trimmed_by_the_database(org: Bulk):
    """A text loses its outer blanks when saved; a number with blanks is no number."""
    job = org.load(f'{HEADER},NextStep\n{DEAL},blank-1,  " a \n')
    (row,) = org.saved(job)
    assert row["NextStep"] == '  " a '
    assert org.get("Opportunity", row["sf__Id"])["NextStep"] == '" a'
    job = org.load(f"{HEADER},Amount\n{DEAL},blank-2, 5\n")
    assert org.refused(job)[0]["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")


@fact("5.2-values")
@pytest.mark.parametrize(
    ("column", "cell", "stored"),
    [
        ("IsPrivate", "1", True),
        ("IsPrivate", "TRUE", True),
        ("IsPrivate", "0", False),
        ("IsPrivate", "false", False),
        ("IsPrivate", "yes", None),
        ("CloseDate", "2026-02-30", None),
        ("CloseDate", "31/12/2026", None),
        ("CloseDate", "2027-01-31", "2027-01-31"),
        ("Amount", "12.50", 12.5),
        ("Amount", "1.25E3", 1250.0),
        ("Amount", "1,5", None),
    ],
)
def test_values_by_type(org: Bulk, column: str, cell: str, stored: object):
    """A cell is read by the type of its field; one that cannot be read refuses its row alone."""
    deal = org.deal()
    job = org.load(f'Id,{column}\n{deal},"{cell}"\n', "update")
    if stored is None:
        (row,) = org.refused(job)
        assert row["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
        assert row["sf__Error"].endswith(f":{column} --")
    else:
        assert org.get("Opportunity", deal)[column] == stored


@fact("5.2-parents", "5.2-polymorphic")
def test_parents_by_their_keys(org: Bulk):
    """Parents are named by an external id or an id lookup, also with their object's name in front."""
    shoe = org.query("SELECT Id FROM Shoe_Model__c")[0]["Id"]
    maria = org.query("SELECT Id FROM User WHERE LastName = 'Jimenez'")[0]["Id"]
    header = "Name,StageName,CloseDate,account.sfsync_key__c,Shoe_Model__r.Id,User:Owner.Username"
    rows = [f"{DEAL},ACC-1,{shoe},maria.jimenez@cloudkicks.example", f"{DEAL},ACC-9,,", f"{DEAL},#N/A,,"]
    job = org.load("\n".join([header, *rows]) + "\n")
    without, found = org.saved(job)
    deal = org.get("Opportunity", found["sf__Id"])
    assert org.get("Account", deal["AccountId"])["Sfsync_Key__c"] == "ACC-1"
    assert (deal["Shoe_Model__c"], deal["OwnerId"]) == (shoe, maria)
    assert org.get("Opportunity", without["sf__Id"])["AccountId"] is None
    (refused,) = org.refused(job)
    assert (refused["account.sfsync_key__c"], refused["sf__Error"].split(":")[0]) == (
        "ACC-9",
        "INVALID_FIELD",
    )


def test_a_parent_named_twice_is_refused(org: Bulk):
    """A row may give a parent's key or its id, not both."""
    account = org.query("SELECT Id FROM Account WHERE Sfsync_Key__c = 'ACC-1'")[0]["Id"]
    job = org.load(f"{HEADER},AccountId,Account.Sfsync_Key__c\n{DEAL},both-1,{account},ACC-1\n")
    assert org.refused(job)[0]["sf__Error"].startswith("INVALID_FIELD:")
