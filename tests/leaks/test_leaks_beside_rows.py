"""I12 (`no_leak`) where rows are settled by people, read back, pulled, adopted, tested and converted from leads.

Files that people work with hold values of rows on purpose; what goes to a log or a mail holds none of them, and
nothing at all holds a secret, also where a careless org repeats the token in the message about a row.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from hook_server import HookServer, hook_server
from lead_bench import CONVERT, conversions, write_leads_job
from lead_bench import deal as deal_of_lead
from main_job_bench import ALAN, LEUNG, ORG_FILE, WRITES, deal, role
from scenes import ROW, SECRET, Scene

from sfsync.emulator.fault_actions import ChangeOrg, FailRows, Refuse
from sfsync.emulator.faults import FaultScript

TWINS = 'AccountId = { column = "account", match = "Name" }'
BY_KEY = 'AccountId = { column = "account", match = "Sfsync_Key__c" }'
SAID = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
xmlns="urn:partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"""
FAULT = """<soapenv:Fault><faultcode xmlns:sf="urn:fault.partner.soap.sforce.com">sf:{code}</faultcode>\
<faultstring>{code}: {said}</faultstring></soapenv:Fault>"""
ROW_ERROR = """<convertLeadResponse><result><errors><message>{said}</message><statusCode>{code}</statusCode>\
</errors><leadId>{lead}</leadId><success>false</success></result></convertLeadResponse>"""
PICKS_HEADER = "sobject,field,value,id\n"


def left(scene: Scene, name: str) -> Path:
    """The one file of that name in the run folders."""
    [found] = (scene.folder / "state" / "runs").rglob(name)
    return found


def rewritten(scene: Scene, *changes: tuple[str, str]) -> None:
    """Changes texts of the job file."""
    job = Path(scene.bench.job)
    text = job.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    job.write_text(text)


def lead_job(scene: Scene) -> str:
    """Makes a deal out of the org's lead the job; the lead's id."""
    [lead] = scene.emulator.org.storage.select("Lead", "1 = 1")
    owner = "maria.jimenez@cloudkicks.example"
    write_leads_job(scene.bench, [deal_of_lead("D-1", lead["Id"], deal=ROW["deal name"], owner=owner)])
    scene.inputs |= {each.name for each in scene.folder.iterdir()}
    return str(lead["Id"])


@pytest.mark.parametrize(
    ("status", "code", "body"),
    [
        (500, "UNKNOWN_EXCEPTION", FAULT),
        (500, "INVALID_SESSION_ID", FAULT),
        (500, "FIELD_CUSTOM_VALIDATION_EXCEPTION", FAULT),
        (500, "A_STRANGE_CODE", FAULT),
        (200, "FIELD_CUSTOM_VALIDATION_EXCEPTION", ROW_ERROR),
        (200, "INVALID_SESSION_ID", ROW_ERROR),
    ],
)
def test_no_leak_of_a_session_that_soap_repeats(scene: Scene, status: int, code: str, body: str) -> None:
    """The session id stands in the envelope; a fault or a row's error that repeats it does not show it."""
    lead = lead_job(scene)
    said = f"sessionId {scene.emulator.access_token} {escape(ROW['deal name'])}"
    text = SAID.format(body=body.format(code=code, said=said, lead=lead))
    action = Refuse(status, text, content_type="text/xml; charset=UTF-8")
    scene.emulator.faults.add(FaultScript(action, path=CONVERT, count=None))
    scene.go("repeated", "run", scene.bench.job, "--yes", "--progress", "json")
    assert conversions(scene.bench)


def test_no_leak_of_a_token_that_a_rows_error_repeats(scene: Scene) -> None:
    """Errors of rows come with status 200; the token is taken out of them too."""
    action = FailRows(
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message=f"Bearer {scene.emulator.access_token}"
    )
    scene.emulator.faults.add(FaultScript(action, path=WRITES, count=None))
    scene.go("repeated", "run", scene.bench.job, "--yes")
    assert "Bearer (secret)" in left(scene, "rejects-opportunities.csv").read_text()


