"""Scripted faults reach real clients: what each of them makes of a 503, a lost answer and a locked row.

The outcomes are those of the clients, not of the emulator: a client that learns to do better may change them.
"""

import json

import pytest
import requests
from client_programs import Jsforce, JsforceError, SfCli
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest

from sfsync.emulator.fault_actions import Drop, FailRows, Refuse
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript
from sfsync.emulator.server import RunningEmulator

CREATE_450 = 'return await conn.sobject("Account").create(args.rows, { allowRecursive: true })'
ROWS_450 = [{"Name": f"Faulty {n}"} for n in range(450)]


def strike(emulator: RunningEmulator, action: Refuse | Drop | FailRows, **script: object) -> FaultScript:
    """Lay a fault at the next write."""
    return emulator.faults.add(FaultScript(action, method="POST", **script))


def written(emulator: RunningEmulator) -> int:
    """Return how many records were created."""
    return sum(commit.op == "insert" for commit in emulator.audit.commits)


def test_jsforce_leaves_a_load_half_done_after_a_503(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """The second of three calls meets a 503 with Retry-After: jsforce sends no create again and stops."""
    refusal = Refuse(headers={"Retry-After": "1"})
    script = strike(emulator, refusal, nth=2)
    with pytest.raises(JsforceError) as stopped:
        jsforce.run(CREATE_450, rows=ROWS_450)
    assert stopped.value.code == "SERVER_UNAVAILABLE"
    assert (script.struck, len(emulator.audit.requests), written(emulator)) == (1, 2, 200)


def test_jsforce_repeats_a_read_that_met_a_503(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A GET is sent again after its own pause, and the query ends well."""
    emulator.faults.add(FaultScript(Refuse(), method="GET"))
    assert jsforce.run('return await conn.sobject("Contact").count()') == 2
    assert [entry.status for entry in emulator.audit.requests] == [503, 200]


def test_jsforce_doubles_what_a_lost_answer_hid(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """The rows of a call whose answer was lost are there; the same load again creates them twice."""
    strike(emulator, Drop(), phase=AFTER_COMMIT)
    with pytest.raises(JsforceError):
        jsforce.run(CREATE_450, rows=ROWS_450[:10])
    assert written(emulator) == 10
    jsforce.run(CREATE_450, rows=ROWS_450[:10])
    assert written(emulator) == 20


def test_jsforce_returns_a_locked_row_as_a_result(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A locked row is no error but one result of 450 that says so."""
    strike(emulator, FailRows(rows=(3,)))
    results = jsforce.run(CREATE_450, rows=ROWS_450)
    [locked] = [result for result in results if not result["success"]]
    assert locked["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert written(emulator) == 449


def test_jsforce_learns_that_its_session_ended(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """Without a way to log in again an expired session is the end: INVALID_SESSION_ID."""
    refusal = Refuse(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    strike(emulator, refusal)
    with pytest.raises(JsforceError) as stopped:
        jsforce.run(CREATE_450, rows=ROWS_450[:1])
    assert stopped.value.code == "INVALID_SESSION_ID"


@pytest.fixture
def plan(sf: SfCli) -> str:
    """A plan of 250 accounts, which goes in two slices."""
    rows = [
        {"attributes": {"type": "Account", "referenceId": f"row{n}"}, "Name": f"sf faulty {n}"}
        for n in range(250)
    ]
    (sf.home / "faulty.json").write_text(json.dumps({"records": rows}))
    file = sf.home / "plan.json"
    file.write_text(json.dumps([{"sobject": "Account", "files": ["faulty.json"]}]))
    return str(file)


def test_sf_leaves_an_import_half_done_after_a_503(sf: SfCli, emulator: RunningEmulator, plan: str) -> None:
    """The second slice of a plan meets a 503: the command fails, the first slice stays."""
    script = strike(emulator, Refuse(), nth=2)
    assert sf.run("data", "import", "tree", "--plan", plan).exit_code == 1
    assert (script.struck, written(emulator)) == (1, 200)


def test_sf_doubles_what_a_lost_answer_hid(sf: SfCli, emulator: RunningEmulator, plan: str) -> None:
    """A lost answer fails the command although the rows are there; the same command again doubles them."""
    strike(emulator, Drop(), phase=AFTER_COMMIT, nth=2)
    assert sf.run("data", "import", "tree", "--plan", plan).exit_code != 0
    assert written(emulator) == 250
    sf.text("data", "import", "tree", "--plan", plan)
    assert written(emulator) == 500


def test_sf_fails_on_a_locked_row(sf: SfCli, emulator: RunningEmulator) -> None:
    """A locked record fails the command with the platform's code."""
    script = strike(emulator, FailRows())
    ending = sf.run("data", "create", "record", "--sobject", "Account", "--values", "Name=Locked", "--json")
    assert (ending.exit_code, ending.document["name"]) == (1, "UNABLE_TO_LOCK_ROW")
    assert (script.struck, written(emulator)) == (1, 0)


def test_simple_salesforce_raises_for_a_503(salesforce: Salesforce, tls_emulator: RunningEmulator) -> None:
    """A 503 with Retry-After is raised at once; nothing is sent again."""
    script = strike(tls_emulator, Refuse(headers={"Retry-After": "1"}))
    with pytest.raises(SalesforceGeneralError) as stopped:
        salesforce.Account.create({"Name": "Faulty"})
    assert (stopped.value.status, script.struck, len(tls_emulator.audit.requests)) == (503, 1, 1)


def test_simple_salesforce_doubles_what_a_lost_answer_hid(
    salesforce: Salesforce, tls_emulator: RunningEmulator
) -> None:
    """A lost answer is an error of the connection; the record is there, and once more when created again."""
    strike(tls_emulator, Drop(), phase=AFTER_COMMIT)
    with pytest.raises(requests.ConnectionError):
        salesforce.Account.create({"Name": "Faulty"})
    salesforce.Account.create({"Name": "Faulty"})
    assert written(tls_emulator) == 2


def test_simple_salesforce_tells_a_locked_row(salesforce: Salesforce, tls_emulator: RunningEmulator) -> None:
    """A locked record is a malformed request to it, with the platform's code inside."""
    strike(tls_emulator, FailRows())
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Account.create({"Name": "Faulty"})
    assert refused.value.content[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
