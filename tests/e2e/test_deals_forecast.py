"""Every plan and every report says what it does to the forecast, and the org's own sums agree."""

import csv
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import Done
from command_line import warm_sfsync as command

from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[2]
CRM = ROOT.parent / "shared" / "data" / "maven-crm"
ORG_FILE = ROOT / "config" / "emulator" / "org.toml"

Sums = dict[str, tuple[int, Decimal, Decimal]]
"""By name: how many deals, the sum of their amounts, and what they are expected to bring."""

JOB = """
org = "local"

[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
allow = ["backward", "reopen"]

[opportunities.fields]
Sfsync_Key__c = "key"
Name = "key"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
"""


def query(org: RunningEmulator, soql: str) -> list[dict[str, Any]]:
    """The records that the org answers with, asked past sfsync."""
    answer = requests.get(
        f"{org.instance_url}/services/data/v66.0/query",
        params={"q": soql},
        headers={"Authorization": f"Bearer {org.access_token}"},
        timeout=30,
    )
    answer.raise_for_status()
    records: list[dict[str, Any]] = json.loads(answer.text, parse_float=Decimal)["records"]
    return records


def sums_of_org(org: RunningEmulator, where: str = "Sfsync_Key__c != null") -> Sums:
    """The org's own sums by stage."""
    found = query(
        org,
        "SELECT StageName stage, COUNT(Id) deals, SUM(Amount) amount, SUM(ExpectedRevenue) expected"
        f" FROM Opportunity WHERE {where} GROUP BY StageName",
    )
    return {
        each["stage"]: (
            each["deals"],
            Decimal(str(each["amount"] or 0)).quantize(Decimal("0.01")),
            Decimal(str(each["expected"] or 0)).quantize(Decimal("0.01")),
        )
        for each in found
    }


def sums_of(forecast: Mapping[str, Any], side: str) -> Sums:
    """The sums of a document's forecast by stage, before or after; stages without a deal are left out."""
    [currency] = forecast["currencies"]
    return {
        each["stage"]: (
            each[side]["count"],
            Decimal(each[side]["amount"]),
            Decimal(each[side]["expected_revenue"]),
        )
        for each in currency["by_stage"]
        if each[side]["count"]
    }


