"""Which orgs there are profiles for, and what each says of itself without a secret being read or anybody asked.

A file with mistakes does not hide the others. Invariants: of a secret only whether it is given is looked at; no
private file is read, no keyring asked; an address is shown only where it is Salesforce's or this machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sfsync.core.orgs.hosts import is_here
from sfsync.core.orgs.org_hosts import UNKNOWN, is_of_salesforce, kind_of_host
from sfsync.core.orgs.org_profile import Login
from sfsync.core.sobject import record_id
from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder, names_in, shown_path
from sfsync.jobs.org_environment import environment_settings, folded, names_in_environment
from sfsync.jobs.org_file import read_form
from sfsync.jobs.org_form import ALIAS, OrgForm
from sfsync.jobs.org_profiles import NEEDED, how_to_give
from sfsync.jobs.placeholders import filled_in
from sfsync.jobs.toml_file import read_toml

_FIRST_HOST = "login.salesforce.com"


@dataclass(frozen=True, slots=True)
class ListedOrg:
    """One profile. `file` is None where the environment alone gives it; `missing` are sentences.

    `login` is None where it is not said; `host` where it is not known before the login, or is none to be shown.
    `problem` is what stands in the way of reading it; then the rest is empty.
    """

    name: str
    file: str | None
    is_in_environment: bool
    login: str | None = None
    host: str | None = None
    alias: str | None = None
    org_id: str | None = None
    kind: str = UNKNOWN
    missing: tuple[str, ...] = ()
    problem: ConfigError | None = None


def list_orgs(*, environ: Mapping[str, str]) -> tuple[ListedOrg, ...]:
    """All profiles, by name.

    Raises:
        ConfigError: SFSYNC_CONFIG names no folder.
    """
    folder = find_config_folder(environ)
    files = {name: (folder or Path()) / "orgs" / f"{name}.toml" for name in names_in(folder, "orgs")}
    seen = {folded(name) for name in files}
    alone = [each for each in names_in_environment(environ) if each and folded(each) not in seen]
    return tuple(listed_org(each, files.get(each), environ=environ) for each in sorted([*files, *alone]))


def listed_org(name: str, path: Path | None, *, environ: Mapping[str, str]) -> ListedOrg:
    """One profile, with what is wrong in its file or its variables as its `problem`."""
    shown = shown_path(path) if path else None
    is_given = folded(name) in map(folded, names_in_environment(environ))
    try:
        form = read_form(read_toml(path)) if path else OrgForm.model_validate({})
        return _listed(name, shown, form, environment_settings(name, environ), environ)
    except ConfigError as error:
        return ListedOrg(name, shown, is_given, problem=error)


def _listed(
    name: str, shown: str | None, form: OrgForm, given: Mapping[str, str | bool], environ: Mapping[str, str]
) -> ListedOrg:
    login = _login(form, given, environ)
    url = _text("instance_url" if login is Login.TOKEN else "login_url", form, given, environ)
    if url is None and login in (Login.JWT, Login.PASSWORD):
        url = f"https://{_FIRST_HOST}"
    host = None if login is Login.SF else _host(url)
    # What is none of them may be a secret in the wrong variable.
    org_id = record_id(str(given.get("org_id", form.org_id or "")))
    alias = re.fullmatch(ALIAS, str(given.get("alias", form.alias or "")))
    missing = (
        [key for key in NEEDED[login] if not _is_given(key, form, given, environ)] if login else ["login"]
    )
    return ListedOrg(
        name=name,
        file=shown,
        is_in_environment=bool(given),
        login=login.value if login else None,
        host=host,
        alias=alias[0] if alias and login is Login.SF else None,
        org_id=org_id if org_id and org_id.startswith("00D") else None,
        kind=kind_of_host(host),
        missing=tuple(how_to_give(name, key, getattr(form, f"{key}_env", None)) for key in missing),
    )


def _login(form: OrgForm, given: Mapping[str, str | bool], environ: Mapping[str, str]) -> Login | None:
    """The way to log in, by the rules of `org_profiles`; None where it is not said or no way."""
    named = str(given.get("login") or form.login or "")
    if named:
        return Login(named) if named in list(Login) else None
    if _is_given("access_token", form, given, environ):
        return Login.TOKEN
    if all(_is_given(key, form, given, environ) for key in ("client_id", "client_secret")):
        return Login.CLIENT_CREDENTIALS
    return Login.SF if given.get("alias") or form.alias else None


def _is_given(key: str, form: OrgForm, given: Mapping[str, str | bool], environ: Mapping[str, str]) -> bool:
    named = getattr(form, f"{key}_env", None)
    ways = (given.get(key), given.get(f"{key}_file"), named and environ.get(named))
    in_file = (getattr(form, each, None) for each in (key, f"{key}_file", f"{key}_keyring"))
    return any(ways) or any(in_file)


def _text(key: str, form: OrgForm, given: Mapping[str, str | bool], environ: Mapping[str, str]) -> str | None:
    """An address, from wherever it is given; not from a private file."""
    written, named = getattr(form, key), getattr(form, f"{key}_env")
    if key in given:
        return str(given[key])
    if named is not None:
        return environ.get(named)
    if written is None or "${file:" in written:
        return None
    try:
        return filled_in(written, environ=environ, folder=Path(), key=key)
    except ConfigError:
        return None


def _host(url: str | None) -> str | None:
    """The host of an address; one that is not Salesforce's may be a secret in the wrong place."""
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return None
    return host if host and (is_of_salesforce(host) or is_here(host)) else None
