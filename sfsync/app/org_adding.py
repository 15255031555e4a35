"""Makes the profile of a new org, and pins it to the org that answers where that is wanted.

Part of the composition root. A profile is written only when all of it can be used; with a pin, only after a login.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfsync.app.workplace import Surroundings, connected
from sfsync.core.plans.plan import OrgIdentity
from sfsync.jobs.org_listing import ListedOrg, listed_org
from sfsync.jobs.org_profiles import org_of_file
from sfsync.jobs.org_writing import new_profile_path, profile_file, write_profile
from sfsync.salesforce.origins import parse_origin


@dataclass(frozen=True, slots=True)
class AddedOrg:
    """The profile as it is listed now, and the org that it is pinned to."""

    listed: ListedOrg
    pinned: OrgIdentity | None


def add_org(
    name: str, settings: Mapping[str, str | bool], *, pins: bool, around: Surroundings | None = None
) -> AddedOrg:
    """Writes config/orgs/NAME.toml from its keys; with `pins` it logs in first and adds the org's id.

    Raises:
        ConfigError: there is such a profile, a setting cannot be used, or what the login needs is not given.
        SyncError: the login failed; nothing was written.
    """
    given = around or Surroundings()
    path = new_profile_path(name, environ=given.environ)
    file = profile_file(path, settings)
    for key in ("login_url", "instance_url"):
        if key in settings:
            parse_origin(str(settings[key]), loopback=bool(settings.get("loopback")))
    pinned = None
    if pins:
        with connected(org_of_file(name, file, environ=given.environ), given) as gateway:
            pinned = gateway.identity()
        file = profile_file(path, {**settings, "org_id": pinned.org_id})
    write_profile(file)
    return AddedOrg(listed_org(name, path, environ=given.environ), pinned)
