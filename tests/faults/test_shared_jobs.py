"""One bulk job for the rows of several runs, and jobs that update and delete: each run settles its own rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from main_job_bench import Bench, deal, org_document, role

from sfsync.app.workplace import Workplace, opened
from sfsync.core.plans.plan import Action, Plan
from sfsync.core.plans.plan_codec import dump_plan, plan_digest
from sfsync.core.ports import ChangeState, RunRecord
from sfsync.core.reports.results import Outcome
from sfsync.core.sending.bulk import JobOperation
from sfsync.core.sending.units import delete_units, record_units
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.writes import Node
from sfsync.emulator.fault_actions import FailRows, Hold, Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.server import running
from sfsync.engine.applying.bulk_jobs.job_keeping import BookKeeper
from sfsync.engine.applying.bulk_jobs.job_lines import JobLine
from sfsync.engine.applying.bulk_jobs.job_sending import send_by_job, send_lines
from sfsync.engine.applying.in_doubt.recovering import recover
from sfsync.engine.applying.run_state import RunState
from sfsync.errors import OrgUnavailable, SyncError
from sfsync.jobs import load_job

LIMIT = Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
KEYS = {"one": ("D-1", "D-2", "D-3"), "two": ("D-4", "D-5")}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org that keeps keys and allows jobs."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        yield Bench(emulator, tmp_path)


@contextmanager
def workplace(bench: Bench) -> Iterator[Workplace]:
    """The parts of the bench's job, opened."""
    with opened(load_job(bench.job, environ=bench.environ), bench.around) as place:
        yield place


def planned(bench: Bench, rows: Sequence[dict[str, str]]) -> Plan:
    """A plan of some rows, as a portion of a larger job is."""
    bench.write_job(rows, [role(rows[0]["deal_id"], name="None")])
    return bench.plan()


def begun(place: Workplace, plan: Plan, run_id: str) -> RunState:
    """A run of the plan that has begun, with nothing sent."""
    org_id, at = plan.org.org_id, place.bench.now()
    if run_id not in {each.run_id for each in place.journal.runs()}:
        place.journal.begin_run(
            RunRecord(run_id, plan.job, org_id, plan_digest(plan), "", at), dump_plan(plan)
        )
    parts = place.bench
    return RunState(
        plan=plan,
        run_id=run_id,
        gateway=parts.gateway,
        journal=parts.journal,
        now=parts.now,
        pause=parts.pause,
        wait=parts.wait,
        stop=parts.stop,
        listener=parts.listener,
    )


def nodes_of(state: RunState, action: Action = Action.CREATE) -> list[Node]:
    """The deals of a run as they are sent."""
    changes = [each for each in state.plan.changes if (each.sobject, each.action) == (OPPORTUNITY, action)]
    units = delete_units(changes) if action is Action.DELETE else record_units(changes, state.plan.routes)
    return [unit.nodes[0] for unit in units]


def plans(bench: Bench, **values: str) -> dict[str, Plan]:
    """Two plans of new deals."""
    return {name: planned(bench, [deal(key, **values) for key in keys]) for name, keys in KEYS.items()}


def send_shared(place: Workplace, made: dict[str, Plan]) -> BookKeeper:
    """Sends the rows of all runs by one job, none of the runs being loaded while it works."""
    states = {run_id: begun(place, plan, run_id) for run_id, plan in made.items()}
    lines = [JobLine(run_id, node) for run_id, state in states.items() for node in nodes_of(state)]
    keeper = BookKeeper(
        place.gateway, place.journal, JobOperation.INSERT, sobject=OPPORTUNITY, now=place.bench.now
    )
    traffic = states["one"]
    send_lines(traffic, iter(lines), keeper)
    return keeper


def outcomes(place: Workplace, made: dict[str, Plan]) -> dict[str, Outcome]:
    """What each run knows of its deals after it has settled what was open, by key."""
    found: dict[str, Outcome] = {}
    for run_id, plan in made.items():
        state = begun(place, plan, run_id)
        recover(state)
        for change in plan.changes:
            result = state.results.get(change.change_id)
            if change.sobject == OPPORTUNITY and result is not None:
                found[change.key] = result.outcome
                assert result.outcome is not Outcome.CREATED or result.record_id is not None
    return found


def jobs(bench: Bench) -> int:
    """How many jobs were filled."""
    return sum(
        1 for each in bench.emulator.audit.requests if each.method == "PUT" and "/batches" in each.path
    )


ALL = [key for keys in KEYS.values() for key in keys]


