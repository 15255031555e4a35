"""Ties an org profile to one org: what is refused behind another, and what is advised where there is no tie.

A sandbox refresh, a wrong variable or a copied profile can put another org behind the same name. With
`org_id` in the profile such a run stops before anything of that org is read; a production org without it gets
a note with the line to add.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.reports.results import Problem, Stage
from sfsync.errors import GuardError


def refuse_other_org(profile: OrgProfile, org_id: str, name: str) -> None:
    """Stops where the org that answers is not the profile's.

    Raises:
        GuardError: the profile names another org by its `org_id`.
    """
    if profile.org_id in (None, org_id):
        return
    raise GuardError(
        f"org profile {profile.name} is for org {profile.org_id}, but {org_id} ({name}) answers",
        code="OTHER_ORG",
        hint="Correct the login or the address of the profile; if the org was replaced on purpose, its org_id.",
    )


def pin_notes(org: OrgIdentity, profile: OrgProfile) -> Iterator[Problem]:
    """The advice to name the org in its profile, where it is a production org."""
    if org.is_sandbox or profile.org_id is not None or profile.loopback or not org.org_id:
        return
    yield Problem(
        "NOT_PINNED",
        Stage.PLAN,
        f"{org.name} is a production org, and profile {profile.name} would go to any org that its login leads to",
        f'Add org_id = "{org.org_id}" to config/orgs/{profile.name}.toml, or set '
        f"SFSYNC_ORGS__{profile.name.upper().replace('-', '_')}__ORG_ID={org.org_id}.",
    )
