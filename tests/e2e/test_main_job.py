"""The main job from files to an org and back: the example, real data, rejects, and the same from Python."""

import csv
from pathlib import Path
from typing import Any

import pytest
from command_line import sfsync as command

import sfsync
from sfsync.app.workplace import Surroundings, opened
from sfsync.core.job import Job
from sfsync.core.ports import Lookup
from sfsync.emulator.server import RunningEmulator

ROOT = Path(__file__).resolve().parents[2]
CRM = ROOT.parent / "shared" / "data" / "maven-crm"
OUTCOMES = {
    "created",
    "updated",
    "unchanged",
    "skipped",
    "conflicts",
    "rejected",
    "blocked",
    "unknown",
    "unprocessed",
}


def nonzero(counts: dict[str, int]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: count for name, count in counts.items() if count}


def assert_every_row_counts_once(counts: dict[str, dict[str, int]]) -> None:
    """The nine outcomes of each sObject add up to its rows."""
    for of_sobject in counts.values():
        assert of_sobject.keys() == OUTCOMES | {"rows"}
        assert sum(of_sobject[name] for name in OUTCOMES) == of_sobject["rows"]


def records(job: Job, environ: dict[str, str], lookup: Lookup) -> list[Any]:
    """Records of the org that a job leads to."""
    with opened(job, Surroundings(environ=environ)) as place:
        return place.gateway.fetch([lookup])[0]


def test_the_demo_ends_as_its_story_says(environ: dict[str, str], tmp_path: Path) -> None:
    """`sfsync demo` shows plan, run, read-back and a second run that writes nothing, and exits 0."""
    done = command("demo", "--state", str(tmp_path / "demo"), environ=environ, cwd=ROOT)
    assert (done.exit_code, done.err) == (0, "")
    assert "StageName: Prospecting -> Needs Analysis" in done.out
    assert "Applying it will cost 7 API calls" in done.out
    assert "the second run wrote nothing" in done.out
    assert "NOT " not in done.out
    assert "\x1b" not in done.out


def test_the_example_job_counts_every_row_once(environ: dict[str, str]) -> None:
    """`sfsync run` exits 3 for the bad rows, and its document holds every row in exactly one count."""
    done = command("run", "trailhead", "--json", environ=environ, cwd=ROOT)
    document = done.document
    assert done.exit_code == document["exit_code"] == 3
    assert_every_row_counts_once(document["counts"])
    assert nonzero(document["counts"]["Opportunity"]) == {
        "rows": 15,
        "created": 2,
        "updated": 1,
        "rejected": 12,
    }
    assert nonzero(document["counts"]["OpportunityContactRole"]) == {
        "rows": 9,
        "created": 4,
        "updated": 1,
        "skipped": 1,
        "rejected": 2,
        "blocked": 1,
    }
    assert document["guarantee"]["OpportunityContactRole"]["key fence"] == 4
    assert document["api"]["calls"] == document["api"]["reads"] + document["api"]["writes"]


def test_the_example_run_twice_writes_nothing_the_second_time(environ: dict[str, str]) -> None:
    """A plan after a clean apply is all no-op."""
    job = sfsync.load_job("trailhead", environ=environ)
    around = Surroundings(environ=environ)
    assert sfsync.sync(job, around=around).exit_code == 3
    assert sfsync.plan(job, around=around).is_empty()
    assert sfsync.sync(job, around=around).usage.writes == 0


def test_applying_costs_what_the_plan_predicted(environ: dict[str, str]) -> None:
    """The predicted calls are the calls of the apply, reads and writes alike."""
    job = sfsync.load_job("trailhead", environ=environ)
    with opened(job, Surroundings(environ=environ)) as place, place.locked():
        plan = place.plan()
        before = place.gateway.usage
        report = place.apply(plan, is_fresh=True)
        spent = (report.usage.reads - before.reads, report.usage.writes - before.writes)
    assert spent == (plan.predicted.reads, plan.predicted.writes)


