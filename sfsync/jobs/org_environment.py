"""Reads the settings of an org that the environment gives: SFSYNC_ORGS__NAME__KEY.

Names are matched without case, with `-` and `_` alike, because variables can hold neither.
Invariants: a variable that is set to nothing counts as not set; an unknown key is refused, never passed
over; no value is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sfsync.errors import ConfigError

PREFIX: Final = "SFSYNC_ORGS__"

KEYS: Final = (
    "login",
    "login_url",
    "instance_url",
    "access_token",
    "client_id",
    "client_secret",
    "username",
    "password",
    "private_key",
    "private_key_file",
    "audience",
    "alias",
    "api_version",
    "org_id",
    "allow_password",
    "loopback",
    "ca_file",
    "proxy",
    "max_outage_minutes",
    "ping",
)
"""The settings that the environment may give."""

FLAGS: Final = frozenset({"allow_password", "loopback"})

_WORDS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def folded(name: str) -> str:
    """A profile's name as it is compared."""
    return name.casefold().replace("-", "_")


def variable(name: str, key: str) -> str:
    """The variable that gives a setting of the org."""
    return f"{PREFIX}{folded(name).upper()}__{key.upper()}"


def names_in_environment(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The orgs that the environment names."""
    names = {_split(each)[0] for each, value in environ.items() if value and _is_setting(each)}
    return tuple(sorted(each.lower() for each in names))


def environment_settings(name: str, environ: Mapping[str, str]) -> dict[str, str | bool]:
    """The settings of one org, by key.

    Raises:
        ConfigError: a variable names no setting, or a truth value is none.
    """
    settings: dict[str, str | bool] = {}
    for each, value in sorted(environ.items()):
        if not value or not _is_setting(each):
            continue
        org, key = _split(each)
        if folded(org) != folded(name):
            continue
        if key not in KEYS:
            from sfsync.jobs.mistakes import did_you_mean  # brings pydantic, for which names need not wait

            message = f"the environment variable {each} names no setting of an org"
            hint = f"Correct or unset it. Settings are: {', '.join(sorted(KEYS))}."
            raise ConfigError(f"{message}{did_you_mean(key, KEYS)}", code="UNKNOWN_KEY", hint=hint)
        settings[key] = _flag(each, value) if key in FLAGS else value
    return settings


def _is_setting(name: str) -> bool:
    return name.upper().startswith(PREFIX) and "__" in name[len(PREFIX) :]


def _split(name: str) -> tuple[str, str]:
    org, _, key = name[len(PREFIX) :].rpartition("__")
    return org, key.lower()


def _flag(name: str, value: str) -> bool:
    flag = _WORDS.get(value.strip().lower())
    if flag is None:
        raise ConfigError(
            f"the environment variable {name} is neither true nor false",
            code="BAD_VALUE",
            hint="Set it to true or false.",
        )
    return flag
