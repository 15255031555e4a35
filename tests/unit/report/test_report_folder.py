"""The files of a run: rejects as their source wrote them, successes, results."""

from __future__ import annotations

import csv
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from report_examples import a_deal, a_plan, a_problem, a_report, a_role, an_image, done, failed

from sfsync.core.job import Section
from sfsync.core.plans.plan import Action, Plan, SourceImage
from sfsync.core.reading.rows import SourceRow, UnreadableRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.reports.results import Outcome, RowRef
from sfsync.errors import SyncError
from sfsync.report.files.folder import write_run_folder
from sfsync.sources import open_source

OWN = ["_sfsync_outcome", "_sfsync_code", "_sfsync_message", "_sfsync_hint", "_sfsync_line"]


def rejected_plan(*images: SourceImage) -> Plan:
    """A plan in which every row of the first image is rejected."""
    rows = images[0].rows
    return a_plan([a_deal(each, Action.REJECT, problems=(a_problem(),)) for each in rows], *images)


def rejects_text(folder: Path, image: SourceImage) -> str:
    """The rejects file of a source all of whose rows are rejected, with its line ends as they are."""
    files = write_run_folder(a_report(rejected_plan(image)), folder)
    return Path(str(files["rejects"])).read_bytes().decode(image.encoding)


def test_rejects_have_the_form_of_their_source(tmp_path):
    """Columns, order, delimiter, encoding, byte order mark and line ends are those of the source."""
    image = an_image({1: ("Müller; Söhne", "=1+1")}, delimiter=";", encoding="utf-8-sig", line_end="\r\n")
    files = write_run_folder(a_report(rejected_plan(image)), tmp_path)
    assert Path(str(files["rejects"])).read_bytes() == (
        b"\xef\xbb\xbfdeal;close;" + ";".join(OWN).encode() + b"\r\n"
        b'"M\xc3\xbcller; S\xc3\xb6hne";=1+1;rejected;BAD_DATE;it is no date;Write 2026-09-30.;2\r\n'
    )


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1"])
def test_i1_rejects_keep_a_declared_encoding(tmp_path, encoding):
    """A source in another encoding gets its rejects in the same one."""
    assert "Café,x," in rejects_text(tmp_path, an_image({1: ("Café", "x")}, encoding=encoding))


def test_a_message_that_the_encoding_lacks_is_spelled_out(tmp_path):
    """A character of a message that the source's encoding lacks does not end the report."""
    deal = a_deal(1, Action.REJECT, problems=(a_problem(message="№ is no date"),))
    plan = a_plan([deal], an_image({1: ("D", "x")}, encoding="cp1252"))
    files = write_run_folder(a_report(plan), tmp_path)
    assert "\\u2116 is no date" in Path(str(files["rejects"])).read_text("cp1252")


def test_i5_source_cells_stay_and_our_own_are_no_formulas(tmp_path):
    """A source cell that begins like a formula stays byte for byte; our columns get an apostrophe."""
    change = a_deal(1, Action.REJECT, problems=(a_problem(message="@x is odd", hint="-5"),))
    plan = a_plan([change], an_image({1: ("=cmd|' /C calc'!A0", "-5")}))
    files = write_run_folder(a_report(plan), tmp_path)
    row = Path(str(files["rejects"])).read_text().splitlines()[1]
    assert row == "=cmd|' /C calc'!A0,-5,rejected,BAD_DATE,'@x is odd,-5,2"


