"""What SOQL finds and refuses, asked over HTTP: literals, relationships, limits and the words of errors."""

from typing import Any

import pytest
from emulator_client import DEAL, Client
from facts import fact

from sfsync.emulator.server import running


def refusal(org: Client, soql: str) -> tuple[str, str]:
    """Return the code and message that a query is refused with."""
    answer = org.call("GET", "/query", params={"q": soql})
    assert answer.status_code == 400, answer.text
    return answer.json()[0]["errorCode"], answer.json()[0]["message"]


def names(org: Client, condition: str) -> list[str]:
    """Return the names of the accounts that a condition finds."""
    return [row["Name"] for row in org.query(f"SELECT Name FROM Account WHERE {condition} ORDER BY Name")]


@pytest.fixture(scope="module")
def texts(emulator: Any) -> dict[str, str]:
    """Create accounts whose names need care, and return their ids by name."""
    client = Client(emulator)
    with client.http:
        odd = ("it's", 'say "x"', "back\\slash", "100%", "1000", "a_b", "axb", "line\nbreak", "Ünal", "Ω")
        return {name: client.create("Account", Name=name) for name in odd}


@fact("6-literal-length")
def test_a_literal_has_4000_characters(org: Client):
    """A string literal in WHERE ends at 4,000 characters."""
    for length, status in ((4_000, 200), (4_001, 400)):
        soql = f"SELECT Id FROM Account WHERE Name = '{'x' * length}'"
        assert org.call("GET", "/query", params={"q": soql}).status_code == status


@fact("6-in-items")
def test_a_list_has_no_cap_of_its_own(org: Client):
    """IN takes thousands of items; only the length of the statement ends it."""
    items = ",".join(["'x'"] * 20_000)
    soql = f"SELECT+Id+FROM+Account+WHERE+Name+IN+({items})"
    body = {"batchRequests": [{"method": "GET", "url": f"v66.0/query?q={soql}"}]}
    assert org.call("POST", "/composite/batch", body).json()["results"][0]["statusCode"] == 200


@fact("6-quotes", "6-escapes", "6-like-escapes")
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (r"Name = 'it\'s'", ["it's"]),
        (r"Name = 'say \"x\"'", ['say "x"']),
        ("Name = 'say \"x\"'", ['say "x"']),
        (r"Name = 'back\\slash'", ["back\\slash"]),
        (r"Name = 'line\nbreak'", ["line\nbreak"]),
        (r"Name = '\u00dcNAL'", ["Ünal"]),
        (r"Name IN ('\t', '\b', '\f', '\r', '100%')", ["100%"]),
        (r"Name LIKE '100\%'", ["100%"]),
        (r"Name LIKE '100_'", ["100%", "1000"]),
        (r"Name LIKE 'a\_b'", ["a_b"]),
        (r"Name LIKE 'A_B'", ["a_b", "axb"]),
        (r"Name LIKE '%\\sl%'", ["back\\slash"]),
        (r"Name LIKE 'ω'", ["Ω"]),
    ],
)
def test_escapes(org: Client, texts: dict[str, str], condition: str, found: list[str]):
    """Every documented escape means its character, in LIKE also the two wildcards."""
    ids = "','".join(texts.values())
    assert sorted(names(org, f"{condition} AND Id IN ('{ids}')")) == sorted(found)


@fact("6-bad-escape", "6-quotes")
@pytest.mark.parametrize("literal", [r"'a\qb'", r"'a\_b'", r"'\u00g0'", "'open", '"double"', "'it's'"])
def test_bad_literals(org: Client, literal: str):
    """Any other backslash, double quotes around a literal or a quote inside one are malformed."""
    assert refusal(org, f"SELECT Id FROM Account WHERE Name = {literal}")[0] == "MALFORMED_QUERY"


