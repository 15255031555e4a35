"""Which address is told how runs go: that of a job file, or of an org's profile.

The address is a secret: no message repeats it. A profile only names the variable that holds it, or the environment
gives it as SFSYNC_ORGS__NAME__PING.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sfsync.core.hook_address import address_mistake
from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder, names_in
from sfsync.jobs.org_environment import environment_settings, folded, variable
from sfsync.jobs.placeholders import filled_in
from sfsync.jobs.toml_file import read_toml

_HINT: Final = "Copy the address from the service that watches the job; it begins with https://."


def job_ping(written: str, *, folder: Path, environ: Mapping[str, str]) -> str:
    """The address that a job file says, its places filled in.

    Raises:
        ConfigError: a variable of it is not set, or it is no address that a ping may go to.
    """
    return _checked(filled_in(written, environ=environ, folder=folder, key="ping"), "ping")


def org_ping(name: str, *, environ: Mapping[str, str]) -> str | None:
    """The address of an org's profile; None where it has none. No secret of the profile is looked up.

    Raises:
        ConfigError: its variable is not set, or it is no address that a ping may go to.
    """
    given = environment_settings(name, environ).get("ping")
    if isinstance(given, str):
        return _checked(given, variable(name, "ping"))
    folder = find_config_folder(environ)
    found = [each for each in names_in(folder, "orgs") if folded(each) == folded(name)]
    if folder is None or not found:
        return None
    named = read_toml(folder / "orgs" / f"{found[0]}.toml").document.get("ping_env")
    if not isinstance(named, str):
        return None
    if not environ.get(named):
        raise ConfigError(
            f"ping_env: the environment variable {named} is not set",
            code="VARIABLE_NOT_SET",
            hint=f"Set it: export {named}=...",
        )
    return _checked(environ[named], named)


def _checked(address: str, key: str) -> str:
    mistake = address_mistake(address)
    if mistake:
        raise ConfigError(f"{key} {mistake}", code="BAD_VALUE", hint=_HINT)
    return address