def test_i5_successes_hold_no_formulas(tmp_path):
    """A label that begins like a formula is neutralised in successes.csv; a negative number stays."""
    deals = [a_deal(1, label="=HYPERLINK(1)"), a_deal(2, label="-12.5"), a_deal(3, label="a\x1b\nb")]
    files = write_run_folder(a_report(a_plan(deals), [done(each) for each in deals]), tmp_path)
    with Path(str(files["successes"])).open(newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert labels == ["'=HYPERLINK(1)", "-12.5", "a\\x1b\\nb"]


def test_i5_a_column_that_only_looks_like_ours_is_the_sources_own(tmp_path):
    """Names that begin with an underscore are kept, with their cells below them."""
    image = an_image({1: ("D", "x")}, columns=("_id", "close"))
    header, row = rejects_text(tmp_path, image).splitlines()
    assert header.split(",") == ["_id", "close", *OWN]
    assert row.split(",")[:2] == ["D", "x"]


def test_own_columns_of_the_source_are_replaced(tmp_path):
    """Rejects of a rejects file have the `_sfsync_` columns once, with what is wrong now."""
    image = an_image({1: ("D", "x", "rejected", "OLD", "old", "old", "9")}, columns=("deal", "close", *OWN))
    header, row = rejects_text(tmp_path, image).splitlines()
    assert header.split(",") == ["deal", "close", *OWN]
    assert row == "D,x,rejected,BAD_DATE,it is no date,Write 2026-09-30.,2"


def test_i4_ragged_rows_keep_every_cell_and_stay_ragged(tmp_path):
    """Rows of a wrong width come back cell by cell, twice over, and are refused again until corrected."""
    source = tmp_path / "deals.csv"
    source.write_text("deal,close\nshort\nD-2,x\nlong,a,b,c\n")
    folder = tmp_path / "run"
    folder.mkdir()
    for _ in range(2):
        read = open_source(Section("opportunities", "Opportunity", SourceSpec("csv", source), ()))
        rows = list(read.rows())
        assert [type(each) for each in rows] == [UnreadableRow, SourceRow, UnreadableRow]
        own = {place for place, name in enumerate(read.form.columns) if name in OWN}
        cells = [[cell for place, cell in enumerate(each.raw) if place not in own] for each in rows]
        assert cells == [["short"], ["D-2", "x"], ["long", "a", "b", "c"]]
        image = an_image(
            {place: each.raw for place, each in enumerate(rows, start=1)}, columns=read.form.columns
        )
        rejects_text(folder, image)
        source = folder / "rejects-opportunities.csv"


def test_no_cell_of_a_ragged_row_is_taken_for_one_of_ours(tmp_path):
    """Where a shifted row of a rejects file hides which cells are ours, all of its cells are kept."""
    image = an_image({1: ("a", "b", "c", "d", "e", "f", "g", "h")}, columns=("deal", "close", *OWN))
    header, row = rejects_text(tmp_path, image).splitlines()
    assert header.split(",") == [*OWN, "deal", "close"]
    assert row.split(",")[5:] == list("abcdefgh")


def test_one_line_for_a_row_however_much_of_it_failed(tmp_path):
    """A deal and its own primary contact that both failed are one line with both reasons."""
    deal = a_deal(1)
    role = a_role(1, deal, row=deal.row, is_derived=True)
    image = an_image({1: ("D", "x"), 2: ("E", "y")})
    other = a_deal(2)
    results = [
        failed(deal, Outcome.REJECTED, a_problem("BAD_STAGE", "no such stage")),
        failed(role, Outcome.BLOCKED, a_problem("BLOCKED_BY", "its deal waits")),
        done(other),
    ]
    files = write_run_folder(a_report(a_plan([deal, role, other], image), results), tmp_path)
    [row] = csv.DictReader(Path(str(files["rejects"])).read_text().splitlines())
    assert row["_sfsync_outcome"] == "rejected | blocked"
    assert row["_sfsync_code"] == "BAD_STAGE | BLOCKED_BY"
    assert row["_sfsync_message"] == (
        "deal Deal 1: no such stage | contact role contact1@example.com: its deal waits"
    )
    assert row["_sfsync_hint"] == "Write 2026-09-30."


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.BLOCKED, Outcome.CONFLICT, Outcome.UNKNOWN])
def test_rows_to_correct_and_rows_not_reached_are_in_two_files(tmp_path, outcome):
    """What needs a person is in the rejects, what the run did not come to in the unprocessed rows."""
    bad, stuck = a_deal(1), a_deal(2)
    plan = a_plan([bad, stuck], an_image({1: ("D", "x"), 2: ("E", "y")}))
    files = write_run_folder(a_report(plan, [failed(bad, outcome, a_problem())]), tmp_path)
    assert files["rejects_by_source"] == {"opportunities": str(tmp_path / "rejects-opportunities.csv")}
    assert files["unprocessed_by_source"] == {
        "opportunities": str(tmp_path / "unprocessed-opportunities.csv")
    }
    assert (tmp_path / "rejects-opportunities.csv").read_text().splitlines()[1].startswith("D,x,")
    assert (tmp_path / "unprocessed-opportunities.csv").read_text().splitlines()[1].startswith("E,y,")