@fact("6-unquoted", "6-date-literals")
@pytest.mark.parametrize(
    "condition",
    [
        "Amount = 1500.5",
        "Amount > -1e3",
        "IsPrivate = false",
        "NextStep = null",
        "CloseDate = 2027-02-03",
        "CreatedDate >= 2020-01-01T00:00:00Z",
        "CreatedDate >= 2020-01-01T02:00:00.000+02:00",
        "CloseDate > TODAY",
        "CreatedDate = LAST_N_DAYS:7",
        "CloseDate != THIS_WEEK",
        "CloseDate > N_FISCAL_QUARTERS_AGO:1",
        "CALENDAR_YEAR(CloseDate) = 2027",
    ],
)
def test_literals_without_quotes(org: Client, condition: str):
    """Numbers, flags, null, dates, times and date literals stand without quotes."""
    deal = org.deal(Name="unquoted", Amount=1500.5, CloseDate="2027-02-03")
    soql = f"SELECT Id FROM Opportunity WHERE Id = '{deal}' AND {condition}"
    assert [row["Id"] for row in org.query(soql)] == [deal]


@fact("6-unquoted")
def test_an_offset_must_be_encoded(org: Client):
    """A plus sign in the address is a blank: an offset that is not encoded is no time."""
    address = "/query?q=SELECT+Id+FROM+Account+WHERE+CreatedDate>2020-01-01T00:00:00{}02:00"
    assert org.call("GET", address.format("%2B")).status_code == 200
    assert org.call("GET", address.format("+")).json()[0]["errorCode"] == "MALFORMED_QUERY"


@fact("6-quoted-date")
def test_a_date_in_quotes_is_refused(org: Client):
    """Dates and times in quotes are an invalid field, not an empty result."""
    for condition in ("CloseDate = '2026-09-30'", "CreatedDate > '2026-09-30T00:00:00Z'"):
        assert refusal(org, f"SELECT Id FROM Opportunity WHERE {condition}")[0] == "INVALID_FIELD"


@fact("6-case", "6-null-text", "6-picklist-names")
def test_text_ignores_case_but_not_in_case_sensitive_keys(org: Client):
    """Text and picklists compare without case, unique case-sensitive fields with it; null is empty text."""
    deal = org.deal(Name="CaseTest", Sfsync_Key__c="Case-1", LeadSource="Web")
    for condition, size in (
        ("Name = 'casetest'", 1),
        ("LeadSource = 'Web'", 1),
        ("Sfsync_Key__c = 'Case-1'", 1),
        ("Sfsync_Key__c = 'case-1'", 0),
        ("NextStep = null", 1),
        ("NextStep = ''", 1),
        ("NextStep != null", 0),
    ):
        soql = f"SELECT Id FROM Opportunity WHERE Id = '{deal}' AND {condition}"
        assert len(org.query(soql)) == size, condition


@fact("6-long-text")
@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FROM Opportunity WHERE Description = 'x'",
        "SELECT Id FROM Opportunity ORDER BY Description",
        "SELECT Description FROM Opportunity GROUP BY Description",
    ],
)
def test_long_text_only_comes_out(org: Client, soql: str):
    """A long text area can be read but not filtered, sorted or grouped."""
    assert refusal(org, soql)[0] in {"INVALID_FIELD", "MALFORMED_QUERY"}
    assert "Description" in org.query("SELECT Description FROM Opportunity LIMIT 1")[0]


@fact("6-id-forms", "10-checksum")
def test_ids_of_15_and_18_characters(org: Client):
    """Both forms find the record; an id with its case lost is not one."""
    account = org.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    for form in (account, account[:15]):
        assert len(org.query(f"SELECT Id FROM Account WHERE Id = '{form}'")) == 1
    lost = account.swapcase()
    assert refusal(org, f"SELECT Id FROM Account WHERE Id = '{lost}'")[0] == "INVALID_QUERY_FILTER_OPERATOR"
    assert refusal(org, "SELECT Id FROM Account WHERE Id = 'abc'")[0] == "INVALID_QUERY_FILTER_OPERATOR"


