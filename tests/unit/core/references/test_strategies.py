"""By what a reference is looked up, and which strategies fit a text."""

import pytest

from sfsync.core.models import Reference
from sfsync.core.references.strategies import fitting, is_strategy, strategy
from sfsync.core.values import Pending

CLOUDY = "0016g000007WEfIAAW"
MATCH = ("Id", "Sfsync_Key__c", "Email", "Name + Account.Name")


def texts(
    value: str, *, match: tuple[str, ...] = MATCH, target: str = "Contact", account: str = ""
) -> list[str]:
    """The strategies that fit, as a job spells them."""
    return [each.text for each in fitting(target, Reference(value, match, account))]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Email", True),
        ("Name + Account.Name", True),
        ("Name+Account.Sfsync_Key__c", True),
        ("Name + AccountId", True),
        ("Name + Owner.Name", False),
        ("Name + Account.Owner.Name", False),
        ("Name + ", False),
        ("+ Account.Name", False),
        ("Account.Name", False),
    ],
)
def test_a_strategy_is_a_field_or_a_field_and_the_account(text: str, *, is_one: bool) -> None:
    """Nothing else can stand in match."""
    assert is_strategy(text) is is_one


def test_each_text_is_looked_up_by_the_strategies_that_fit_it() -> None:
    """An address by e-mail, a name only with its account, an id by nothing that comes after the id."""
    assert texts("jane@a.example") == ["Sfsync_Key__c", "Email"]
    assert texts("Jane Doe") == ["Sfsync_Key__c"]
    assert texts("Jane Doe", account="Acme") == ["Sfsync_Key__c", "Name + Account.Name"]
    assert texts("0036g000007WEfIAAW") == texts("0036g000007WEfI") == ["Id"]
    assert texts("0036g000007WEfIAAW", match=("Sfsync_Key__c", "Id", "Email")) == ["Sfsync_Key__c", "Id"]


def test_an_alias_has_at_most_eight_characters() -> None:
    """Longer texts are not asked for."""
    assert texts("mjimenez", match=("Alias", "Name"), target="User") == ["Alias", "Name"]
    assert texts("Maria Jimenez", match=("Alias", "Name"), target="User") == ["Name"]


def test_the_account_is_compared_by_name_key_or_id_whatever_the_letter_case() -> None:
    """An id counts in both of its lengths; a contact without an account is nobody's."""
    named, by_id = strategy("Name + Account.Name"), strategy("Name + AccountId")
    reference = Reference("Jane", account="ACME")
    assert named.is_of_account(reference, {"Account.Name": "Acme"})
    assert not named.is_of_account(reference, {"Account.Name": None})
    assert by_id.is_of_account(Reference("Jane", account=CLOUDY[:15]), {"AccountId": CLOUDY})
    of_deal = Reference("Jane", account_id=CLOUDY)
    assert named.is_of_account(of_deal, {"AccountId": CLOUDY})
    assert not named.is_of_account(of_deal, {"AccountId": None})
    assert named.is_of_account(Reference("Jane", account_id="Account:A"), {"AccountId": Pending("Account:A")})
