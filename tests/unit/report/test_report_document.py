"""The machine output: its keys, its counts and its problems."""

from __future__ import annotations

import json

import orjson
from report_examples import DEAL, ROLE, a_deal, a_plan, a_problem, a_ref, a_report, a_role, done, failed

from sfsync.core.plans.plan import Action
from sfsync.core.reports.results import Outcome
from sfsync.errors import OrgUnavailable
from sfsync.report.document import run_document

TOP_KEYS = (
    "schema run job partition action undoes stays confirm org counts not_planned api changes guarantee forecast"
    " probability probability_total verify gone problems notes files seconds exit_code"
)


def test_document_has_exactly_the_promised_keys():
    """The document has the keys of sfsync.run/1, in their order, and is plain JSON."""
    document = run_document(a_report(a_plan([a_deal(1)])), files={})
    assert " ".join(document) == TOP_KEYS
    assert document["schema"] == "sfsync.run/1"
    assert document["org"] == {"id": "00D000000000001EAA", "name": "Acme [bold]Sandbox", "sandbox": True}
    assert document["files"] == {"rejects": "", "report": ""}
    assert document["seconds"] == 1.235
    assert document["forecast"] == {}
    assert json.loads(orjson.dumps(document)) == document


def test_every_row_is_in_exactly_one_count():
    """The counts of an sObject add up to its rows; writes that no row asks for are not counted."""
    deals = [a_deal(1), a_deal(2), a_deal(3, Action.NOOP), a_deal(4, Action.SKIP), a_deal(5, Action.UPDATE)]
    demotion = a_role(9, deals[2], Action.UPDATE, row=None)
    report = a_report(
        a_plan([*deals, demotion]), [done(deals[0]), failed(deals[4], Outcome.CONFLICT, a_problem())]
    )
    counts = run_document(report, files={})["counts"]
    assert counts[DEAL] == {
        "rows": 5,
        "created": 1,
        "updated": 0,
        "unchanged": 1,
        "skipped": 1,
        "conflicts": 1,
        "rejected": 0,
        "blocked": 0,
        "unknown": 0,
        "unprocessed": 1,
    }
    assert sum(counts[DEAL].values()) == 2 * counts[DEAL]["rows"]
    assert set(counts[ROLE].values()) == {0}


def test_api_counts_calls_without_logins():
    """Calls are reads and writes; logins stand apart, beside what was predicted and what the org has used."""
    plan = a_plan([a_deal(1)])
    assert run_document(a_report(plan), files={})["api"] == {
        "calls": 6,
        "reads": 4,
        "writes": 2,
        "logins": 1,
        "retries": 1,
        "predicted_calls": plan.predicted.total,
        "predicted_reads": plan.predicted.reads,
        "predicted_writes": plan.predicted.writes,
        "applied_reads": 0,
        "applied_writes": 0,
        "budget": None,
        "org_used": 50,
        "org_allowed": 15000,
        "strategies": [],
    }


def test_guarantee_names_all_four_routes():
    """Creates with a key count as fenced by it, roles on deals that exist as sent at most once."""
    old = a_deal(2, Action.NOOP, record_id="006000000000002AAA")
    document = run_document(a_report(a_plan([a_deal(1), old, a_role(1, old)])), files={})
    none = {"key fence": 0, "receipt fence": 0, "job fence": 0, "at most once": 0}
    assert document["guarantee"] == {DEAL: none | {"key fence": 1}, ROLE: none | {"at most once": 1}}


def test_adopted_counts_rows_in_the_org_only():
    """A record that was met in the org counts as adopted, unless its row was skipped or not done."""
    met = a_deal(1, Action.NOOP, adopted=True)
    moved = a_deal(2, Action.CONFLICT, adopted=True, problems=(a_problem(),))
    left = a_deal(3, Action.SKIP, adopted=True)
    created = a_deal(4)
    report = a_report(a_plan([met, moved, left, created]), [done(created, adopted=True)])
    assert run_document(report, files={})["changes"][DEAL] == {
        "adopted": 2,
        "converted": 0,
        "deleted": 0,
        "created_for_references": 0,
    }


def test_problems_say_where_what_and_what_to_do():
    """A problem carries its place, its row's key and outcome; a row without a reason gets one."""
    bad = a_deal(
        3, Action.REJECT, problems=(a_problem(column="close", field="CloseDate", value="x", row=a_ref(3)),)
    )
    stuck = a_deal(4)
    document = run_document(a_report(a_plan([bad, stuck])), files={})
    first, second = document["problems"]
    assert first == {
        "code": "BAD_DATE",
        "stage": "map",
        "source": "opportunities",
        "file": "deals.csv",
        "line": 4,
        "column": "close",
        "field": "CloseDate",
        "value": "x",
        "message": "it is no date",
        "hint": "Write 2026-09-30.",
        "outcome": "rejected",
        "sobject": DEAL,
        "key": "D-3",
    }
    assert (second["code"], second["outcome"], second["line"]) == ("NOT_REACHED", "unprocessed", 5)
    assert document["exit_code"] == 3


def test_notes_hold_why_a_run_stopped_and_why_rows_were_skipped():
    """Notes begin with the reason of an early end, then the plan's and the run's, then skipped rows."""
    skipped = a_deal(1, Action.SKIP, problems=(a_problem("ALREADY_THERE"),))
    report = a_report(
        a_plan([skipped], notes=(a_problem("COLUMN_NOT_MAPPED"),)),
        notes=(a_problem("NOT_AS_WRITTEN"),),
        stopped=OrgUnavailable("the org did not answer", code="TIMEOUT", hint="Try later."),
    )
    document = run_document(report, files={})
    assert [each["code"] for each in document["notes"]] == [
        "TIMEOUT",
        "COLUMN_NOT_MAPPED",
        "NOT_AS_WRITTEN",
        "ALREADY_THERE",
    ]
    assert document["notes"][3]["outcome"] == "skipped"
    assert (document["problems"], document["exit_code"]) == ([], 75)


def test_plan_is_told_apart_from_apply():
    """A report of a plan says so, and counts what would become of its rows."""
    document = run_document(a_report(a_plan([a_deal(1)]), applied=False), files={})
    assert document["action"] == "plan"
    assert document["counts"][DEAL]["created"] == 1
    assert document["exit_code"] == 0


def test_lone_surrogates_do_not_break_the_document():
    """Text that UTF-8 cannot carry is spelled out, so that the document can always be written."""
    bad = a_deal(1, Action.REJECT, problems=(a_problem(value="a\ud800b"),), label="\udfff")
    document = run_document(a_report(a_plan([bad])), files={})
    assert document["problems"][0]["value"] == "a\\ud800b"
    assert orjson.dumps(document)