@fact("6-parent-levels", "6-parents", "6-semi-joins")
def test_limits_of_relationships(org: Client):
    """Five levels up, 55 parents in all, two semi-joins; one more is malformed."""
    up = "CreatedBy.Manager.Manager.Manager.Manager"
    assert len(org.query(f"SELECT {up}.Name FROM Account LIMIT 1")) == 1
    assert refusal(org, f"SELECT {up}.Manager.Name FROM Account")[0] == "MALFORMED_QUERY"
    bases = ("", "Account.", "Account.Parent.", "Account.Parent.Parent.", "Campaign.")
    users = ("Owner", "CreatedBy", "LastModifiedBy")
    ways = [base[:-1] for base in bases[1:]]
    ways += [
        f"{base}{user}{'.Manager' * n}"
        for base in bases
        for user in users
        for n in range(5 - base.count("."))
    ]
    selected = [f"{way}.Id" for way in ways]
    assert len(ways) == 58
    assert len(org.query(f"SELECT {', '.join(selected[:55])} FROM Opportunity LIMIT 1")) == 1
    assert refusal(org, f"SELECT {', '.join(selected[:56])} FROM Opportunity")[0] == "MALFORMED_QUERY"
    semi = "Id IN (SELECT AccountId FROM Opportunity)"
    assert names(org, f"{semi} AND {semi}")
    assert refusal(org, f"SELECT Id FROM Account WHERE {semi} AND {semi} AND {semi}")[0] == "MALFORMED_QUERY"


@fact("6-subqueries")
def test_a_query_has_20_subqueries():
    """The twenty-first subquery is malformed."""
    lookups = [
        {
            "object": "Opportunity",
            "name": f"Partner{n}__c",
            "type": "Lookup",
            "reference_to": "Account",
            "relationship_name": f"Partner{n}__r",
            "child_relationship": f"Deals{n}__r",
        }
        for n in range(21)
    ]
    with running({"fields": lookups}) as emulator, Client(emulator).http as http:
        org = Client(emulator, http=http)
        subqueries = [f"(SELECT Id FROM Deals{n}__r)" for n in range(21)]
        assert org.query(f"SELECT Id, {', '.join(subqueries[:20])} FROM Account") == []
        assert refusal(org, f"SELECT Id, {', '.join(subqueries)} FROM Account")[0] == "MALFORMED_QUERY"


@fact("6-subquery-levels", "6-roles")
def test_subqueries_by_version(org: Client):
    """Roles come as a subquery of their deal; a subquery in a subquery is known since version 58."""
    roles = "(SELECT Id, ContactId, Role, IsPrimary FROM OpportunityContactRoles)"
    (deal,) = org.query(f"SELECT Id, {roles} FROM Opportunity WHERE Sfsync_Key__c = 'DEAL-1003'")
    assert deal["OpportunityContactRoles"]["records"][0]["Role"] == "Evaluator"
    (role,) = org.query(
        "SELECT Opportunity.Sfsync_Key__c, Contact.Email FROM OpportunityContactRole "
        f"WHERE OpportunityId = '{deal['Id']}'"
    )
    assert (role["Opportunity"]["Sfsync_Key__c"], role["Contact"]["Email"][:5]) == ("DEAL-1003", "leung")
    deep = f"SELECT Id, (SELECT Id, {roles} FROM Opportunities) FROM Account WHERE Sfsync_Key__c = 'ACC-1'"
    deals = org.query(deep)[0]["Opportunities"]["records"]
    assert "Evaluator" in [row["Role"] for row in deals[0]["OpportunityContactRoles"]["records"]]
    org.version = "57.0"
    assert refusal(org, deep)[0] == "MALFORMED_QUERY"


@fact("6-offset", "6-limit")
def test_limit_and_offset(org: Client):
    """OFFSET ends at 2,000, LIMIT has no end; keys are walked by Id instead."""
    assert refusal(org, "SELECT Id FROM Account OFFSET 2001")[0] == "NUMBER_OUTSIDE_VALID_RANGE"
    assert org.query("SELECT Id FROM Account LIMIT 1000000 OFFSET 2000") == []
    first, second = org.query("SELECT Id FROM Account ORDER BY Id LIMIT 2")
    walked = org.query(f"SELECT Id FROM Account WHERE Id > '{first['Id']}' ORDER BY Id LIMIT 1")
    assert [row["Id"] for row in walked] == [second["Id"]]


