"""The report for a browser: self-contained, inert whatever rows say, and small whatever their number."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from report_examples import DEAL, ORG, a_deal, a_plan, a_problem, a_report, a_role, an_image, done, failed

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.plans.plan import Action, OffStage, Plan
from sfsync.core.reports.results import Outcome
from sfsync.report.files.folder import write_run_folder
from sfsync.report.pages.html_report import html_report
from sfsync.report.pages.page import page_of
from sfsync.report.pages.page_records import MOST_OF_EACH, MOST_RECORDS
from sfsync.report.safe_text import shortened

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover=alert(1) x='",
    "</style></title><script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "a\x00b\x1b[31mc\r\nd",
    "\u202egpj.exe\u2066\u200b",
    "\ud800 half a pair",
    "&lt;b&gt;",
)
STAGES = ("Open", "Late", "Won")


class Reader(HTMLParser):
    """Collects what a browser would see: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):  # noqa: D102 - of the base class
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):  # noqa: D102 - of the base class
        self.text += data


def a_forecast_plan(count: int, *, text: str = "x", **given) -> Plan:
    """A plan that updates so many deals, each with that text wherever a text can be."""
    stages = {
        name: StageInfo(name, name, Decimal(50), text, True, name == "Won", name == "Won") for name in STAGES
    }
    changes, deals = [], {}
    for each in range(count):
        record = f"006{each:012d}AAA"
        deals[record] = Deal(
            "Late", text, Decimal(10), Decimal(100 + each), date(2026, 1 + each % 12, 1), text
        )
        changes.append(
            a_deal(
                each,
                Action.UPDATE,
                label=text,
                record_id=record,
                values={"StageName": "Open", "NextStep": text, "CloseDate": date(2027, 1, 1)},
                before={"StageName": "Late", "NextStep": text},
            )
        )
    basis = ForecastBasis(deals, stages, {text: text}, 4)
    return replace(a_plan(changes, **given), forecast=basis)


def records_in(html: str) -> list[dict[str, Any]]:
    """The records that the page's script reads."""
    [data] = re.findall(r'<script type="application/json" id="records-data">(.*?)</script>', html, re.DOTALL)
    found: list[dict[str, Any]] = json.loads(data)["records"]
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_row_or_the_org_says_becomes_markup(text):
    """Hostile text in every place gives the elements and attributes that harmless text gives."""

    def page(said: str) -> Reader:
        plan = a_forecast_plan(3, text=said, notes=(a_problem(message=said, hint=said),))
        off = (OffStage(said, said, Decimal(1), Decimal(2)),)
        plan = replace(plan, org=replace(ORG, name=said), job=said, off_stage=off, off_stage_total=1)
        problem = a_problem(message=said, hint=said, value=said, column=said)
        results = [failed(plan.changes[0], Outcome.REJECTED, problem)]
        results += [done(each, Outcome.UPDATED) for each in plan.changes[1:]]
        return Reader(html_report(a_report(plan, results), {"rejects": f"/tmp/{said.replace('/', '_')}"}))

    def shape(reader: Reader) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in reader.tags]

    assert shape(page(text)) == shape(page("harmless"))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_reader_could_not_see_is_spelled_out(text):
    """No control, bidirectional or half character is in the file but the line ends of its own."""
    html = html_report(a_report(a_forecast_plan(1, text=text), applied=False), {})
    assert (
        set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html))
        == set()
    )
    html.encode()


