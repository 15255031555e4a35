"""What SELECT, ORDER BY, LIMIT, OFFSET and subqueries answer in the small org of soql_small_org.py."""

import pytest

URL = "/services/data/v66.0/sobjects"


def ids(result):
    """Return the last digit of every id."""
    return [int(record["Id"][14]) for record in result.records]


def test_records_keep_select_order_and_json_types(query):
    """Keys follow SELECT in describe's spelling; money is a float, datetimes end in +0000."""
    result = query(
        "select name, AMOUNT, isdeleted, CloseDate, SystemModstamp, FiscalYear "
        "from opportunity where Id = '006000000000001'"
    )
    assert result.sobject == "Opportunity"
    assert list(result.records[0].items()) == [
        ("attributes", {"type": "Opportunity", "url": f"{URL}/Opportunity/006000000000001AAA"}),
        ("Name", "Shoes 100%"),
        ("Amount", 1000.0),
        ("IsDeleted", False),
        ("CloseDate", "2026-09-30"),
        ("SystemModstamp", "2026-09-30T10:00:00.000+0000"),
        ("FiscalYear", 2026),
    ]


def test_parents_are_nested_and_missing_parents_are_null(query):
    """A path over parents nests one record per level; without the parent its name is null."""
    text = (
        "SELECT Account.Name, Id, Account.Owner.Manager.Name, o.Account.Owner.Name "
        "FROM Opportunity o ORDER BY Id"
    )
    records = list(query(text).records)
    assert list(records[0]) == ["attributes", "Account", "Id"]
    assert records[2]["Account"] == {
        "attributes": {"type": "Account", "url": f"{URL}/Account/001000000000002AAA"},
        "Name": "Get Cloudy Canada",
        "Owner": {
            "attributes": {"type": "User", "url": f"{URL}/User/005000000000002AAA"},
            "Manager": {
                "attributes": {"type": "User", "url": f"{URL}/User/005000000000001AAA"},
                "Name": "Maria Jimenez",
            },
            "Name": "Ann",
        },
    }
    assert records[0]["Account"]["Owner"]["Manager"] is None
    assert records[3]["Account"] is None


def test_children_come_as_a_nested_result_or_null(query):
    """A child subquery has totalSize, done and records; without children it is null."""
    text = (
        "SELECT Id, (SELECT Role, Opportunity.Account.Name FROM opportunitycontactroles ORDER BY Role) "
        "FROM Opportunity ORDER BY Id"
    )
    first, _, third, _ = query(text).records
    roles = first["OpportunityContactRoles"]
    assert (roles["totalSize"], roles["done"]) == (2, True)
    assert [role["Role"] for role in roles["records"]] == ["Decision Maker", "Evaluator"]
    assert roles["records"][0]["Opportunity"]["Account"]["Name"] == "Get Cloudy Consulting"
    assert roles["records"][0]["attributes"]["type"] == "OpportunityContactRole"
    assert third["OpportunityContactRoles"] is None


def test_subqueries_nest_five_levels_deep_since_58(query, refusal):
    """Children of children come nested; before version 58 only one level was allowed."""
    text = (
        "SELECT Id, (SELECT Id, (SELECT Role FROM OpportunityContactRoles) FROM Opportunities ORDER BY Id) "
    )
    (first, _) = query(text + "FROM Account ORDER BY Id").records
    deals = first["Opportunities"]["records"]
    assert [deal["OpportunityContactRoles"]["totalSize"] for deal in deals] == [2, 1]
    assert refusal(text + "FROM Account", api_version=57.0).code == "MALFORMED_QUERY"


