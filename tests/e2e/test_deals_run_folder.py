"""The run's folder: results that every other file can be made again from, lists of what is done, and the log."""

from __future__ import annotations

import csv
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ORG_FILE
from safety_desk import SafetyDesk, desk_on

from sfsync.app.run_files import run_folder
from sfsync.errors import SyncError
from sfsync.report.files.folder import rebuild
from sfsync.report.files.rejects_form import RejectsFormat

GOOD, EVIL, BAD = (
    "D-1,One,Prospecting,2027-01-31\n",
    "D-2,=1+1,Prospecting,2027-01-31\n",
    "D-3,Three,Nowhere,x\n",
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SafetyDesk]:
    """A desk whose job brings three deals, the last of which is wrong."""
    with desk_on(ORG_FILE, tmp_path_factory.mktemp("desk")) as made:
        made.write(GOOD + EVIL + BAD)
        yield made


@pytest.fixture(scope="module")
def folder(desk: SafetyDesk) -> Path:
    """The folder of a run of the job."""
    document = desk.run("--verify", expected=3)
    return Path(str(document["files"]["results"])).parent


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_results_have_a_versioned_schema(folder: Path) -> None:
    """What a program reads is named, with all that the machine output has."""
    results = json.loads((folder / "run_results.json").read_text())
    assert results["schema"] == "sfsync.results/1"
    assert results["exit_code"] == 3
    assert [each["outcome"] for each in results["rows"]] == ["created", "created", "rejected"]


def test_the_files_are_made_again_from_the_results_alone(folder: Path, tmp_path: Path) -> None:
    """Byte for byte, without org, journal or source; rejects as a workbook where that is asked for."""
    (tmp_path / "run_results.json").write_bytes((folder / "run_results.json").read_bytes())
    made = rebuild(tmp_path)
    for name in ("report.html", "rejects-opportunities.csv", "successes.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    assert made["rejects"] == str(tmp_path / "rejects-opportunities.csv")
    assert rebuild(tmp_path, RejectsFormat.XLSX)["rejects"] == str(tmp_path / "rejects-opportunities.xlsx")
    assert not (tmp_path / "rejects-opportunities.csv").exists()
    assert "rejects-opportunities.xlsx" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("key", "value"),
    [("page", 5), ("page", {}), ("files", [1]), ("rows", [1]), ("kept", 1), ("page", None), ("rows", None)],
)
def test_results_that_somebody_changed_are_refused(
    folder: Path, tmp_path: Path, key: str, value: object
) -> None:
    """By name, whatever is changed; it is no fault of sfsync."""
    document = json.loads((folder / "run_results.json").read_text())
    if value is None:
        del document[key]
    else:
        document[key] = value
    (tmp_path / "run_results.json").write_text(json.dumps(document))
    with pytest.raises(SyncError) as refused:
        rebuild(tmp_path)
    assert refused.value.code == "RESULTS_NOT_READ"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """What stands in its place too; nothing has been sent by then."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(SyncError, match="runs cannot be made: File exists") as refused:
        run_folder(tmp_path, "nightly", "run-1")
    assert refused.value.code == "REPORT_NOT_WRITTEN"


def test_the_page_names_every_file_beside_it_once(folder: Path, tmp_path: Path) -> None:
    """The plan and the log too, and not the page itself; a page that is made again names the same."""
    (tmp_path / "run_results.json").write_bytes((folder / "run_results.json").read_bytes())
    rebuild(tmp_path)
    for page in (folder, tmp_path):
        _, _, listed = (page / "report.html").read_text().partition("<h2>Files beside this one</h2>")
        named = re.findall(r"<p>(.*)</p>", listed.partition("</main>")[0])
        assert sorted(named) == sorted(each.name for each in folder.iterdir() if each.name != "report.html")


def test_successes_come_with_the_columns_of_their_source_and_the_ids_of_the_org(
    desk: SafetyDesk, folder: Path
) -> None:
    """So a spreadsheet looks ids up; a cell that would be a formula is marked."""
    with (folder / "successes-opportunities.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "name", "stage", "close", "_sfsync_id", "_sfsync_outcome"]
    assert [(each["id"], each["name"], each["_sfsync_outcome"]) for each in rows] == [
        ("D-1", "One", "created"),
        ("D-2", "'=1+1", "created"),
    ]
    assert rows[0]["_sfsync_id"] == desk.deals("One")[0]["Id"]


def test_the_log_has_every_event_of_the_run_with_ids_and_codes_and_no_value(folder: Path) -> None:
    """One JSON object a line, each with time, level, event and run; the file is its owner's alone."""
    log = log_of(folder)
    assert {frozenset({"at", "level", "event", "run"}) <= each.keys() for each in log} == {True}
    assert {each["run"] for each in log} == {folder.name}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", each["at"]) for each in log)
    assert [each["event"] for each in log if each["event"] in ("begun", "ended")] == ["begun", "ended"]
    assert {"phase_started", "phase_advanced"} <= {each["event"] for each in log}
    rows = [
        (each["row"], each["level"], each["outcome"], each["codes"]) for each in log if each["event"] == "row"
    ]
    assert rows[0] == ("opportunities:2", "info", "created", [])
    assert rows[2][:3] == ("opportunities:4", "warning", "rejected")
    assert "UNKNOWN_STAGE" in rows[2][3]
    assert (log[-1]["exit_code"], log[-1]["level"]) == (3, "warning")
    text = (folder / "log.jsonl").read_text()
    assert not [value for value in ("Nowhere", "Three", "2027-01-31") if value in text]
    assert stat.S_IMODE((folder / "log.jsonl").stat().st_mode) == 0o600


def test_the_page_of_a_plan_is_that_of_a_run_and_the_plan_says_where_it_is(desk: SafetyDesk) -> None:
    """Before anything is written: records, guarantees, phases with their calls."""
    desk.write("D-9,Nine,Prospecting,2027-01-31\n")
    done = desk.command("plan", "./job.toml")
    found = re.search(r"Files in (\S+)\n  report\.html: the report, for a browser", done.out)
    assert found, done.out
    page = (Path(found[1]) / "report.html").read_text()
    for said in (
        "Planned only: nothing was written",
        "create 1 deal",
        "safe to repeat: the org refuses a second record with the same key",
        "plan opportunities",
        "log in and look at the org",
    ):
        assert said in page
    assert not (Path(found[1]) / "successes.csv").exists()


def test_a_page_tells_how_many_deals_have_a_contact_role_and_a_primary_by_stage(tmp_path: Path) -> None:
    """Two deals, one of them with a primary contact."""
    with desk_on(ORG_FILE, tmp_path) as desk:
        desk.write(GOOD + EVIL)
        job = tmp_path / "job.toml"
        (tmp_path / "roles.csv").write_text(
            "deal,who,role,primary\nD-1,leung.chan@getcloudy.example,Evaluator,yes\n"
        )
        roles = 'OpportunityId = "deal"\nContactId = { column = "who", match = "Email" }\n'
        roles += 'Role = "role"\nIsPrimary = "primary"\n'
        job.write_text(
            f'{job.read_text()}\n[contact_roles]\nfile = "roles.csv"\n[contact_roles.fields]\n{roles}'
        )
        document = desk.run()
    results = json.loads(Path(str(document["files"]["results"])).read_text())
    rows = [
        (each["stage"], each["deals"], [part["count"] for part in each["parts"]])
        for each in results["page"]["coverage"]["rows"]
    ]
    assert rows == [("all", "2", ["1", "1"]), ("Prospecting", "2", ["1", "1"])]
