"""Reads the file of an org profile as its form, and lists its mistakes without repeating what may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sfsync.core.orgs.org_profile import Login
from sfsync.jobs.mistakes import Mistake, refusal, shape_mistakes
from sfsync.jobs.org_form import SECRETS, OrgForm
from sfsync.jobs.toml_file import TomlFile

BY_NAME: Final = ("login_url", "instance_url", "username", "proxy", *SECRETS)
"""Settings whose variable a file may name with `..._env`."""

_PLAIN_KEY: Final = re.compile(r"[a-z][a-z_]{0,39}")

_ENTRY: Final = '{}_keyring = {{ service = "NAME", username = "NAME" }}'

_HINT: Final = "Correct the profile. `sfsync schema org` prints every key and what it means."


def login_words() -> str:
    """The ways to log in, as messages list them."""
    return ", ".join(each.value for each in Login)


def read_form(file: TomlFile) -> OrgForm:
    """The form of a profile file; nothing that it names is looked up.

    Raises:
        ConfigError: the file has mistakes, all of which are told.
    """
    mistakes = list(_meaning_mistakes(file.document))
    try:
        form = OrgForm.model_validate(file.document)
    except ValidationError as error:
        found = shape_mistakes(error, _model_at, explained=_explained())
        raise refusal(file, [*mistakes, *map(_without_value, found)], hint=_HINT) from None
    if mistakes:
        raise refusal(file, mistakes, hint=_HINT)
    return form


def _model_at(path: tuple[str, ...]) -> type[BaseModel] | None:
    return None if path else OrgForm


def _explained() -> dict[str, str]:
    words = (
        *SECRETS,
        "token",
        "secret",
        "refresh_token",
        "security_token",
        "consumer_key",
        "consumer_secret",
    )
    explained = {}
    for word in words:
        key = word if word in SECRETS else "client_id" if word == "consumer_key" else "client_secret"
        key = "access_token" if "token" in word else key
        explained[word] = (
            f'a secret never stands in a file; name the variable that holds it: {key}_env = "VARIABLE", '
            f"or {_ENTRY.format(key)}"
        )
    return explained


def _without_value(mistake: Mistake) -> Mistake:
    """A variable's name, a word or a key that is none may be the secret itself, so it is not repeated."""
    if mistake.code == "UNKNOWN_KEY" and not _PLAIN_KEY.fullmatch(mistake.path[0]):
        return Mistake((), f"a key is none of {', '.join(OrgForm.model_fields)}", "UNKNOWN_KEY")
    if mistake.path == ("login",) and "did you mean" not in mistake.message:
        return Mistake(mistake.path, f"is none of {login_words()}")
    if mistake.path and mistake.path[0].endswith("_env"):
        return Mistake(mistake.path, "is no name of an environment variable (50 characters at most)")
    if mistake.path and mistake.path[0].endswith("_keyring") and mistake.path[0] in OrgForm.model_fields:
        key = mistake.path[0].removesuffix("_keyring")
        return Mistake(mistake.path[:1], f"is no entry of a keyring; write {_ENTRY.format(key)}")
    return mistake


def _meaning_mistakes(document: Mapping[str, Any]) -> list[Mistake]:
    mistakes = [
        Mistake((f"{key}_env",), f"and {key} both say the same thing; give one")
        for key in BY_NAME
        if f"{key}_env" in document and key in document and key not in SECRETS
    ]
    for key in SECRETS:
        ways = [each for each in (f"{key}_env", f"{key}_file", f"{key}_keyring") if each in document]
        mistakes += [Mistake((ways[0],), f"and {each} both name the secret; give one") for each in ways[1:]]
    mistakes += [
        Mistake((key,), "holds a login; a secret never stands in a file")
        for key in ("proxy", "login_url", "instance_url")
        if "@" in str(document.get(key, ""))
    ]
    return mistakes
