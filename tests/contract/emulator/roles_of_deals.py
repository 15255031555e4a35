"""Short ways for tests to write contact roles."""

from emulator_client import Client

ROLE = "OpportunityContactRole"


def add_role(org: Client, deal: str, contact: str, **values: object) -> str:
    """Create a role and return its id."""
    return org.create(ROLE, OpportunityId=deal, ContactId=contact, **values)


def flags(org: Client, deal: str) -> list[bool]:
    """Return the primary flags of a deal's roles, oldest first."""
    return [role["IsPrimary"] for role in org.roles(deal)]
