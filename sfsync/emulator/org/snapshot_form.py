"""The shape of a snapshot file (`sfsync.snapshot/1`): which keys there are, and of which type each value is.

Written from the published form alone, with nothing of the program that writes it, so that the two can
disagree. What is absent is false, 0, empty or null.
Source: REST API Developer Guide, sObject Describe [D], whose names the file keeps for what it says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sfsync.emulator.org.definition import DefinitionError

FORM: Final = "sfsync.snapshot/1"
_MOST_SHOWN: Final = 60
_MOST_PLACE: Final = 200


@dataclass(frozen=True, slots=True)
class _Form:
    """An object with these keys and no others; those of `needed` must be there."""

    keys: "Mapping[str, _Kind]"
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _ListOf:
    """A list of equal things."""

    item: "_Kind"


@dataclass(frozen=True, slots=True)
class _ByName:
    """An object whose keys are names."""

    item: "_Kind"


_Kind = type | tuple[type, ...] | _Form | _ListOf | _ByName
_NUMBER: Final = (int, float)
_TEXT_OR_NULL: Final = (str, type(None))


def _flags(names: str) -> dict[str, _Kind]:
    return dict.fromkeys(names.split(), bool)


_PICKLIST_VALUE: Final = _Form(
    {"value": str, "label": str, **_flags("active defaultValue")}, needed=("value", "label")
)
_FIELD: Final = _Form(
    {
        "type": str,
        "label": str,
        **dict.fromkeys(("length", "precision", "scale", "digits"), int),
        **_flags("createable updateable nillable defaultedOnCreate idLookup externalId unique caseSensitive"),
        **_flags("custom filterable sortable groupable nameField calculated autoNumber"),
        **_flags("dependentPicklist restrictedPicklist"),
        "defaultValue": (bool, int, float, str, type(None)),
        "controllerName": _TEXT_OR_NULL,
        "picklistValues": _ListOf(_PICKLIST_VALUE),
        "referenceTo": _ListOf(str),
        "relationshipName": _TEXT_OR_NULL,
    },
    needed=("type", "label"),
)
_RECORD_TYPE: Final = _Form(
    {
        **dict.fromkeys(("developerName", "name", "recordTypeId"), str),
        **_flags("active available defaultRecordTypeMapping"),
        "picklists": _ByName(_ListOf(str)),
    },
    needed=("developerName", "name", "recordTypeId"),
)
_CHILD: Final = _Form(
    {"childSObject": str, "field": str, "relationshipName": _TEXT_OR_NULL, "cascadeDelete": bool},
    needed=("childSObject", "field"),
)
_OBJECT: Final = _Form(
    {
        "label": str,
        "labelPlural": str,
        "keyPrefix": _TEXT_OR_NULL,
        **_flags("custom createable updateable deletable undeletable queryable searchable"),
        **_flags("feedEnabled mruEnabled"),
        "fields": _ByName(_FIELD),
        "recordTypes": _ListOf(_RECORD_TYPE),
        "childRelationships": _ListOf(_CHILD),
    },
    needed=("label", "labelPlural", "fields"),
)
_STAGE: Final = _Form(
    {
        **dict.fromkeys(("api_name", "label", "forecast_category", "forecast_category_name"), str),
        "probability": _NUMBER,
        **_flags("active closed won"),
    },
    needed=("api_name", "label", "forecast_category"),
)
_LEAD_STATUS: Final = _Form(
    {"api_name": str, "label": str, **_flags("default converted")}, needed=("api_name", "label")
)
_CURRENCY: Final = _Form(
    {"iso_code": str, **_flags("corporate active"), "decimal_places": int}, needed=("iso_code",)
)
_ORGANIZATION: Final = _Form(
    {
        "name": str,
        **_flags("sandbox multi_currency fiscal_year_named_by_start"),
        "fiscal_year_start_month": int,
        "currencies": _ListOf(_CURRENCY),
    },
    needed=("name",),
)
_SNAPSHOT: Final = _Form(
    {
        "schema": str,
        "api_version": str,
        "organization": _ORGANIZATION,
        "objects": _ByName(_OBJECT),
        "stages": _ListOf(_STAGE),
        "lead_statuses": _ListOf(_LEAD_STATUS),
        "left_out": _ListOf(_Form({"what": str, "why": str})),
    },
    needed=("schema", "organization", "objects"),
)


class SnapshotError(DefinitionError):
    """A snapshot that cannot be played; the message names the place and the next step."""

    def __init__(self, place: str, why: str) -> None:
        where = "".join(char if char.isprintable() else "?" for char in place)[:_MOST_PLACE]
        super().__init__(f"the snapshot cannot be used: {where}: {why}. Take it again: sfsync org snapshot.")


def check_shape(document: Mapping[str, Any]) -> None:
    """Check every key and the type of every value.

    Raises: SnapshotError for another schema version, an unknown or missing key, or a wrong type.
    """
    if document.get("schema") != FORM:
        raise SnapshotError(
            "schema", f"it is {repr(document.get('schema'))[:_MOST_SHOWN]}, this emulator plays {FORM!r}"
        )
    _check(document, _SNAPSHOT, "")


def _check(value: object, kind: _Kind, place: str) -> None:
    match kind:
        case _Form():
            _check_form(value, kind, place)
        case _ListOf(item):
            _require(value, list, place)
            for number, each in enumerate(value if isinstance(value, list) else ()):
                _check(each, item, f"{place}[{number}]")
        case _ByName(item):
            _require(value, dict, place)
            for name, each in value.items() if isinstance(value, dict) else ():
                _check(each, item, f"{place}.{name}")
        case _:
            _require(value, kind, place)


def _check_form(value: object, form: _Form, place: str) -> None:
    _require(value, dict, place)
    table = value if isinstance(value, dict) else {}
    for key, each in table.items():
        if key not in form.keys:
            raise SnapshotError(_below(place, key), "no such key in this schema")
        _check(each, form.keys[key], _below(place, key))
    for key in form.needed:
        if key not in table:
            raise SnapshotError(_below(place, key), "it is missing")


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _require(value: object, kind: type | tuple[type, ...], place: str) -> None:
    """Refuse a value of another type; true and false are no numbers here."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if type(value) not in kinds:
        words = " or ".join(each.__name__ for each in kinds).replace("NoneType", "null")
        raise SnapshotError(place, f"it is no {words}: {repr(value)[:_MOST_SHOWN]}")
