"""What WHERE finds in the small org of soql_small_org.py; numbers are the opportunities' last digits."""

import pytest


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Name = 'SHOES 100%'", [1]),
        ("Name = 'städte äöü'", [3]),
        ("Name IN ('STÄDTE ÄÖÜ', 'boots_X')", [2, 3]),
        ("Name != 'shoes 100%'", [2, 3, 4]),
        ("StageName != 'Prospecting'", [2, 4]),
        ("StageName NOT IN ('Prospecting', 'x')", [2, 4]),
        ("StageName NOT IN ('Prospecting', null)", [2]),
        ("StageName IN ('Closed Won', null)", [2, 4]),
        ("StageName = null", [4]),
        ("StageName = ''", [4]),
        ("StageName <> null", [1, 2, 3]),
        ("NOT StageName = 'Prospecting'", [2, 4]),
        ("NOT (StageName = 'Prospecting' OR Amount = 5)", [2]),
        ("Sfsync_Key__c = 'deal-1'", [2]),
        ("Sfsync_Key__c IN ('Deal-1', 'DEAL-1')", [1]),
        ("Sfsync_Key__c LIKE 'deal%'", [2]),
        ("Name > 'p'", [1, 3]),
    ],
)
def test_text_compares_without_case_unless_the_field_is_case_sensitive(found, condition, expected):
    """Text is compared in any script without regard to case, null is empty text, and != finds nulls."""
    assert found(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (r"Name LIKE '%100\%'", [1]),
        (r"Name LIKE '%\_x'", [2]),
        ("Name LIKE 'BOOTS_X'", [2]),
        ("Name LIKE 'boots__'", [2]),
        ("Name LIKE '%ÄÖÜ'", [3]),
        (r"Name LIKE '%\\ deal'", [4]),
        (r"Name = 'Orphan\'s \\ deal'", [4]),
        (r"Name = '\u0053hoes 100%'", [1]),
    ],
)
def test_escapes_and_wildcards_mean_what_the_guide_says(found, condition, expected):
    """LIKE knows % and _ and their escapes; = knows only the string escapes."""
    assert found(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Amount = 250.5", [2]),
        ("Amount != 250.5", [1, 3, 4]),
        ("Amount < 300", [2, 4]),
        ("Amount IN (5, 1000, null)", [1, 3, 4]),
        ("Amount > -1e3 AND Amount <= +5", [4]),
        ("FiscalYear = 2026", [1, 2]),
        ("CloseDate = 2026-09-30", [1]),
        ("CloseDate IN (2026-09-30, LAST_YEAR)", [1, 3]),
        ("SystemModstamp = 2026-09-30T12:00:00+02:00", [1]),
        ("SystemModstamp > 2026-09-29T23:59:59.000Z", [1]),
        ("SystemModstamp >= 2026-09-29T23:59:59z", [1, 2]),
        ("IsDeleted = false", [1, 2, 3, 4]),
        ("IsDeleted = true", []),
    ],
)
def test_numbers_dates_and_flags_compare_by_value(found, condition, expected):
    """Numbers, dates, datetimes with offsets and booleans are compared as values."""
    assert found(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("CloseDate = TODAY", [1]),
        ("CloseDate = today", [1]),
        ("CloseDate > TODAY", [2]),
        ("CloseDate >= TODAY", [1, 2]),
        ("CloseDate < THIS_YEAR", [3]),
        ("CloseDate <= THIS_YEAR", [1, 2, 3]),
        ("CloseDate != THIS_MONTH", [2, 3, 4]),
        ("CloseDate = NEXT_MONTH", [2]),
        ("CloseDate = NEXT_N_DAYS:15", [2]),
        ("CloseDate = NEXT_N_DAYS:14", []),
        ("CloseDate = LAST_FISCAL_YEAR", [3]),
        ("SystemModstamp = TODAY", [1]),
        ("SystemModstamp = YESTERDAY", [2]),
        ("SystemModstamp = LAST_N_DAYS:1", [1, 2]),
        ("SystemModstamp = N_DAYS_AGO:1", [2]),
    ],
)
def test_date_literals_count_from_the_injected_day(found, condition, expected):
    """TODAY and its relatives are ranges of days in UTC, for dates and for datetimes."""
    assert found(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Id = '006000000000001'", [1]),
        ("Id = '006000000000001AAA'", [1]),
        ("Id IN ('006000000000001', '006000000000003AAA')", [1, 3]),
        ("Id > '006000000000002AAA'", [3, 4]),
        ("AccountId = null", [4]),
        ("AccountId NOT IN ('001000000000001')", [3, 4]),
        ("Account.Name LIKE 'get cloudy c%' AND Account.Owner.Name = 'ann'", [3]),
        ("Account.IsPartner = false", [3, 4]),
        ("Opportunity.Account.Name = 'Get Cloudy Canada'", [3]),
        ("Sizes__c INCLUDES ('m')", [1, 2]),
        ("Sizes__c INCLUDES ('S;M', 'L')", [1, 2]),
        ("Sizes__c EXCLUDES ('S')", [2, 3, 4]),
        ("Sizes__c INCLUDES (';', 'nothing')", [3, 4]),
        ("Id IN (SELECT OpportunityId FROM OpportunityContactRole WHERE Role = 'evaluator')", [1]),
        ("Id NOT IN (SELECT OpportunityId FROM OpportunityContactRole)", [3, 4]),
        ("AccountId IN (SELECT Id FROM Account WHERE Owner.IsActive = true) AND Amount > 300", [1]),
        ("(Amount = 5 OR Amount = 1000) AND (StageName = null OR Name = 'x')", [4]),
    ],
)
def test_ids_parents_picklists_and_semi_joins(found, condition, expected):
    """Ids come in 15 or 18 characters; a missing parent's flag is false; semi-joins see live rows only."""
    assert found(condition) == expected


