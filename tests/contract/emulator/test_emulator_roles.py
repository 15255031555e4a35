"""Contact roles: duplicates, primaries under every switch, deletion, and who may write them."""

import pytest
from emulator_client import Client
from facts import fact, side
from roles_of_deals import ROLE, add_role, flags
from switching import switched

from sfsync.emulator.server import running


@fact("1.4-contact-id", "1.4-create", "2.4-one-primary")
def test_contact_id_makes_a_primary_role(org: Client, contacts: dict[str, str]):
    """ContactId on create makes one primary role without a role name. Source: facts 1.4 [D], blank role [P]."""
    deal = org.deal(ContactId=contacts["Leung"])
    (role,) = org.roles(deal)
    assert (role["ContactId"], role["Role"], role["IsPrimary"]) == (contacts["Leung"], None, True)
    assert org.get("Opportunity", deal)["ContactId"] == contacts["Leung"]


def test_contact_id_cannot_be_updated(org: Client, contacts: dict[str, str]):
    """To change the contact of a deal its roles are written. Source: facts 1.4 [I]."""
    answer = org.call("PATCH", f"/sobjects/Opportunity/{org.deal()}", {"ContactId": contacts["Leung"]})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@fact("2.2-duplicates", "2.2-exact-duplicates", "1.6-unknown")
def test_duplicates_of_roles_are_accepted(org: Client, contacts: dict[str, str]):
    """Exact duplicates and unknown role names are stored. Source: facts 2.2 [D], [R], 2.1 [P]."""
    deal = org.deal()
    for role in ("Sole Decider", "Sole Decider", None, None):
        add_role(org, deal, contacts["Leung"], Role=role)
    assert [role["Role"] for role in org.roles(deal)] == ["Sole Decider", "Sole Decider", None, None]


@fact("2.1-deal-fixed", "7.3-required", "7.3-field-access")
def test_role_fields_and_missing_ids(org: Client, contacts: dict[str, str]):
    """OpportunityId is fixed, ContactId may change, and both are required. Source: facts 2.1 [R]."""
    deal = org.deal()
    path = f"/sobjects/{ROLE}/{add_role(org, deal, contacts['Leung'])}"
    assert org.call("PATCH", path, {"ContactId": contacts["Alan"]}).status_code == 204
    fixed = org.call("PATCH", path, {"OpportunityId": deal}).json()[0]
    assert (fixed["errorCode"], fixed["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["OpportunityId"])
    missing = org.call("POST", f"/sobjects/{ROLE}", {"Role": "Evaluator"})
    assert missing.json()[0]["fields"] == ["OpportunityId", "ContactId"]


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        pytest.param("last_wins", [False, True], marks=side("second_primary", "last_wins")),
        pytest.param("several_stay", [True, True], marks=side("second_primary", "several_stay")),
    ],
)
def test_second_primary_s21(org: Client, contacts: dict[str, str], switch: str, expected: list[bool]):
    """A second primary contact demotes the first or stays beside it, by switch. Source: facts 2.4, 13 [I]."""
    with switched(org, second_primary=switch):
        deal = org.deal()
        add_role(org, deal, contacts["Leung"], IsPrimary=True)
        add_role(org, deal, contacts["Alan"], IsPrimary=True)
        assert flags(org, deal) == expected


@side("second_primary", "last_wins")
def test_two_primaries_in_one_call(org: Client, contacts: dict[str, str]):
    """Of two contacts marked primary in one call the later row stays primary. Source: facts 2.4 [I]."""
    deal = org.deal()
    rows = [
        {"attributes": {"type": ROLE}, "OpportunityId": deal, "ContactId": contact, "IsPrimary": True}
        for contact in (contacts["Alan"], contacts["Leung"])
    ]
    org.call("POST", "/composite/sobjects", {"allOrNone": True, "records": rows})
    assert flags(org, deal) == [False, True]
    assert org.get("Opportunity", deal)["ContactId"] == contacts["Leung"]


@side("second_primary", "refuse")
def test_second_primary_refused_s21(org: Client, contacts: dict[str, str]):
    """A second primary contact is refused when the switch says so; a second row of the same one is not."""
    with switched(org, second_primary="refuse"):
        deal = org.deal()
        add_role(org, deal, contacts["Leung"], IsPrimary=True)
        other = add_role(org, deal, contacts["Alan"])
        values = {"OpportunityId": deal, "ContactId": contacts["Alan"], "IsPrimary": True}
        assert org.call("POST", f"/sobjects/{ROLE}", values).status_code == 400
        assert org.call("PATCH", f"/sobjects/{ROLE}/{other}", {"IsPrimary": True}).status_code == 400
        add_role(org, deal, contacts["Leung"], IsPrimary=True)
        assert flags(org, deal) == [True, False, True]


