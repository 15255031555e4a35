"""The metadata for an administrator: well formed, as agreed, and enough for the receipt fence; and the receipts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from metadata_reader import NAMESPACE, deployed
from safety_desk import GRAPHS, SafetyDesk, desk_on, org_without_keys, row

from sfsync.core.orgs.describe import parse_describe
from sfsync.core.orgs.setup_metadata import KEY_FIELD, setup_files
from sfsync.core.sending.receipts import (
    RECEIPT,
    RECORD,
    RECORD_LENGTH,
    TOKEN,
    TOKEN_LENGTH,
    can_keep_receipts,
)
from sfsync.emulator.fault_actions import Drop
from sfsync.emulator.faults import AFTER_COMMIT, FaultScript

GOLDEN = Path(__file__).parent / "golden" / "setup"
ROLES = """
[contact_roles]
file = "roles.csv"
[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "contact", match = "Email" }
Role = "role"
"""


def files_in(folder: Path) -> dict[str, str]:
    """All files below a folder, by path."""
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """An org that was nothing but deployed to, its user with the rights of the permission set and no more."""
    with desk_on(
        deployed(org_without_keys(), GOLDEN, user="integration@cloudkicks.example"), tmp_path
    ) as made:
        made.write(row("D-1"))
        yield made


def test_the_folder_is_as_agreed(tmp_path: Path) -> None:
    """What `sfsync org setup` writes is what is in the repository; after a change on purpose, copy it there."""
    assert setup_files(None, with_deletes=False) == files_in(GOLDEN)


def test_every_file_is_well_formed_and_named_as_the_code_names_it() -> None:
    """Names, lengths and kinds of the metadata are those by which receipts and keys are recognised."""
    for name, text in setup_files(None, with_deletes=True).items():
        if name.endswith(".xml"):
            assert ET.fromstring(text).tag.startswith(NAMESPACE)
    fields = {each["name"]: each for each in deployed(org_without_keys(), GOLDEN, user="u")["fields"]}
    token, record = fields[TOKEN], fields[RECORD]
    assert (token["object"], token["length"], token["unique"]) == (RECEIPT, TOKEN_LENGTH, True)
    assert (token["external_id"], token["case_sensitive"]) == (True, True)
    assert (record["object"], record["length"]) == (RECEIPT, RECORD_LENGTH)
    assert fields[KEY_FIELD]["length"] == 255


@pytest.mark.parametrize("with_deletes", [False, True])
def test_the_permission_set_gives_no_more_than_is_used(with_deletes: bool) -> None:
    """The API and single objects; no view or modify all; deleting only when it was asked for."""
    files = setup_files(None, with_deletes=with_deletes)
    [text] = [each for name, each in files.items() if "permissionset" in name]
    root = ET.fromstring(text)
    rights = root.findall(f"{NAMESPACE}objectPermissions")
    for name in ("viewAllRecords", "modifyAllRecords"):
        assert {each.findtext(f"{NAMESPACE}{name}") for each in rights} == {"false"}
    assert {each.findtext(f"{NAMESPACE}allowDelete") for each in rights} == {str(with_deletes).lower()}
    permissions = root.findall(f"{NAMESPACE}userPermissions")
    assert [each.findtext(f"{NAMESPACE}name") for each in permissions] == ["ApiEnabled"]
    fields = {each.findtext(f"{NAMESPACE}field") for each in root.findall(f"{NAMESPACE}fieldPermissions")}
    assert not fields & {"Opportunity.Name", "Opportunity.StageName", "Opportunity.CloseDate", "Account.Name"}


def test_a_deployed_org_gives_both_fences(desk: SafetyDesk) -> None:
    """N5: with exactly that metadata new deals are fenced by their key, roles of deals that exist by receipts."""
    (desk.folder / "roles.csv").write_text("id,contact,role\nD-1,leung.chan@getcloudy.example,None\n")
    desk.write(row("D-1"), top=ROLES)
    desk.run()
    checked = desk.command("check", "./job.toml", "--json").document
    assert checked["routes"] == {"Opportunity": "key fence", "OpportunityContactRole": "receipt fence"}
    assert not any("setup" in line for each in checked["guarantees"].values() for line in each["better"])
    (desk.folder / "roles.csv").write_text("id,contact,role\nD-1,leung.chan@getcloudy.example,Evaluator\n")
    lost = desk.emulator.faults.add(FaultScript(Drop(), AFTER_COMMIT, path=GRAPHS))
    document = desk.run()
    assert lost.struck
    assert document["guarantee"]["OpportunityContactRole"]["receipt fence"] == 1
    assert document["counts"]["OpportunityContactRole"]["created"] == 1


def test_the_names_are_those_of_the_job(desk: SafetyDesk, tmp_path: Path) -> None:
    """With JOB the key field is the job's own and the rights are for its fields; nothing is ever overwritten."""
    text = (desk.folder / "job.toml").read_text().replace("Sfsync_Key__c", "Deal_No__c")
    (desk.folder / "job.toml").write_text(text)
    out = tmp_path / "setup"
    done = desk.command("org", "setup", "./job.toml", "--out", str(out), "--json")
    assert done.exit_code == 0
    assert (
        "force-app/main/default/objects/Opportunity/fields/Deal_No__c.field-meta.xml"
        in done.document["files"]
    )
    assert not any("Contact/fields" in each for each in done.document["files"])
    assert desk.command("org", "setup", "./job.toml", "--out", str(out)).exit_code == 0
    (out / "README.md").write_text("mine")
    refused = desk.command("org", "setup", "./job.toml", "--out", str(out))
    assert (refused.exit_code, (out / "README.md").read_text()) == (2, "mine")


def test_old_receipts_are_purged_and_young_ones_never(tmp_path: Path) -> None:
    """A purge counts first, deletes only old receipts and only with --yes, and refuses less than seven days."""
    words = ("org", "receipts", "-o", "local", "--purge-older-than")
    with desk_on(deployed(org_without_keys(), GOLDEN), tmp_path) as desk:
        storage = desk.emulator.org.storage
        role = "id,contact,role\nD-1,leung.chan@getcloudy.example,"
        for name in ("None", "Evaluator"):
            (desk.folder / "roles.csv").write_text(f"{role}{name}\n")
            desk.write(row("D-1"), top=ROLES)
            desk.run()
        assert desk.command(*words, "6", "--yes").exit_code == 2
        assert desk.command(*words, "30", "--yes", "--json").document["old"] == 0
        storage.connection.execute(f"UPDATE {RECEIPT} SET CreatedDate = '2020-01-01T00:00:00.000Z'")
        counted = desk.command(*words, "30", "--json").document
        assert (counted["there"], counted["old"], counted["purged"]) == (1, 1, 0)
        assert "give --yes" in desk.command(*words, "30").out
        assert desk.command(*words, "30", "--yes", "--json").document["purged"] == 1
        assert desk.command("org", "receipts", "-o", "local", "--json").document["there"] == 0


def test_a_receipt_object_that_lacks_something_is_not_used() -> None:
    """A token field that is not unique, or a user who may not write receipts, gives no receipt fence."""
    token = {"name": TOKEN, "length": 40, "externalId": True, "createable": True, "updateable": True}
    record = {"name": RECORD, "length": 18, "createable": True, "updateable": True}
    body = {"name": RECEIPT, "fields": [token, record]}
    assert not can_keep_receipts(parse_describe(body))
    assert can_keep_receipts(parse_describe(body | {"fields": [token | {"unique": True}, record]}))
