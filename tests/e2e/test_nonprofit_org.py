"""A nonprofit's accounts, contacts, deals and contact roles go into an org with stages and roles of its own."""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

import sfsync
from sfsync.app.workplace import Surroundings
from sfsync.emulator.server import RunningEmulator, running

HERE = Path(__file__).parent / "nonprofit"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "npsp-trailhead"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the nonprofit's sample data is not on this machine"
)


@pytest.fixture
def org() -> Iterator[RunningEmulator]:
    """An org with the nonprofit's stages, roles, record types and campaigns."""
    with running(HERE / "org.toml") as serving:
        for row in rows("Campaign"):
            campaign = {"Name": row["Name"], "Source_Id__c": row["sf_id"]}
            asked(serving, "POST", "sobjects/Campaign", json=campaign)
        yield serving


def asked(org: RunningEmulator, method: str, path: str, **more: Any) -> Any:
    """What the org answers to somebody else than sfsync."""
    url = f"{org.instance_url}/services/data/v66.0/{path}"
    headers = {"Authorization": f"Bearer {org.access_token}"}
    answer = requests.request(method, url, headers=headers, timeout=30, **more)
    assert answer.ok, answer.text
    return answer.json()


def records(org: RunningEmulator, soql: str) -> list[dict[str, Any]]:
    """The records of a query; all of them fit on one page here."""
    found: list[dict[str, Any]] = asked(org, "GET", "query", params={"q": soql})["records"]
    return found


def rows(table: str) -> list[dict[str, str]]:
    """The rows of one of the nonprofit's files."""
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lookups(org: RunningEmulator, sobject: str, relationship: str) -> set[tuple[str, str]]:
    """What the records refer to by a lookup, where it is set: pairs of ids of the old org."""
    other = f"{relationship}.Source_Id__c"
    found = records(org, f"SELECT Source_Id__c, {other} FROM {sobject} WHERE {other} != null")
    return {(each["Source_Id__c"], each[relationship]["Source_Id__c"]) for each in found}


def given(table: str, column: str) -> set[tuple[str, str]]:
    """What the rows of a file refer to by a column, where it is filled."""
    return {(row["sf_id"], row[column]) for row in rows(table) if row[column]}


def around(org: RunningEmulator, state: Path) -> Surroundings:
    """A user whose org "local" is the nonprofit's, and whose state is a fresh folder."""
    return Surroundings(
        environ={
            **os.environ,
            "NONPROFIT": str(DATA),
            "SFSYNC_STATE": str(state),
            "SFSYNC_ORGS__LOCAL__LOGIN": "token",
            "SFSYNC_ORGS__LOCAL__INSTANCE_URL": org.instance_url,
            "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": org.access_token,
            "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
        }
    )


def sums_of_org(org: RunningEmulator) -> dict[str, tuple[int, Decimal, Decimal]]:
    """Count, amount and expected revenue of the org's deals by stage, as the org adds them up."""
    summed = records(
        org,
        "SELECT StageName stage, COUNT(Id) deals, SUM(Amount) amount, SUM(ExpectedRevenue) expected"
        " FROM Opportunity GROUP BY StageName",
    )
    return {each["stage"]: (each["deals"], cents(each["amount"]), cents(each["expected"])) for each in summed}


def effect_by_stage(report: sfsync.Report) -> dict[str, tuple[int, Decimal, Decimal]]:
    """What the report says the forecast has gained, by stage."""
    effect = report.forecast()
    assert effect is not None
    [currency] = effect.currencies
    after = {each.key: each.after for each in currency.by_stage if each.after.count}
    return {name: (each.count, cents(each.amount), cents(each.expected)) for name, each in after.items()}


def cents(amount: object) -> Decimal:
    """An amount to the cent."""
    return Decimal(str(amount)).quantize(Decimal("0.01"))


def test_all_222_roles_land_each_deal_keeps_one_primary_and_a_second_run_writes_nothing(
    org: RunningEmulator, tmp_path: Path
) -> None:
    """Accounts, contacts, 102 deals by record type and 222 roles are brought as they are, and only once."""
    here = around(org, tmp_path)
    job = sfsync.load_job(HERE / "nonprofit.toml", environ=here.environ)
    first = sfsync.sync(job, around=here)
    assert first.exit_code == 0, [problem for _, _, problem in first.problems()]
    created = {sobject: counts["created"] for sobject, counts in first.counts().items()}
    assert created == {"Account": 115, "Contact": 166, "Opportunity": 102, "OpportunityContactRole": 222}

    wanted = {
        (row["opportunity_id"], row["contact_id"], row["Role"], row["IsPrimary"] == "true")
        for row in rows("OpportunityContactRole")
    }
    found = records(
        org,
        "SELECT Opportunity.Source_Id__c, Contact.Source_Id__c, Role, IsPrimary, Contact.AccountId, "
        "Opportunity.AccountId, OpportunityId FROM OpportunityContactRole",
    )
    brought = {
        (
            each["Opportunity"]["Source_Id__c"],
            each["Contact"]["Source_Id__c"],
            each["Role"],
            each["IsPrimary"],
        )
        for each in found
    }
    assert len(found) == 222
    assert brought == wanted
    of_another_account = [
        each for each in found if each["Contact"]["AccountId"] != each["Opportunity"]["AccountId"]
    ]
    assert len(of_another_account) == 50
    primaries = Counter(each["OpportunityId"] for each in found if each["IsPrimary"])
    assert len(primaries) == 77
    assert set(primaries.values()) == {1}

    assert lookups(org, "Opportunity", "npsp__Matching_Gift__r") == given(
        "Opportunity", "npsp__matching_gift__c"
    )
    assert len(lookups(org, "Opportunity", "npsp__Matching_Gift__r")) == 2
    assert lookups(org, "Account", "npe01__One2OneContact__r") == given(
        "Account", "npe01__one2_one_contact__c"
    )
    assert len(lookups(org, "Account", "npe01__One2OneContact__r")) == 84

    deals = records(org, "SELECT RecordType.DeveloperName, StageName FROM Opportunity")
    assert Counter(each["RecordType"]["DeveloperName"] for each in deals) == {
        "Donation": 90,
        "MajorGift": 7,
        "Grant": 2,
        "MatchingGift": 2,
        "NPSP_Default": 1,
    }
    assert Counter(each["StageName"] for each in deals) == {
        "Posted": 70,
        "Pledged": 30,
        "Verbal Commitment": 2,
    }

    assert effect_by_stage(first) == sums_of_org(org)

    second = sfsync.sync(job, around=here)
    assert second.exit_code == 0
    assert second.usage.writes == 0
    assert sum(counts["unchanged"] for counts in second.counts().values()) == 115 + 166 + 102 + 222
