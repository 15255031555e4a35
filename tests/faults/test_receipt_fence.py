"""The receipt fence: roles on deals that exist are written exactly once, whatever becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from main_job_bench import ALAN, LEUNG, ORG_FILE, WRITES, Before, Bench
from receipt_orgs import KEYS, ask_for_roles, put_deals_without_roles, receipts

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Drop, FailRows, Hold, Redeliver, Refuse, Truncate
from sfsync.emulator.faults import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_READ, FaultScript
from sfsync.emulator.server import running
from sfsync.emulator.wire.messages import Request

WANTED = sorted([(ALAN, "Decision Maker", True), (LEUNG, "Evaluator", False)])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with receipts, three deals without roles, and a job that asks for two roles on each."""
    with running(ORG_FILE) as emulator:
        made = Bench(emulator, tmp_path)
        put_deals_without_roles(made)
        ask_for_roles(made)
        yield made


def assert_each_role_once(bench: Bench) -> None:
    """Every deal has its two roles, one of them primary, and six were ever committed."""
    assert [bench.roles(key) for key in KEYS] == [WANTED] * 3
    assert bench.inserted()["OpportunityContactRole"] == 6


def test_the_plan_says_that_roles_go_behind_receipts(bench: Bench) -> None:
    """Where the org has the object, roles on existing deals take the receipt fence."""
    made = bench.plan()
    assert made.routes["OpportunityContactRole"].value == "receipt fence"
    assert made.routes["Opportunity"].value == "key fence"


def test_without_a_fault_each_deal_costs_one_receipt(bench: Bench) -> None:
    """A receipt a deal, all in one call, and a second run writes nothing."""
    before = bench.write_count()
    assert bench.run().exit_code == 0
    assert bench.write_count() == before + 1
    assert_each_role_once(bench)
    assert receipts(bench) == [None] * 3
    assert bench.run().exit_code == 0
    assert bench.write_count() == before + 1


LOST = {
    "reset before it is read": (Drop(), BEFORE_READ),
    "reset before the commit": (Drop(), BEFORE_COMMIT),
    "reset after the commit": (Drop(), AFTER_COMMIT),
    "half an answer": (Truncate(), "mid_reply"),
    "a proxy's page after the commit": (
        Refuse(502, "<html>Bad gateway</html>", content_type="text/html"),
        AFTER_COMMIT,
    ),
    "an unknown exception after the commit": (
        Refuse(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]),
        AFTER_COMMIT,
    ),
    "delivered twice": (Redeliver(), BEFORE_READ),
}


@pytest.mark.parametrize("way", LOST)
def test_n5_a_lost_answer_is_settled_in_the_same_run(bench: Bench, way: str) -> None:
    """Whether the commit came before the cut or not, the run ends with every role there once, and knows it."""
    action, phase = LOST[way]
    script = bench.strike(action, phase=phase)
    ending = bench.run()
    assert script.struck
    assert ending.exit_code == 0
    assert ending.counts["OpportunityContactRole"]["created"] == 6
    assert_each_role_once(bench)


def test_n6_a_zombie_commits_into_a_burned_token_and_changes_nothing(bench: Bench) -> None:
    """A request that is held, given up and released after the run has ended is refused whole."""
    bench.strike(Hold("zombie"))
    ending = bench.run()
    assert (ending.exit_code, ending.counts["OpportunityContactRole"]["created"]) == (0, 6)
    assert "burned" in receipts(bench)
    assert bench.emulator.faults.release("zombie") == 1
    assert_each_role_once(bench)


def test_n6_a_zombie_of_a_run_that_was_given_up_is_fenced_by_the_next_one(bench: Bench) -> None:
    """A run that ends while its request is still on the way leaves its intents; the next one burns them first."""
    limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    held = bench.strike(Hold("zombie"))
    bench.strike(Refuse(403, limit), nth=2)
    assert bench.run().exit_code == 75
    assert held.struck
    assert bench.run().exit_code == 0
    bench.emulator.faults.release("zombie")
    assert_each_role_once(bench)


def test_a_role_that_is_removed_after_its_lost_answer_is_a_conflict(bench: Bench) -> None:
    """The receipt proves that the run saved the role, so its absence is somebody's doing and is left alone."""
    bench.strike(Drop(), phase=AFTER_COMMIT)
    deal_id = bench.deal("D-2")["Id"]

    def remove_a_role() -> None:
        role_id = bench.find("OpportunityContactRole", Role="Evaluator", OpportunityId=deal_id)
        bench.emulator.org.storage.remove("OpportunityContactRole", role_id)

    bench.emulator.faults.add(Before(Drop(), path=WRITES, nth=2, deed=remove_a_role))
    ending = bench.run()
    assert ending.exit_code == 3
    assert [ending.codes()[name] for name in ending.of(Outcome.CONFLICT)] == ["CHANGED_IN_ORG"]
    assert bench.roles("D-2") == [(ALAN, "Decision Maker", True)]


def test_one_bad_role_takes_only_itself_down(bench: Bench) -> None:
    """A role that the org refuses is rejected; the others of its deal and of other deals are saved."""
    bench.emulator.faults.add(
        FaultScript(
            FailRows(rows=(4,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no"), path=WRITES, count=1
        )
    )
    ending = bench.run()
    assert ending.exit_code == 3
    counts = ending.counts["OpportunityContactRole"]
    assert (counts["created"], counts["rejected"]) == (5, 1)
    assert len(receipts(bench)) == 3


@dataclass
class Copying(FaultScript):
    """No fault: keeps a copy of the first such call."""

    copies: list[Request] = field(default_factory=list)

    def matches(self, request: Request) -> bool:
        """Keeps the request, and strikes nothing."""
        if FaultScript.matches(self, request) and not self.copies:
            self.copies.append(request)
        return False


def test_n14_a_refused_request_that_arrives_once_more_is_fenced(bench: Bench) -> None:
    """A unit keeps its token when it goes again, so a late second delivery of the first try changes nothing."""
    copying = Copying(Drop(), path=WRITES)
    bench.emulator.faults.add(copying)
    bench.emulator.faults.add(FaultScript(FailRows(rows=(4,)), path=WRITES, count=1))
    assert bench.run().exit_code == 0
    [first] = copying.copies
    requests.post(
        f"{bench.emulator.instance_url}{first.path}",
        data=first.body,
        headers={
            "Authorization": f"Bearer {bench.emulator.access_token}",
            "Content-Type": "application/json",
        },
        timeout=10,
    )
    assert_each_role_once(bench)


@pytest.mark.parametrize("phase", [BEFORE_READ, AFTER_COMMIT])
def test_p1_a_killed_run_is_settled_by_its_receipts(bench: Bench, phase: str) -> None:
    """A run that stops dead after its intent leaves nothing unknown: resume ends with every role there once."""
    bench.strike(Drop(), phase=phase)
    bench.emulator.faults.add(FaultScript(Drop(), BEFORE_READ, path="/composite", nth=5, count=None))
    assert bench.run().exit_code == 75
    bench.emulator.faults.clear()
    ending = bench.resume()
    assert ending.exit_code == 0
    assert ending.counts["OpportunityContactRole"]["created"] == 6
    assert_each_role_once(bench)
