"""Looks at an org as a run would meet it: who is logged in where, what that user may do, what is left, how safe.

Part of the composition root. It reads no record and writes nothing; some ten calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sfsync.app.workplace import Surroundings, connected
from sfsync.core.job import Section
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.orgs.org_limits import OrgLimit
from sfsync.core.orgs.pins import pin_notes
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.sending.guarantees import Guarantee, guarantee_of
from sfsync.core.sending.routes import Means, choose_routes
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.engine.planning.routing import OrgOffers, means_of
from sfsync.errors import AccessError, ConfigError

if TYPE_CHECKING:
    from sfsync.salesforce.gateway import SalesforceGateway

SOBJECTS: Final = (OPPORTUNITY, CONTACT_ROLE, ACCOUNT, CONTACT)

_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    OPPORTUNITY: ("read", "create", "update"),
    CONTACT_ROLE: ("read", "create", "update"),
    ACCOUNT: ("read",),
    CONTACT: ("read",),
}
"""What no run can do without; the rest depends on the job."""

MOST_SKEW_S: Final = 120
"""How far this machine's clock may be off; a JWT lives as long."""


@dataclass(frozen=True, slots=True)
class OrgFindings:
    """What was found. `rights` are those on each sObject; `lacking` are sentences, each of which stops runs.

    `user` is a user name, or None where the org does not tell; `versions` are the oldest and the newest that it
    offers. `skew_s` is how far this machine's clock is ahead of the org's. `limits` is None where this user may not
    see them.
    """

    profile: str
    org: OrgIdentity
    login: str
    is_pinned: bool
    user: str | None
    api_version: str
    versions: tuple[str, str] | None
    skew_s: int
    has_jobs: bool
    rights: Mapping[str, tuple[str, ...]]
    lacking: tuple[str, ...]
    limits: tuple[OrgLimit, ...] | None
    creates: Mapping[str, Guarantee]
    notes: tuple[str, ...]
    calls: int


def examine_org(name: str, *, around: Surroundings | None = None) -> OrgFindings:
    """Logs in by the profile of that name and looks.

    Raises:
        SyncError: the profile, the login or the org is at fault; see `sfsync.errors`.
    """
    from sfsync.jobs import load_org

    given = around or Surroundings()
    profile = load_org(name, environ=given.environ)
    with connected(profile, given, expects=SOBJECTS) as gateway:
        org = gateway.identity()
        describes = _describes(gateway)
        offers = OrgOffers(gateway)
        means, has_jobs = means_of(offers), offers.has_jobs()
        rights = {sobject: _rights(describes.get(sobject)) for sobject in SOBJECTS}
        user, versions, limits = gateway.facts.user(), gateway.facts.versions(), _limits(gateway)
        there = gateway.server_time
        skew_s = round((given.clock() - there).total_seconds()) if there else 0
        notes = [
            *_notes(versions, profile.api_version, skew_s, has_jobs=has_jobs, sees_limits=limits is not None)
        ]
        usage = gateway.usage
    return OrgFindings(
        profile=name,
        org=org,
        login=profile.login.value,
        is_pinned=profile.org_id is not None,
        user=user.username if user else None,
        api_version=profile.api_version,
        versions=(versions[0], versions[-1]) if versions else None,
        skew_s=skew_s,
        has_jobs=has_jobs,
        rights=rights,
        lacking=tuple(_lacking(rights)),
        limits=limits,
        creates=_creates(describes, means),
        notes=(*(f"{each.message}. {each.hint}" for each in pin_notes(org, profile)), *notes),
        calls=usage.reads + usage.logins,
    )


def org_limits(name: str, *, around: Surroundings | None = None) -> tuple[OrgIdentity, tuple[OrgLimit, ...]]:
    """The org behind a profile, and its limits by its own count; two calls.

    Raises:
        AccessError: the login is refused, or this user may not see the limits.
        SyncError: see `sfsync.errors`.
    """
    from sfsync.jobs import load_org

    given = around or Surroundings()
    with connected(load_org(name, environ=given.environ), given) as gateway:
        return gateway.identity(), gateway.facts.limits()


def _describes(gateway: SalesforceGateway) -> dict[str, SObjectDescribe]:
    """The sObjects that this user sees."""
    found = {}
    for sobject in SOBJECTS:
        try:
            found[sobject] = gateway.describe(sobject)
        except ConfigError as error:
            if error.code != "UNKNOWN_SOBJECT":
                raise
    return found


def _limits(gateway: SalesforceGateway) -> tuple[OrgLimit, ...] | None:
    try:
        return gateway.facts.limits()
    except AccessError as error:
        if error.code != "LIMITS_HIDDEN":
            raise
        return None


def _rights(describe: SObjectDescribe | None) -> tuple[str, ...]:
    if describe is None:
        return ()
    flags = {
        "read": describe.queryable,
        "create": describe.createable,
        "update": describe.updateable,
        "delete": describe.deletable,
    }
    return tuple(word for word, is_given in flags.items() if is_given)


def _lacking(rights: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f"this user may not {' or '.join(lacks)} {sobject}"
        for sobject, needed in _NEEDED.items()
        if (lacks := [each for each in needed if each not in rights[sobject]])
    ]


def _notes(
    versions: tuple[str, ...], ours: str, skew_s: int, *, has_jobs: bool, sees_limits: bool
) -> list[str]:
    notes = []
    if versions and ours not in versions:
        notes.append(f"the org offers no API version {ours}: set api_version in the profile")
    if abs(skew_s) >= MOST_SKEW_S:
        notes.append(
            f"this machine's clock is {skew_s:+,} s off the org's: set it right, or logins by JWT may fail"
        )
    if not has_jobs:
        notes.append(
            "this user may not run bulk jobs: large runs take more calls, and no job fence is to be had"
        )
    if not sees_limits:
        notes.append("this user may not see the org's limits (View Setup and Configuration)")
    return notes


def _creates(describes: Mapping[str, SObjectDescribe], means: Means) -> dict[str, Guarantee]:
    """The guarantee that each sObject's creates would have, with the key field of the org where there is one."""
    sections = [_section(each) for each in describes.values()]
    routes = choose_routes(sections, means, wanted=None)
    return {
        each.sobject: guarantee_of(each, describes[each.sobject], routes[each.sobject]) for each in sections
    }


def _section(describe: SObjectDescribe) -> Section:
    """A section as a job would have it that says nothing of its own."""
    keys = [] if describe.name == CONTACT_ROLE else describe.key_fields()
    key = keys[0].name if keys else None
    row_key = None if key or describe.name == CONTACT_ROLE else "a column"
    return Section(describe.name, describe.name, SourceSpec("rows"), (), key, row_key=row_key)