def test_the_file_runs_its_own_script_alone_and_fetches_nothing():
    """No link, image, frame or form; the policy names the one style sheet and the one script by their hashes."""
    html = html_report(a_report(a_forecast_plan(5), applied=False), {})
    page = Reader(html)
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"link", "img", "iframe", "object", "embed", "form", "base", "a", "image"})
    given = {name for _, attributes in page.tags for name in attributes}
    assert not {
        name for name in given if name.startswith("on") or name in ("src", "href", "style", "xlink:href")
    }
    assert "://" not in html.replace(ORG.instance_url, "")
    [policy] = [
        each["content"] for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"
    ]
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    kinds = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert kinds == ["application/json", None]
    by_hash = [
        base64.b64encode(hashlib.sha256(each[1].encode()).digest()).decode() for each in (style, script)
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{by_hash[0]}'; script-src 'sha256-{by_hash[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_it_shows_counts_problems_changes_and_the_forecast_as_charts_and_tables():
    """A run's report says all that a person wants to know, with bars before and after."""
    plan = a_forecast_plan(2)
    results = [done(plan.changes[0], Outcome.UPDATED), failed(plan.changes[1], Outcome.REJECTED, a_problem())]
    page = Reader(html_report(a_report(plan, results), {"rejects": "/home/me/rejects-opportunities.csv"}))
    for said in (
        "rejected",
        "BAD_DATE",
        "BAD_DATE - a date in another form than the job says",
        "Why: The cell does not follow the rule's format",
        "Write 2026-09-30.",
        "2 deals: 2 update",
        "Phases and API calls",
        "Late → Open",
        "Amount by stage",
    ):
        assert said in page.text
    assert "Amount by close month" in page.text
    assert "Back to an earlier stage: 1" in page.text
    assert "Pushed past a quarter's end (fiscal quarters: the year begins in April): 1" in page.text
    assert "rejects-opportunities.csv" in page.text
    assert "/home/me" not in page.text
    kinds = [each.get("class") for tag, each in page.tags if tag == "rect"]
    assert kinds.count("before") == kinds.count("after") > 0


def test_a_run_that_touches_no_deal_has_no_chart():
    """Where nothing is written there is no forecast to show."""
    page = Reader(html_report(a_report(a_plan([a_deal(1, Action.NOOP)])), {}))
    assert "Forecast effect" not in page.text
    assert "svg" not in {tag for tag, _ in page.tags}


def test_it_lists_the_deals_off_their_stages_probability():
    """Key, stage, what the stage implies and what the deal has; of more than are listed the number is told."""
    off = (
        OffStage("D-1", "Talks", Decimal(40), Decimal(60)),
        OffStage("D-2", "Won", Decimal(100), Decimal(0)),
    )
    plan = replace(a_plan([a_deal(1)]), off_stage=off, off_stage_total=202)
    text = " ".join(Reader(html_report(a_report(plan), {})).text.split())
    for said in ("Probability off the stage's: 202", "D-1Talks4060", "D-2Won1000"):
        assert said in text
    assert "... and 200 more" in text
    assert "Probability off" not in html_report(a_report(a_plan([a_deal(1)])), {})


def test_the_report_of_ten_thousand_rows_is_small():
    """Lists are cut, and say by how much."""
    plan = a_forecast_plan(10_000)
    html = html_report(a_report(plan, [done(each, Outcome.UPDATED) for each in plan.changes]), {})
    assert len(html) < 5_000_000
    assert len(records_in(html)) == MOST_RECORDS
    assert f"{10_000 - MOST_RECORDS:,} records more than this page has room for" in html
    assert f"... and {10_000 - MOST_OF_EACH:,} more" in html
    assert f"{DEAL}" not in html.split("What changed")[0]


def test_the_file_is_its_owners_alone_and_named_in_the_document(tmp_path: Path):
    """Every run folder has report.html, mode 0600, and the results say where."""
    files = write_run_folder(a_report(a_forecast_plan(1), applied=False), tmp_path)
    assert files["report"] == str(tmp_path / "report.html")
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o600
    assert f'"report": "{tmp_path / "report.html"}"' in (tmp_path / "run_results.json").read_text()


def test_the_report_names_the_files_beside_it(tmp_path: Path):
    """Names without folders, so that the folder can be moved."""
    plan = a_plan([a_deal(1, Action.REJECT, problems=(a_problem(),))], an_image({1: ("D", "x")}))
    write_run_folder(a_report(plan), tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "rejects-opportunities.csv" in text
    assert str(tmp_path) not in text


def test_help_does_not_load_the_template_engine():
    """`sfsync --help` starts without jinja2."""
    asks = "sys.exit('jinja2' in sys.modules)"
    program = f"import sys; from sfsync.cli.main import run; run(['--help']); {asks}"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_the_data_of_the_script(text):
    """Nothing in it ends its element, and what the script gets is what a reader may see."""
    html = html_report(a_report(a_forecast_plan(2, text=text), applied=False), {})
    assert {each["label"] for each in records_in(html)} == {shortened(text)}
    [data] = re.findall(r'id="records-data">(.*?)</script>', html, re.DOTALL)
    assert not set("<>&\u2028\u2029") & set(data)


def test_a_record_has_what_it_is_searched_and_filtered_by():
    """Action, stage, owner, end, problems, and its write's guarantee; a role has its deal's stage and owner."""
    plan = a_forecast_plan(2, text="Ann")
    role = a_role(3, plan.changes[0])
    plan = replace(plan, changes=(*plan.changes, role))
    results = [failed(plan.changes[1], Outcome.REJECTED, a_problem()), done(plan.changes[0], Outcome.UPDATED)]
    first, second, third = records_in(html_report(a_report(plan, [*results, done(role)]), {}))
    wanted = ("kind", "action", "outcome", "stage", "owner", "codes", "guarantee")
    assert [first[name] for name in wanted] == ["deal", "update", "updated", "Open", "Ann", [], "by id"]
    assert [second[name] for name in wanted[2:6]] == ["rejected", "Open", "Ann", ["BAD_DATE"]]
    assert [third[name] for name in wanted] == [
        *("contact role", "create", "created", "Open", "Ann", [], "at most once"),
    ]


def test_what_is_not_done_comes_before_the_rest_where_the_page_has_no_room_for_all():
    """Long texts make fewer records, never a page of more than 5 MB."""
    plan = a_forecast_plan(4_000, text="<" * 200)
    last = plan.changes[-1]
    results = [done(each, Outcome.UPDATED) for each in plan.changes[:-1]]
    html = html_report(a_report(plan, [*results, failed(last, Outcome.REJECTED, a_problem())]), {})
    assert len(html) < 5_000_000
    assert records_in(html)[-1]["key"] == last.key


def test_the_counts_of_a_plan_say_what_would_be_done_and_those_of_a_run_what_was():
    """In the words of the plan on a terminal: nothing was created where nothing was written."""
    kinds = (Action.CREATE, Action.NOOP, Action.SKIP, Action.REJECT)
    plan = a_plan([a_deal(number, each) for number, each in enumerate(kinds, 1)])
    planned, applied = (page_of(a_report(plan, applied=each), {})["counts"]["rows"] for each in (False, True))
    assert [title for title, _ in planned] == ["rows", "create", "leave alone", "leave out", "not possible"]
    assert [title for title, _ in applied] == ["rows", "unchanged", "skipped", "rejected", "unprocessed"]
