"""What an org is made of, without anything that is in it, as a value that can be saved and read again.

A snapshot is meant for a repository: describes, stages and picklists by record type, and no record, no
secret, no address and no id of the org. It answers what a check asks of an org (`core.ports.OrgSchema`)
where no org can be reached. Invariant: its text depends on nothing but the org, so that two snapshots of an
unchanged org are equal byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import orjson
from pydantic import Field, ValidationError

from sfsync.core.deals.stages import StageCatalogue, parse_stages
from sfsync.core.orgs.describe import SObjectDescribe, parse_describe
from sfsync.core.orgs.snapshot_form import (
    SCHEMA,
    LeadStatusForm,
    LeftOut,
    ObjectForm,
    OrganizationForm,
    Own,
    StageForm,
)
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.sobject import is_api_name
from sfsync.core.wording import suggestion
from sfsync.errors import ConfigError

MAX_BYTES: Final = 64 * 1024 * 1024
"""More than the largest org's describes take; a larger file is something else."""

_MOST_SHOWN: Final = 300
_AGAIN: Final = "Take it again with sfsync org snapshot; a snapshot is not edited by hand."


class Snapshot(Own):
    """The whole form; it answers what `core.ports.OrgSchema` asks, from the file."""

    form: Literal["sfsync.snapshot/1"] = Field(alias="schema")
    api_version: str
    organization: OrganizationForm
    objects: dict[str, ObjectForm]
    stages: list[StageForm] = Field(default_factory=list)
    lead_statuses: list[LeadStatusForm] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)

    def identity(self) -> OrgIdentity:
        """The org by its name; a snapshot knows neither its id nor its address."""
        return OrgIdentity("", self.organization.name, self.organization.sandbox, "")

    def describe(self, sobject: str) -> SObjectDescribe:
        """The sObject as the user who took the snapshot saw it.

        Raises:
            ConfigError: it is not in the snapshot.
        """
        form = self.objects.get(sobject)
        if form is None:
            raise ConfigError(
                f"the snapshot has no sObject {sobject}",
                code="UNKNOWN_SOBJECT",
                hint=f"{suggestion(sobject, list(self.objects))} Take it again as a user who sees {sobject}, "
                f"if need be with --sobject {sobject}.".strip(),
            )
        body = form.model_dump(by_alias=True)
        fields = [{"name": name, **each} for name, each in body["fields"].items()]
        kinds = [{"master": False, **each} for each in body["recordTypes"]]
        return parse_describe({**body, "name": sobject, "fields": fields, "recordTypeInfos": kinds})

    def stage_catalogue(self) -> StageCatalogue:
        """All opportunity stages in their order.

        Raises:
            ConfigError: there are none, because the user who took the snapshot cannot see them.
        """
        if not self.stages:
            raise ConfigError(
                "the snapshot has no stages",
                code="NO_STAGES",
                hint="Take it again as a user who sees OpportunityStage.",
            )
        return parse_stages([_stage_record(each) for each in self.stages])

    def offered(self, sobject: str, record_type_id: str) -> Mapping[str, list[str]]:
        """The picklist fields for which a record type offers fewer values than all, and those values."""
        kinds = self.objects[sobject].record_types if sobject in self.objects else []
        return next((each.picklists for each in kinds if each.record_type_id == record_type_id), {})


def _stage_record(stage: StageForm) -> dict[str, Any]:
    return {
        "ApiName": stage.api_name,
        "MasterLabel": stage.label,
        "DefaultProbability": stage.probability,
        "ForecastCategoryName": stage.forecast_category_name,
        "IsActive": stage.active,
        "IsClosed": stage.closed,
        "IsWon": stage.won,
    }


def dump_snapshot(snapshot: Snapshot) -> bytes:
    """The snapshot as sorted, indented JSON text with a newline at its end."""
    body = snapshot.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(body, option=options)


def load_snapshot(data: bytes, *, name: str) -> Snapshot:
    """The snapshot in a file of that name.

    Raises:
        ConfigError: the text is no snapshot of this version; the message names the place.
    """
    if len(data) > MAX_BYTES:
        raise _refusal(name, f"it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _refusal(name, f"it is not JSON, or cut off: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise _refusal(name, f"its schema is {repr(found)[:60]}, this version reads {SCHEMA!r}")
    try:
        snapshot = Snapshot.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(each) for each in first["loc"])
        raise _refusal(name, f"at {place}: {first['msg']}") from None
    _require_sense(snapshot, name)
    return snapshot


def _require_sense(snapshot: Snapshot, name: str) -> None:
    """Refuses names that are none or contradict each other, as an edit by hand may leave them."""
    _require_names(list(snapshot.objects), "objects", name)
    for sobject, form in snapshot.objects.items():
        _require_names(list(form.fields), f"objects.{sobject}.fields", name)
    stages = [each.api_name for each in snapshot.stages]
    if len(set(stages)) < len(stages):
        raise _refusal(name, "at stages: a stage is there twice")


def _require_names(names: list[str], place: str, name: str) -> None:
    seen: set[str] = set()
    for each in names:
        if not is_api_name(each):
            raise _refusal(name, f"at {place}: {each!r} is no API name")
        if each.lower() in seen:
            raise _refusal(name, f"at {place}: {each} is there twice")
        seen.add(each.lower())


def _refusal(name: str, why: str) -> ConfigError:
    """The error; keys of a strange file may be of any length and hold control characters."""
    why = "".join(char if char.isprintable() else "?" for char in why)[:_MOST_SHOWN]
    return ConfigError(f"{name} is no usable snapshot: {why}", code="BAD_SNAPSHOT", hint=_AGAIN)
