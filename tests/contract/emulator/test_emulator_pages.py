"""The emulator's own pages: what a rehearsal has left in the org, for a person to look at and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from sfsync.emulator.pages.html import POLICY, tag
from sfsync.emulator.server import RunningEmulator, running

ROOT = Path(__file__).resolve().parents[3]
SERVED = "/services/data/v66.0/sobjects"


@pytest.fixture
def org() -> Iterator[RunningEmulator]:
    """The example org."""
    with running(ROOT / "config" / "emulator" / "org.toml") as emulator:
        yield emulator


def look(org: RunningEmulator, path: str, **headers: str) -> requests.Response:
    """A look at a page without any session."""
    return requests.get(f"{org.instance_url}{path}", headers=headers, timeout=30)


def create(org: RunningEmulator, sobject: str, **fields: object) -> str:
    """A new record's id."""
    bearer = {"Authorization": f"Bearer {org.access_token}"}
    answer = requests.post(f"{org.instance_url}{SERVED}/{sobject}", json=fields, headers=bearer, timeout=30)
    return str(answer.json()["id"])


def words(page: requests.Response) -> str:
    """The text of a page's main part, blanks folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text[page.text.index("<main") :]).split())


def test_a_deal_shows_where_it_stands_and_with_whom_one_deals(org: RunningEmulator) -> None:
    """The stage path marks its stage, and each contact role tells contact, account and role."""
    deal = org.org.storage.select("Opportunity", "1")[0]["Id"]
    canada = next(row for row in org.org.storage.select("Account", "1") if row["Name"] == "Get Cloudy Canada")
    lars = create(org, "Contact", FirstName="Lars", LastName="MacMillan", AccountId=canada["Id"])
    create(
        org, "OpportunityContactRole", OpportunityId=deal, ContactId=lars, Role="Influencer", IsPrimary=True
    )
    page = look(org, f"/lightning/r/Opportunity/{deal}/view")
    assert page.status_code == 200
    assert re.findall(r'<li aria-current="step">([^<]+)</li>', page.text) == ["Prospecting"]
    assert "Lars MacMillan Get Cloudy Canada Influencer primary" in words(page)
    assert f"/lightning/r/Contact/{lars}/view" in page.text
    of_contact = look(org, f"/lightning/r/Contact/{lars}/view")
    assert "Get Cloudy - 20 Running Shoes Prospecting Influencer primary" in words(of_contact)


def test_the_pipeline_adds_up_the_deals_of_each_stage(org: RunningEmulator) -> None:
    """Stages stand in their order, with how many deals they have and what these are worth."""
    for number in range(60):
        create(
            org,
            "Opportunity",
            Name=f"Deal {number:02d}",
            StageName="Needs Analysis",
            CloseDate="2027-01-31",
            Amount=100,
        )
    page = look(org, "/lightning/o/Opportunity/list")
    assert "Prospecting 10 % 1 1 1,780.00 178.00 Needs Analysis 20 % 60 60 6,000.00 1,200.00" in words(page)
    assert "Page 1 of 2 (61 in all)" in words(page)
    assert "Deal 59" in words(look(org, "/lightning/o/Opportunity/list?page=2"))


def test_an_account_shows_its_deals_and_its_contacts(org: RunningEmulator) -> None:
    """And the start page leads to it."""
    account = next(
        row for row in org.org.storage.select("Account", "1") if row["Name"] == "Get Cloudy Consulting"
    )
    assert f"/lightning/r/Account/{account['Id']}/view" in look(org, "/").text
    told = words(look(org, f"/lightning/r/Account/{account['Id']}/view"))
    assert "Get Cloudy - 20 Running Shoes" in told
    assert "Leung Chan" in told


def test_whatever_a_record_holds_stays_text(org: RunningEmulator) -> None:
    """Names are escaped, there is no script, and the policy would allow none."""
    name = "<script>alert(1)</script>\"' & ]]> <!-- \u202e"
    deal = create(org, "Opportunity", Name=name, StageName="Prospecting", CloseDate="2027-01-31")
    for path in ("/", "/lightning/o/Opportunity/list", f"/lightning/r/Opportunity/{deal}/view"):
        page = look(org, path)
        assert "<script" not in page.text.lower()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert page.headers["Content-Security-Policy"] == POLICY
        assert "script-src" not in POLICY
        assert "default-src 'none'" in POLICY
    assert tag("a", "x", href='"><b>') == '<a href="&quot;&gt;&lt;b&gt;">x</a>'


def test_pages_change_nothing_cost_nothing_and_are_for_this_machine(org: RunningEmulator) -> None:
    """No call is counted or audited; another method, host or address gets a refusal."""
    before = len(org.audit.requests)
    assert look(org, "/").status_code == 200
    assert requests.post(f"{org.instance_url}/", timeout=30).status_code == 405
    assert look(org, "/", Host="evil.example").status_code in {403, 421}
    assert look(org, "/lightning/r/Opportunity/006000000000000AAA/view").status_code == 404
    assert look(org, "/lightning/r/Opportunity/x' OR Id != '/view").status_code == 404
    assert look(org, "/lightning/r/User/005000000000000AAA/view").status_code == 404
    assert len(org.audit.requests) == before