def test_deleted_rows_show_only_when_asked_for(query):
    """A queryAll finds rows in the recycle bin, plain queries do not."""
    assert query("SELECT Id FROM Opportunity").total_size == 4
    assert query("SELECT Id FROM Opportunity", include_deleted=True).total_size == 5


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("CALENDAR_YEAR(CloseDate) = 2026", [1, 2]),
        ("CALENDAR_YEAR(CloseDate) != 2026", [3, 4]),
        ("CALENDAR_QUARTER(CloseDate) IN (3, 4)", [1, 2, 3]),
        ("FISCAL_MONTH(CloseDate) > 9 AND DAY_IN_MONTH(CloseDate) < 31", [2]),
        ("DAY_IN_WEEK(CloseDate) = 4", [1, 3]),
        ("DAY_IN_YEAR(SystemModstamp) = 1", [3]),
        ("WEEK_IN_YEAR(SystemModstamp) = 1", [3]),
        ("WEEK_IN_MONTH(CloseDate) = 5", [1, 3]),
        ("HOUR_IN_DAY(SystemModstamp) = 23", [2]),
        ("DAY_ONLY(SystemModstamp) = 2026-09-30", [1]),
        ("DAY_ONLY(SystemModstamp) >= YESTERDAY", [1, 2]),
    ],
)
def test_date_functions_filter_by_parts_of_a_date(found, condition, expected):
    """Days are days in UTC, weeks are counted from the first day of the year or month, null is no part."""
    assert found(condition) == expected


def test_a_scope_of_mine_finds_the_users_own_records(query):
    """USING SCOPE mine compares the owner with the user who asks."""
    assert query("SELECT Id FROM Opportunity USING SCOPE mine").total_size == 3
    assert query("SELECT Id FROM Opportunity USING SCOPE everything").total_size == 4


def test_a_hostile_literal_is_only_a_value(query, connection):
    """I13: SQL and SOQL inside a literal find nothing and change nothing."""
    hostile = r"x\' OR Name != \'\' --\"; DROP TABLE Opportunity; --"
    assert query(f"SELECT Id FROM Opportunity WHERE Name = '{hostile}'").total_size == 0
    assert query(f"SELECT Id FROM Opportunity WHERE Name IN ('{hostile}', 'y')").total_size == 0
    assert connection.execute("SELECT COUNT(*) FROM Opportunity").fetchone() == (5,)


def test_thousands_of_conditions_are_no_deeper_than_a_dozen(found):
    """A chain of three thousand ORs stays within SQLite's limit on the depth of an expression."""
    assert found(" OR ".join(f"Amount = {number}" for number in range(3_000))) == [1, 4]


def test_text_with_many_letters_beyond_a_to_z_still_ignores_case(query, connection):
    """A name with too many spellings for the index is found by folding."""
    connection.execute("INSERT INTO User VALUES ('005000000000009AAA', 'Александр Пушкин', 1, NULL)")
    text = "SELECT Id FROM User WHERE Name IN ('АЛЕКСАНДР ПУШКИН', 'x')"
    assert query(text).total_size == 1
    connection.execute("DELETE FROM User WHERE Id = '005000000000009AAA'")
