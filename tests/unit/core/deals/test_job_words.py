"""Words of a job that its org cannot take."""

from pathlib import Path
from typing import Any

import pytest
from stage_catalogues import catalogue

from sfsync.core.deals.job_words import word_problems
from sfsync.core.job import FieldRule, Section
from sfsync.core.orgs.describe import parse_describe
from sfsync.core.reading.checks import OrgRules, section_problems, stage_refusal
from sfsync.core.reading.source_spec import SourceSpec

TEXT = {"type": "string", "createable": True, "updateable": True}
DEALS = parse_describe({"name": "Opportunity", "fields": [{"name": "StageName", **TEXT}]})
PEOPLE = parse_describe(
    {
        "name": "Account",
        "fields": [{"name": each, **TEXT} for each in ("Name", "LastName", "IsPersonAccount")],
    }
)
COMPANIES = parse_describe({"name": "Account", "fields": [{"name": "LastName", **TEXT}]})


def section(sobject: str, **rule: Any) -> Section:
    """A section with one rule."""
    return Section("rows", sobject, SourceSpec("csv", Path("x")), (FieldRule(**rule),))


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ({"column": "s", "value_map": {"a": "New", "b": "", "c": " Won "}}, []),
        ({"column": "s", "value_map": {"a": "Nw", "b": "Old"}}, ["UNKNOWN_STAGE", "INACTIVE_STAGE"]),
        ({"column": "s", "default": "Old"}, ["INACTIVE_STAGE"]),
        ({"constant": "Nw"}, ["UNKNOWN_STAGE"]),
    ],
)
def test_stages_that_the_job_names_must_be_active(rule: dict[str, Any], codes: list[str]) -> None:
    """A target that counts as blank is none."""
    found = list(word_problems(section("Opportunity", field="StageName", **rule), DEALS, catalogue()))
    assert [each.code for each in found] == codes
    assert all("Correct the job." in each.hint for each in found)


def test_an_unknown_stage_names_the_nearest_active_ones() -> None:
    """An inactive one is never suggested."""
    invalid = stage_refusal("Ol", catalogue())
    assert invalid is not None
    assert '"Old"' not in invalid.hint
    assert stage_refusal("Talks", catalogue()) is None


def test_fields_of_person_accounts_are_refused_where_there_are_any() -> None:
    """In an org without them LastName of an account would be a field of its own."""
    rules = section("Account", field="LastName", column="last")
    assert [each.code for each in word_problems(rules, PEOPLE, None)] == ["PERSON_ACCOUNT"]
    assert not list(word_problems(rules, COMPANIES, None))
    assert not list(word_problems(section("Account", field="Name", column="n"), PEOPLE, None))


def test_an_inactive_currency_is_no_value_whether_or_not_the_picklist_is_restricted() -> None:
    """Describe lists it as inactive."""
    values = [{"value": "EUR", "active": True}, {"value": "DEM", "active": False}]
    field = {"name": "CurrencyIsoCode", **TEXT, "type": "picklist", "picklistValues": values}
    rules = OrgRules(parse_describe({"name": "Opportunity", "fields": [field]}))
    assert rules.check("CurrencyIsoCode", "EUR") == ("EUR", None)
    _, invalid = rules.check("CurrencyIsoCode", "DEM")
    assert invalid is not None
    assert invalid.code == "UNKNOWN_CURRENCY"


def test_a_currency_where_there_is_one_only_is_named_as_that() -> None:
    """And not as a field that does not exist."""
    [problem, _] = section_problems(section("Opportunity", field="CurrencyIsoCode", column="c"), DEALS), None
    assert problem[0].code == "SINGLE_CURRENCY"
