"""The JSON Schemas of job files, org profiles and presets, for editors and reviews.

They are made from the very models that read the files, so they cannot disagree with them.
Invariant: TOML knows no null, so neither do the schemas.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from sfsync.jobs.job_form import JobForm
from sfsync.jobs.org_form import OrgForm
from sfsync.jobs.preset_form import PresetForm

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def job_json_schema() -> dict[str, Any]:
    """The JSON Schema of a job file."""
    return _schema(JobForm, "sfsync job")


def org_json_schema() -> dict[str, Any]:
    """The JSON Schema of an org profile."""
    return _schema(OrgForm, "sfsync org profile")


def preset_json_schema() -> dict[str, Any]:
    """The JSON Schema of a preset file."""
    return _schema(PresetForm, "sfsync preset")


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema: dict[str, Any] = _without_null(model.model_json_schema(by_alias=True))
    return {"$schema": _DIALECT} | schema | {"title": title}


def _without_null(node: Any) -> Any:
    """The schema without the alternative null, and without the titles that pydantic makes up."""
    if isinstance(node, list):
        return [_without_null(each) for each in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _without_null(value)
        for key, value in node.items()
        if not (key == "default" and value is None) and not (key == "title" and isinstance(value, str))
    }
    choices = [each for each in kept.get("anyOf", ()) if each != {"type": "null"}]
    if "anyOf" not in kept or len(choices) == len(kept["anyOf"]):
        return kept
    del kept["anyOf"]
    return (choices[0] | kept) if len(choices) == 1 else kept | {"anyOf": choices}