@fact("2.4-duplicates-primary")
@side("same_contact_shares_primary", "true")
def test_rows_of_one_contact_share_the_flag(org: Client, contacts: dict[str, str]):
    """Whatever makes a contact primary or not holds for all its rows on the deal. Source: facts 2.4 [P], [R]."""
    deal = org.deal()
    first = add_role(org, deal, contacts["Leung"], Role="Evaluator")
    add_role(org, deal, contacts["Leung"], Role="Influencer", IsPrimary=True)
    assert flags(org, deal) == [True, True]
    add_role(org, deal, contacts["Leung"])
    assert flags(org, deal) == [True, True, True]
    org.call("PATCH", f"/sobjects/{ROLE}/{first}", {"IsPrimary": False})
    assert flags(org, deal) == [False, False, False]


@side("same_contact_shares_primary", "true")
def test_a_row_moved_to_the_primary_contact_is_primary(org: Client, contacts: dict[str, str]):
    """A row that changes to the primary contact joins its flag, one that leaves with it takes it along."""
    deal = org.deal()
    moving = add_role(org, deal, contacts["Alan"])
    primary = add_role(org, deal, contacts["Leung"], IsPrimary=True)
    org.call("PATCH", f"/sobjects/{ROLE}/{moving}", {"ContactId": contacts["Leung"]})
    assert flags(org, deal) == [True, True]
    org.call("PATCH", f"/sobjects/{ROLE}/{primary}", {"ContactId": contacts["Alan"]})
    assert flags(org, deal) == [False, True]
    assert org.get("Opportunity", deal)["ContactId"] == contacts["Alan"]


@side("same_contact_shares_primary", "false")
@side("demotion_moves_modstamp", "false")
def test_rows_of_one_contact_on_their_own(org: Client, contacts: dict[str, str]):
    """By switch each row has a flag of its own, and losing it leaves no stamp. Source: facts 13 [I]."""
    with switched(org, same_contact_shares_primary=False, demotion_moves_modstamp=False):
        deal = org.deal()
        first = add_role(org, deal, contacts["Leung"], IsPrimary=True)
        add_role(org, deal, contacts["Leung"])
        assert flags(org, deal) == [True, False]
        old = "2020-01-01T00:00:00.000Z"
        org.emulator.org.storage.update(ROLE, first, {"SystemModstamp": old})
        add_role(org, deal, contacts["Alan"], IsPrimary=True)
        assert flags(org, deal) == [False, False, True]
        assert org.get(ROLE, first)["SystemModstamp"].startswith("2020-01-01")


@side("demotion_moves_modstamp", "true")
def test_a_demoted_row_has_a_new_stamp(org: Client, contacts: dict[str, str]):
    """A row that loses its flag to another is stamped as changed. Source: facts 13 [I]."""
    deal = org.deal()
    first = add_role(org, deal, contacts["Leung"], IsPrimary=True)
    org.emulator.org.storage.update(ROLE, first, {"SystemModstamp": "2020-01-01T00:00:00.000Z"})
    add_role(org, deal, contacts["Alan"], IsPrimary=True)
    assert not org.get(ROLE, first)["SystemModstamp"].startswith("2020-01-01")


@pytest.mark.parametrize(
    ("switch", "left"),
    [
        pytest.param("clear_all", False, marks=side("primary_duplicate_deleted", "clear_all")),
        pytest.param("leave", True, marks=side("primary_duplicate_deleted", "leave")),
    ],
)
def test_deleting_a_primary_duplicate(org: Client, contacts: dict[str, str], switch: str, left: bool):
    """Deleting one of several rows of the primary contact clears the others or not. Source: facts 2.4 [P]."""
    with switched(org, primary_duplicate_deleted=switch):
        deal = org.deal()
        first = add_role(org, deal, contacts["Leung"], IsPrimary=True)
        add_role(org, deal, contacts["Leung"], IsPrimary=True)
        org.call("DELETE", f"/sobjects/{ROLE}/{first}")
        assert flags(org, deal) == [left]
        assert org.get("Opportunity", deal)["ContactId"] == (contacts["Leung"] if left else None)


@fact("2.5-no-tombstone", "2.5-cascade", "1.7-cascade")
def test_deleted_roles_leave_no_trace_and_cascaded_ones_do(org: Client, contacts: dict[str, str]):
    """A role deleted directly is gone; one that went with its deal is in the bin. Source: facts 2.5 [D]."""
    deal = org.deal()
    gone = add_role(org, deal, contacts["Leung"])
    kept = add_role(org, deal, contacts["Alan"])
    assert org.call("DELETE", f"/sobjects/{ROLE}/{gone}").status_code == 204
    assert org.call("GET", f"/sobjects/{ROLE}/{gone}").json()[0]["errorCode"] == "NOT_FOUND"
    org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    soql = f"SELECT Id, IsDeleted FROM {ROLE} WHERE OpportunityId = '{deal}'"
    rows = org.call("GET", "/queryAll/", params={"q": soql}).json()["records"]
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == [(kept, True)]
    assert org.roles(deal) == []


