"""Takes the snapshot of an org: which objects are asked for, in how many calls, and what becomes of the rest.

One call for each object, one for each record type, and one or two for the setup rows; both numbers have a
bound, and what lies beyond it is named, as is an object that the user cannot see. Reads no record: the rows
that are asked for are setup of the org (stages, lead statuses, currencies) and its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from sfsync.core.events import Listener, PhaseAdvanced, PhaseStarted
from sfsync.core.orgs.org_metadata import OrgMetadata
from sfsync.core.orgs.snapshot import Snapshot
from sfsync.core.orgs.snapshot_form import (
    SCHEMA,
    ChildForm,
    FieldForm,
    LeftOut,
    ObjectForm,
    PicklistEntry,
    RecordTypeForm,
)
from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.receipts import RECEIPT
from sfsync.errors import ConfigError, OrgUnavailable

SOBJECTS: Final = (
    "Account",
    "Campaign",
    "CampaignMember",
    "Contact",
    "Lead",
    "LeadStatus",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityLineItem",
    "OpportunityStage",
    "Organization",
    "Pricebook2",
    "PricebookEntry",
    "Product2",
    "RecordType",
    "User",
)
"""The objects of every snapshot; the custom objects that they refer to come with them."""

OPTIONAL: Final = frozenset({RECEIPT.lower()})
"""Objects that most orgs do not have, and that a snapshot does not miss."""

MAX_OBJECTS: Final = 60
MAX_PICKLIST_CALLS: Final = 100

Form = TypeVar("Form", bound=BaseModel)

_PICKLISTS: Final = frozenset({"picklist", "multipicklist"})
_CURRENCY: Final = "CurrencyType"
_NOT_SEEN: Final = "UNKNOWN_SOBJECT"
"""What a user may not see is left out; anything else, such as a refused address, says nothing of the org."""
_ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "Organization": ("Name", "IsSandbox", "FiscalYearStartMonth", "UsesStartDateAsFiscalYearName"),
    "OpportunityStage": (
        "ApiName",
        "MasterLabel",
        "DefaultProbability",
        "ForecastCategory",
        "ForecastCategoryName",
        "IsActive",
        "IsClosed",
        "IsWon",
        "SortOrder",
    ),
    "LeadStatus": ("ApiName", "MasterLabel", "IsDefault", "IsConverted", "SortOrder"),
    _CURRENCY: ("IsoCode", "IsCorporate", "IsActive", "DecimalPlaces"),
}
"""The setup rows of a snapshot; a field that the user cannot see is not asked for."""


@dataclass(slots=True)
class _Taking:
    """A snapshot under way: the describes by name, and what is left out."""

    org: OrgMetadata
    listener: Listener
    describes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    picklist_calls: int = 0


def take_snapshot(org: OrgMetadata, *, also: Iterable[str], api_version: str, listener: Listener) -> Snapshot:
    """Asks the org for everything that a snapshot holds; `also` names further objects.

    Raises:
        ConfigError: an object of `also` does not exist for this user.
        OrgUnavailable: the org did not answer, or not in the platform's form.
    """
    taking = _Taking(org, listener)
    needed = {each.lower(): each for each in also}
    names = needed | {each.lower(): each for each in (*SOBJECTS, RECEIPT)}
    try:
        _describe_all(taking, [names[each] for each in sorted(names)], needed=frozenset(needed))
        rows = _setup_rows(taking)
        objects = {name: _object_form(taking, name) for name in sorted(taking.describes)}
        return Snapshot.model_validate(
            {
                "schema": SCHEMA,
                "api_version": api_version,
                "organization": _organization(taking, rows),
                "objects": objects,
                "stages": [_stage(each) for each in _in_order(rows["OpportunityStage"])],
                "lead_statuses": [_lead_status(each) for each in _in_order(rows["LeadStatus"])],
                "left_out": sorted(taking.left_out, key=lambda each: each.what),
            }
        )
    except (ValidationError, KeyError, TypeError, AttributeError):
        raise OrgUnavailable(
            "the org described itself in a form that is not the platform's",
            code="UNREADABLE",
            hint="check that the address of the org profile is that of an org",
        ) from None


def _describe_all(taking: _Taking, names: list[str], *, needed: frozenset[str]) -> None:
    """Describes the named objects, then the custom objects they refer to, until there is no new one."""
    waiting, known = list(names), {each.lower() for each in names}
    taking.listener(PhaseStarted("describe", unit="objects"))
    while waiting:
        name = waiting.pop(0)
        if len(taking.describes) == MAX_OBJECTS:
            taking.left_out.append(LeftOut(what=name, why="TOO_MANY_OBJECTS"))
            continue
        document = _described(taking, name, needed=name.lower() in needed)
        if document is None:
            continue
        taking.describes[str(document["name"])] = document
        taking.listener(PhaseAdvanced("describe", 1))
        new = sorted(each for each in _wanted_by(document) if each.lower() not in known)
        waiting += new
        known |= {each.lower() for each in new}


def _described(taking: _Taking, name: str, *, needed: bool) -> Mapping[str, Any] | None:
    try:
        return taking.org.describe_document(name)
    except ConfigError as error:
        if needed or error.code != _NOT_SEEN:
            raise
        if name.lower() not in OPTIONAL:
            taking.left_out.append(LeftOut(what=name, why=error.code))
        return None


def _wanted_by(document: Mapping[str, Any]) -> set[str]:
    """The custom objects that an object refers to, and the currencies where it has one."""
    fields = document["fields"]
    targets = {target for each in fields for target in each.get("referenceTo") or ()}
    wanted = {str(each) for each in targets if each.endswith("__c")}
    return wanted | {_CURRENCY} if any(each["name"] == "CurrencyIsoCode" for each in fields) else wanted


def _setup_rows(taking: _Taking) -> dict[str, list[Record]]:
    rows: dict[str, list[Record]] = {name: [] for name in _ROWS}
    visible = {
        name: _visible(taking.describes[name], _ROWS[name]) for name in _ROWS if name in taking.describes
    }
    lookups = [Lookup(name, fields) for name, fields in visible.items() if fields]
    found = taking.org.fetch(lookups) if lookups else []
    return rows | {lookup.sobject: records for lookup, records in zip(lookups, found, strict=True)}


def _visible(document: Mapping[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    known = {each["name"] for each in document["fields"]}
    return tuple(each for each in names if each in known)


def _in_order(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda each: (each.get("SortOrder") or 0, str(each.get("ApiName"))))


def _object_form(taking: _Taking, name: str) -> ObjectForm:
    document = taking.describes[name]
    fields = {str(each["name"]): _field_form(each) for each in document["fields"]}
    kinds = [each for each in document.get("recordTypeInfos") or () if not each.get("master")]
    children = [
        _kept(ChildForm, each)
        for each in document.get("childRelationships") or ()
        if each.get("childSObject") in taking.describes
        and (each.get("relationshipName") or each.get("cascadeDelete"))
    ]
    return _kept(
        ObjectForm,
        document,
        fields=fields,
        recordTypes=sorted(
            (_record_type_form(taking, name, fields, each) for each in kinds),
            key=lambda each: (each.developer_name, each.record_type_id),
        ),
        childRelationships=sorted(children, key=lambda each: (each.child_s_object, each.field)),
    )


def _field_form(document: Mapping[str, Any]) -> FieldForm:
    values = [_kept(PicklistEntry, _labelled(each)) for each in document.get("picklistValues") or ()]
    return _kept(
        FieldForm, document, picklistValues=values, referenceTo=list(document.get("referenceTo") or ())
    )


def _labelled(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**entry, "label": entry.get("label") or entry["value"]}


def _record_type_form(
    taking: _Taking, sobject: str, fields: Mapping[str, FieldForm], info: Mapping[str, Any]
) -> RecordTypeForm:
    active = {
        name: [value.value for value in each.picklist_values if value.active]
        for name, each in fields.items()
        if each.type in _PICKLISTS
    }
    offered = _offered(taking, sobject, info) if active and info.get("available") else {}
    fewer = {
        name: offered[name] for name in offered if name in active and set(offered[name]) != set(active[name])
    }
    name = info.get("developerName") or info["name"]
    return _kept(RecordTypeForm, info, developerName=name, picklists=fewer)


def _offered(taking: _Taking, sobject: str, info: Mapping[str, Any]) -> dict[str, list[str]]:
    what = f"picklists of {sobject} for record type {info.get('developerName') or info['name']}"
    if taking.picklist_calls == 0:
        taking.listener(PhaseStarted("picklists", unit="record types"))
    if taking.picklist_calls == MAX_PICKLIST_CALLS:
        taking.left_out.append(LeftOut(what=what, why="TOO_MANY_RECORD_TYPES"))
        return {}
    taking.picklist_calls += 1
    answer = taking.org.picklist_document(sobject, str(info["recordTypeId"]))
    taking.listener(PhaseAdvanced("picklists", 1))
    if isinstance(answer, str):
        taking.left_out.append(LeftOut(what=what, why=answer))
        return {}
    return {
        name: [str(value["value"]) for value in each["values"]]
        for name, each in answer["picklistFieldValues"].items()
    }


def _kept(form: type[Form], document: Mapping[str, Any], **made: Any) -> Form:
    """The part of a describe that the form has a place for; null and absent take its quiet defaults."""
    aliases = [each.alias or name for name, each in form.model_fields.items()]
    plain = {name: _plain(document[name]) for name in aliases if document.get(name) is not None}
    return form.model_validate(plain | made)


def _plain(value: Any) -> Any:
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Any) -> int | float:
    number = float(value or 0)
    return int(number) if number.is_integer() else number


def _organization(taking: _Taking, rows: Mapping[str, list[Record]]) -> dict[str, Any]:
    facts = rows["Organization"][0] if rows["Organization"] else {}
    return {
        "name": str(facts.get("Name") or ""),
        "sandbox": bool(facts.get("IsSandbox")),
        "fiscal_year_start_month": int(facts.get("FiscalYearStartMonth") or 1),
        "fiscal_year_named_by_start": bool(facts.get("UsesStartDateAsFiscalYearName")),
        "multi_currency": _CURRENCY in taking.describes,
        "currencies": sorted(
            (_currency(each) for each in rows[_CURRENCY]), key=lambda each: each["iso_code"]
        ),
    }


def _stage(record: Record) -> dict[str, Any]:
    return {
        "api_name": record["ApiName"],
        "label": record.get("MasterLabel") or record["ApiName"],
        "probability": _number(record.get("DefaultProbability")),
        "forecast_category": record.get("ForecastCategory") or "",
        "forecast_category_name": record.get("ForecastCategoryName") or "",
        "active": bool(record.get("IsActive")),
        "closed": bool(record.get("IsClosed")),
        "won": bool(record.get("IsWon")),
    }


def _lead_status(record: Record) -> dict[str, Any]:
    return {
        "api_name": record["ApiName"],
        "label": record.get("MasterLabel") or record["ApiName"],
        "default": bool(record.get("IsDefault")),
        "converted": bool(record.get("IsConverted")),
    }


def _currency(record: Record) -> dict[str, Any]:
    return {
        "iso_code": record["IsoCode"],
        "corporate": bool(record.get("IsCorporate")),
        "active": bool(record.get("IsActive")),
        "decimal_places": int(record.get("DecimalPlaces") or 0),
    }
