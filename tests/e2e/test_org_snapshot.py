"""From an org to a snapshot, to a rehearsal on it, and to a check in a CI: through the real command line."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import PROGRAM, sfsync

from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[2]
CRM = ROOT.parent / "shared" / "data" / "maven-crm"
BARE = {"PATH": os.environ.get("PATH", ""), "HTTPS_PROXY": "http://127.0.0.1:9", "HOME": "/nonexistent"}
"""The environment of a CI: no profile, no secret, no network, and no home to write to."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of the example org, which is gone when it is used."""
    path = tmp_path_factory.mktemp("snapshot") / "local.snapshot.json"
    with running(ROOT / "config" / "emulator" / "org.toml") as emulator:
        environ = {
            **BARE,
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": emulator.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }
        done = sfsync("org", "snapshot", "-o", "local", "--out", str(path), environ=environ, cwd=ROOT)
    assert (done.exit_code, done.err) == (0, "")
    return path


@contextlib.contextmanager
def served(*arguments: str, environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a user whose org "local" is an emulator served with these arguments."""
    command = [*PROGRAM, "emulator", "serve", "--json", *arguments]
    place = {**environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place, cwd=ROOT) as process:
        assert process.stdout is not None
        offered = json.loads(process.stdout.readline())
        try:
            yield {
                **environ,
                "SFSYNC_ORGS__LOCAL__INSTANCE_URL": offered["instance_url"],
                "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": offered["access_token"],
            }
        finally:
            process.terminate()
    assert process.returncode == 0


def test_a_snapshot_says_what_it_holds_and_what_it_cost(
    environ: dict[str, str], tmp_path: Path, emulator: RunningEmulator
):
    """The counts, every object left out, and exactly the API calls that the org saw; again, it is unchanged."""
    emulator.audit.clear()
    first = sfsync("org", "snapshot", "-o", "local", "--json", environ=environ, cwd=tmp_path)
    document = first.document
    assert (first.exit_code, document["changed"], document["stages"], document["record_types"]) == (
        0,
        True,
        10,
        2,
    )
    assert document["api_calls"] == len(emulator.audit.requests)
    assert {each["why"] for each in document["left_out"]} <= {"UNKNOWN_SOBJECT"}
    before = (tmp_path / "local.snapshot.json").read_bytes()
    second = sfsync("org", "snapshot", "-o", "local", environ=environ, cwd=tmp_path)
    assert "(unchanged)" in second.out
    assert (tmp_path / "local.snapshot.json").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if "snapshot" in each.name] == ["local.snapshot.json"]


def test_progress_counts_objects(environ: dict[str, str], tmp_path: Path):
    """Programs can follow it on stderr, an object and a record type at a time."""
    done = sfsync("org", "snapshot", "-o", "local", "--progress", "json", environ=environ, cwd=tmp_path)
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {(each["phase"], each.get("unit")) for each in events if each["event"] == "phase_started"} == {
        ("describe", "objects"),
        ("picklists", "record types"),
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sobject", "Asset"), "no sObject Asset for this user"),
        (("--sobject", "x y"), "no API name"),
        (("--out", "nowhere/org.json"), "cannot be written"),
        (("--out", "."), "cannot be written"),
    ],
)
def test_a_snapshot_that_cannot_be_taken_leaves_no_file(
    arguments: tuple[str, ...], words: str, environ: dict[str, str], tmp_path: Path
):
    """An object asked for by name must be there, and so must the folder; both end with 2 and a next step."""
    done = sfsync("org", "snapshot", "-o", "local", *arguments, environ=environ, cwd=tmp_path)
    assert done.exit_code == 2
    assert words in done.err
    assert [each.name for each in tmp_path.iterdir() if each.name != "state"] == []


def test_an_address_that_is_refused_spoils_no_snapshot(environ: dict[str, str], tmp_path: Path):
    """Only objects that the user cannot see are left out; a refused address ends with 2 and leaves the file."""
    (tmp_path / "local.snapshot.json").write_text("the last one", encoding="utf-8")
    barred = {**environ, "SFSYNC_ORGS__LOCAL__LOOPBACK": "false"}
    done = sfsync("org", "snapshot", "-o", "local", environ=barred, cwd=tmp_path)
    assert (done.exit_code, "left out" in done.out) == (2, False), done.out
    assert (tmp_path / "local.snapshot.json").read_text(encoding="utf-8") == "the last one"


def without_org(document: dict[str, Any]) -> dict[str, Any]:
    """A check's findings without what names the org."""
    return {name: each for name, each in document.items() if name not in ("org", "snapshot", "unchecked")}


def test_a_check_with_a_snapshot_finds_what_a_check_with_the_org_finds(
    environ: dict[str, str], file: Path, emulator: RunningEmulator
):
    """The same problems, notes and exit code, without profile, secret or network; and what stays unchecked."""
    online = sfsync("check", "trailhead", "--json", environ=environ, cwd=ROOT)
    emulator.audit.clear()
    offline = sfsync("check", "trailhead", "--snapshot", str(file), "--json", environ=BARE, cwd=ROOT)
    assert emulator.audit.requests == []
    assert offline.exit_code == online.exit_code == 3
    assert without_org(offline.document) == without_org(online.document)
    codes = {each["code"] for each in offline.document["problems"]}
    assert {"UNKNOWN_STAGE", "UNKNOWN_ROLE", "UNKNOWN_RECORD_TYPE"} <= codes
    assert any("AccountId" in each for each in offline.document["unchecked"])
    assert len(offline.document["unchecked"]) == len(online.document["unchecked"]) + 1


def test_a_check_in_words_names_the_snapshot_and_what_is_unchecked(file: Path):
    """A person reads which file stood in for the org, and what only the org can tell."""
    done = sfsync("check", "trailhead", "--snapshot", str(file), environ=BARE, cwd=ROOT)
    assert f"(snapshot {file}, sandbox)" in done.out.splitlines()[0]
    assert "unchecked: which rows of Contact, Opportunity are in the org already" in done.out


JOB = """
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = { constant = "2026-12-31" }
RecordTypeId = { column = "type", match = "DeveloperName" }
Legacy_Id__c = "legacy"
{more}
"""


def checked(folder: Path, snapshot: Path, *, rows: str, more: str = "") -> dict[str, Any]:
    """What a check of a small job says; the job names no org."""
    (folder / "deals.csv").write_text("id,name,stage,type,kind,legacy\n" + rows, encoding="utf-8")
    (folder / "job.toml").write_text(JOB.replace("{more}", more), encoding="utf-8")
    job = str(folder / "job.toml")
    return sfsync("check", job, "--snapshot", str(snapshot), "--json", environ=BARE, cwd=ROOT).document


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("1,A,Prospecting,Bulk_Retail,New,9", None),
        ("1,A,Qualification,Custom_Order,New,9", "NOT_IN_RECORD_TYPE"),
        ("1,A,Dreaming,Custom_Order,New,9", "UNKNOWN_STAGE"),
        ("1,A,Prospecting,Wholesale,New,9", "UNKNOWN_RECORD_TYPE"),
        ("1,A,Prospecting,Bulk_Retail,Old,9", "UNKNOWN_PICKLIST_VALUE"),
        (f"1,A,Prospecting,Bulk_Retail,New,{'9' * 41}", "TOO_LONG"),
    ],
)
def test_rows_are_judged_by_the_snapshot(row: str, code: str | None, file: Path, tmp_path: Path):
    """Stages, also by record type, record types, restricted picklists and lengths are those of the file."""
    document = checked(tmp_path, file, rows=row + "\n", more='Order_Kind__c = "kind"')
    assert [each["code"] for each in document["problems"]] == ([code] if code else [])
    assert document["exit_code"] == (3 if code else 0)


