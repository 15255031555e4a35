"""Finds the config folder, and files in it by name.

It is the folder that SFSYNC_CONFIG names, else the first `config` with `jobs` or `orgs` in it, from the
current folder upwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError

VARIABLE: Final = "SFSYNC_CONFIG"


def find_config_folder(environ: Mapping[str, str] | None = None) -> Path | None:
    """The config folder, or None; without `environ`, the environment of the process counts.

    Raises:
        ConfigError: SFSYNC_CONFIG names no folder.
    """
    named = (os.environ if environ is None else environ).get(VARIABLE)
    if named:
        folder = Path(named).absolute()
        if not folder.is_dir():
            raise ConfigError(
                f"{VARIABLE} names {named}, which is no folder",
                code="NO_CONFIG",
                hint="Name the folder that holds jobs/ and orgs/, or unset it.",
            )
        return folder
    here = Path.cwd()
    for parent in (here, *here.parents):
        folder = parent / "config"
        if (folder / "jobs").is_dir() or (folder / "orgs").is_dir():
            return folder
    return None


def names_in(folder: Path | None, kind: str) -> tuple[str, ...]:
    """The names of the TOML files in a subfolder of the config folder."""
    if folder is None or not (folder / kind).is_dir():
        return ()
    stems = (each.stem for each in (folder / kind).glob("*.toml"))
    return tuple(
        sorted(each for each in stems if not each.endswith(".test"))
    )  # tests stand beside their jobs


def shown_path(path: Path) -> str:
    """A path as messages show it: from the current folder where it lies below, else in full."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
