"""Asks an org about itself, for people who look whether all is well: the user, the versions, the limits.

Each question is one call, and nothing that a run rests on. Source: REST API Developer Guide, "Versions" and
"Limits" (needs the permission View Setup and Configuration); Salesforce Help, "UserInfo Endpoint".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sfsync.core.orgs.org_limits import OrgLimit, read_limits
from sfsync.core.sending.verdict import CallKind
from sfsync.errors import AccessError, ConfigError, OrgUnavailable
from sfsync.salesforce.courier import Answered, Courier
from sfsync.salesforce.session import Request


@dataclass(frozen=True, slots=True)
class OrgUser:
    """Who is logged in."""

    username: str
    name: str


class OrgFacts:
    """What an org tells of itself."""

    def __init__(self, courier: Courier, api_path: str) -> None:
        self._courier = courier
        self._api_path = api_path

    def user(self) -> OrgUser | None:
        """Who is logged in; None where the session may not ask (its app may lack the scope for it)."""
        try:
            found = self._ask("/services/oauth2/userinfo")
        except (AccessError, ConfigError):
            return None
        name = found.get("preferred_username") if isinstance(found, dict) else None
        return OrgUser(name, str(found.get("name") or "")) if isinstance(name, str) else None

    def versions(self) -> tuple[str, ...]:
        """The API versions that the org offers, oldest first; none where the answer cannot be read."""
        found = self._ask("/services/data")
        entries = found if isinstance(found, list) else []
        return tuple(str(each["version"]) for each in entries if isinstance(each, dict) and "version" in each)

    def limits(self) -> tuple[OrgLimit, ...]:
        """What is used of the org's limits, by its own count.

        Raises:
            AccessError: this user may not see them.
            OrgUnavailable: the answer is none.
        """
        try:
            return read_limits(self._ask(f"{self._api_path}/limits"))
        except ValueError:
            raise OrgUnavailable(
                "the org told its limits in a form that is not the platform's",
                code="UNREADABLE",
                hint="check that the address of the org profile is that of an org",
            ) from None
        except AccessError as error:
            if not error.code.startswith("INSUFFICIENT_ACCESS"):
                raise
            raise AccessError(
                "this user may not see the limits of the org",
                code="LIMITS_HIDDEN",
                hint="let an administrator give it the permission View Setup and Configuration",
            ) from None

    def _ask(self, target: str) -> Any:
        ending = self._courier.deliver(Request("GET", target, CallKind.READ))
        return ending.document if isinstance(ending, Answered) else None
