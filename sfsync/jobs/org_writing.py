"""Writes the file of a new org profile: never a secret, only the names of what holds one; never over another."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder, names_in, shown_path
from sfsync.jobs.org_environment import folded
from sfsync.jobs.org_file import read_form
from sfsync.jobs.toml_file import TomlFile

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[-_](?![-_])){0,39}")
"""Two underscores would end the name in a variable."""

_HEAD: Final = (
    "# By sfsync org add; `sfsync schema org` prints every key. A secret never stands in this file."
)


def new_profile_path(name: str, *, environ: Mapping[str, str]) -> Path:
    """Where the profile of a new org goes; its folder may not be there yet.

    Raises:
        ConfigError: the name cannot be one, or there is a profile of it.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "an org's name is letters and digits, with single - and _ between them, 40 at most",
            code="BAD_ORG_NAME",
            hint="Give one such as sandbox or eu-production.",
        )
    folder = find_config_folder(environ) or Path.cwd() / "config"
    taken = [each for each in names_in(folder, "orgs") if folded(each) == folded(name)]
    if taken:
        raise _is_there(folder / "orgs" / f"{taken[0]}.toml")
    return folder / "orgs" / f"{name}.toml"


def profile_file(path: Path, settings: Mapping[str, str | bool]) -> TomlFile:
    """The profile as it would stand in the file; nothing is written.

    Raises:
        ConfigError: a setting cannot be used, such as what may be a secret in the place of a variable's name.
    """
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in settings.items()]
    text = "\n".join([_HEAD, *lines, ""])
    try:
        file = TomlFile(path, shown_path(path), text, tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        raise ConfigError(
            "a setting has characters that no profile can hold",
            code="BAD_VALUE",
            hint="Type it again; it may have been pasted with something before or behind it.",
        ) from None
    read_form(file)
    return file


def write_profile(file: TomlFile) -> None:
    """Writes the profile, wholly or not at all, where no file is.

    Raises:
        ConfigError: a file is there meanwhile, or the folder cannot be written to.
    """
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        with file.path.open("x", encoding="utf-8") as opened:
            opened.write(file.text)
            opened.flush()
            os.fsync(opened.fileno())
    except FileExistsError:
        raise _is_there(file.path) from None
    except OSError as error:
        raise ConfigError(
            f"{file.shown} cannot be written: {error.strerror}",
            code="PROFILE_NOT_WRITABLE",
            hint="Correct the rights of the folder, or let SFSYNC_CONFIG name another.",
        ) from None


def _is_there(path: Path) -> ConfigError:
    return ConfigError(
        f"{shown_path(path)} is there already",
        code="ORG_EXISTS",
        hint="Edit that file, or give another name; a profile is never overwritten.",
    )
