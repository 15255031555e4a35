"""Reads job files and org profiles, and turns them into checked values of `core.job`.

TOML is read strictly; every mistake of a file is listed at once, with its line and the nearest known key.
Invariants: a job holds no secret; a profile file holds the names of secrets only; nothing is sent to an org
from here. Each name is imported when it is first asked for, so that a shell that completes the name of a job does
not wait for all that checks one.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sfsync.jobs.config_folder import find_config_folder
    from sfsync.jobs.job_files import load_job
    from sfsync.jobs.json_schema import job_json_schema, org_json_schema, preset_json_schema
    from sfsync.jobs.org_profiles import load_org
    from sfsync.jobs.picks_file import with_picks
    from sfsync.jobs.preset_files import all_presets, preset_folders, recognised

_HOMES: Final = {
    "all_presets": "preset_files",
    "find_config_folder": "config_folder",
    "job_json_schema": "json_schema",
    "load_job": "job_files",
    "load_org": "org_profiles",
    "org_json_schema": "json_schema",
    "preset_folders": "preset_files",
    "preset_json_schema": "json_schema",
    "recognised": "preset_files",
    "with_picks": "picks_file",
}

__all__ = [
    "all_presets",
    "find_config_folder",
    "job_json_schema",
    "load_job",
    "load_org",
    "org_json_schema",
    "preset_folders",
    "preset_json_schema",
    "recognised",
    "with_picks",
]


def __getattr__(name: str) -> object:
    """A name of this room, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sfsync.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sfsync.jobs.{_HOMES[name]}"), name)
