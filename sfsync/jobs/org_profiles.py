"""From an org's name to its `core.orgs.org_profile`: the file, the environment over it, and the secrets fetched.

Invariants: secrets come from variables, private files and the system's keyring only, and leave as `SecretStr`;
no message holds one; what the login needs and nobody gave is listed at once, each with its variable. The keyring
is asked only for what the environment does not give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from sfsync.core.orgs.org_profile import DEFAULT_API_VERSION, Login, OrgProfile
from sfsync.core.sobject import record_id
from sfsync.core.wording import nearest, suggestion
from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder, names_in, shown_path
from sfsync.jobs.keyrings import read_keyring
from sfsync.jobs.org_environment import (
    environment_settings,
    folded,
    names_in_environment,
    variable,
)
from sfsync.jobs.org_file import BY_NAME, login_words, read_form
from sfsync.jobs.org_form import ALIAS, SECRETS, OrgForm
from sfsync.jobs.placeholders import filled_in
from sfsync.jobs.private_files import read_private
from sfsync.jobs.toml_file import TomlFile, read_toml

NEEDED: Final[Mapping[Login, tuple[str, ...]]] = {
    Login.TOKEN: ("instance_url", "access_token"),
    Login.CLIENT_CREDENTIALS: ("login_url", "client_id", "client_secret"),
    Login.JWT: ("client_id", "username", "private_key"),
    Login.PASSWORD: ("client_id", "client_secret", "username", "password"),
    Login.SF: ("alias",),
}
"""What each way to log in cannot do without."""

LOWEST_API_VERSION: Final = 50
"""Composite graphs came with version 50.0. Source: REST API Developer Guide, Composite Graph."""

LONGEST_OUTAGE_MINUTES: Final = 1440

_PLAIN: Final = (
    "login",
    "alias",
    "api_version",
    "org_id",
    "loopback",
    "allow_password",
    "max_outage_minutes",
)
_TEXTS: Final = ("login_url", "instance_url", "ca_file", "proxy", "audience", "username")


@dataclass(slots=True)
class _Settings:
    """What is known of an org: its settings, and the variables that were named but are not set."""

    name: str
    folder: Path
    values: dict[str, str | bool | int] = field(default_factory=dict)
    unset: dict[str, str] = field(default_factory=dict)

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def secret(self, key: str) -> SecretStr | None:
        text = self.text(key)
        return None if text is None else SecretStr(text)


def load_org(name: str, *, config_dir: Path | None = None, environ: Mapping[str, str]) -> OrgProfile:
    """The profile of an org, from config/orgs/NAME.toml and the environment, which wins key by key.

    Raises:
        ConfigError: there is no such org, its file has mistakes, or something the login needs is not given.
    """
    folder = config_dir if config_dir is not None else find_config_folder(environ)
    path = _profile_path(name, folder)
    given = environment_settings(name, environ)
    if path is None and not given:
        known = (*names_in(folder, "orgs"), *names_in_environment(environ))
        place = shown_path((folder or Path.cwd() / "config") / "orgs" / f"{name}.toml")
        new = f"Write {place}, or set {variable(name, 'login')} and what that login needs: {login_words()}."
        hint = suggestion(name, known) or new
        raise ConfigError(f"there is no org profile {name}", code="NO_SUCH_ORG", hint=hint)
    return org_of_file(name, read_toml(path) if path else None, environ=environ)


def org_of_file(name: str, file: TomlFile | None, *, environ: Mapping[str, str]) -> OrgProfile:
    """The profile of an org, from what is the text of its file, or none, and the environment.

    Raises:
        ConfigError: as `load_org`.
    """
    given = environment_settings(name, environ)
    settings = _from_file(name, file, given, environ) if file else _Settings(name, Path.cwd())
    settings.values |= given
    if "private_key_file" in given and "private_key" not in given:
        settings.values.pop("private_key", None)
    _read_key_file(settings)
    return _profile(settings)


def _profile_path(name: str, folder: Path | None) -> Path | None:
    """The profile's file; a name can never lead out of the folder."""
    names = names_in(folder, "orgs")
    found = [each for each in names if each == name] or [
        each for each in names if folded(each) == folded(name)
    ]
    if folder is None or not found:
        return None
    return folder / "orgs" / f"{found[0]}.toml"


def _from_file(
    name: str, file: TomlFile, given: Mapping[str, str | bool], environ: Mapping[str, str]
) -> _Settings:
    """The settings of a profile file; what the environment gives already is not looked up again."""
    form = read_form(file)
    settings = _Settings(name, file.path.parent)
    for key in _PLAIN:
        if getattr(form, key) is not None:
            settings.values[key] = getattr(form, key)
    for key in (*_TEXTS, "private_key_file"):
        text = getattr(form, key)
        if text is not None and key not in given:
            settings.values[key] = filled_in(text, environ=environ, folder=settings.folder, key=key)
    for key in BY_NAME:
        named = getattr(form, f"{key}_env")
        if named is None or key in given:
            continue
        if environ.get(named):
            settings.values[key] = environ[named]
        else:
            settings.unset[key] = named
    settings.values |= _from_keyring(name, form, given)
    return settings