def test_a_job_that_does_not_fit_the_snapshot_is_refused(file: Path, tmp_path: Path):
    """A field that the org lacks is named, with exit code 2."""
    document = checked(tmp_path, file, rows="1,A,Prospecting,,,\n", more='Nowhere__c = "kind"')
    assert (document["exit_code"], document["schema"]) == (2, "sfsync.error/1")
    assert "Nowhere__c" in document["message"]


@pytest.mark.skipif(not CRM.is_dir(), reason="the CRM data is not beside the project")
def test_the_crm_job_is_checked_without_an_org(file: Path):
    """The other example job works with a snapshot as well, at the size of a real export."""
    environ = {**BARE, "CRM_EXPORT": str(CRM)}
    done = sfsync("check", "crm_import", "--snapshot", str(file), "--json", environ=environ, cwd=ROOT)
    assert done.exit_code in (0, 3)
    assert done.document["rows"]["Opportunity"] == 8800


def test_an_org_and_a_snapshot_exclude_each_other(file: Path):
    """It is never unclear against what a job was checked."""
    done = sfsync("check", "trailhead", "-o", "local", "--snapshot", str(file), environ=BARE, cwd=ROOT)
    assert done.exit_code == 2
    assert "either -o NAME or --snapshot FILE" in done.err


def test_a_job_is_rehearsed_on_the_served_snapshot(environ: dict[str, str], file: Path, tmp_path: Path):
    """Snapshot, serve with a few records, run the job, run it again: the second run writes nothing."""
    extra = tmp_path / "extra.toml"
    extra.write_text(
        '[[users]]\nusername = "maria.jimenez@cloudkicks.example"\nlast_name = "Jimenez"\nlocal = "maria"\n'
        'email = "maria.jimenez@cloudkicks.example"\napi_user = true\n'
        '[[records]]\nobject = "Account"\nvalues = { Name = "Get Cloudy Consulting", Sfsync_Key__c = "ACC-1" }\n',
        encoding="utf-8",
    )
    with served("--snapshot", str(file), "--org", str(extra), environ=environ) as rehearsal:
        first = sfsync("run", "trailhead", "--json", environ=rehearsal, cwd=ROOT)
        second = sfsync("run", "trailhead", "--json", environ=rehearsal, cwd=ROOT)
    assert first.exit_code == second.exit_code == 3
    assert first.document["counts"]["Opportunity"]["created"] > 0
    assert second.document["counts"]["Opportunity"]["created"] == 0
    assert second.document["counts"]["Opportunity"]["unchanged"] > 0


def test_without_an_org_a_snapshot_asks_for_one():
    """The option is named."""
    done = sfsync("org", "snapshot", environ=BARE, cwd=ROOT)
    assert done.exit_code == 2
    assert "Give -o NAME" in done.err
