"""How a sandbox spells its users, and which of several users an owner is."""

import pytest

from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.owners import preferred, sandbox_suffixes, user_spellings

LEFT = Invalid("INACTIVE_OWNER", "he left")


@pytest.mark.parametrize(
    ("url", "is_sandbox", "expected"),
    [
        ("https://acme--UAT.sandbox.my.salesforce.com", True, ("m@a.example", "m@a.example.uat")),
        ("https://acme--dev1.my.salesforce.com", True, ("m@a.example", "m@a.example.dev1")),
        ("https://cs1.salesforce.com", True, ("m@a.example",)),
        ("https://acme.my.salesforce.com", False, ("m@a.example",)),
    ],
)
def test_a_username_is_tried_as_it_is_and_with_the_name_of_the_sandbox(
    url: str, expected: tuple[str, ...], *, is_sandbox: bool
) -> None:
    """The name stands in the address of the org; production has none."""
    suffixes = sandbox_suffixes(OrgIdentity("00D", "Acme", is_sandbox, url))
    assert user_spellings("Username", "m@a.example", suffixes) == expected


def test_what_has_the_suffix_already_is_tried_as_it_is() -> None:
    """Also an address that a sandbox has made invalid."""
    suffixes = {"email": ".invalid", "username": ".uat"}
    assert user_spellings("Username", "m@a.example.UAT", suffixes) == ("m@a.example.UAT",)
    assert user_spellings("Email", "m@a.example", suffixes) == ("m@a.example", "m@a.example.invalid")
    assert user_spellings("Alias", "mjim", suffixes) == ("mjim",)


def test_one_active_user_wins_two_are_for_a_person_and_a_leaver_keeps_what_he_has() -> None:
    """Whoever left is a problem, unless the record is his already."""
    assert preferred({"a": "a", "b": LEFT, "c": LEFT}, None) == {"a": "a"}
    assert set(preferred({"a": "a", "b": "b", "c": LEFT}, None)) == {"a", "b", "c"}
    assert preferred({"b": LEFT, "c": LEFT}, None) == {"b": LEFT}
    assert preferred({"b": LEFT, "c": LEFT}, "c") == {"c": "c"}