@pytest.mark.parametrize("kind", ["json", "ascii", "xml", "url"])
def test_no_leak_of_a_secret_that_is_repeated_escaped(
    scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that spells our secret as its format must spell it is not taken for another text."""
    secret = 's3cr"et & <é> \\ it+self'
    monkeypatch.setitem(SECRET, "client secret", secret)
    scene.given["SFSYNC_ORGS__LOCAL__CLIENT_SECRET"] = secret
    told = {"json": secret, "ascii": secret, "xml": escape(secret), "url": quote_plus(secret)}[kind]
    error = [{"message": f"not so: {told}", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": []}]
    scene.bench.write_job([deal("D-1")], [role("D-1")])
    assert scene.go("created", "run", scene.bench.job, "--yes") == 0
    scene.bench.write_job([deal("D-1", amount="200.00")], [role("D-1")])
    action = Refuse(400, json.dumps(error, ensure_ascii=kind == "ascii"))
    scene.emulator.faults.add(FaultScript(action, path=r"/sobjects/Opportunity/\w{18}$", count=None))
    assert scene.go("repeated", "run", scene.bench.job, "--yes") == 3
    assert "not so: (secret)" in left(scene, "rejects-opportunities.csv").read_text()


@pytest.mark.parametrize("form", ["json", "lines"])
def test_no_leak_of_what_a_plan_notes(scene: Scene, form: str) -> None:
    """Notes that name deals and accounts stand in the plan; the progress says only that there are some."""
    bench = scene.bench
    other = bench.create("Account", Name=ROW["account"])
    bench.change("Contact", bench.find("Contact", Email=ALAN), AccountId=other)
    bench.change("Account", bench.find("Account", Sfsync_Key__c="ACC-1"), Name=ROW["next step"])
    bench.write_job([deal("D-1", deal=ROW["deal name"])], [role("D-1", ALAN), role("D-1", LEUNG)])
    assert scene.go("first", "run", bench.job, "--yes", "--progress", form) == 0
    held = {"OpportunityId": bench.deal("D-1")["Id"], "Role": "Evaluator"}
    bench.create("OpportunityContactRole", ContactId=bench.find("Contact", Email=LEUNG), **held)
    assert scene.go("again", "run", bench.job, "--yes", "--progress", form) == 0
    client = max(scene.folder.glob("client-*"), key=lambda each: each.stat().st_mtime_ns)
    assert "already has contact" in client.read_text()
    said = (scene.folder / "client.err").read_text()
    assert "OTHER_ACCOUNT" in said
    assert "DOUBLE_ROLE" in said


def test_no_leak_of_what_people_settle(scene: Scene) -> None:
    """References that a person has to settle go into picks.csv, and not into what a picks file is refused with."""
    rewritten(scene, (BY_KEY, TWINS))
    assert scene.go("open", "run", scene.bench.job, "--yes") == 3
    assert ROW["account"] in left(scene, "picks.csv").read_text().replace('""', '"')
    rewritten(scene, ('org = "local"', 'org = "local"\npicks = "mine.csv"'))
    scene.inputs.add("mine.csv")
    known = scene.bench.find("Account", Sfsync_Key__c="ACC-1")
    value = '"' + ROW["account"].replace('"', '""') + '"'
    wrong = (
        f"Account,Name,{value},{known}\nAccount,Name,{value},001000000000001AAA\n",
        f"Account,Name,x,{value}\n",
        f"{value},Name,x,{known}\n",
        f"Account,{value},x,{known}\nAccount,{value},x,001000000000001AAA\n",
    )
    for lines in wrong:
        (scene.folder / "mine.csv").write_text(PICKS_HEADER + lines)
        scene.go("wrong picks", "run", scene.bench.job, "--yes")


def test_no_leak_around_adopted_deals(scene: Scene) -> None:
    """Candidates stand in the file that was asked for; a file that is wrong is refused by line, not by value."""
    bench = scene.bench
    account = bench.find("Account", Sfsync_Key__c="ACC-1")
    own = {"Name": ROW["deal name"], "StageName": "Prospecting", "CloseDate": "2027-01-31", "Amount": 100}
    bench.create("Opportunity", AccountId=account, **own)
    out = scene.folder / "adopt.csv"
    assert scene.go("listed", "adopt", bench.job, "--candidates", "--out", str(out)) == 0
    with out.open(newline="") as file:
        [row] = [each for each in csv.DictReader(file) if each["change"] == "Opportunity:D-1"]
    for wrong in ({"adopt": ROW["bad cell"]}, {"record_id": ROW["bad cell"]}, {"modified": ROW["date"]}):
        confirm(scene, row | {"adopt": "yes"} | wrong, expected=2)
    confirm(scene, row | {"adopt": "yes", "modified": "2020-01-01T00:00:00+00:00"}, expected=3)
    stopping = FailRows(code="INVALID_FIELD", message=f"{ROW['deal name']} {scene.emulator.access_token}")
    scene.emulator.faults.add(FaultScript(stopping, path=WRITES, count=None))
    confirm(scene, row | {"adopt": "yes"}, expected=None)
    scene.go("gone on", "resume")


def confirm(scene: Scene, row: dict[str, str], *, expected: int | None) -> None:
    """Confirms a file with that one line."""
    with (scene.folder / "confirmed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    scene.inputs.add("confirmed.csv")
    code = scene.go("confirmed", "adopt", scene.bench.job, "--confirm", str(scene.folder / "confirmed.csv"))
    assert expected in (None, code)


def test_no_leak_of_what_is_read_back_and_pulled(scene: Scene) -> None:
    """verify.csv and a pulled file hold values and are private; the progress of both commands holds none."""
    bench = scene.bench
    rows = [deal("D-1", deal=ROW["deal name"], next_step=ROW["next step"])]
    bench.write_job(rows, [role("D-1", LEUNG)])

    assert scene.go("created", "run", bench.job, "--yes") == 0
    bench.write_job([rows[0] | {"amount": "200.00"}], [role("D-1", LEUNG)])
    edit = {"what": "edit", "object": "Opportunity", "id": bench.deal("D-1")["Id"]}
    values = {"NextStep": ROW["next step"], "Amount": 5, "Description": ROW["deal name"]}
    bench.strike(ChangeOrg(edit | {"values": values}), phase="after_commit")
    assert scene.go("edited", "run", bench.job, "--yes", "--verify", "--progress", "json") == 0
    assert "200" in left(scene, "verify.csv").read_text()
    for form in ("csv", "jsonl"):
        out = str(scene.folder / f"pulled.{form}")
        options = ("--format", form, "--out", out, "--progress", "json")
        assert scene.go("pulled", "pull", bench.job, *options) == 0
        assert scene.go("pulled again", "pull", bench.job, "--since", "last", *options) == 0
        spilled = Refuse(400, [{"message": ROW["deal name"], "errorCode": "MALFORMED_QUERY"}])
        scene.emulator.faults.add(FaultScript(spilled, path="/query", count=None))
        assert scene.go("refused", "pull", bench.job, *options) == 2


MAPPING_TEST = """
org = {org}
[[test]]
name = "a deal"
[[test.given.opportunities]]
deal_id = "D-1"
deal = {deal}
stage = {stage}
close_date = "2027-01-31"
[[test.expect.opportunities]]
{expected}
"""


@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ("includes = {{ Name = {value} }}", 3),
        ("sends = {value}", 2),
        ("x = {value}", 2),
    ],
)
def test_no_leak_of_the_rows_of_a_mapping_test(scene: Scene, expected: str, code: int) -> None:
    """Rows of a test may be copies of real ones: what differs is shown, and a file that is wrong repeats none."""
    tests = MAPPING_TEST.format(
        org=json.dumps(str(ORG_FILE)),
        deal=json.dumps(ROW["deal name"]),
        stage=json.dumps(ROW["stage"]),
        expected=expected.format(value=json.dumps(ROW["next step"])),
    )
    (scene.folder / "deals.test.toml").write_text(tests)
    scene.inputs.add("deals.test.toml")
    assert scene.go("tested", "test", scene.bench.job) == code


def test_no_leak_of_what_is_told_to_others(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, hooks: HookServer
) -> None:
    """Pings, webhooks, logs and metrics have no value of a row; the address of a ping stands in nothing of ours."""
    metrics = tmp_path_factory.mktemp("collected") / "deals.prom"
    token = quote_plus(SECRET["secret as an address"])
    told = ("--ping", f"{hooks.url}/{token}", "--notify-webhook", f"{hooks.url}/hook/{token}")
    logs = ("--log-file", str(scene.folder / "log.jsonl"), "--log", "json", "--metrics-file", str(metrics))
    assert scene.go("told", "run", scene.bench.job, "--yes", *told, *logs) == 3
    hooks.status = 302
    assert scene.go("refused", "run", scene.bench.job, "--yes", *told, *logs) == 3
    assert "it answered 302" in (scene.folder / "client.err").read_text()
    assert len(hooks.told) == 6
    for text in (metrics.read_text(), *(body for _, body in hooks.told)):
        assert [name for name, value in ROW.items() if value in text] == []


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    """A server that is told how runs go."""
    with hook_server() as serving:
        yield serving
