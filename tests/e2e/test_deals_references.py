"""References find their record: by ordered strategies, row by row, and never the first of several."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from reference_desk import CANADA, CLOUDY, DOMAIN, Desk, deals, ends, org_document, roles, said

from sfsync.app.workplace import opened
from sfsync.core.job import Job
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import RunningEmulator, running
from sfsync.errors import ConfigError

TYPED = deals('RecordTypeId = { column = "x", match = "DeveloperName" }')
OWNED = (
    'OwnerId = {{ column = "x", match = ["Email", "Username", "Alias", "FederationIdentifier", "Id"]{more} }}'
)
BY_NAME_AND_ACCOUNT = '{ column = "x", match = ["Id", "Email", "Name + Account.Name"], account = "company" }'
MARIA = f"maria.jimenez@{DOMAIN}"
BY_DEALS_ACCOUNT = '{ column = "x", match = ["Id", "Email", "Name + Account.Name"] }'


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The example org with namesakes, leavers and packages."""
    with running(org_document()) as serving:
        yield serving


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    """A desk with an empty folder."""
    return Desk(tmp_path, environ)


def owned(more: str = "") -> str:
    """A job whose deals have owners."""
    return deals(OWNED.format(more=more))


def test_a_record_type_is_found_by_its_full_name_its_bare_name_its_label_and_its_id(desk: Desk) -> None:
    """`npsp__Default`, `Default`, `Donation` and the id are one record type; `Bulk_Retail` needs no prefix."""
    kinds = {each["Name"]: each["Id"] for each in desk.fetch("RecordType", "Name")}
    texts = ("npsp__Default", "Default", "Donation", kinds["Donation"], "Bulk_Retail")
    report = desk.sync(TYPED, deals="id,x\n" + "".join(f"D-{n},{text}\n" for n, text in enumerate(texts)))
    assert report.exit_code == 0, said(report)
    expected = [*[kinds["Donation"]] * 4, kinds["Bulk Retail"]]
    assert [desk.deals("RecordTypeId")[f"D-{n}"] for n in range(5)] == expected


def test_a_name_or_label_that_two_record_types_have_is_a_problem_with_the_candidates(desk: Desk) -> None:
    """The full names are listed, and each of them settles it; a name that is near is suggested."""
    report = desk.sync(TYPED, deals="id,x\nD-1,Shared\nD-2,Common\nD-3,alpha__Shared\nD-4,Bulk_Retial\n")
    assert ends(report) == [
        ("rejected", "AMBIGUOUS"),
        ("rejected", "AMBIGUOUS"),
        ("created", ""),
        ("rejected", "UNKNOWN_RECORD_TYPE"),
    ]
    assert "alpha__Shared" in said(report)
    assert "beta__Shared" in said(report)
    assert 'Did you mean "Bulk_Retail"' in said(report)


def test_a_record_types_prefix_costs_a_query_only_where_a_row_needs_it(desk: Desk) -> None:
    """The prefixes are asked for together with the deals' own look-up, and not for names that describe tells."""
    desk.sync(TYPED, deals="id,x\nD-0,Bulk_Retail\n")  # later runs ask what changed, so both are later ones
    plain = desk.sync(TYPED, deals="id,x\nD-1,Bulk_Retail\n")
    namespaced = desk.sync(TYPED, deals="id,x\nD-2,npsp__Default\n")
    assert namespaced.usage.reads == plain.usage.reads


def test_owners_are_found_row_by_row_by_address_username_alias_federation_id_or_id(desk: Desk) -> None:
    """Each cell takes the first strategy that fits and hits."""
    alex = desk.ids[f"alex@{DOMAIN}"]
    texts = (f"maria.jimenez@{DOMAIN}", f"alex@{DOMAIN}", "alexx", "FED-7", alex, alex[:15])
    report = desk.sync(owned(), deals="id,x\n" + "".join(f"D-{n},{text}\n" for n, text in enumerate(texts)))
    assert report.exit_code == 0, said(report)
    owners = desk.deals("OwnerId")
    assert [owners[f"D-{n}"] for n in range(6)] == [desk.ids[texts[0]], *[alex] * 5]


