"""What a bulk job says of its rows: matched by content, believed when complete, nothing guessed for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import Bench, deal, org_document, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import FailJob, FailRows, Refuse
from sfsync.emulator.faults import BEFORE_READ, FaultScript
from sfsync.emulator.server import running

KEYS = ("D-1", "D-2", "D-3", "D-4")
NOTHING = "sf__Id,sf__Created,Name,AccountId,StageName,CloseDate,Amount,NextStep\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org without receipts, and a keyless job of four deals."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        made = Bench(emulator, tmp_path)
        ask(made)
        made.admit()
        yield made


def ask(bench: Bench, **amounts: str) -> None:
    """Makes the job ask for the deals, some with other amounts."""
    rows = [deal(key, amount=amounts.get(key.replace("-", ""), "100.00")) for key in KEYS]
    bench.write_job(rows, [role("D-1", name="None")], has_key=False)


def test_n10_a_row_is_known_by_its_content(bench: Bench) -> None:
    """The results come in another order than the rows, one of which was refused; each row gets its own."""
    refusal = FailRows(rows=(2,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no")
    bench.emulator.faults.add(FaultScript(refusal, method="JOB"))
    ending = bench.run()
    [refused] = ending.of(Outcome.REJECTED)
    left_out = refused.removeprefix("Opportunity:")
    assert bench.named(f"Deal {left_out}") == []
    ask(bench, **{key.replace("-", ""): f"{place}.00" for place, key in enumerate(KEYS, start=1)})
    assert bench.run().exit_code == 0
    assert [bench.named(f"Deal {key}")[0]["Amount"] for key in KEYS] == [1.0, 2.0, 3.0, 4.0]


def test_n5_rows_that_a_job_did_not_come_to_go_by_another(bench: Bench) -> None:
    """A job that fails in the queue saves nothing; its rows are sent once more and are there once."""
    script = bench.emulator.faults.add(FaultScript(FailJob(), BEFORE_READ, method="JOB"))
    ending = bench.run()
    assert script.struck
    assert (ending.exit_code, ending.counts["Opportunity"]["created"]) == (0, 4)
    assert [len(bench.named(f"Deal {key}")) for key in KEYS] == [1] * 4


def test_n10_results_that_are_not_complete_yet_are_read_again(bench: Bench) -> None:
    """A file of results that lags behind the job's own count is no word on the rows that it lacks."""
    lagging = Refuse(200, NOTHING, content_type="text/csv")
    bench.emulator.faults.add(FaultScript(lagging, method="GET", path="successfulResults"))
    assert bench.run().counts["Opportunity"]["created"] == 4


def test_n10_a_row_in_none_of_the_results_is_unknown_and_not_sent_again(bench: Bench) -> None:
    """The job says that it saved it and never names it: that is for a person, in the next run too."""
    lagging = Refuse(200, NOTHING, content_type="text/csv")
    bench.emulator.faults.add(FaultScript(lagging, method="GET", path="successfulResults", count=None))
    ending = bench.run()
    assert (ending.exit_code, ending.counts["Opportunity"]["unknown"]) == (3, 4)
    assert bench.inserted()["Opportunity"] == 4
    assert bench.run().counts["Opportunity"]["unknown"] == 4
    assert bench.inserted()["Opportunity"] == 4