@fact("6-fields")
def test_fields_functions_need_a_limit(org: Client):
    """FIELDS(ALL) and FIELDS(CUSTOM) need LIMIT 200 or less, FIELDS(STANDARD) needs none."""
    for kind in ("ALL", "CUSTOM"):
        for tail in ("", " LIMIT 201"):
            assert refusal(org, f"SELECT FIELDS({kind}) FROM Opportunity{tail}")[0] == "MALFORMED_QUERY"
        (row,) = org.query(f"SELECT FIELDS({kind}) FROM Opportunity LIMIT 1")
        assert "Sfsync_Key__c" in row
    assert "Sfsync_Key__c" not in org.query("SELECT FIELDS(STANDARD) FROM Opportunity")[0]


@fact("6-too-complicated")
def test_a_condition_may_be_too_complicated(org: Client):
    """A condition nested beyond all measure is refused by name."""
    soql = f"SELECT+Id+FROM+Account+WHERE+{'NOT+' * 20_000}Name='x'"
    body = {"batchRequests": [{"method": "GET", "url": f"v66.0/query?q={soql}"}]}
    (result,) = org.call("POST", "/composite/batch", body).json()["results"]
    assert result["result"][0]["errorCode"] == "QUERY_TOO_COMPLICATED"
    assert result["result"][0]["message"] == (
        "Query is either selecting too many fields or the filter conditions are too complicated."
    )


@fact("6-unknown-column")
def test_an_unknown_column_is_pointed_at(org: Client):
    """The message repeats the line, marks the column and says row and column, from one."""
    code, message = refusal(org, "SELECT Foo FROM Account")
    assert code == "INVALID_FIELD"
    assert message.startswith(
        "\nSELECT Foo FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Account'. "
        "If you are attempting to use a custom field, be sure to append the '__c'"
    )


@fact("6-unknown-object")
def test_an_unknown_object_is_pointed_at(org: Client):
    """An unknown object is INVALID_TYPE in the same layout."""
    code, message = refusal(org, "SELECT Id FROM XYZZY")
    assert code == "INVALID_TYPE"
    assert message.startswith("\nSELECT Id FROM XYZZY\n               ^\nERROR at Row:1:Column:16\n")
    assert "sObject type 'XYZZY' is not supported." in message


@fact("6-invisible-fields")
def test_an_invisible_field_is_unknown(org: Client):
    """Whoever has no right to see a field gets the error of an unknown one, wherever the field stands."""
    definition = {
        "field_permissions": [
            {
                "object": "Opportunity",
                "field": "NextStep",
                "user": "integration@cloudkicks.example",
                "read": False,
            }
        ]
    }
    with running(definition) as emulator, Client(emulator).http as http:
        hidden = Client(emulator, http=http)
        hidden.create("Opportunity", **DEAL)
        for soql in (
            "SELECT NextStep FROM Opportunity",
            "SELECT Id FROM Opportunity WHERE NextStep = null",
            "SELECT Id FROM Opportunity ORDER BY NextStep",
            "SELECT Opportunity.NextStep FROM OpportunityContactRole",
        ):
            code, message = refusal(hidden, soql)
            assert (code, "No such column 'NextStep'" in message) == ("INVALID_FIELD", True)
        assert "NextStep" not in hidden.query("SELECT FIELDS(ALL) FROM Opportunity LIMIT 1")[0]


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Id FORM Account",
        "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
        "SELECT Id FROM Account WHERE Name = foo",
        "SELECT Id FROM Account WHERE Name = :bound",
        "SELECT Id FROM Account; DROP TABLE Account",
        "SELECT * FROM Account",
        "SELECT Name n FROM Account",
        "SELECT Id FROM Account FOR UPDATE",
        "UPDATE Account SET Name = 'x'",
    ],
)
def test_what_is_no_soql_is_malformed(org: Client, soql: str):
    """Syntax errors are MALFORMED_QUERY. Source: facts 6 [P]."""
    assert refusal(org, soql)[0] == "MALFORMED_QUERY"