def test_the_one_active_user_of_an_address_wins_over_those_who_left(desk: Desk) -> None:
    """With one active user it is he; with two of them it is for a person, who sees both."""
    report = desk.sync(owned(), deals=f"id,x\nD-1,sales@{DOMAIN}\nD-2,desk@{DOMAIN}\n")
    assert ends(report) == [("created", ""), ("rejected", "AMBIGUOUS")]
    assert desk.deals("OwnerId")["D-1"] == desk.ids[f"pat.one@{DOMAIN}"]
    assert f"kim.one@{DOMAIN}" in said(report)
    assert f"kim.two@{DOMAIN}" in said(report)


def test_in_a_sandbox_an_owner_is_found_by_the_address_that_production_has(desk: Desk) -> None:
    """Sandboxes put .invalid behind every address; the file keeps the address as it is."""
    report = desk.sync(
        deals('OwnerId = { column = "x", match = "Email" }'), deals=f"id,x\nD-1,alex@{DOMAIN}\n"
    )
    assert report.exit_code == 0, said(report)
    assert desk.deals("OwnerId")["D-1"] == desk.ids[f"alex@{DOMAIN}"]


@pytest.mark.parametrize(
    ("more", "outcome", "owner"),
    [
        ("", ("rejected", "INACTIVE_OWNER"), None),
        (', inactive = "error"', ("rejected", "INACTIVE_OWNER"), None),
        (', inactive = "skip"', ("created", "OWNER_LEFT_OUT"), f"integration@{DOMAIN}"),
        (
            f', inactive_default = "maria.jimenez@{DOMAIN}"',
            ("created", "OWNER_REPLACED"),
            f"maria.jimenez@{DOMAIN}",
        ),
        (', inactive_default = "nobody"', ("rejected", "INACTIVE_OWNER"), None),
    ],
)
def test_what_becomes_of_an_owner_who_left_is_said_by_the_rule(
    desk: Desk, more: str, outcome: tuple[str, str], owner: str | None
) -> None:
    """A problem; or the owner is left out, or another user takes his place, and the row says so."""
    report = desk.sync(owned(more), deals=f"id,x\nD-1,former.rep@{DOMAIN}\n")
    assert ends(report) == [outcome]
    assert report.exit_code == (0 if owner else 3)
    assert desk.deals("OwnerId").get("D-1") == (desk.ids[owner] if owner else None)
    if owner:
        assert [problem.code for _, _, problem in report.remarks()] == [outcome[1]]


def test_a_user_who_left_keeps_the_deals_that_are_his(desk: Desk, emulator: RunningEmulator) -> None:
    """A row that names him for a record of his changes nothing about it, and its other fields are written."""
    job = deals('OwnerId = { column = "x", match = "Email" }\nNextStep = "next"')
    desk.sync(job, deals=f"id,x,next\nD-1,{MARIA},Call\n")
    change_org(emulator.org, emulator.audit, {"what": "deactivate_user", "username": MARIA})
    report = desk.sync(job, deals=f"id,x,next\nD-1,{MARIA},Write\n")
    assert ends(report) == [("updated", "")]
    assert desk.deals("NextStep")["D-1"] == "Write"


def test_a_queue_cannot_own_a_deal_and_is_told_so_by_name(desk: Desk) -> None:
    """An id that begins with 00G is a queue's."""
    [queue] = [each["Id"] for each in desk.fetch("Group", "Name")]
    report = desk.sync(owned(), deals=f"id,x\nD-1,{queue}\n")
    assert ends(report) == [("rejected", "QUEUE_OWNER")]
    assert "a queue cannot own an Opportunity" in said(report)


def test_accounts_campaigns_and_price_books_are_found_by_id_key_or_name_row_by_row(desk: Desk) -> None:
    """The cells of one column may say it in different ways."""
    rules = """
AccountId = { column = "a", match = ["Id", "Sfsync_Key__c", "Name"] }
CampaignId = { column = "c", match = ["Id", "Name"] }
Pricebook2Id = { column = "p", match = ["Id", "Name"] }
"""
    cloudy = desk.ids[CLOUDY]
    lines = [
        f"D-{n},{a},Spring Run 2026,Standard Price Book\n"
        for n, a in enumerate((cloudy[:15], "ACC-1", CLOUDY))
    ]
    report = desk.sync(deals(rules), deals="id,a,c,p\n" + "".join(lines))
    assert report.exit_code == 0, said(report)
    assert [desk.deals("AccountId")[f"D-{n}"] for n in range(3)] == [cloudy] * 3
    assert all(desk.deals(name)["D-0"] for name in ("CampaignId", "Pricebook2Id"))


