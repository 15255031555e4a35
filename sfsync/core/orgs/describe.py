"""What an org says of an sObject: its fields, record types and picklists, as far as a plan depends on them.

`parse_describe` reads the platform's describe answer and keeps only what sfsync decides by, so that a
digest of it changes when, and only when, a decision could.
Source: REST API Developer Guide, "sObject Describe".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Final

MASTER_RECORD_TYPE: Final = "012000000000000AAA"
"""The record type of an sObject that has no other. Source: describe, recordTypeInfos."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an sObject; lengths count characters, `picklist` holds the active API values.

    `inactive_picklist` holds the inactive ones, where the org tells them.
    """

    name: str
    label: str
    type: str
    length: int
    precision: int
    scale: int
    createable: bool
    updateable: bool
    nillable: bool
    defaulted_on_create: bool
    restricted_picklist: bool
    picklist: tuple[str, ...]
    reference_to: tuple[str, ...]
    relationship_name: str | None
    external_id: bool
    unique: bool
    case_sensitive: bool
    id_lookup: bool
    filterable: bool
    inactive_picklist: tuple[str, ...] = ()

    @property
    def is_required_on_create(self) -> bool:
        """Whether a create without this field is refused."""
        return (
            self.createable and not self.nillable and not self.defaulted_on_create and self.type != "boolean"
        )

    @property
    def is_key(self) -> bool:
        """Whether the server itself keeps two records with the same value apart: External Id *and* Unique."""
        return self.external_id and self.unique and self.createable


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record type as the running user sees it.

    An inactive one stays on the records that have it, and the org refuses it for others whether or not it is
    available to the user. Source: REST API Developer Guide, "sObject Describe", recordTypeInfos.
    """

    id: str
    developer_name: str
    label: str
    available: bool
    master: bool
    active: bool = True
    is_default: bool = False

    @property
    def is_offered(self) -> bool:
        """Whether the running user can give it to a record."""
        return self.available and self.active


@dataclass(frozen=True, slots=True)
class SObjectDescribe:
    """One sObject as the running user sees it; `fields` is keyed by lower-case API name."""

    name: str
    label: str
    createable: bool
    updateable: bool
    queryable: bool
    fields: Mapping[str, Field]
    record_types: tuple[RecordType, ...]
    deletable: bool = False
    _asked: dict[str, Field | None] = dataclass_field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _required: list[Field] | None = dataclass_field(default=None, init=False, repr=False, compare=False)

    def field(self, name: str) -> Field | None:
        """The field of that API name in any case, or None when it does not exist or is hidden."""
        try:
            return self._asked[name]  # rows ask for the same few names again and again
        except KeyError:
            return self._asked.setdefault(name, self.fields.get(name.lower()))

    def required_on_create(self) -> list[Field]:
        """The fields without which a create is refused."""
        if self._required is None:
            required = [each for each in self.fields.values() if each.is_required_on_create]
            object.__setattr__(self, "_required", required)
            return required
        return self._required

    def default_record_type(self) -> str | None:
        """The id of the record type that a new record of this user gets; None for the master type."""
        own = (each.id for each in self.record_types if each.is_default and not each.master)
        return next(own, None)

    def key_fields(self) -> tuple[Field, ...]:
        """The fields that can carry a job's key: writable, External Id and Unique."""
        return tuple(each for each in self.fields.values() if each.is_key)


def parse_describe(body: Mapping[str, Any]) -> SObjectDescribe:
    """The describe answer of one sObject as a value; absent keys take the platform's quiet defaults.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the body is no describe.
    """
    fields = (_parse_field(each) for each in body["fields"])
    return SObjectDescribe(
        name=body["name"],
        label=body.get("label") or body["name"],
        createable=bool(body.get("createable", True)),
        updateable=bool(body.get("updateable", True)),
        queryable=bool(body.get("queryable", True)),
        fields={each.name.lower(): each for each in fields},
        record_types=tuple(_parse_record_type(each) for each in body.get("recordTypeInfos") or ()),
        deletable=bool(body.get("deletable")),
    )


def _parse_field(body: Mapping[str, Any]) -> Field:
    values = body.get("picklistValues") or ()
    return Field(
        name=_text(body["name"]),
        label=_text(body.get("label") or body["name"]),
        type=_text(body.get("type") or "string"),
        length=int(body.get("length") or 0),
        precision=int(body.get("precision") or 0),
        scale=int(body.get("scale") or 0),
        createable=bool(body.get("createable")),
        updateable=bool(body.get("updateable")),
        nillable=bool(body.get("nillable", True)),
        defaulted_on_create=bool(body.get("defaultedOnCreate")),
        restricted_picklist=bool(body.get("restrictedPicklist")),
        picklist=tuple(_text(each["value"]) for each in values if each.get("active", True)),
        reference_to=tuple(_text(each) for each in body.get("referenceTo") or ()),
        relationship_name=_text(body["relationshipName"]) if body.get("relationshipName") else None,
        external_id=bool(body.get("externalId")),
        unique=bool(body.get("unique")),
        case_sensitive=bool(body.get("caseSensitive")),
        id_lookup=bool(body.get("idLookup")),
        filterable=bool(body.get("filterable", True)),
        inactive_picklist=tuple(_text(each["value"]) for each in values if not each.get("active", True)),
    )


def _parse_record_type(body: Mapping[str, Any]) -> RecordType:
    return RecordType(
        id=_text(body["recordTypeId"]),
        developer_name=_text(body.get("developerName") or body.get("name") or ""),
        label=_text(body.get("name") or ""),
        available=bool(body.get("available", True)),
        master=bool(body.get("master")),
        active=bool(body.get("active", True)),
        is_default=bool(body.get("defaultRecordTypeMapping")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a name in the describe is no text")
    return value