def test_rejects_of_deals_are_named_first(tmp_path):
    """The first path is that of the deals' rejects, else of the first source that has any."""
    deal = a_deal(1, Action.REJECT, problems=(a_problem(),))
    role = a_role(1, deal, Action.BLOCKED, problems=(a_problem(),))
    images = (
        an_image({1: ("R", "x")}, name="contact_roles"),
        an_image({1: ("D", "x")}),
    )
    files = write_run_folder(a_report(a_plan([deal, role], *images)), tmp_path)
    assert files["rejects"] == str(tmp_path / "rejects-opportunities.csv")
    files = write_run_folder(a_report(a_plan([a_deal(1), role], *images), [done(deal)]), tmp_path)
    assert files["rejects"] == str(tmp_path / "rejects-contact_roles.csv")


def test_json_documents_come_back_as_they_were(tmp_path):
    """JSON rejects are JSON Lines of the documents' own text; what is wrong stands in the file beside."""
    raw = '{\n  "deal": "A  \\"B\\"",\n  "amount": 1.10,\n  "roles": [ ]\n}'
    image = an_image({1: (raw,), 2: ('{"deal": "C"}',)}, kind="json", columns=())
    deal = a_deal(1, Action.REJECT, problems=(a_problem(message="bad"),))
    role = a_role(1, deal, Action.BLOCKED, row=deal.row, problems=(a_problem("BLOCKED_BY", "waits"),))
    other = a_deal(2, Action.REJECT, problems=(a_problem(),))
    files = write_run_folder(a_report(a_plan([deal, role, other], image)), tmp_path)
    assert Path(str(files["rejects"])).read_text().splitlines() == [
        '{"deal":"A  \\"B\\"","amount":1.10,"roles":[]}',
        '{"deal": "C"}',
    ]
    beside = (tmp_path / "rejects-opportunities.problems.jsonl").read_text().splitlines()
    first, second = (json.loads(each) for each in beside)
    assert (first["line"], first["source_line"], first["outcome"]) == (1, 2, "rejected | blocked")
    assert first["messages"] == ["deal Deal 1: bad", "contact role contact1@example.com: waits"]
    assert (second["line"], second["messages"]) == (2, ["it is no date"])


def test_json_rejects_are_read_again(tmp_path):
    """A rejects file of JSON documents is a source of the same rows."""
    source = tmp_path / "deals.json"
    source.write_text('[\n {"deal": "Ä\\n", "n": 1.50},\n {"deal": null}\n]')
    read = open_source(Section("opportunities", "Opportunity", SourceSpec("json", source), ()))
    raws = {place: each.raw for place, each in enumerate(read.rows(), start=1)}
    rejects_text(tmp_path, an_image(raws, kind="json", columns=()))
    spec = SourceSpec("jsonl", tmp_path / "rejects-opportunities.jsonl")
    again = open_source(Section("opportunities", "Opportunity", spec, ()))
    assert [each.cells for each in again.rows()] == [each.cells for each in read.rows()]