def test_an_id_with_a_wrong_checksum_or_of_another_sobject_is_told_so(desk: Desk) -> None:
    """Nothing is guessed from an id that cannot be one."""
    cloudy, leung = desk.ids[CLOUDY], desk.ids["leung.chan@getcloudy.example"]
    wrong = cloudy[:15] + ("AAB" if cloudy[15:] != "AAB" else "AAC")
    job = deals('AccountId = { column = "x", match = ["Id", "Name"] }')
    report = desk.sync(job, deals=f"id,x\nD-1,{wrong}\nD-2,{leung}\n")
    assert ends(report) == [("rejected", "NOT_FOUND")] * 2
    assert "last three characters do not belong" in said(report)
    assert "ids of Account begin with 001" in said(report)


def test_several_accounts_of_a_name_are_listed_with_what_tells_them_apart(desk: Desk) -> None:
    """Their ids, their name and their cities; none of them is taken."""
    job = deals('AccountId = { column = "x", match = "Name" }')
    report = desk.sync(job, deals="id,x\nD-1,Twin Shoes\n")
    assert ends(report) == [("rejected", "AMBIGUOUS")]
    for city in ("Oslo", "Bergen"):
        assert f"{desk.ids[f'Twin Shoes {city}']} (Twin Shoes, {city})" in said(report)


def test_a_contact_is_found_by_id_address_or_name_and_account_row_by_row(desk: Desk) -> None:
    """Two people are called Jane Doe; the row's company tells which one is meant."""
    jane = desk.ids["jane@b.example"]
    report = desk.sync(
        deals() + roles(BY_NAME_AND_ACCOUNT),
        deals="id\nD-1\nD-2\nD-3\n",
        roles=f"id,x,company\nD-1,Jane Doe,{CANADA}\nD-2,jane@b.example,\nD-3,{jane},\n",
    )
    assert report.exit_code == 0, said(report)
    assert {each["ContactId"] for each in desk.fetch("OpportunityContactRole", "ContactId", "Role")} >= {jane}
    assert sum(each["ContactId"] == jane for each in desk.fetch("OpportunityContactRole", "ContactId")) == 3


def test_a_role_inside_a_deals_document_names_its_contact_by_name_and_company(desk: Desk) -> None:
    """The company's member is read because the rule names it."""
    roles_inside = roles(BY_NAME_AND_ACCOUNT, deal='"id"').replace('file = "roles.csv"', 'nested = "roles"')
    job = deals().replace("deals.csv", "deals.json") + roles_inside
    document = {"id": "D-1", "roles": [{"x": "Jane Doe", "company": CANADA}]}
    desk.write("deals.json", json.dumps([document]))
    report = desk.sync(job)
    assert report.exit_code == 0, said(report)
    found = {each["ContactId"] for each in desk.fetch("OpportunityContactRole", "ContactId")}
    assert desk.ids["jane@b.example"] in found


def test_a_name_alone_is_never_enough_where_the_account_is_not_known(desk: Desk) -> None:
    """An empty company does not turn "name and account" into "name"."""
    files = {"deals": "id\nD-1\n", "roles": "id,x,company\nD-1,Lars Nobody,\n"}
    report = desk.sync(deals() + roles(BY_NAME_AND_ACCOUNT), **files)
    assert ends(report)[1] == ("rejected", "NOT_FOUND")
    assert "The account is not known" in said(report)


def test_a_roles_contact_is_one_of_the_deals_account_unless_the_row_says_another(desk: Desk) -> None:
    """Also of a deal that only the org has, and of one whose account this run creates."""
    accounts = """
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
Name = "id"
[contacts]
file = "contacts.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
FirstName = { constant = "Jane" }
LastName = { constant = "Doe" }
AccountId = "account"
"""
    deal = '{ column = "id", match = ["Sfsync_Key__c", "Name"] }'
    report = desk.sync(
        deals('AccountId = { column = "a", match = ["Sfsync_Key__c", "Name"] }')
        + accounts
        + roles(BY_DEALS_ACCOUNT, deal=deal),
        accounts="id\nNew Shoes\n",
        contacts="id,account\nC-1,New Shoes\n",
        deals=f"id,a\nD-1,{CANADA}\nD-2,New Shoes\n",
        roles="id,x\nD-1,Jane Doe\nD-2,Jane Doe\nDEAL-1003,Jane Doe\n",
    )
    assert report.exit_code == 0, said(report)
    keys = {each["Id"]: each["Sfsync_Key__c"] for each in desk.fetch("Opportunity", "Sfsync_Key__c")}
    names = {
        each["Id"]: each["Email"] or each["Sfsync_Key__c"]
        for each in desk.fetch("Contact", "Email", "Sfsync_Key__c")
    }
    found = {
        (keys[each["OpportunityId"]], names[each["ContactId"]])
        for each in desk.fetch("OpportunityContactRole", "OpportunityId", "ContactId")
    }
    assert found >= {("D-1", "jane@b.example"), ("D-2", "C-1"), ("DEAL-1003", "jane@a.example")}


