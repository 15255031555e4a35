"""A production org without a pin gets the line to add; a sandbox, the emulator and a pinned org get nothing."""

from __future__ import annotations

from dataclasses import replace

from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.orgs.pins import pin_notes
from sfsync.core.plans.plan import OrgIdentity

PRODUCTION = OrgIdentity(
    "00D000000000062EAA", "Acme", is_sandbox=False, instance_url="https://acme.my.salesforce.com"
)
PROFILE = OrgProfile("prod-eu", Login.TOKEN)


def test_a_production_org_without_a_pin_gets_the_line_to_add() -> None:
    """The note holds the line for the profile's file and the variable, both with the org's id."""
    [note] = pin_notes(PRODUCTION, PROFILE)
    assert 'org_id = "00D000000000062EAA" to config/orgs/prod-eu.toml' in note.hint
    assert "SFSYNC_ORGS__PROD_EU__ORG_ID=00D000000000062EAA" in note.hint


def test_nothing_is_advised_where_it_would_not_help() -> None:
    """Sandboxes are refreshed and get new ids, the emulator is no org, and a pin that is there is enough."""
    assert list(pin_notes(replace(PRODUCTION, is_sandbox=True), PROFILE)) == []
    assert list(pin_notes(PRODUCTION, replace(PROFILE, loopback=True))) == []
    assert list(pin_notes(PRODUCTION, replace(PROFILE, org_id=PRODUCTION.org_id))) == []
