"""Which user an owner's cell means: the active one, a sandbox's spelling of the same name, and never a queue.

Sandboxes carry their name behind every username and `.invalid` behind every address, unless an admin took it
away; the text as it is given goes first.
Source: Salesforce Help, "Sandboxes: Considerations" (usernames and addresses of copied users); Object Reference,
Group and Opportunity.OwnerId (only users own opportunities, accounts and contacts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sfsync.core.models import Reference
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.candidates import Resolved, Unresolved
from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.sobject import ACCOUNT, CONTACT, OPPORTUNITY, record_id

USER: Final = "User"
INACTIVE: Final = "INACTIVE_OWNER"
_QUEUE_PREFIX: Final = "00G"
_OWNED_BY_USERS: Final = frozenset({ACCOUNT, CONTACT, OPPORTUNITY})
_SANDBOX_HOST: Final = re.compile(
    r"https://[^/.]+--([^/.]+)\.(?:sandbox\.)?my\.salesforce\.com", re.IGNORECASE
)


def sandbox_suffixes(org: OrgIdentity) -> Mapping[str, str]:
    """What an org adds to the addresses of its users, by lower-case field; nothing in production.

    The sandbox's name stands in its My Domain: `https://MyDomain--uat.sandbox.my.salesforce.com`.
    """
    if not org.is_sandbox:
        return {}
    host = _SANDBOX_HOST.match(org.instance_url)
    return {"email": ".invalid"} | ({"username": f".{host[1].lower()}"} if host else {})


def user_spellings(field: str, value: str, suffixes: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that a user may be found by, in order."""
    suffix = suffixes.get(field.lower(), "")
    if not suffix or value.casefold().endswith(suffix):
        return (value,)
    return (value, value + suffix)


def preferred(hits: Mapping[str, Resolved], held: object) -> Mapping[str, Resolved]:
    """The one active user of several, else all; a user who left may keep the records that they have.

    Source: Salesforce Help, "Deactivate Users": records stay with them; only new ones are refused.
    """
    active = {name: each for name, each in hits.items() if not isinstance(each, Invalid)}
    if len(active) == 1:
        return active
    if not active and isinstance(held, str) and held in hits:
        return {held: held}
    return hits if active else dict(list(hits.items())[:1])


def inactive(user: Described) -> Invalid:
    """A user who left cannot be given records."""
    message = f"user {user.name or user.record_id} is inactive and cannot own records"
    return Invalid(INACTIVE, message, "Name an active user, or leave the owner out.")


def queue_refusal(of: str, reference: Reference) -> Invalid | None:
    """Why a queue's id cannot stand for an owner of the sObject `of`; None where it is no such id."""
    full = record_id(reference.value)
    if full is None or not full.startswith(_QUEUE_PREFIX) or of not in _OWNED_BY_USERS:
        return None
    noun = "an" if of[0] in "AO" else "a"
    message = f"{reference.value} is a queue, and a queue cannot own {noun} {of}"
    found = OpenReference(USER, "Id", reference.value)
    return Unresolved("QUEUE_OWNER", message, "Name a user as the owner.", found)
