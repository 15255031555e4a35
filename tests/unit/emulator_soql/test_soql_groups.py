"""What aggregates, GROUP BY and HAVING answer in the small org of soql_small_org.py."""


def rows(result):
    """Return the groups without their attributes, which must all say AggregateResult."""
    assert all(record["attributes"] == {"type": "AggregateResult"} for record in result.records)
    return [{key: value for key, value in record.items() if key != "attributes"} for record in result.records]


def test_bare_count_answers_a_size_and_no_records(query):
    """SELECT COUNT() gives totalSize only, and LIMIT caps it."""
    result = query("SELECT count() FROM Opportunity WHERE Account.Name != 'x'")
    assert (result.is_count, result.total_size, list(result.records)) == (True, 4, [])
    assert query("SELECT COUNT() FROM Opportunity LIMIT 3").total_size == 3


def test_aggregates_of_all_rows_are_one_record(query):
    """Unnamed aggregates are expr0, expr1 ...; nulls are not counted, summed or averaged."""
    text = (
        "SELECT COUNT(Id), COUNT(Amount), SUM(Amount) total, AVG(FiscalYear), MIN(CloseDate), "
        "MAX(SystemModstamp), COUNT_DISTINCT(StageName), MAX(FiscalYear) FROM Opportunity"
    )
    assert rows(query(text)) == [
        {
            "expr0": 4, "expr1": 3, "total": 1255.5, "expr2": 6077 / 3, "expr3": "2025-12-31",
            "expr4": "2026-09-30T10:00:00.000+0000", "expr5": 2, "expr6": 2026,
        }
    ]  # fmt: skip


def test_groups_ignore_case_and_having_filters_them(query):
    """Text groups as it compares; HAVING sees aggregates and grouped fields."""
    text = (
        "SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName {} "
        "ORDER BY COUNT(Id) DESC, StageName"
    )
    everything = rows(query(text.format("")))
    assert [(row["StageName"] or "").lower() for row in everything] == ["prospecting", "", "closed won"]
    assert [row["n"] for row in everything] == [2, 1, 1]
    assert [row["n"] for row in rows(query(text.format("HAVING COUNT(Id) > 1")))] == [2]
    assert [row["n"] for row in rows(query(text.format("HAVING StageName LIKE 'closed%'")))] == [1]


def test_groups_by_a_date_function(query):
    """A date function groups, filters groups and sorts them; without an alias it is called expr0."""
    text = (
        "SELECT CALENDAR_YEAR(CloseDate), COUNT(Id) n FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate) "
        "HAVING CALENDAR_YEAR(CloseDate) > 2000 ORDER BY CALENDAR_YEAR(CloseDate) DESC"
    )
    assert rows(query(text)) == [{"expr0": 2026, "n": 2}, {"expr0": 2025, "n": 1}]


def test_groups_by_a_parents_field(query):
    """A grouped path is keyed by its last name, or by its alias."""
    text = (
        "SELECT Account.Name, SUM(Amount) FROM Opportunity GROUP BY Account.Name "
        "ORDER BY Account.Name LIMIT 2 OFFSET 1"
    )
    assert rows(query(text)) == [
        {"Name": "Get Cloudy Canada", "expr0": None},
        {"Name": "Get Cloudy Consulting", "expr0": 1250.5},
    ]
    aliased = rows(query("SELECT Account.Name who FROM Opportunity GROUP BY Account.Name"))
    assert {row["who"] for row in aliased} == {None, "Get Cloudy Canada", "Get Cloudy Consulting"}