def test_a_childs_where_limit_and_offset_count_per_parent(query):
    """LIMIT and OFFSET inside a subquery apply to each parent on its own."""
    text = (
        "SELECT Name, (SELECT Id FROM Opportunities WHERE Amount != 9 ORDER BY Id DESC LIMIT 1 {}) "
        "FROM Account ORDER BY Id"
    )
    limited = [ids_of["Opportunities"] for ids_of in query(text.format("")).records]
    assert [child["records"][0]["Id"][14] for child in limited] == ["2", "3"]
    skipped = [ids_of["Opportunities"] for ids_of in query(text.format("OFFSET 1")).records]
    assert skipped[0]["records"][0]["Id"][14] == "1"
    assert skipped[1] is None


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Amount", [3, 4, 2, 1]),
        ("Amount DESC", [3, 1, 2, 4]),
        ("Amount ASC NULLS LAST", [4, 2, 1, 3]),
        ("Amount DESC NULLS LAST", [1, 2, 4, 3]),
        ("StageName NULLS FIRST, Id DESC", [4, 2, 3, 1]),
        ("Account.Name, Id", [4, 3, 1, 2]),
        ("Id LIMIT 2", [1, 2]),
        ("Id LIMIT 2 OFFSET 1", [2, 3]),
        ("Id OFFSET 3", [4]),
        ("Id LIMIT 0", []),
        ("Id LIMIT 1 FOR VIEW", [1]),
    ],
)
def test_order_limit_and_offset(query, order, expected):
    """Nulls sort first unless NULLS LAST is said; LIMIT and OFFSET cut the sorted rows."""
    result = query(f"SELECT Id FROM Opportunity WITH USER_MODE ORDER BY {order}")
    assert ids(result) == expected
    assert result.total_size == len(expected)


def test_fields_functions_expand_in_describe_order(query):
    """FIELDS(ALL) is every field, STANDARD and CUSTOM are its two halves."""
    everything = list(query("SELECT FIELDS(ALL) FROM Opportunity LIMIT 1").records[0])
    custom = list(query("SELECT FIELDS(CUSTOM), Id FROM Opportunity LIMIT 200").records[0])
    standard = list(query("SELECT FIELDS(standard) FROM Opportunity").records[0])
    assert everything[:4] == ["attributes", "Id", "IsDeleted", "Name"]
    assert custom == ["attributes", "Sizes__c", "Sfsync_Key__c", "Id"]
    assert set(everything) == set(standard) | set(custom)


def test_labels_and_formats_are_accepted(query):
    """toLabel() answers the value, format() the text a user in the United States sees."""
    text = (
        "SELECT toLabel(StageName), format(Amount) money, FORMAT(CloseDate) day, "
        "format(SystemModstamp) at, Amount FROM Opportunity WHERE toLabel(StageName) = 'closed won'"
    )
    record = dict(query(text).records[0])
    del record["attributes"]
    assert record == {
        "StageName": "Closed Won",
        "money": "$250.50",
        "day": "10/15/2026",
        "at": "9/29/2026, 11:59 PM",
        "Amount": 250.5,
    }


def test_records_can_be_paged_by_slices(query):
    """The records are a sequence: length, slices and repeated reading all work."""
    records = query("SELECT Id FROM Opportunity ORDER BY Id").records
    assert len(records) == 4
    assert [record["Id"][14] for record in records[1:3]] == ["2", "3"]
    assert records[0] == next(iter(records))


def test_column_metadata_names_fields_parents_children_and_aggregates(query):
    """?columns=true: parents and children carry joinColumns, aggregates their alias."""
    text = "SELECT Amount, Account.Name, (SELECT Id FROM OpportunityContactRoles) FROM Opportunity"
    columns = query(text).column_metadata()
    assert [column["columnName"] for column in columns] == ["Amount", "Account", "OpportunityContactRoles"]
    assert [column["aggregate"] for column in columns] == [False, False, True]
    assert [len(column["joinColumns"]) for column in columns] == [0, 1, 1]
    assert columns[0]["numberType"] is True
    assert columns[1]["joinColumns"][0]["columnName"] == "Name"
    counted = query("SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName").column_metadata()
    assert [(column["columnName"], column["aggregate"]) for column in counted] == [
        ("StageName", False),
        ("n", True),
    ]