def test_rows_of_two_runs_travel_in_one_job(bench: Bench) -> None:
    """Each run finds its own rows done, and who refused them, in the journal alone."""
    made = plans(bench)
    refusal = FailRows(rows=(2,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    bench.emulator.faults.add(FaultScript(refusal, method="JOB"))
    with workplace(bench) as place:
        assert send_shared(place, made).notes == []
        calls = len(bench.emulator.audit.requests)
        found = outcomes(place, made)
        assert len(bench.emulator.audit.requests) == calls
    assert jobs(bench) == 1
    assert sorted(found.values()) == [Outcome.CREATED] * 4 + [Outcome.REJECTED]
    there = [key for key in ALL if bench.deals(key)]
    assert [key for key in ALL if found[key] is Outcome.CREATED] == there


@pytest.mark.parametrize("kept", ["one", "two"])
def test_p1_each_run_settles_its_own_rows_of_a_shared_job_later(bench: Bench, kept: str) -> None:
    """The run was cut off after the close; either run asks the job by itself, and takes no row of the other."""
    made = plans(bench)
    bench.emulator.faults.add(FaultScript(LIMIT, method="GET", path=r"/jobs/ingest/\w+$"))
    with workplace(bench) as place:
        with pytest.raises(SyncError):
            send_shared(place, made)
        found = outcomes(place, {kept: made[kept]})
        assert found == dict.fromkeys(KEYS[kept], Outcome.CREATED)
        others = set(made) - {kept}
        still = [each.state for name in others for each in place.journal.changes(name).values()]
        assert set(still) == {ChangeState.INTENT}
        assert outcomes(place, made) == dict.fromkeys(ALL, Outcome.CREATED)
        notes = begun(place, made[kept], kept).notes
    assert notes == []
    assert (jobs(bench), bench.inserted()["Opportunity"]) == (1, 5)


def test_n6_a_shared_job_whose_close_came_not_is_aborted_for_all(bench: Bench) -> None:
    """Its close is held back while the run is cut off; the first run to ask aborts it, and all may send again."""
    made = plans(bench)
    bench.emulator.faults.add(FaultScript(Hold("zombie"), method="PATCH", path=r"/jobs/ingest/\w+$"))
    bench.emulator.faults.add(FaultScript(LIMIT, method="PATCH", path=r"/jobs/ingest/\w+$", nth=2))
    bench.emulator.faults.add(FaultScript(LIMIT, method="GET", path=r"/jobs/ingest/\w+$"))
    with workplace(bench) as place:
        with pytest.raises(OrgUnavailable):
            send_shared(place, made)
        assert outcomes(place, made) == {}
        bench.emulator.faults.release("zombie")
        send_shared(place, made)
        assert outcomes(place, made) == dict.fromkeys(ALL, Outcome.CREATED)
    assert bench.inserted()["Opportunity"] == 5


def brought(bench: Bench) -> None:
    """Five deals in the org, brought by a run."""
    bench.write_job([deal(key, next_step="call") for key in ALL], [role("D-1", name="None")])
    assert bench.run().exit_code in (0, 3)


def change_by_job(bench: Bench, *, lost: bool = False) -> tuple[RunState, list[dict[str, Any]]]:
    """Sends planned updates by a job: other amounts, and steps that are cleared."""
    made = replace(
        planned(bench, [deal(key, amount=f"{place}.25", next_step="") for place, key in enumerate(ALL)]),
        is_strict=False,
    )
    with workplace(bench) as place:
        state = begun(place, made, "updates")
        nodes = nodes_of(state, Action.UPDATE)
        nodes = [replace(each, body={**each.body, "NextStep": None}) for each in nodes]
        bench.switch(result_row_missing=lost)
        send_by_job(state, nodes)
        attempts = place.journal.sendings("updates")
    assert {route.value for route, _ in attempts.values()} == {"by id"}
    return state, [bench.deal(key) for key in ALL]


def test_updates_by_id_go_by_a_job(bench: Bench) -> None:
    """Values arrive as they are meant, what is cleared is empty, and each row is updated."""
    brought(bench)
    state, deals = change_by_job(bench)
    assert {each.outcome for each in state.results.values()} == {Outcome.UPDATED}
    assert [(each["Amount"], each["NextStep"]) for each in deals] == [(n + 0.25, None) for n in range(5)]


def test_n10_an_update_that_no_result_tells_of_is_settled_by_its_record(bench: Bench) -> None:
    """The same values twice are the same values, so the record says whether it was done."""
    brought(bench)
    state, _ = change_by_job(bench, lost=True)
    assert {each.outcome for each in state.results.values()} == {Outcome.UPDATED}
    assert len(state.results) == 5


def test_locked_updates_go_again_and_refused_ones_are_told(bench: Bench) -> None:
    """A row that another process holds is tried in another job."""
    brought(bench)
    locked = FailRows(rows=(1, 2), code="UNABLE_TO_LOCK_ROW", message="unable to obtain exclusive access")
    bench.emulator.faults.add(FaultScript(locked, method="JOB"))
    state, _ = change_by_job(bench)
    assert {each.outcome for each in state.results.values()} == {Outcome.UPDATED}
    assert jobs(bench) == 2


def test_p1_updates_of_a_run_that_was_cut_off_are_settled_by_the_job(bench: Bench) -> None:
    """The job's id is in the journal; what it did is not asked of the records one by one."""
    brought(bench)
    bench.emulator.faults.add(FaultScript(LIMIT, method="GET", path=r"/jobs/ingest/\w+$"))
    made = planned(bench, [deal(key, amount="7.50") for key in ALL])
    with workplace(bench) as place:
        state = begun(place, made, "updates")
        with pytest.raises(OrgUnavailable):
            send_by_job(state, nodes_of(state, Action.UPDATE))
        again = begun(place, made, "updates")
        recover(again)
        assert {each.outcome for each in again.results.values()} == {Outcome.UPDATED}
    assert [bench.deal(key)["Amount"] for key in ALL] == [7.5] * 5


def test_deletions_by_id_go_by_a_job(bench: Bench) -> None:
    """One that somebody else has deleted meanwhile is what was wanted."""
    brought(bench)
    ids = {key: str(bench.deal(key)["Id"]) for key in ALL}
    made = planned(bench, [deal(key, amount="7.50") for key in ALL])
    changes = [
        replace(each, action=Action.DELETE) if each.sobject == OPPORTUNITY else each for each in made.changes
    ]
    bench.delete(OPPORTUNITY, ids["D-2"])
    with workplace(bench) as place:
        state = begun(place, replace(made, changes=tuple(changes)), "deletions")
        send_by_job(state, nodes_of(state, Action.DELETE))
    assert {each.outcome for each in state.results.values()} == {Outcome.DELETED}
    assert [bench.deal(key)["IsDeleted"] for key in ALL] == [1] * 5
