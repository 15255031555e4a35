"""How deals may move from their stage in the org, each sentence shown on the emulated org."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, change_of, deal_desk, notes, problems, row

from sfsync.core.plans.plan import Action

LATE, EARLY = "Negotiation/Review", "Needs Analysis"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on the example org."""
    with deal_desk(tmp_path) as opened:
        yield opened


MOVES = {
    "backward": ({"stage": LATE}, {"stage": EARLY}, "STAGE_BACKWARD", "stage", {}),
    "reopen": ({"stage": "Closed Lost"}, {"stage": LATE}, "REOPENED", "stage", {}),
    "close-without-amount": (
        {"amount": ""},
        {"amount": "", "stage": "Closed Won"},
        "CLOSED_WITHOUT_AMOUNT",
        "amount",
        {},
    ),
    "close-without-date": (
        {},
        {"close": "", "stage": "Closed Lost"},
        "CLOSED_WITHOUT_DATE",
        "close",
        {"CloseDate": '{ column = "close", default = "2026-12-31" }'},
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_movement_is_a_problem_of_its_row_unless_the_job_allows_it(desk: DealDesk, move: str) -> None:
    """The hint names the line to add; with that line the deal moves."""
    before, after, code, column, rules = MOVES[move]
    desk.bring(row(**before))
    desk.write(row(**after), **rules)
    [(found, place, hint)] = problems(desk.plan())
    line = f'allow = ["{move}"]'
    assert (found, place, line in hint) == (code, column, True)
    assert desk.run().exit_code == 3
    assert desk.deal("D-1")["StageName"] == before.get("stage", "Prospecting")
    desk.bring(row(**after), options=line, **rules)
    assert desk.deal("D-1")["StageName"] == after["stage"]


def test_a_deal_is_compared_with_its_stage_now(desk: DealDesk) -> None:
    """A salesperson moved it on since the last run; that the job brought an earlier stage does not count."""
    desk.bring(row())
    desk.change("Opportunity", desk.deal("D-1")["Id"], StageName=LATE)
    rule = '{ column = "stage", policy = "source" }'
    desk.write(row(stage=EARLY), StageName=rule)
    assert [each[0] for each in problems(desk.plan())] == ["STAGE_BACKWARD"]


def test_a_won_deal_that_would_become_a_lost_one_counts_as_reopened(desk: DealDesk) -> None:
    """It leaves its end, though the other stage is closed as well."""
    desk.bring(row(stage="Closed Won"))
    desk.write(row(stage="Closed Lost"))
    assert [each[0] for each in problems(desk.plan())] == ["REOPENED"]


def test_a_new_deal_is_not_won_without_an_amount_and_a_record_with_one_may_be(desk: DealDesk) -> None:
    """The row's amount counts, else the record's."""
    desk.bring(row("D-2"))
    desk.write(row(amount="", stage="Closed Won"), row("D-2", amount="", stage="Closed Won"))
    made = desk.plan()
    assert [each[0] for each in problems(made)] == ["CLOSED_WITHOUT_AMOUNT"]
    assert change_of(made, "D-2").action is Action.UPDATE


def test_a_close_date_of_the_record_counts_and_one_to_come_is_a_note(desk: DealDesk) -> None:
    """A row that says nothing of the date closes the deal with the record's own."""
    desk.bring(row(close="2099-12-31"))
    desk.write(row(close="", stage="Closed Lost"))
    made = desk.plan()
    assert change_of(made).action is Action.UPDATE
    assert "1 deal is closed with a close date that is still to come" in notes(made)["CLOSE_DATE_AHEAD"]


def test_forward_only_still_keeps_the_stage_of_the_org_without_a_problem(desk: DealDesk) -> None:
    """The policy decides before the movement does."""
    desk.bring(row(stage=LATE))
    desk.write(row(stage=EARLY), StageName='{ column = "stage", policy = "forward-only" }')
    made = desk.plan()
    assert change_of(made).action is Action.NOOP
    assert "KEPT_BY_POLICY" in notes(made)


def test_an_import_without_a_job_file_is_allowed_movements_by_an_option(desk: DealDesk) -> None:
    """`--allow` can be given several times."""
    desk.bring(row(stage=LATE), row("D-2", stage="Closed Lost"))
    file = desk.folder / "moved.csv"
    file.write_text(
        "id,Name,Stage,Close Date,Amount\n"
        f"D-1,Deal D-1,{EARLY},2027-01-31,100\nD-2,Deal D-2,{EARLY},2027-01-31,100\n"
    )
    command = ["import", str(file), "--key", "id", "-o", "local", "--json", "--yes"]
    done = warm_sfsync(*command, environ=desk.environ, cwd=desk.folder)
    assert done.exit_code == 3, done.err
    assert sorted(each["code"] for each in done.document["problems"]) == ["REOPENED", "STAGE_BACKWARD"]
    allowed = [*command, "--allow", "backward", "--allow", "reopen"]
    assert warm_sfsync(*allowed, environ=desk.environ, cwd=desk.folder).exit_code == 0
    assert [desk.deal(key)["StageName"] for key in ("D-1", "D-2")] == [EARLY, EARLY]


def test_an_import_by_a_job_is_allowed_what_the_job_and_the_option_say(desk: DealDesk) -> None:
    """The option adds to the job's own list."""
    desk.bring(row(stage=LATE), row("D-2", stage="Closed Lost"))
    desk.write(row(stage=EARLY), row("D-2", stage=EARLY), options='allow = ["reopen"]')
    command = ["import", str(desk.folder / "deals.csv"), "--job", desk.job, "--json", "--yes"]
    done = warm_sfsync(*command, environ=desk.environ, cwd=desk.folder)
    assert [each["code"] for each in done.document["problems"]] == ["STAGE_BACKWARD"]
    done = warm_sfsync(*command, "--allow", "backward", environ=desk.environ, cwd=desk.folder)
    assert (done.exit_code, desk.deal("D-1")["StageName"]) == (0, EARLY), done.err