@fact("2.5-cascade")
def test_deleting_a_contact_takes_its_roles(org: Client):
    """The roles of a deleted contact go with it, and the deal has no primary contact then. Facts 2.5 [R]."""
    contact = org.create("Contact", LastName="Leaving")
    deal = org.deal(ContactId=contact)
    assert org.call("DELETE", f"/sobjects/Contact/{contact}").status_code == 204
    assert (org.roles(deal), org.get("Opportunity", deal)["ContactId"]) == ([], None)
    body = {"OpportunityId": deal, "ContactId": contact}
    assert org.call("POST", f"/sobjects/{ROLE}", body).json()[0]["errorCode"] == "ENTITY_IS_DELETED"


@fact("2.7-custom")
def test_roles_have_custom_fields_but_no_external_ids():
    """An admin may add fields to roles, yet none that is an external id. Source: facts 2.7 [D], 2.3 [P]."""
    field = {"object": ROLE, "name": "Influence__c", "type": "Text", "length": 20}
    with running({"fields": [field]}) as emulator:
        org = Client(emulator)
        contact = org.create("Contact", LastName="Custom")
        role = add_role(org, org.deal(), contact, Influence__c="high")
        assert org.get(ROLE, role)["Influence__c"] == "high"
        org.http.close()
    with (
        pytest.raises(ValueError, match="Is External Identifier"),
        running({"fields": [{**field, "external_id": True}]}),
    ):
        pass


@fact("1.4-version", "1.5-version", "2.1-currency", "2.7-custom")
@pytest.mark.parametrize(
    ("sobject", "field", "since"),
    [
        ("Opportunity", "ContactId", 46),
        ("OpportunityStage", "ApiName", 36),
        (ROLE, "CurrencyIsoCode", 47),
        (ROLE, "Influence__c", 47),
    ],
)
def test_fields_of_later_versions_do_not_exist_yet(sobject: str, field: str, since: int):
    """Before its version a field is neither described nor queried nor written. Source: facts 1.4, 1.5, 2.7."""
    custom = {"object": ROLE, "name": "Influence__c", "type": "Text", "length": 20}
    with running({"fields": [custom], "organization": {"currencies": ["USD", "EUR"]}}) as emulator:
        for version, exists in ((since, True), (since - 1, False)):
            org = Client(emulator, version=f"{version}.0")
            shape = org.call("GET", f"/sobjects/{sobject}/describe").json()["fields"]
            assert (field in {item["name"] for item in shape}) is exists
            query = org.call("GET", "/query", params={"q": f"SELECT {field} FROM {sobject}"})
            assert query.status_code == (200 if exists else 400)
            written = org.call("POST", f"/sobjects/{sobject}", {field: "USD"}).json()[0]["errorCode"]
            assert (written != "INVALID_FIELD") is exists
            org.http.close()


@fact("2.6-rights", "7.3-cross-reference-access")
@pytest.mark.parametrize(
    ("sobject", "right", "code"),
    [
        ("Opportunity", "edit", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"),
        ("Contact", "read", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"),
        (ROLE, "create", "INSUFFICIENT_ACCESS_OR_READONLY"),
    ],
)
def test_rights_that_roles_take(sobject: str, right: str, code: str):
    """A role is written with edit on deals and read on contacts. Source: facts 2.6 [D], codes [I]."""
    user = "integration@cloudkicks.example"
    deal = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
    records = [
        {"object": "Contact", "local": "someone", "values": {"LastName": "Someone"}},
        {"object": "Opportunity", "local": "deal", "values": deal},
    ]
    document = {"records": records, "users": [{"username": user, "last_name": "User", "api_user": True}]}
    denied = {"object": sobject, "user": user, right: False}
    with running({**document, "object_permissions": [denied]}) as emulator:
        org = Client(emulator)
        ids = {name: emulator.org.storage.last_id(name) for name in ("Opportunity", "Contact")}
        body = {f"{name}Id": record_id for name, record_id in ids.items()}
        assert org.call("POST", f"/sobjects/{ROLE}", body).json()[0]["errorCode"] == code
        org.http.close()


@fact("2.8-parent-lock", "7.3-lock")
def test_a_role_locks_its_deal(org: Client, contacts: dict[str, str]):
    """While a slow call has written a role its deal is locked, with or without an account. Facts 2.8 [D]."""
    deal = org.deal()
    locks = org.emulator.org.locks
    locks.take([deal], call=-1)
    body = {"OpportunityId": deal, "ContactId": contacts["Leung"]}
    refused = org.call("POST", f"/sobjects/{ROLE}", body).json()[0]
    locks.release(-1)
    assert refused["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert deal in refused["message"]
    assert org.call("POST", f"/sobjects/{ROLE}", body).status_code == 201