def deals(count: int, *, bad: int) -> list[dict[str, str]]:
    """Rows of good deals, the one numbered `bad` with a close date that is none."""
    return [
        {
            "deal_id": f"D-{number:03}",
            "Name": f"Deal {number}",
            "StageName": "Prospecting",
            "CloseDate": "soon" if number == bad else "2026-12-31",
            "Amount": f"{number}.50",
        }
        for number in range(count)
    ]


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    """A CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_one_bad_row_in_200_stops_no_other_and_its_rejects_file_imports_as_it_is(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """199 rows are written, 1 is in the rejects; corrected there and imported unchanged, it is written too."""
    write_csv(tmp_path / "deals.csv", deals(200, bad=77))
    options = ("--key", "deal_id", "-o", "local", "--json")
    first = command("import", "deals.csv", *options, environ=environ, cwd=tmp_path)
    assert first.exit_code == 3
    assert nonzero(first.document["counts"]["Opportunity"]) == {"rows": 200, "created": 199, "rejected": 1}

    rejects = Path(first.document["files"]["rejects"])
    assert rejects.read_text(encoding="utf-8").count("\n") == 2
    fixed = rejects.read_text(encoding="utf-8").replace(",soon,", ",2026-12-31,")
    rejects.write_text(fixed, encoding="utf-8")
    second = command("import", str(rejects), *options, environ=environ, cwd=tmp_path)
    assert second.exit_code == 0
    assert nonzero(second.document["counts"]["Opportunity"]) == {"rows": 1, "created": 1}


@pytest.mark.skipif(not CRM.is_dir(), reason="the shared CRM export is not on this machine")
def test_a_real_crm_export_is_imported_row_by_row(environ: dict[str, str]) -> None:
    """85 accounts and 6,711 deals are created, 2,089 without a close date rejected; again: no write."""
    environ["CRM_EXPORT"] = str(CRM)
    job = sfsync.load_job("crm_import", environ=environ)
    around = Surroundings(environ=environ)
    first = sfsync.sync(job, around=around)
    assert_every_row_counts_once(first.counts())
    assert nonzero(first.counts()["Account"]) == {"rows": 85, "created": 85}
    assert nonzero(first.counts()["Opportunity"]) == {"rows": 8800, "created": 6711, "rejected": 2089}
    assert {problem.code for _, _, problem in first.problems()} == {"REQUIRED"}
    assert {problem.column for _, _, problem in first.problems()} == {"close_date"}

    second = sfsync.sync(job, around=around)
    assert second.usage.writes == 0
    assert nonzero(second.counts()["Opportunity"]) == {"rows": 8800, "unchanged": 6711, "rejected": 2089}


@pytest.mark.skipif(not CRM.is_dir(), reason="the shared CRM export is not on this machine")
def test_a_stated_default_for_missing_close_dates_brings_every_deal(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """With `default` for CloseDate in the job, all 8,800 deals are created."""
    environ["CRM_EXPORT"] = str(CRM)
    text = (ROOT / "config" / "jobs" / "crm_import.toml").read_text(encoding="utf-8")
    stated = text.replace(
        'CloseDate = "close_date"', 'CloseDate = { column = "close_date", default = "2017-12-31" }'
    )
    (tmp_path / "all.toml").write_text(stated, encoding="utf-8")
    job = sfsync.load_job(tmp_path / "all.toml", environ=environ)
    report = sfsync.sync(job, around=Surroundings(environ=environ))
    assert report.exit_code == 0
    assert nonzero(report.counts()["Opportunity"]) == {"rows": 8800, "created": 8800}


def test_deals_and_roles_from_python_need_no_file(environ: dict[str, str]) -> None:
    """Local models go the same way as rows of a file, typed and without a print."""
    job = sfsync.with_rows(
        sfsync.load_job("trailhead", environ=environ),
        contacts=[],
        opportunities=[
            sfsync.Opportunity(
                Sfsync_Key__c="PY-1",
                Name="Get Cloudy - 7 Skates",
                StageName="Prospecting",
                CloseDate="2027-05-01",
                AccountId=sfsync.Reference("Get Cloudy Consulting", ("Name",)),
                ContactId=sfsync.Reference("leung.chan@getcloudy.example", ("Email",)),
            )
        ],
        contact_roles=[
            sfsync.OpportunityContactRole(
                OpportunityId=sfsync.Reference("PY-1", ("Sfsync_Key__c",)),
                ContactId=sfsync.Reference("alan.johnson@getcloudy.example", ("Email",)),
                Role="Evaluator",
            )
        ],
    )
    report = sfsync.sync(job, around=Surroundings(environ=environ))
    assert report.exit_code == 0
    assert nonzero(report.counts()["OpportunityContactRole"]) == {"rows": 2, "created": 2}
    roles = records(job, environ, Lookup("OpportunityContactRole", ("Role", "IsPrimary", "OpportunityId")))
    deal = report.result(next(each for each in report.plan.changes if each.key == "PY-1")).record_id
    assert {(each["Role"], each["IsPrimary"]) for each in roles if each["OpportunityId"] == deal} == {
        (None, True),
        ("Evaluator", False),
    }


def test_deal_documents_carry_their_roles(
    environ: dict[str, str], emulator: RunningEmulator, tmp_path: Path
) -> None:
    """A JSON deal with its contact_roles becomes the deal and its roles; its rejects are documents again."""
    (tmp_path / "deals.json").write_text(
        """[{"id": "J-1", "name": "Get Cloudy - 3 Boots", "stage": "Prospecting", "close": "2027-01-02",
             "amount": 12345678901234.25,
             "contact_roles": [{"email": "leung.chan@getcloudy.example", "role": "Evaluator", "primary": true},
                               {"email": "alan.johnson@getcloudy.example", "role": "None"}]},
            {"id": "J-2", "name": "Bad", "stage": "Nowhere", "close": "2027-01-02",
             "contact_roles": [{"email": "leung.chan@getcloudy.example", "role": "Evaluator"}]}]""",
        encoding="utf-8",
    )
    (tmp_path / "docs.toml").write_text(
        """
        org = "local"
        [opportunities]
        file = "deals.json"
        key = "Sfsync_Key__c"
        [opportunities.fields]
        Sfsync_Key__c = "id"
        Name = "name"
        StageName = "stage"
        CloseDate = "close"
        Amount = "amount"
        [contact_roles]
        nested = "contact_roles"
        [contact_roles.fields]
        OpportunityId = "id"
        ContactId = { column = "email", match = "Email" }
        Role = "role"
        IsPrimary = "primary"
        """,
        encoding="utf-8",
    )
    done = command("run", "docs.toml", "--json", environ=environ, cwd=tmp_path)
    assert done.exit_code == 3
    counts = done.document["counts"]
    assert nonzero(counts["Opportunity"]) == {"rows": 2, "created": 1, "rejected": 1}
    assert nonzero(counts["OpportunityContactRole"]) == {"rows": 3, "created": 1, "skipped": 1, "blocked": 1}
    rejects = Path(done.document["files"]["rejects"])
    assert '"J-2"' in rejects.read_text(encoding="utf-8")
    assert '"J-1"' not in rejects.read_text(encoding="utf-8")
