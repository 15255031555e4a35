"""What an address looks like: sandbox, production, or nothing that can be told."""

import pytest

from sfsync.core.orgs.org_hosts import kind_of_host


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("login.salesforce.com", "production"),
        ("cloudkicks.my.salesforce.com", "production"),
        ("test.salesforce.com", "sandbox"),
        ("CloudKicks--UAT.sandbox.my.salesforce.com", "sandbox"),
        ("cloudkicks--uat.my.salesforce.com", "sandbox"),
        ("data-1.scratch.my.salesforce.com", "scratch org"),
        ("kicks-dev-ed.develop.my.salesforce.com", "developer org"),
        ("127.0.0.1", "this machine"),
        ("salesforce.com.evil.example", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_address_says_what_kind_of_org_it_looks_like(host: str | None, kind: str) -> None:
    """By the labels of its My Domain; another domain says nothing."""
    assert kind_of_host(host) == kind
