"""What we add to a file that a spreadsheet opens is never a formula; a user's own cells stay as they came."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from report_examples import a_deal, a_plan, a_problem, a_ref, a_report, an_image, done

from sfsync.app.adoption_file import write_candidates
from sfsync.core.deals.adoption_pairs import Candidate, Pair, Standing
from sfsync.core.deals.scoring import Score
from sfsync.core.plans.plan import Action
from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.reports.audit import Audit, Finding, Kind
from sfsync.engine.planning.adopting import Listing
from sfsync.report.files.folder import write_run_folder
from sfsync.report.files.rejects_form import RejectsFormat

EVIL = "=cmd|' /C calc'!A0"
OURS = "'" + EVIL
RECORD = "006000000000001AAA"


def cells(path: object) -> list[Mapping[str, str]]:
    """The rows of a CSV file."""
    with Path(str(path)).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("title", ["rejects", "unprocessed"])
def test_rejects_and_unprocessed_rows_keep_their_cells_and_ours_are_marked(
    tmp_path: Path, title: str
) -> None:
    """Code, message and hint may hold words of the org or of the row."""
    problem = a_problem(code=EVIL, message=EVIL, hint=EVIL)
    action = Action.REJECT if title == "rejects" else Action.CREATE
    deal = a_deal(1, action, problems=(problem,) if title == "rejects" else ())
    files = write_run_folder(a_report(a_plan([deal], an_image({1: (EVIL, "x")}))), tmp_path)
    by_source = files[f"{title}_by_source"]
    assert isinstance(by_source, dict)
    [row] = cells(by_source["opportunities"])
    assert row["deal"] == EVIL
    if title == "rejects":
        assert [row[f"_sfsync_{name}"] for name in ("code", "message", "hint")] == [OURS] * 3
    assert not any(text.startswith("=") for name, text in row.items() if name.startswith("_sfsync_"))


def test_a_workbook_of_rejects_has_texts_alone(tmp_path: Path) -> None:
    """A text cell is no formula, whoever wrote it."""
    deal = a_deal(1, Action.REJECT, problems=(a_problem(message=EVIL),))
    report = a_report(a_plan([deal], an_image({1: (EVIL, "x")})))
    files = write_run_folder(report, tmp_path, RejectsFormat.XLSX)
    [_, row] = openpyxl.load_workbook(str(files["rejects"])).active.iter_rows()
    assert row[0].value == EVIL
    assert {cell.data_type for cell in row if cell.value is not None} == {"s"}


def test_successes_mark_keys_labels_and_files(tmp_path: Path) -> None:
    """They are a list for people; nothing reads it back."""
    ref = replace(a_ref(1), file=EVIL)
    deal = replace(a_deal(1, label=EVIL, row=ref), key=EVIL)
    files = write_run_folder(a_report(a_plan([deal]), [done(deal)]), tmp_path)
    [row] = cells(files["successes"])
    assert (row["key"], row["label"], row["file"]) == (OURS, OURS, OURS)


def test_the_audit_marks_what_was_sent_and_what_the_org_holds(tmp_path: Path) -> None:
    """A negative number stays one."""
    finding = Finding(Kind.IGNORED, "Opportunity", EVIL, EVIL, RECORD, "Name", EVIL, EVIL)
    number = replace(finding, field="Amount", sent="-5", held="-4.5")
    report = a_report(a_plan([a_deal(1)]), audit=Audit(1, (finding, number)))
    rows = cells(write_run_folder(report, tmp_path)["verify"])
    assert [rows[0][name] for name in ("key", "label", "sent", "held")] == [OURS] * 4
    assert (rows[1]["sent"], rows[1]["held"]) == ("-5", "-4.5")


def test_picks_keep_the_value_that_is_compared_and_mark_what_the_org_says(tmp_path: Path) -> None:
    """The value is the user's own cell."""
    reference = OpenReference("Account", "Name", EVIL, (Described(RECORD, EVIL, EVIL),))
    plan = replace(a_plan([a_deal(1)]), open_references=(reference,))
    [row] = cells(write_run_folder(a_report(plan), tmp_path)["picks"])
    assert (row["value"], row["name"], row["note"]) == (EVIL, OURS, OURS)


def test_candidates_for_adoption_mark_names_of_rows_and_records(tmp_path: Path) -> None:
    """Only the name of the change is read back, and it begins with its sObject."""
    deal = a_deal(1, label=EVIL)
    pair = Pair(deal.change_id, RECORD, Score(0.9, (EVIL,)))
    record = {"Name": EVIL, "StageName": EVIL, "Amount": None}
    listing = Listing({deal.change_id: deal}, (Candidate(pair, Standing.MATCH),), {RECORD: record}, ())
    write_candidates(listing, tmp_path / "adopt.csv")
    [row] = cells(tmp_path / "adopt.csv")
    assert [row[name] for name in ("row_name", "record_name", "reasons", "stage")] == [OURS] * 4
    assert row["change"].startswith("Opportunity:")
