"""How statements are refused: the platform's code, and its words."""

import pytest

from sfsync.emulator.soql import SoqlError


def test_an_unknown_column_is_shown_in_its_place(refusal):
    """The message repeats the line, points at the column and gives row and column [R]."""
    error = refusal("SELECT Foo FROM Account")
    assert error.code == "INVALID_FIELD"
    assert error.message == (
        "\nSELECT Foo FROM Account\n       ^\nERROR at Row:1:Column:8\n"
        "No such column 'Foo' on entity 'Account'. If you are attempting to use a custom field, "
        "be sure to append the '__c' after the custom field name. "
        "Please reference your WSDL or the describe call for the appropriate names."
    )
    assert isinstance(error, SoqlError)


def test_places_count_rows_and_columns_from_one(refusal):
    """A fault on the second line names row 2 and shows that line only."""
    message = refusal("SELECT Id\nFROM Account WHERE Foo = 1").message
    assert message.startswith(
        "\nFROM Account WHERE Foo = 1\n                   ^\nERROR at Row:2:Column:20\n"
    )


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "unexpected token: 'FORM'"),
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("", "MALFORMED_QUERY", "SOQL statements cannot be empty or null"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "mismatched character '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name = foo", "MALFORMED_QUERY", "unexpected token: 'foo'"),
        (
            "SELECT Id FROM Account WHERE Name = :x",
            "MALFORMED_QUERY",
            "Bind variables only allowed in Apex code",
        ),
        ("SELECT Id # FROM Account", "MALFORMED_QUERY", "no viable alternative at character '#'"),
        (
            r"SELECT Id FROM Account WHERE Name = 'a\qb'",
            "MALFORMED_QUERY",
            r"Illegal character sequence '\q'",
        ),
        (
            r"SELECT Id FROM Account WHERE Name = 'a\_b'",
            "MALFORMED_QUERY",
            r"Illegal character sequence '\_'",
        ),
        (r"SELECT Id FROM Account WHERE Name IN ('a', '\ud800')", "MALFORMED_QUERY", "surrogate"),
        (
            "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
            "MALFORMED_QUERY",
            "token: 'OR'",
        ),
        (
            "SELECT Id FROM Account WHERE Name = 'a' OR Name = 'b' AND Name = 'c'",
            "MALFORMED_QUERY",
            "token: 'AND'",
        ),
        ("SELECT Id FROM Account WHERE Name IN ()", "MALFORMED_QUERY", "unexpected token: ')'"),
        ("SELECT Id FROM Account WITH NONSENSE", "MALFORMED_QUERY", "unexpected token: 'NONSENSE'"),
        ("SELECT Id FROM Account LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        (
            "SELECT TYPEOF What WHEN Account THEN Id END FROM Account",
            "MALFORMED_QUERY",
            "TYPEOF is not played",
        ),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE", "sObject type 'XYZZY' is not supported."),
        ("SELECT Acount.Name FROM Opportunity", "INVALID_FIELD", "Didn't understand relationship 'Acount'"),
        ("SELECT Account.Foo FROM Opportunity", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
        ("SELECT (SELECT Id FROM Deals) FROM Account", "INVALID_TYPE", "relationship 'Deals' in FROM part"),
        ("SELECT Name, name FROM Account", "INVALID_FIELD", "duplicate field selected: name"),
        (
            "SELECT (SELECT Id FROM Opportunities), (SELECT Id FROM Opportunities) FROM Account",
            "INVALID_FIELD",
            "duplicate",
        ),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = LAST_N_DAYS:1234567890",
            "MALFORMED_QUERY",
            "unexpected token",
        ),
        ("SELECT Name n FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        (
            "SELECT Manager.Manager.Manager.Manager.Manager.Manager.Id FROM User",
            "MALFORMED_QUERY",
            "more than 5",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered",
        ),
        ("SELECT Id FROM Account ORDER BY Description", "INVALID_FIELD", "'Description' can not be sorted"),
        ("SELECT Description FROM Account GROUP BY Description", "INVALID_FIELD", "can not be grouped"),
        (
            "SELECT Name, COUNT(Id) FROM Account",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: Name",
        ),
        (
            "SELECT COUNT(Description) FROM Account",
            "MALFORMED_QUERY",
            "does not support aggregate operator COUNT",
        ),
        (
            "SELECT Name FROM Account GROUP BY Name HAVING Id = null",
            "MALFORMED_QUERY",
            "grouped or aggregated: Id",
        ),
        (
            "SELECT COUNT(Id) FROM Account HAVING COUNT(Id) > 1",
            "MALFORMED_QUERY",
            "unexpected token: 'HAVING'",
        ),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT COUNT(), Id FROM Account", "MALFORMED_QUERY", "COUNT() must be the only element"),
        ("SELECT COUNT(Id) FROM Account LIMIT 1", "MALFORMED_QUERY", "cannot also use LIMIT"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "COUNT is not allowed"),
        (
            "SELECT convertCurrency(Amount) FROM Opportunity",
            "MALFORMED_QUERY",
            "CONVERTCURRENCY is not played",
        ),
        ("SELECT FIELDS(ALL) FROM Account", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        (
            "SELECT FIELDS(CUSTOM) FROM Account LIMIT 201",
            "MALFORMED_QUERY",
            "must have a LIMIT of at most 200",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        (
            "SELECT Id FROM Account WHERE Id IN ('001000000000001AAB')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID",
        ),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Account WHERE IsPartner > true",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
        (
            "SELECT Id FROM Account WHERE Name INCLUDES ('x')",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
        (
            "SELECT Id FROM Account WHERE CALENDAR_YEAR(Name) = 1",
            "INVALID_FIELD",
            "date function CALENDAR_YEAR",
        ),
        ("SELECT Id FROM Opportunity WHERE DAY_ONLY(CloseDate) = TODAY", "INVALID_FIELD", "DAY_ONLY"),
        ("SELECT Id FROM Opportunity WHERE Amount = 1e999", "NUMBER_OUTSIDE_VALID_RANGE", "1e999"),
        (
            "SELECT Id FROM Opportunity WHERE CloseDate = LAST_N_YEARS:9999",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "range",
        ),
        ("SELECT Id FROM Account USING SCOPE team", "MALFORMED_QUERY", "scope 'team' is not played"),
    ],
)
def test_statements_the_platform_refuses(refusal, text, code, words):
    """Each refusal carries the platform's code and names what is wrong."""
    error = refusal(text)
    assert error.code == code
    assert words in error.message


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            "CloseDate = '2026-09-30'",
            "field 'CloseDate' must be of type date and should not be enclosed in quotes",
        ),
        (
            "SystemModstamp > '2026-09-30T00:00:00Z'",
            "must be of type dateTime and should not be enclosed in quotes",
        ),
        ("SystemModstamp = 2026-09-30", "must be of type dateTime"),
        ("CloseDate = 2026-09-30T00:00:00Z", "must be of type date and"),
        ("Amount = '5'", "must be of type double and should not be enclosed in quotes"),
        ("Amount = true", "must be of type double"),
        ("Amount LIKE 5", "invalid operator"),
        ("FiscalYear IN (1, 'x')", "must be of type int"),
        ("IsDeleted = 1", "must be of type boolean and should not be enclosed in quotes"),
        ("Name = 5", "field 'Name' must be of type string and should be enclosed in quotes"),
        ("Name = TODAY", "must be of type string and should be enclosed in quotes"),
        ("Name LIKE 5", "must be of type string"),
        ("AccountId = 5", "must be of type ID and should be enclosed in quotes"),
    ],
)
def test_literals_of_the_wrong_type_are_refused(refusal, condition, words):
    """A quoted date, an unquoted text or a number for a flag is an INVALID_FIELD error [P]."""
    error = refusal(f"SELECT Id FROM Opportunity WHERE {condition}")
    assert error.code == ("INVALID_QUERY_FILTER_OPERATOR" if words == "invalid operator" else "INVALID_FIELD")
    assert words in error.message


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("Name IN (SELECT AccountId FROM Opportunity)", "should be an id field, cannot use: 'Name'"),
        ("Id IN (SELECT Name FROM Opportunity)", "should be an id or reference field"),
        ("Id IN (SELECT Id FROM Account)", "should not be on the same object type"),
        ("Name = 'x' OR Id IN (SELECT AccountId FROM Opportunity)", "not allowed with the 'OR' operator"),
        ("Id IN (SELECT AccountId, Id FROM Opportunity)", "exactly one field"),
        ("Id IN (SELECT AccountId FROM Opportunity LIMIT 1)", "only SELECT, FROM and WHERE"),
        (
            "OwnerId IN (SELECT OwnerId FROM Opportunity WHERE AccountId IN (SELECT Id FROM User))",
            "Nesting of semi join sub-selects is not supported",
        ),
        (
            " AND ".join(["Id IN (SELECT AccountId FROM Opportunity)"] * 3),
            "Maximum 2 semi join sub-selects are allowed",
        ),
    ],
)
def test_semi_joins_keep_the_platforms_limits(refusal, condition, words):
    """Semi-joins compare ids, do not nest, stand under AND only, and are at most two."""
    error = refusal(f"SELECT Id FROM Account WHERE {condition}")
    assert error.code == "MALFORMED_QUERY"
    assert words in error.message


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (SELECT COUNT(Id) FROM Opportunities) FROM Account",
        "SELECT Name, (SELECT Id FROM Opportunities) FROM Account GROUP BY Name",
        "SELECT COUNT(Id) FROM Opportunity GROUP BY ROLLUP(StageName)",
        "SELECT COUNT(Id) FROM Opportunity GROUP BY CUBE(StageName, OwnerId)",
        "SELECT CALENDAR_YEAR(CloseDate), COUNT(Id) FROM Opportunity GROUP BY CloseDate",
        "SELECT CALENDAR_YEAR(CloseDate) FROM Opportunity",
        "SELECT Id FROM Opportunity FOR UPDATE",
        "SELECT Id FROM Opportunity ALL ROWS",
        "SELECT Name x, COUNT(Id) x FROM Account GROUP BY Name",
    ],
)
def test_what_is_not_played_is_refused(refusal, text):
    """Aggregates in subqueries, subtotals and what only Apex may say are refused, never ignored."""
    assert refusal(text).code == "MALFORMED_QUERY"


def test_limits_on_length(query, refusal):
    """A literal has at most 4,000 characters, a statement 100,000."""
    assert query(f"SELECT Id FROM Account WHERE Name = '{'x' * 4_000}'").total_size == 0
    assert refusal(f"SELECT Id FROM Account WHERE Name = '{'x' * 4_001}'").code == "MALFORMED_QUERY"
    assert refusal(f"SELECT Id FROM Account WHERE Name IN ('{'x' * 4_001}')").code == "MALFORMED_QUERY"
    assert "100000" in refusal(f"SELECT Id FROM Account{' ' * 100_000}").message


def test_absurd_nesting_is_too_complicated(refusal):
    """A condition nested thousands deep is refused by name, not by a crash."""
    error = refusal(f"SELECT Id FROM Account WHERE {'NOT ' * 20_000}Name = 'x'")
    assert error.code == "QUERY_TOO_COMPLICATED"
