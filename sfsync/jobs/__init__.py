"""Reads job files and org profiles, and turns them into checked values of `core.job`.

TOML is read strictly; every mistake of a file is listed at once, with its line and the nearest known key.
Invariants: a job holds no secret; a profile file holds the names of secrets only; nothing is sent to an org
from here.
"""

from sfsync.jobs.config_folder import find_config_folder
from sfsync.jobs.job_files import load_job
from sfsync.jobs.json_schema import job_json_schema, org_json_schema, preset_json_schema
from sfsync.jobs.org_profiles import load_org
from sfsync.jobs.picks_file import with_picks
from sfsync.jobs.preset_files import all_presets, preset_folders, recognised

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