def test_many_contacts_of_a_name_and_account_are_a_problem_that_lists_five_and_counts_the_rest(
    desk: Desk,
) -> None:
    """What tells them apart stands beside each."""
    report = desk.sync(
        deals() + roles(BY_NAME_AND_ACCOUNT), deals="id\nD-1\n", roles=f"id,x,company\nD-1,Sam Lee,{CLOUDY}\n"
    )
    assert ends(report)[1] == ("rejected", "AMBIGUOUS")
    assert "7 records of Contact have Name + Account.Name" in said(report)
    assert "and 2 more" in said(report)
    assert said(report).count(f"(Sam Lee, {CLOUDY}, No. ") == 5


def test_a_role_that_names_a_deal_of_the_job_by_its_record_id_goes_to_that_deal(desk: Desk) -> None:
    """The deal is planned under its key, and its roles with it."""
    [deal] = [
        each["Id"]
        for each in desk.fetch("Opportunity", "Sfsync_Key__c")
        if each["Sfsync_Key__c"] == "DEAL-1003"
    ]
    rule = '{ column = "id", match = ["Id", "Sfsync_Key__c"] }'
    job = deals() + roles('{ column = "x", match = "Email" }', deal=rule)
    plan = desk.plan(job, deals="id\nDEAL-1003\n", roles=f"id,x\n{deal},alan.johnson@getcloudy.example\n")
    [role] = [each for each in plan.changes if each.sobject == "OpportunityContactRole"]
    assert role.parent == "Opportunity:DEAL-1003"


def test_look_ups_of_several_strategies_go_in_the_same_calls(desk: Desk) -> None:
    """A job with every strategy of owners and accounts costs no more calls than one with a single one."""
    rule = 'AccountId = {{ column = "x", match = {match} }}'
    rows = f"id,x\nD-1,{CLOUDY}\n"
    few = reads(desk, deals(rule.format(match='"Name"')), rows)
    many = reads(desk, deals(rule.format(match='["Id", "Sfsync_Key__c", "Name", "Site"]')), rows)
    assert few == many


def reads(desk: Desk, text: str, rows: str) -> int:
    """How many calls the planning of a job takes."""
    with opened(desk.job(text, deals=rows), desk.around) as place:
        place.plan()
        return place.gateway.usage.reads


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ('{ column = "x", match = "Name + Owner.Name", account = "c" }', "is no field and an account"),
        ('{ column = "x", match = "Name + Account.Name" }', "name the column that says it"),
        ('{ column = "x", match = "Name", account = "c" }', "means nothing without"),
        ('{ column = "x", inactive = "skip", inactive_default = "maria" }', "give one"),
        ('{ column = "x", missing = "perhaps" }', "missing"),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused_with_what_to_give(
    desk: Desk, rule: str, wrong: str
) -> None:
    """Before anything is read from the org."""
    with pytest.raises(ConfigError) as refusal:
        desk.job(deals(f"AccountId = {rule}"), deals="id,x,c\n")
    assert wrong in refusal.value.message


def test_inactive_belongs_to_users_alone(desk: Desk) -> None:
    """Whether a field names users is known to the org's describe."""
    with pytest.raises(ConfigError) as refusal:
        desk.plan(deals('AccountId = { column = "x", inactive = "skip" }'), deals="id,x\nD-1,ACC-1\n")
    assert "AccountId names no user" in refusal.value.message


def test_a_job_without_picks_has_none(desk: Desk) -> None:
    """The key is optional."""
    job = desk.job(deals(), deals="id\n")
    assert isinstance(job, Job)
    assert job.picks.picks == ()
