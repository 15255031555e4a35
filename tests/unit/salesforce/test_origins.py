"""Which hosts may see a token."""

from __future__ import annotations

import pytest

from sfsync.errors import AccessError, ConfigError
from sfsync.salesforce.origins import Origin, is_safe_target, parse_origin, trusted_instance

LOGIN = Origin("https", "login.salesforce.com")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com.", "https://acme--uat.sandbox.my.salesforce.com"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_an_https_address_is_an_origin(url: str, origin: str) -> None:
    """Scheme, host and port are kept; case and a trailing dot do not count."""
    assert str(parse_origin(url, loopback=False)) == origin


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:80", "http://127.9.9.9", "http://[::1]:5000", "http://localhost:1"]
)
def test_loopback_may_be_plain_only_when_the_profile_says_so(url: str) -> None:
    """Plain http to a literal loopback address needs loopback = true."""
    assert parse_origin(url, loopback=True).is_plain
    with pytest.raises(ConfigError):
        parse_origin(url, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "https://user@acme.my.salesforce.com",
        "https://acme.my.salesforce.com@evil.example",
        "https://acme.my.salesforce.com/path",
        "https://acme.my.salesforce.com?x=1",
        "https://acme.my.salesforce.com#x",
        "https://acme.my.salesforce.com:99999",
        "https://",
        "https://a b",
        "https://acme.my.salesforce.com\n",
        "https://ācme.my.salesforce.com",
        "https://evil.example\\.salesforce.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://2130706433",
        "http://0x7f.1",
        "ftp://acme.my.salesforce.com",
        "file:///etc/passwd",
    ],
)
def test_anything_else_is_no_address_of_an_org(url: str) -> None:
    """Hostile and careless addresses are refused before a byte is sent."""
    with pytest.raises(ConfigError):
        parse_origin(url, loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
        "https://evil.example",
        "https://acme.my.salesforce.com@evil.example",
        "https://169.254.169.254",
        "http://acme.my.salesforce.com",
        "https://127.0.0.1",
        "http://127.0.0.1:80",
        None,
        17,
        "",
    ],
)
def test_an_instance_elsewhere_gets_no_token(url: object) -> None:
    """A token answer cannot send the token to a host that is not Salesforce's."""
    with pytest.raises(AccessError):
        trusted_instance(url, login=LOGIN, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://login.salesforce.com",
        "https://acme.my.salesforce.com",
        "https://acme.lightning.force.com",
        "https://x.my.salesforce.mil",
    ],
)
def test_an_instance_of_salesforce_is_trusted(url: str) -> None:
    """The login host and the domains of Salesforce may get the token."""
    assert str(trusted_instance(url, login=LOGIN, loopback=False)) == url


@pytest.mark.parametrize(
    ("target", "is_safe"),
    [
        ("/services/data/v66.0/query/0r8xx0-2000", True),
        ("/services/data/v66.0/query?q=SELECT%20Id", True),
        ("/services/data/", True),
        ("services/data", False),
        ("//services/data", False),
        ("/services//evil.example", False),
        ("/services/../x", False),
        ("/services/%2e%2E/x", False),
        ("/other", False),
        ("/services/x y", False),
        ("/services/x#y", False),
        ("/services\\x", False),
        ("/services/x\r\nHost: evil", False),
    ],
)
def test_a_target_stays_under_services(target: str, *, is_safe: bool) -> None:
    """Only a clean path under /services/ of the open host is ever asked for."""
    assert is_safe_target(target) is is_safe