def test_results_hold_the_document_and_every_row(tmp_path):
    """run_results.json is the machine output with one entry for each input row."""
    good, bad = a_deal(1), a_deal(2, Action.REJECT, problems=(a_problem(), a_problem()))
    demotion = a_role(9, good, Action.UPDATE, row=None)
    report = a_report(a_plan([good, bad, demotion], an_image({2: ("D", "x")})), [done(good)])
    files = write_run_folder(report, tmp_path)
    written = json.loads(Path(str(files["results"])).read_text())
    assert written["files"] == {"report": ""} | files
    assert written["rows"] == [
        {
            "sobject": "Opportunity",
            "key": "D-1",
            "label": "Deal 1",
            "source": "opportunities",
            "file": "deals.csv",
            "line": 2,
            "outcome": "created",
            "record_id": "006000000000001AAA",
            "codes": [],
        },
        {
            "sobject": "Opportunity",
            "key": "D-2",
            "label": "Deal 2",
            "source": "opportunities",
            "file": "deals.csv",
            "line": 3,
            "outcome": "rejected",
            "record_id": None,
            "codes": ["BAD_DATE"],
        },
    ]


def test_a_plan_claims_no_successes(tmp_path):
    """A report of a plan writes rejects, results and the report for a browser, and no file of successes."""
    plan = rejected_plan(an_image({1: ("D", "x")}))
    files = write_run_folder(a_report(plan, applied=False), tmp_path)
    assert files["successes"] == ""
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "rejects-opportunities.csv",
        "report.html",
        "run_results.json",
    ]


def test_without_a_row_in_the_org_there_is_no_file_of_successes(tmp_path):
    """A run whose rows were all left out writes no file that would hold nothing; one of an earlier report goes."""
    plan = a_plan([a_deal(1, Action.SKIP), a_deal(2)])
    assert write_run_folder(a_report(plan, [done(plan.changes[1])]), tmp_path)["successes"]
    files = write_run_folder(a_report(plan), tmp_path)
    assert files["successes"] == ""
    assert not (tmp_path / "successes.csv").exists()


def test_files_of_an_earlier_report_of_the_run_are_taken_away(tmp_path):
    """After a resume the folder holds the files of the last report only."""
    deal = a_deal(1)
    plan = a_plan([deal], an_image({1: ('{"a":1}',)}, kind="jsonl", columns=()))
    write_run_folder(a_report(plan), tmp_path)
    assert (tmp_path / "unprocessed-opportunities.problems.jsonl").exists()
    files = write_run_folder(a_report(plan, [done(deal)]), tmp_path)
    assert (files["rejects"], files["rejects_by_source"], files["unprocessed_by_source"]) == ("", {}, {})
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "report.html",
        "run_results.json",
        "successes.csv",
    ]


def test_files_are_private_and_links_are_not_followed(tmp_path):
    """Every file has mode 0600, and a link in its place is replaced, not written through."""
    outside = tmp_path / "outside.txt"
    outside.write_text("keep")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("run_results.json", "rejects-opportunities.csv", "report.html"):
        (folder / name).symlink_to(outside)
    plan = rejected_plan(an_image({1: ("D", "x")}))
    there = a_deal(2, Action.NOOP)
    write_run_folder(a_report(replace(plan, changes=(*plan.changes, there))), folder)
    assert outside.read_text() == "keep"
    modes = {each.name: each.lstat().st_mode for each in folder.iterdir()}
    assert set(modes) == {"run_results.json", "rejects-opportunities.csv", "report.html", "successes.csv"}
    assert all(stat.S_ISREG(mode) and stat.S_IMODE(mode) == 0o600 for mode in modes.values())


def test_a_folder_that_is_gone_is_named(tmp_path):
    """A file that cannot be written is an error with a code, the path and a hint."""
    with pytest.raises(SyncError) as caught:
        write_run_folder(a_report(a_plan([])), tmp_path / "gone")
    assert caught.value.code == "REPORT_NOT_WRITTEN"
    assert "gone" in caught.value.message


def test_rows_of_a_source_that_the_plan_does_not_hold_are_still_reported(tmp_path):
    """Without the source's image the rejects file says at least which lines are wrong and why."""
    bad = a_deal(1, Action.REJECT, row=RowRef("lost/../x", "deals.csv", 7), problems=(a_problem(),))
    files = write_run_folder(a_report(a_plan([bad])), tmp_path)
    assert files["rejects"] == str(tmp_path / "rejects-lost____x.csv")
    assert Path(str(files["rejects"])).read_text().splitlines()[1].endswith(",7")
