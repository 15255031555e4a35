"""Repeated keys beside what else rows do: leads, made parents, vanished rows, roles inside, rows of a program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import warm_sfsync
from deal_desk import deal_desk, row
from lead_bench import BERTHA, conversions, deal, deals_of, lead_bench, write_leads_job
from main_job_bench import ALAN, ROOT
from parents_desk import ParentsDesk, org_with_lookups

import sfsync
from sfsync.emulator.server import running

BOTH = pytest.mark.parametrize("rule", ["last", "merge"])
PARENTS = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
duplicate_keys = "{rule}"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "id"
StageName = {{ constant = "Prospecting" }}
CloseDate = {{ constant = "2027-01-31" }}
AccountId = {{ column = "customer", match = "Name", missing = "create" }}
"""


ROLES = """
[contact_roles]
nested = "roles"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "email", match = "Email" }
Role = "role"
"""


@BOTH
def test_a_lead_whose_row_stands_twice_is_converted_once(tmp_path: Path, rule: str) -> None:
    """By the row that counts; the second run converts nothing."""
    with lead_bench(tmp_path) as bench:
        write_leads_job(bench, [deal("D-1", amount="5.00"), deal("D-1", amount="7.00")])
        job = Path(bench.job)
        text = job.read_text().replace("[opportunities]\n", f'[opportunities]\nduplicate_keys = "{rule}"\n')
        job.write_text(text)
        for changed in ("created", "unchanged"):
            done = warm_sfsync("run", bench.job, "--yes", "--json", environ=bench.environ, cwd=ROOT)
            counts = {name: n for name, n in done.document["counts"]["Opportunity"].items() if n}
            assert counts == {"rows": 2, changed: 1, "skipped": 1}, done.out
        assert conversions(bench) == 1
        assert [each["Amount"] for each in deals_of(bench, BERTHA)] == [7.0]


@BOTH
def test_only_the_row_that_counts_makes_its_parent(tmp_path: Path, rule: str) -> None:
    """An account that only an overruled row names is not made."""
    with running(org_with_lookups()) as emulator:
        desk = ParentsDesk(emulator, tmp_path)
        report = desk.sync(PARENTS.format(rule=rule), deals="id,customer\nD-1,Initech\nD-1,Hooli\n")
        assert report.exit_code == 0
        names = {str(each["Name"]) for each in desk.records("Account")}
        assert "Hooli" in names
        assert "Initech" not in names


@BOTH
def test_a_row_behind_another_of_its_key_has_not_vanished_and_a_missing_key_has(
    tmp_path: Path, rule: str
) -> None:
    """Keys are compared with those of the file, however often they stand in it."""
    options = f'duplicate_keys = "{rule}"\nvanished = "close"'
    with deal_desk(tmp_path) as desk:
        desk.bring(*(row(f"D-{at}") for at in range(1, 9)), options=options)
        desk.write(row("D-1"), *(row(f"D-{at}") for at in range(1, 8)), options=options)
        assert desk.run().exit_code == 0
        stages = {key: desk.deal(key)["StageName"] for key in ("D-1", "D-7", "D-8")}
        assert stages == {"D-1": "Prospecting", "D-7": "Prospecting", "D-8": "Closed Lost"}


@BOTH
def test_models_of_a_program_with_one_key_are_one_deal(tmp_path: Path, rule: str) -> None:
    """Merged models keep what only the earlier one says."""
    with deal_desk(tmp_path) as desk:
        desk.write(row(), options=f'duplicate_keys = "{rule}"')
        plain = {"Sfsync_Key__c": "D-1", "StageName": "Prospecting", "CloseDate": "2027-01-31"}
        models = [
            sfsync.Opportunity(**plain, Name="Shoes", Description="Blue"),
            sfsync.Opportunity(**plain, Name="Boots"),
        ]
        job = sfsync.with_rows(sfsync.load_job(desk.job, environ=desk.environ), opportunities=models)
        assert sfsync.sync(job, around=desk.around).exit_code == 0
        held = desk.deal("D-1")
        assert held["Name"] == "Boots"
        assert held["Description"] == ("Blue" if rule == "merge" else None)


def test_roles_inside_a_document_that_does_not_count_are_skipped_in_their_order(tmp_path: Path) -> None:
    """Those inside the document that counts are saved, also when there are thousands of them."""
    many = [{"email": ALAN, "role": "Evaluator"}] * 4_000
    with deal_desk(tmp_path) as desk:
        desk.write(row(), options='duplicate_keys = "last"')
        told = [row("D-1") | {"roles": many}, row("D-1") | {"roles": many[:1]}]
        (desk.folder / "deals.json").write_text(json.dumps(told))
        job = Path(desk.job)
        job.write_text(job.read_text().replace("deals.csv", "deals.json") + ROLES)
        changes = [each for each in desk.plan().changes if each.sobject == "OpportunityContactRole"]
        assert [each.action for each in changes].count("skip") == len(many)
        assert [each.action for each in changes].count("create") == 1
