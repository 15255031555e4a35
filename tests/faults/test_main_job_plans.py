"""C5: a saved plan is applied once, as it was made, to the org and the job it was made for, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from main_job_bench import BARE_ORG, ROOT, Bench, deal, role

from sfsync.cli.main import run as command
from sfsync.emulator.org.schema import Field, PicklistValue
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import running


@pytest.fixture
def saved(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plan of the example that `sfsync plan --out` saved; commands of the test lead to the bench's org."""
    enter(bench, monkeypatch)
    file = bench.folder / "plan.json"
    assert command(["plan", "trailhead", "--out", str(file), "--json"]) == 3
    return file


def enter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives this process the environment of a bench."""
    monkeypatch.chdir(ROOT)
    for name, value in bench.environ.items():
        monkeypatch.setenv(name, value)


def apply(file: Path, job: str = "trailhead") -> int:
    """Runs the job with the saved plan; the exit code."""
    return command(["run", job, "--plan", str(file), "--json"])


def test_C5_a_saved_plan_is_applied(bench: Bench, saved: Path) -> None:
    """The plan as it was saved brings the example to the org."""
    assert apply(saved) == 3
    assert bench.inserted() == {"Contact": 1, "Opportunity": 2, "OpportunityContactRole": 4}


def _text(change: Callable[[str], str]) -> Callable[[Path], None]:
    return lambda file: _rewrite(file, change)


def _rewrite(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    file.write_text(change(before))
    assert file.read_text() != before


def _document(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def tamper(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return lambda file: _rewrite(file, tamper)


TAMPERINGS: dict[str, Callable[[Path], None]] = {
    "another_amount": _text(lambda text: text.replace("4450", "9450")),
    "another_account": _document(
        lambda plan: plan["plan"]["changes"][0].update(account="001000000000001AAA")
    ),
    "a_change_less": _document(lambda plan: plan["plan"]["changes"].pop()),
    "changes_in_another_order": _document(lambda plan: plan["plan"]["changes"].reverse()),
    "another_org": _document(lambda plan: plan["plan"]["org"].update(org_id="00D000000000001EAA")),
    "another_serial": _document(lambda plan: plan["plan"].update(serial=7)),
    "another_key_field": _document(lambda plan: plan["plan"]["key_fields"].update(Opportunity="Name")),
    "another_digest": _document(lambda plan: plan.update(digest="0" * 32)),
    "no_digest": _document(lambda plan: plan.pop("digest")),
    "another_schema": _document(lambda plan: plan.update(schema="sfsync.plan/2")),
    "cut_short": _text(lambda text: text[: len(text) // 2]),
    "emptied": _text(lambda _: ""),
    "no_json": _text(lambda text: "x" + text),
}


@pytest.mark.parametrize("tampering", list(TAMPERINGS))
def test_C5_an_altered_plan_is_refused(bench: Bench, saved: Path, tampering: str) -> None:
    """Any change to the file ends with exit 6 and no write."""
    TAMPERINGS[tampering](saved)
    assert apply(saved) == 6
    assert bench.write_count() == 0


def test_C5_a_plan_is_applied_once(bench: Bench, saved: Path) -> None:
    """The second time is refused and writes nothing."""
    assert apply(saved) == 3
    written = bench.write_count()
    assert apply(saved) == 6
    assert bench.write_count() == written


def test_C5_a_plan_is_stale_once_another_run_has_begun(bench: Bench, saved: Path) -> None:
    """A run of the job between plan and apply makes the plan stale."""
    assert command(["run", "trailhead", "--json"]) == 3
    written = bench.write_count()
    assert apply(saved) == 6
    assert bench.write_count() == written


def test_C5_a_plan_of_another_org_is_refused(
    bench: Bench,
    saved: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """S23: the profile leads to another org than when the plan was made: neither org is written to."""
    with running(BARE_ORG) as emulator:
        other = Bench(emulator, tmp_path)
        enter(other, monkeypatch)
        capsys.readouterr()
        assert apply(saved) == 6
        assert json.loads(capsys.readouterr().out)["code"] == "OTHER_ORG"
        assert other.write_count() == 0
    assert bench.write_count() == 0


def test_C5_a_refusal_leaves_the_lock_and_the_journal_free(bench: Bench, saved: Path) -> None:
    """After a refused plan the job runs as if nothing had been."""
    TAMPERINGS["another_amount"](saved)
    assert apply(saved) == 6
    assert command(["run", "trailhead", "--json"]) == 3
    assert bench.inserted()["Opportunity"] == 2


def test_C5_a_plan_of_a_changed_job_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job file was edited between plan and apply."""
    enter(bench, monkeypatch)
    bench.write_job([deal("NEW-1")], [role("NEW-1")])
    file = bench.folder / "plan.json"
    assert command(["plan", bench.job, "--out", str(file), "--json"]) == 0
    bench.write_job([deal("NEW-1")], [role("NEW-1")], policy="append")
    assert apply(file, bench.job) == 6
    assert bench.write_count() == 0