def write_deals(folder: Path, rows: list[dict[str, str]], job: str = JOB) -> Path:
    """A job and its file; returns the job file."""
    with (folder / "deals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    path = folder / "deals.toml"
    path.write_text(job, encoding="utf-8")
    return path


def a_row(key: str, stage: str, close: str, amount: str, **more: str) -> dict[str, str]:
    """A row of a deal."""
    return {"key": key, "stage": stage, "close": close, "amount": amount, **more}


def to(org: RunningEmulator) -> dict[str, str]:
    """The variables that lead to the org."""
    return {
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": org.instance_url,
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": org.access_token,
    }


def run(job: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The document of a run that leaves nothing undone."""
    done: Done = command("run", str(job), "--json", environ=environ, cwd=ROOT)
    assert done.exit_code == 0, done.out + done.err
    return done.document


def test_the_trailhead_example_shows_the_forecast_effect(
    emulator: RunningEmulator, environ: dict[str, str]
) -> None:
    """Plan and run say that one deal of 1,780 becomes three of 23,030, and the org says so too."""
    before = sums_of_org(emulator)
    plan = command("plan", "trailhead", environ=environ, cwd=ROOT)
    assert "Forecast effect" in plan.out
    lines = [" ".join(line.split()) for line in plan.out.splitlines()]
    assert "all 1 -> 3 1,780.00 -> 23,030.00 178.00 -> 11,326.00" in lines
    assert "Prospecting 1 -> 0 1,780.00 -> 0.00 178.00 -> 0.00" in lines
    assert "closes 2027-01 0 -> 1 0.00 -> 16,800.00 0.00 -> 10,080.00" in lines

    document = command("run", "trailhead", "--json", environ=environ, cwd=ROOT).document
    assert sums_of(document["forecast"], "before") == before
    assert sums_of(document["forecast"], "after") == sums_of_org(emulator)
    [currency] = document["forecast"]["currencies"]
    assert [each["name"] for each in currency["by_owner"]] == ["Maria Jimenez"]
    assert document["forecast"]["fiscal_year_start_month"] == 1


def test_the_demo_shows_the_forecast_effect(environ: dict[str, str], tmp_path: Path) -> None:
    """`make demo` shows it twice: planned, and as it was brought; the second run has none."""
    done = command("demo", "--state", str(tmp_path / "demo"), environ=environ, cwd=ROOT)
    assert done.exit_code == 0
    assert done.out.partition("\n4. ")[0].count("Forecast effect") == 2  # its second act has its own
    assert "of the deals that this plan creates, updates or deletes" in done.out
    assert "of the deals that this run created, updated or deleted" in done.out


@pytest.mark.skipif(not CRM.is_dir(), reason="the shared CRM export is not on this machine")
def test_a_real_crm_export_shows_the_forecast_effect_and_the_org_holds_the_same_sums(
    emulator: RunningEmulator, environ: dict[str, str], tmp_path: Path
) -> None:
    """600 rows of a CRM export: after the run the org's sums by stage are those of the report."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "accounts.csv").write_bytes((CRM / "accounts.csv").read_bytes())
    lines = (CRM / "sales_pipeline.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "sales_pipeline.csv").write_text(lines[0] + "".join(lines[1::14][:600]), encoding="utf-8")
    environ = environ | {"CRM_EXPORT": str(folder)}
    planned = command("plan", "crm_import", "--json", environ=environ, cwd=ROOT).document
    done = command("run", "crm_import", "--json", environ=environ, cwd=ROOT).document
    org = sums_of_org(emulator, "Sfsync_Key__c != 'DEAL-1003' AND Sfsync_Key__c != null")
    assert sum(count for count, _, _ in org.values()) == done["counts"]["Opportunity"]["created"] > 300
    assert {"Closed Won", "Closed Lost"} <= org.keys()
    assert sums_of(done["forecast"], "after") == org
    assert sums_of(planned["forecast"], "after") == org
    assert sums_of(done["forecast"], "before") == {}
    [currency] = done["forecast"]["currencies"]
    assert {each["category"] for each in currency["by_category"]} >= {"Closed", "Omitted"}


def test_deals_that_go_back_are_reopened_or_pushed_are_named_and_the_sums_are_the_orgs(
    emulator: RunningEmulator, environ: dict[str, str], tmp_path: Path
) -> None:
    """A second run moves deals about: before and after are the org's sums, and each move is told by name."""
    first = [
        a_row("F-1", "Negotiation/Review", "2026-09-30", "1000.10"),
        a_row("F-2", "Closed Lost", "2026-08-01", "2000.20"),
        a_row("F-3", "Prospecting", "2026-09-30", "0.25"),
        a_row("F-4", "Qualification", "2026-09-01", ""),
        a_row("F-5", "Closed Won", "2026-07-01", "77.77"),
    ]
    job = write_deals(tmp_path, first)
    run(job, environ)
    where = "Sfsync_Key__c LIKE 'F-%'"
    before = sums_of_org(emulator, where)
    second = [
        a_row("F-1", "Qualification", "2026-09-30", "1000.10"),
        a_row("F-2", "Prospecting", "2026-08-02", "2000.20"),
        a_row("F-3", "Prospecting", "2026-10-01", "0.35"),
        a_row("F-4", "Closed Won", "2026-09-30", "12.34"),
        a_row("F-5", "Closed Won", "2026-07-01", "77.77"),
    ]
    write_deals(tmp_path, second)
    shown = command("plan", str(job), environ=environ, cwd=ROOT).out
    assert "1 back to an earlier stage:\n    F-1: Negotiation/Review -> Qualification\n" in shown
    assert "1 reopened:\n    F-2: Closed Lost -> Prospecting\n" in shown
    assert "1 pushed past a quarter's end (fiscal quarters: the year begins in January):" in shown
    assert "    F-3: 2026-09-30 -> 2026-10-01\n" in shown
    document = run(job, environ)
    untouched = sums_of_org(emulator, "Sfsync_Key__c = 'F-5'")
    assert sums_of(document["forecast"], "before") | untouched == before
    after = sums_of_org(emulator, "Sfsync_Key__c IN ('F-1', 'F-2', 'F-3', 'F-4')")
    assert sums_of(document["forecast"], "after") == after


def test_an_undo_shows_the_forecast_effect_the_other_way_round(
    emulator: RunningEmulator, environ: dict[str, str]
) -> None:
    """Taking the example back brings the sums of before it."""
    before = sums_of_org(emulator)
    done = command("run", "trailhead", "--json", environ=environ, cwd=ROOT).document
    undone = command("undo", done["run"], "--yes", "--json", environ=environ, cwd=ROOT).document
    assert undone["action"] == "apply"
    assert sums_of(undone["forecast"], "before") == sums_of(done["forecast"], "after")
    assert sums_of(undone["forecast"], "after") == before == sums_of_org(emulator)


def test_what_the_org_refuses_is_in_the_plans_effect_and_not_in_the_reports(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Of two deals planned the org refuses one: the report counts the other, and so does the org."""
    rows = [
        a_row("S-1", "Prospecting", "2026-12-31", "100"),
        a_row("Fail the trigger S-2", "Prospecting", "2026-12-31", "50"),
    ]
    job = write_deals(tmp_path, rows)
    with running(ROOT / "config" / "emulator" / "automated.toml") as org:
        environ = environ | to(org)
        planned = command("plan", str(job), "--json", environ=environ, cwd=ROOT).document
        done = command("run", str(job), "--json", environ=environ, cwd=ROOT).document
        assert (planned["exit_code"], done["exit_code"]) == (0, 3)
        assert sums_of(done["forecast"], "after") == sums_of_org(org)
    assert sums_of(planned["forecast"], "after")["Prospecting"][0] == 2
    assert sums_of(done["forecast"], "after")["Prospecting"][0] == 1


def test_an_org_of_several_currencies_and_its_own_fiscal_year_is_told_by_them(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Euro and dollar have sums of their own, and quarters are those of a year that begins in February."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["organization"] |= {
        "currencies": ["USD", "EUR"],
        "currency_rates": {"EUR": 0.9},
        "fiscal_year_start_month": 2,
    }
    job_text = JOB + 'CurrencyIsoCode = "currency"\n'
    with running(document) as org:
        environ = environ | to(org)
        rows = [
            a_row("C-1", "Prospecting", "2026-03-31", "100.00", currency="EUR"),
            a_row("C-2", "Prospecting", "2026-04-30", "70.00", currency="USD"),
        ]
        job = write_deals(tmp_path, rows, job_text)
        run(job, environ)
        rows[0]["close"], rows[1]["close"] = "2026-04-01", "2026-05-01"
        write_deals(tmp_path, rows, job_text)
        forecast = run(job, environ)["forecast"]
        held = query(
            org, "SELECT CurrencyIsoCode, Amount, ExpectedRevenue FROM Opportunity WHERE Name LIKE 'C-%'"
        )
    found = {each["currency"]: each["total"]["after"] for each in forecast["currencies"]}
    assert {name: Decimal(each["amount"]) for name, each in found.items()} == {
        each["CurrencyIsoCode"]: each["Amount"] for each in held
    }
    assert {name: Decimal(each["expected_revenue"]) for name, each in found.items()} == {
        each["CurrencyIsoCode"]: each["ExpectedRevenue"] for each in held
    }
    assert forecast["fiscal_year_start_month"] == 2
    assert [each["label"] for each in forecast["pushed"]["deals"]] == ["C-2"]


def test_the_forecast_costs_no_call_of_its_own(environ: dict[str, str], tmp_path: Path) -> None:
    """A plan that names owners and currencies reads no more than one without changes, but for the stages."""
    rows = [a_row("T-1", "Prospecting", "2026-12-31", "1")]
    job = write_deals(tmp_path, rows)
    run(job, environ)
    same = command("plan", str(job), "--json", environ=environ, cwd=ROOT).document
    rows[0]["stage"] = "Qualification"
    write_deals(tmp_path, rows)
    moved = command("plan", str(job), "--json", environ=environ, cwd=ROOT).document
    assert same["forecast"]["currencies"] == []
    [currency] = moved["forecast"]["currencies"]
    assert [each["name"] for each in currency["by_owner"]] == ["Integration User"]
    stages_of_record_type = 1  # asked where a row is about to be written, forecast or not
    assert moved["api"]["calls"] == same["api"]["calls"] + stages_of_record_type


def test_every_run_folder_has_a_report_for_a_browser_that_shows_the_forecast(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """Plan and run name report.html; hostile names in it stay text."""
    rows = [a_row("<script>alert(1)</script>", "Prospecting", "2026-12-31", "5")]
    job = write_deals(tmp_path, rows)
    for action in ("plan", "run"):
        document = command(action, str(job), "--json", environ=environ, cwd=ROOT).document
        page = Path(document["files"]["report"]).read_text(encoding="utf-8")
        assert "Amount by stage" in page
        assert page.count("<script") == 2  # the page's data, and the one script that its policy allows
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    shown = command("run", "trailhead", environ=environ, cwd=ROOT).out
    assert "report.html: the report, for a browser" in shown
