"""Scripted faults in Bulk API 2.0 reach real clients: a refused step, a lost answer, a slow job, a locked row.

The outcomes are those of the clients, not of the emulator: a client that learns to do better may change them.
"""

from pathlib import Path

import pytest
import requests
from client_programs import Jsforce, JsforceError, SfCli, calls, effects
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceOperationError

from sfsync.emulator.fault_actions import Drop, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript, script_from
from sfsync.emulator.server import RunningEmulator

NAMES = ("Bulk one", "Bulk two", "Bulk three")
ROWS = [{"Name": name} for name in NAMES]
LOAD = """
    conn.bulk2.pollInterval = 20;
    return await conn.bulk2.loadAndWaitForResults({ object: "Account", operation: "insert", input: args.rows });
"""


def strike_the_job(emulator: RunningEmulator, action: str, **settings: object) -> None:
    """Lay a fault at the work of the next job."""
    emulator.faults.add(script_from({"method": "JOB", "action": action, **settings}))


def lock_a_row(emulator: RunningEmulator) -> None:
    """Refuse one of the rows when the job works on it."""
    strike_the_job(emulator, "fail_rows", keys=["Bulk two"])


def lose_the_close(emulator: RunningEmulator) -> None:
    """Close the job, but lose the answer."""
    emulator.faults.add(FaultScript(Drop(), method="PATCH", phase=AFTER_COMMIT))


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    """A command that imports three accounts."""
    file = tmp_path / "accounts.csv"
    file.write_text("Name\n" + "".join(f"{name}\n" for name in NAMES))
    return ("data", "import", "bulk", "--sobject", "Account", "--file", str(file), "--wait", "2", "--json")


def test_sf_counts_a_locked_row(sf: SfCli, emulator: RunningEmulator, words: tuple[str, ...]) -> None:
    """One locked row fails the command; the others are there, and the job can be looked at."""
    lock_a_row(emulator)
    ending = sf.run(*words)
    assert (ending.exit_code, ending.document["data"]["state"]) == (1, "JobComplete")
    assert effects(emulator, "Account") == ["insert"] * 2
    assert (
        sf.result("data", "bulk", "results", "--job-id", ending.document["data"]["jobId"])["failedRecords"]
        == 1
    )


def test_sf_leaves_a_job_open_after_a_503(
    sf: SfCli, emulator: RunningEmulator, words: tuple[str, ...]
) -> None:
    """A 503 at the close fails the command; nothing is written and the job is not closed again."""
    emulator.faults.add(FaultScript(Refuse(), method="PATCH"))
    ending = sf.run(*words)
    assert (ending.exit_code, ending.document["name"]) == (1, "SERVER_UNAVAILABLE")
    assert calls(emulator)[-1].startswith("PATCH ")
    assert effects(emulator, "Account") == []


def test_sf_doubles_what_a_lost_close_hid(
    sf: SfCli, emulator: RunningEmulator, words: tuple[str, ...]
) -> None:
    """A lost answer to the close fails the command; the rows arrive all the same, and a repeat doubles them."""
    lose_the_close(emulator)
    assert sf.run(*words).exit_code != 0
    sf.result(*words)
    assert effects(emulator, "Account") == ["insert"] * 6


def test_jsforce_returns_a_locked_row_among_the_failed(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A locked row is one of the failed results; nothing is thrown."""
    lock_a_row(emulator)
    results = jsforce.run(LOAD, rows=ROWS)
    assert [row["Name"] for row in results["failedResults"]] == ["Bulk two"]
    assert results["failedResults"][0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:")
    assert len(results["successfulResults"]) == 2


def test_jsforce_polls_a_slow_job(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A job that is done only at the fourth look is looked at four times."""
    strike_the_job(emulator, "await_polls", polls=3)
    assert len(jsforce.run(LOAD, rows=ROWS)["successfulResults"]) == 3
    assert sum(call.startswith("GET ") and "esults" not in call for call in calls(emulator)) >= 4


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_jsforce_throws_on_a_503_at_any_step(
    jsforce: Jsforce, emulator: RunningEmulator, method: str
) -> None:
    """A 503 at the creation, the upload or the close of a job ends the load; nothing is written."""
    script = emulator.faults.add(FaultScript(Refuse(), method=method))
    with pytest.raises(JsforceError):
        jsforce.run(LOAD, rows=ROWS)
    assert script.struck == 1
    assert effects(emulator, "Account") == []


def test_jsforce_doubles_what_a_lost_close_hid(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """The rows of a job whose close was not answered arrive all the same; the same load again doubles them."""
    lose_the_close(emulator)
    with pytest.raises(JsforceError):
        jsforce.run(LOAD, rows=ROWS)
    jsforce.run(LOAD, rows=ROWS)
    assert effects(emulator, "Account") == ["insert"] * 6


def test_simple_salesforce_counts_a_locked_row(salesforce: Salesforce, tls_emulator: RunningEmulator) -> None:
    """A locked row is a number in the job; nothing is raised."""
    lock_a_row(tls_emulator)
    [job] = salesforce.bulk2.Account.insert(records=ROWS, wait=0)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 1)


def test_simple_salesforce_aborts_a_job_after_a_503(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """A 503 at the upload is raised after the open job was aborted."""
    tls_emulator.faults.add(FaultScript(Refuse(), method="PUT"))
    with pytest.raises(SalesforceGeneralError):
        salesforce.bulk2.Account.insert(records=ROWS, wait=0)
    methods = [call.partition(" ")[0] for call in calls(tls_emulator)]
    assert methods == ["POST", "PUT", "GET", "PATCH"]
    assert tls_emulator.audit.requests[-1].status == 200


def test_simple_salesforce_doubles_what_a_lost_close_hid(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """A lost answer to the close is raised; the rows arrive all the same, and the same load again doubles them."""
    lose_the_close(tls_emulator)
    with pytest.raises(requests.ConnectionError):
        salesforce.bulk2.Account.insert(records=ROWS, wait=0)
    salesforce.bulk2.Account.insert(records=ROWS, wait=0)
    assert effects(tls_emulator, "Account") == ["insert"] * 6


def test_simple_salesforce_raises_for_a_failed_job(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """A job that the platform gives up is raised with its message."""
    strike_the_job(tls_emulator, "fail_job")
    with pytest.raises(SalesforceOperationError, match="InternalServerError"):
        salesforce.bulk2.Account.insert(records=ROWS, wait=0)