def _from_keyring(name: str, form: OrgForm, given: Mapping[str, str | bool]) -> dict[str, str]:
    """The secrets that the file leaves to the keyring and the environment does not give."""
    asked = [key for key in SECRETS if getattr(form, f"{key}_keyring") is not None and key not in given]
    return {
        key: read_keyring(getattr(form, f"{key}_keyring"), profile=name, key=key)
        for key in asked
        if f"{key}_file" not in given
    }


def _read_key_file(settings: _Settings) -> None:
    """Reads the private key from the file that is named, when the key itself is not given."""
    named = settings.text("private_key_file")
    if named is not None and "private_key" not in settings.values:
        settings.values["private_key"] = read_private(settings.folder / named, key="private_key_file")


def _profile(settings: _Settings) -> OrgProfile:
    login = _login(settings)
    missing = [key for key in NEEDED[login] if not settings.values.get(key)]
    if missing:
        raise ConfigError(
            f"org profile {settings.name}: login {login.value} needs {', '.join(missing)}",
            code="ORG_INCOMPLETE",
            hint="\n".join(how_to_give(settings.name, key, settings.unset.get(key)) for key in missing),
        )
    ca_file = settings.text("ca_file")
    return OrgProfile(
        name=settings.name,
        login=login,
        login_url=settings.text("login_url"),
        instance_url=settings.text("instance_url"),
        access_token=settings.secret("access_token"),
        client_id=settings.secret("client_id"),
        client_secret=settings.secret("client_secret"),
        username=settings.text("username"),
        password=settings.secret("password"),
        private_key=settings.secret("private_key"),
        audience=settings.text("audience"),
        alias=_alias(settings),
        allow_password=bool(settings.values.get("allow_password")),
        loopback=bool(settings.values.get("loopback")),
        ca_file=_existing(settings.folder / ca_file) if ca_file else None,
        proxy=settings.text("proxy"),
        max_outage_s=_max_outage_s(settings),
        api_version=_api_version(settings),
        org_id=_org_id(settings),
    )


def _login(settings: _Settings) -> Login:
    named = settings.text("login")
    if named is not None:
        return _known_login(settings.name, named)
    values = settings.values
    if values.get("access_token"):
        return Login.TOKEN
    if values.get("client_id") and values.get("client_secret"):
        return Login.CLIENT_CREDENTIALS
    if values.get("alias"):
        return Login.SF
    raise ConfigError(
        f"org profile {settings.name} does not say how to log in",
        code="ORG_INCOMPLETE",
        hint=f"Set login in its file, or {variable(settings.name, 'login')}: {login_words()}.",
    )


def _known_login(name: str, word: str) -> Login:
    try:
        return Login(word)
    except ValueError:
        # A word that is far from all of them may be a secret in the wrong variable.
        shown = f' "{word}"' if nearest(word, [each.value for each in Login], most=1) else ""
        raise ConfigError(
            f"org profile {name}: login{shown} is not known",
            code="BAD_VALUE",
            hint=f"Known are {login_words()}.",
        ) from None


def how_to_give(name: str, key: str, unset: str | None = None) -> str:
    """The sentence that says how to give a setting; `unset` is the variable that the profile names for it."""
    if unset is not None:
        return f"{key}: the environment variable {unset} is not set."
    if key == "private_key":
        return f"{key}: set {variable(name, 'private_key_file')} to a file of mode 0600."
    return f"{key}: set the environment variable {variable(name, key)}."


def _alias(settings: _Settings) -> str | None:
    alias = settings.text("alias")
    if alias is None or re.fullmatch(ALIAS, alias):
        return alias
    raise ConfigError(
        f"org profile {settings.name}: alias cannot be used",
        code="BAD_VALUE",
        hint="Give an alias or a user name as `sf org list` shows it: letters, digits, and . _ @ + -",
    )


def _api_version(settings: _Settings) -> str:
    version = settings.text("api_version") or DEFAULT_API_VERSION
    whole, _, part = version.partition(".")
    if part == "0" and whole.isascii() and whole.isdecimal() and int(whole) >= LOWEST_API_VERSION:
        return version
    raise ConfigError(
        f"org profile {settings.name}: api_version cannot be used",
        code="BAD_VALUE",
        hint=f"Give one such as {DEFAULT_API_VERSION}, {LOWEST_API_VERSION}.0 at least.",
    )


def _max_outage_s(settings: _Settings) -> float | None:
    given = settings.values.get("max_outage_minutes")
    if given is None:
        return None
    text = str(given)
    if text.isascii() and text.isdecimal() and int(text) <= LONGEST_OUTAGE_MINUTES:
        return int(text) * 60.0
    raise ConfigError(
        f"org profile {settings.name}: max_outage_minutes cannot be used",
        code="BAD_VALUE",
        hint=f"Give whole minutes from 0 to {LONGEST_OUTAGE_MINUTES:,}.",
    )


def _org_id(settings: _Settings) -> str | None:
    text = settings.text("org_id")
    full_id = record_id(text.strip()) if text else None
    if text and (full_id is None or not full_id.startswith("00D")):
        raise ConfigError(
            f"org profile {settings.name}: org_id {text[:20]!r} is not the id of an org",
            code="BAD_VALUE",
            hint="Copy the Organization ID from Setup, Company Information; it begins with 00D.",
        )
    return full_id


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    raise ConfigError(
        "ca_file: there is no file of that name", code="BAD_VALUE", hint="Name a PEM file of authorities."
    )
