"""What the text of a role means: one of the org's words, no role, or a word nobody knows."""

import pytest

from sfsync.core.contact_roles.role_words import is_blank_role, unknown_preferences, unknown_role
from sfsync.core.orgs.describe import SObjectDescribe, parse_describe

VALUES = [{"value": "Decision Maker"}, {"value": "Evaluator"}, {"value": "Sponsor", "active": False}]
DESCRIBE: SObjectDescribe = parse_describe(
    {
        "name": "OpportunityContactRole",
        "fields": [{"name": "Role", "label": "Role", "type": "picklist", "picklistValues": VALUES}],
    }
)
ROLE = DESCRIBE.fields["role"]


def test_an_active_value_is_a_role() -> None:
    """Exactly the org's word needs nothing said."""
    assert unknown_role(ROLE, "Evaluator") is None


@pytest.mark.parametrize("text", ["decision maker", " Decision Maker", "Decision \t Maker"])
def test_a_near_miss_in_case_or_blanks_names_the_exact_word(text: str) -> None:
    """The hint begins with how the org writes it."""
    why = unknown_role(ROLE, text)
    assert why is not None
    assert why[1].startswith('The org writes it "Decision Maker".')


def test_an_inactive_value_is_no_role_and_named_as_inactive() -> None:
    """The person is told that the word exists and is switched off."""
    why = unknown_role(ROLE, "Sponsor")
    assert why is not None
    assert "inactive in this org" in why[0]


def test_any_other_word_is_named_with_the_nearest_ones() -> None:
    """A slip of the pen gets a suggestion."""
    why = unknown_role(ROLE, "Evaluater")
    assert why is not None
    assert '"Evaluator"' in why[1]


def test_preferences_that_the_org_lacks_are_listed() -> None:
    """Each unknown role of a list of preferences is named; the known ones are not."""
    assert [word for word, _, _ in unknown_preferences(["Evaluator", "Boss"], DESCRIBE)] == ["Boss"]


@pytest.mark.parametrize("text", ["Nonexistent", "No role", "--", "null"])
def test_other_words_are_not_taken_for_none(text: str) -> None:
    """Only what the platform's pages show, and None, mean that no role is given."""
    assert not is_blank_role(text)