def test_C5_a_plan_of_another_job_is_refused(bench: Bench, saved: Path) -> None:
    """A plan is applied by its own job only."""
    bench.write_job([deal("NEW-1")], [role("NEW-1")])
    assert apply(saved, bench.job) == 6
    assert bench.write_count() == 0


def alter_field(bench: Bench, sobject: str, name: str, **changes: Any) -> None:
    """An admin changes a field of the org."""
    fields = cast("dict[str, Field]", bench.emulator.org.schema.sobject(sobject).fields)
    fields[name.lower()] = replace(fields[name.lower()], **changes)


def retire_record_type(bench: Bench) -> None:
    """An admin deactivates the record type that rows of the example name."""
    table = {"what": "drop_record_type", "object": "Opportunity", "developer_name": "Custom_Order"}
    change_org(bench.emulator.org, bench.emulator.audit, table)


SCHEMA_CHANGES: dict[str, Callable[[Bench], None]] = {
    "a_role_is_gone": lambda bench: alter_field(
        bench, "OpportunityContactRole", "Role", picklist=(PicklistValue("Evaluator", "Evaluator"),)
    ),
    "a_field_is_read_only": lambda bench: alter_field(
        bench, "Opportunity", "NextStep", updateable=False, createable=False
    ),
    "a_field_is_shorter": lambda bench: alter_field(bench, "Opportunity", "NextStep", length=9),
    "a_record_type_is_retired": retire_record_type,
    "a_key_is_no_longer_unique": lambda bench: alter_field(
        bench, "Opportunity", "Sfsync_Key__c", unique=False
    ),
}


@pytest.mark.parametrize("change", SCHEMA_CHANGES)
def test_S15_a_schema_that_moved_stops_before_the_first_write(bench: Bench, saved: Path, change: str) -> None:
    """An admin changed what the plan relies on: it is stale or the job is wrong, and nothing is written."""
    SCHEMA_CHANGES[change](bench)
    assert apply(saved) in (2, 6)
    assert bench.write_count() == 0


def test_S15_a_retired_record_type_is_a_problem_before_the_first_call(bench: Bench) -> None:
    """An inactive record type rejects the new rows that name it while planning, run after run; others go on."""
    retire_record_type(bench)
    assert bench.run().codes()["Opportunity:DEAL-1001"] == "RECORD_TYPE_NOT_AVAILABLE"
    written = bench.write_count()
    assert bench.run().codes()["Opportunity:DEAL-1001"] == "RECORD_TYPE_NOT_AVAILABLE"
    assert bench.write_count() == written > 0


def test_S15_a_record_keeps_a_record_type_that_was_retired(bench: Bench) -> None:
    """Records that have it keep it, and their rows go on: the next run has nothing to complain of or to write."""
    first = bench.run().codes()
    retire_record_type(bench)
    written = bench.write_count()
    assert bench.run().codes() == first
    assert bench.write_count() == written
