"""Decides where the example of the demo lies: in a checkout's config folder, or in the copy that was installed.

The wheel puts the copy under `share/sfsync/config` of the environment, where pip removes it with the rest.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

JOB: Final = "trailhead"

_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def example_folder(environ: Mapping[str, str]) -> Path | None:
    """A config folder that has the example: the one in use where it does, else the one that came with sfsync."""
    from sfsync.jobs import find_config_folder

    found = find_config_folder(environ)
    is_checkout = (_CHECKOUT / "pyproject.toml").is_file()  # an editable install has an old copy of its own
    shipped = (
        _CHECKOUT / "config" if is_checkout else Path(sysconfig.get_path("data"), "share", "sfsync", "config")
    )
    for folder in (found, shipped):
        if folder is not None and (folder / "jobs" / f"{JOB}.toml").is_file():
            return folder
    return None
