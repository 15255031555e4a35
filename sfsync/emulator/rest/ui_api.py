"""Two resources of the UI API: object info, and picklist values by record type.

The only place where the platform tells which stages a record type has.
Source: User Interface API Developer Guide [D]; shapes reported [P], the misspelt attribute name included.
"""

import hashlib
from typing import Any

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.ids import MASTER_RECORD_TYPE, normalised
from sfsync.emulator.org.schema import Field, RecordType, SObject
from sfsync.emulator.wire.messages import Reply


def object_info(call: Call) -> Reply:
    """Answer the fields and record types of an object."""
    sobject = call.sobject()
    kinds = call.record_types(sobject)
    default = next((kind for kind in kinds if kind.default), None)
    infos = {
        kind.id: _record_type_info(kind.id, kind.name, default=kind.default, available=kind.available)
        for kind in kinds
    }
    master = _record_type_info(MASTER_RECORD_TYPE, "Master", default=default is None, available=True)
    body = {
        "apiName": sobject.name,
        "defaultRecordTypeId": default.id if default else MASTER_RECORD_TYPE,
        "eTag": _tag(sobject.name),
        "fields": {field.name: _field(field) for field in call.visible_fields(sobject)},
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "recordTypeInfos": {**infos, MASTER_RECORD_TYPE: {**master, "master": True}},
    }
    return Reply(200, body)


def _record_type_info(record_type_id: str, name: str, *, default: bool, available: bool) -> dict[str, Any]:
    return {
        "available": available,
        "defaultRecordTypeMapping": default,
        "master": False,
        "name": name,
        "recordTypeId": record_type_id,
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "apiName": field.name,
        "createable": field.createable,
        "dataType": field.type.capitalize(),
        "label": field.label,
        "length": field.length,
        "precision": field.precision,
        "required": field.required,
        "scale": field.scale,
        "updateable": field.updateable,
    }


def _tag(*parts: str) -> str:
    return hashlib.md5("/".join(parts).encode(), usedforsecurity=False).hexdigest()


def picklist_values(call: Call) -> Reply:
    """Answer the picklist values that a record type offers."""
    sobject = call.sobject()
    wanted = normalised(call.args["record_type"])
    kind = next((kind for kind in sobject.record_types if kind.id == wanted), None)
    if kind is None and wanted != MASTER_RECORD_TYPE:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    base = f"/services/data/v{call.version}/ui-api/object-info/{sobject.name}/picklist-values/{wanted}"
    values = {
        field.name: _field_values(call, sobject, field, kind=kind, url=f"{base}/{field.name}")
        for field in call.visible_fields(sobject)
        if field.type in {"picklist", "multipicklist"}
    }
    return Reply(200, {"eTag": _tag(base), "picklistFieldValues": values})


def _field_values(
    call: Call, sobject: SObject, field: Field, *, kind: RecordType | None, url: str
) -> dict[str, Any]:
    is_stage = sobject.name == "Opportunity" and field.name == "StageName"
    shown = [value for value in field.picklist if value.active]
    if kind:
        shown = [value for value in shown if kind.offers(field.name, value.value)]
    values: list[dict[str, Any]] = [
        {
            "attributes": _stage_attributes(call, value.value) if is_stage else None,
            "label": value.label,
            "validFor": [],
            "value": value.value,
        }
        for value in shown
    ]
    return {"controllerValues": {}, "defaultValue": None, "eTag": _tag(url), "url": url, "values": values}


def _stage_attributes(call: Call, name: str) -> dict[str, Any]:
    stage = call.org.stages[name]
    return {
        "picklistAtrributesValueType": "OpportunityStage",
        "closed": stage.closed,
        "won": stage.won,
        "defaultProbability": float(stage.probability),
        "forecastCategoryName": stage.category_name,
    }
