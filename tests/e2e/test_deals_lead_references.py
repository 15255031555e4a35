"""References between deals that come out of leads, what a lead becomes, and the other rows of the same job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lead_bench import BERTHA, CARL, conversions, lead, lead_bench, lead_row
from main_job_bench import Bench
from parents_desk import LOOKUPS, org_with_lookups

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.lead]
column = "lead"
match = ["Id", "Email"]
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = { constant = "Needs Analysis" }
CloseDate = { constant = "2027-01-31" }
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org with open leads, and lookups from deal to deal and from deal to contact."""
    document = org_with_lookups()
    buyer = {"name": "Buyer__c", "label": "Buyer", "reference_to": "Contact", "relationship_name": "Buyer__r"}
    [renewal] = [each for each in document["fields"] if each.get("name") == LOOKUPS[0][1]]
    document["fields"].append({**renewal, **buyer, "child_relationship": "Buyer_Of__r"})
    document["records"] += [lead_row(BERTHA), lead_row(CARL)]
    with lead_bench(tmp_path, document) as made:
        yield made


def write(bench: Bench, job: str, **files: str) -> None:
    """Makes this the job, with these files beside it."""
    (bench.folder / "leads.toml").write_text(job)
    bench.job = str(bench.folder / "leads.toml")
    for name, content in files.items():
        (bench.folder / f"{name}.csv").write_text(content)


def test_a_deal_in_the_org_may_refer_to_the_contact_of_a_lead_of_the_same_run(bench: Bench) -> None:
    """The lead is converted first, and the deal's own update names the contact that it became."""
    job = JOB + 'Buyer__c = { column = "buyer", match = "Email" }\n'
    write(bench, job, deals="id,lead,buyer\nD-2,,\n")
    assert bench.run().exit_code == 0
    write(bench, job, deals=f"id,lead,buyer\nD-1,{BERTHA},\nD-2,,{BERTHA}\n")
    assert bench.run().exit_code == 0
    assert bench.deal("D-2")["Buyer__c"] == lead(bench)["ConvertedContactId"]
    assert (bench.plan().is_empty(), conversions(bench)) == (True, 1)
