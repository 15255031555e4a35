"""Stages and sales processes, each sentence shown on the emulated org."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deal_desk import DealDesk, change_of, deal_desk, notes, problems, row
from main_job_bench import ORG_FILE

from sfsync.app.checking import check
from sfsync.core.plans.plan import Action
from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.errors import ConfigError
from sfsync.jobs import load_job

KIND = {"columns": ("kind",), "RecordTypeId": '"kind"'}


def org(**changes: Any) -> dict[str, Any]:
    """The example org, its picklist of deal types restricted, with a stage that is inactive."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    return document | {"restricted": ["Opportunity.Type"]} | changes


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on the example org."""
    with deal_desk(tmp_path) as opened:
        yield opened


def test_a_stage_outside_the_sales_process_of_the_mapped_record_type_is_a_problem(desk: DealDesk) -> None:
    """Custom orders have no Qualification; the nearest of their own stages are named, and nothing is written."""
    desk.write(row(stage="Qualification", kind="Custom_Order"), row("D-2", kind="Custom_Order"), **KIND)
    made = desk.plan()
    [(code, column, hint)] = problems(made)
    assert (code, column) == ("NOT_IN_RECORD_TYPE", "stage")
    assert "Negotiation/Review" not in hint
    assert "another record type" in hint
    assert change_of(made, "D-2").action is Action.CREATE


def test_a_row_without_a_record_type_is_judged_by_the_default_one_when_it_is_new(desk: DealDesk) -> None:
    """New deals of this user are bulk retail, which has no Perception Analysis."""
    desk.write(row(stage="Perception Analysis"))
    assert [each[0] for each in problems(desk.plan())] == ["NOT_IN_RECORD_TYPE"]


def test_a_row_without_a_record_type_is_judged_by_that_of_its_record(desk: DealDesk) -> None:
    """The record is a custom order, for which bulk retail's Qualification is no stage."""
    desk.bring(row(kind="Custom_Order"), **KIND)
    desk.write(row(stage="Qualification"))
    [change] = desk.plan().changes
    [problem] = change.problems
    assert (problem.code, '"Custom_Order"' in problem.message) == ("NOT_IN_RECORD_TYPE", True)


def test_a_deal_that_gets_another_record_type_must_be_in_a_stage_of_it(desk: DealDesk) -> None:
    """The stage itself stays, and is still no stage of custom orders."""
    desk.bring(row(stage="Qualification", kind="Bulk_Retail"), **KIND)
    desk.write(row(stage="Qualification", kind="Custom_Order"), **KIND)
    assert [each[0] for each in problems(desk.plan())] == ["NOT_IN_RECORD_TYPE"]


def test_the_org_is_asked_once_for_each_record_type_in_use_and_not_when_nothing_is_to_be_written(
    desk: DealDesk,
) -> None:
    """Twenty new deals of two record types cost two calls; the same file again costs none."""
    rows = [row(f"D-{n}", kind=("Bulk_Retail", "Custom_Order")[n % 2]) for n in range(20)]
    desk.bring(*rows, **KIND)
    assert desk.picklist_calls() == 2
    assert desk.run().exit_code == 0
    assert desk.picklist_calls() == 2


def test_a_refusal_of_the_ui_api_is_a_note_and_planning_goes_on(desk: DealDesk) -> None:
    """The row is planned by what is known without it."""
    body = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no UI API"}]
    script = FaultScript(Refuse(403, body), "before_read", path="/picklist-values/", count=None)
    desk.emulator.faults.add(script)
    desk.write(row(stage="Qualification", kind="Custom_Order"), **KIND)
    made = desk.plan()
    assert change_of(made).action is Action.CREATE
    assert "INSUFFICIENT_ACCESS" in notes(made)["RECORD_TYPE_VALUES_UNKNOWN"]


@pytest.mark.parametrize(
    "rule",
    [
        '{ column = "stage", map = { "Lead" = "Prospectin" } }',
        '{ column = "stage", default = "Prospectin" }',
        '{ constant = "Prospectin" }',
    ],
)
def test_a_stage_of_the_job_itself_that_the_org_lacks_is_a_mistake_of_the_job(
    desk: DealDesk, rule: str
) -> None:
    """It is found before the first row is read, with the nearest names."""
    desk.write(row(), StageName=rule)
    (desk.folder / "deals.csv").unlink()
    (desk.folder / "deals.csv").write_text("id\n")
    with pytest.raises(ConfigError, match='"Prospectin" is no stage of this org') as error:
        desk.plan()
    assert error.value.code == "UNKNOWN_STAGE"
    assert '"Prospecting"' in str(error.value)


def test_a_word_that_is_not_in_the_map_is_a_problem(desk: DealDesk) -> None:
    """The map is total."""
    desk.write(row(stage="New"), StageName='{ column = "stage", map = { "Lead" = "Prospecting" } }')
    assert [each[0] for each in problems(desk.plan())] == ["VALUE_NOT_MAPPED"]


def test_an_unknown_and_an_inactive_stage_are_told_apart(tmp_path: Path) -> None:
    """Each is a problem of its row, and an inactive one in the map a mistake of the job."""
    stages = [
        {"name": "Prospecting", "probability": 10, "forecast_category": "Pipeline"},
        {"name": "Old Stage", "probability": 20, "forecast_category": "Pipeline", "active": False},
    ]
    with deal_desk(tmp_path, org(stages=stages, record_types=[], records=[])) as desk:
        desk.write(row(stage="Old Stage"), row("D-2", stage="Prospect"))
        made = desk.plan()
        assert [each[0] for each in problems(made)] == ["INACTIVE_STAGE"]
        [(code, _, hint)] = problems(made, "D-2")
        assert (code, '"Prospecting"' in hint) == ("UNKNOWN_STAGE", True)
        desk.write(row(), StageName='{ column = "stage", map = { "Lead" = "Old Stage" } }')
        with pytest.raises(ConfigError, match="inactive"):
            desk.plan()


def test_another_restricted_picklist_is_judged_by_record_type_too(tmp_path: Path) -> None:
    """A value that the record type lacks is a problem before the first write."""
    kinds = [
        {"object": "Opportunity", "developer_name": "Custom_Order", "picklists": {"Type": ["New Customer"]}}
    ]
    with deal_desk(tmp_path, org(record_types=kinds, records=[])) as desk:
        words = {"columns": ("kind", "type"), "RecordTypeId": '"kind"', "Type": '"type"'}
        old = "Existing Customer - Upgrade"
        desk.write(row(kind="Custom_Order", type=old), row("D-2", type=old), **words)
        made = desk.plan()
        assert [(code, column) for code, column, _ in problems(made)] == [("NOT_IN_RECORD_TYPE", "type")]
        assert change_of(made, "D-2").action is Action.CREATE


def test_check_of_an_org_knows_the_stages_of_the_record_types(desk: DealDesk) -> None:
    """As it does with a snapshot."""
    desk.write(row(stage="Qualification", kind="Custom_Order"), **KIND)
    checked = check(load_job(desk.job, environ=desk.environ), around=desk.around)
    assert [each.code for each in checked.problems] == ["NOT_IN_RECORD_TYPE"]
