"""The form `sfsync.snapshot/1`: what of an org's setup is kept, key by key.

What the describe call says keeps the describe call's names; everything else is spelled as sfsync spells it.
Invariant: what is absent is false, 0, empty or null, so that a field takes only the lines it needs.
Source: REST API Developer Guide, "sObject Describe"; Object Reference, OpportunityStage, LeadStatus,
CurrencyType, Organization.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

SCHEMA: Final = "sfsync.snapshot/1"


class _Described(BaseModel):
    """A part of the form whose keys are spelled as the describe call spells them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class Own(BaseModel):
    """A part of the form with names of sfsync's own."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PicklistEntry(_Described):
    """One value of a picklist, in the org's order."""

    value: str
    label: str
    active: bool = False
    default_value: bool = False


class FieldForm(_Described):
    """One field as the running user sees it; a field that the user cannot see is in no snapshot."""

    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    createable: bool = False
    updateable: bool = False
    nillable: bool = False
    defaulted_on_create: bool = False
    default_value: bool | int | float | str | None = None
    id_lookup: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    custom: bool = False
    filterable: bool = False
    sortable: bool = False
    groupable: bool = False
    name_field: bool = False
    calculated: bool = False
    auto_number: bool = False
    dependent_picklist: bool = False
    controller_name: str | None = None
    restricted_picklist: bool = False
    picklist_values: list[PicklistEntry] = []
    reference_to: list[str] = []
    relationship_name: str | None = None


class RecordTypeForm(_Described):
    """A record type; `picklists` has the values of the fields for which it offers fewer than all."""

    developer_name: str
    name: str
    record_type_id: str = Field(pattern="^012[0-9A-Za-z]{15}$")
    active: bool = False
    available: bool = False
    default_record_type_mapping: bool = False
    picklists: dict[str, list[str]] = {}


class ChildForm(_Described):
    """A reference of another object of the snapshot, by the name that this one knows it by."""

    child_s_object: str
    field: str
    relationship_name: str | None = None
    cascade_delete: bool = False


class ObjectForm(_Described):
    """One object as the running user sees it; `fields` by API name."""

    label: str
    label_plural: str
    key_prefix: str | None = None
    custom: bool = False
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    undeletable: bool = False
    queryable: bool = False
    searchable: bool = False
    feed_enabled: bool = False
    mru_enabled: bool = False
    fields: dict[str, FieldForm]
    record_types: list[RecordTypeForm] = []
    child_relationships: list[ChildForm] = []


class StageForm(Own):
    """One row of OpportunityStage, in sort order; `probability` is a percentage."""

    api_name: str
    label: str
    probability: int | float = 0
    forecast_category: str
    forecast_category_name: str
    active: bool = False
    closed: bool = False
    won: bool = False


class LeadStatusForm(Own):
    """One row of LeadStatus, in sort order."""

    api_name: str
    label: str
    default: bool = False
    converted: bool = False


class CurrencyForm(Own):
    """One row of CurrencyType; the rate is left out, because it changes without the org being changed."""

    iso_code: str
    corporate: bool = False
    active: bool = False
    decimal_places: int = 0


class OrganizationForm(Own):
    """What of the org itself changes how a job behaves.

    `fiscal_year_start_month` counts from 1; a fiscal year is named by the year it ends in, unless
    `fiscal_year_named_by_start`.
    """

    name: str
    sandbox: bool = False
    fiscal_year_start_month: int = Field(ge=1, le=12, default=1)
    fiscal_year_named_by_start: bool = False
    multi_currency: bool = False
    currencies: list[CurrencyForm] = []


class LeftOut(Own):
    """Something that was asked for and is not here, and the code of the reason."""

    what: str
    why: str
