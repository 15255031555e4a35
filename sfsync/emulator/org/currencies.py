"""Currencies of an org: the corporate one first, the rates, and the fields they bring.

An org with one currency has no trace of them: no CurrencyIsoCode, no CurrencyType. With several, business
records carry CurrencyIsoCode, the corporate currency unless sent.
Source: Object Reference, CurrencyType and CurrencyIsoCode [D].
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sfsync.emulator.org.definition import DefinitionError, OrgDefinition
from sfsync.emulator.org.schema import Field, PicklistValue, SObject
from sfsync.emulator.org.standard import object_fields, typed_field

FIELD: Final = "CurrencyIsoCode"
_WITH_CURRENCY: Final = (
    "Account",
    "Contact",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityLineItem",
    "Campaign",
    "Lead",
    "Product2",
    "PricebookEntry",
)
_CURRENCY_TYPE: Final = """
IsoCode           picklist:3       fsg
ConversionRate    double:18,6      fs
DecimalPlaces     int:8            fsg
IsActive          boolean          Dfsg
IsCorporate       boolean          Dfsg
"""


def currencies_of(definition: OrgDefinition) -> dict[str, float]:
    """Return the units of each currency that one unit of the corporate currency buys; empty with only one.

    Raises: DefinitionError for a rate of an unknown currency.
    """
    codes = [str(code) for code in definition.organization.get("currencies", ())]
    rates = definition.organization.get("currency_rates", {})
    if set(rates) - set(codes):
        raise DefinitionError("[organization] currency_rates: only currencies of the org have rates")
    if len(codes) < 2:
        return {}
    return {code: float(rates.get(code, 1.0)) for code in codes}


def add_currencies(definition: OrgDefinition, objects: dict[str, SObject]) -> None:
    """Give the objects of a multi-currency org their fields, and add CurrencyType."""
    codes = list(currencies_of(definition))
    if not codes:
        return
    field = _code_field(codes)
    for name, sobject in objects.items():
        if name in _WITH_CURRENCY or sobject.custom:
            objects[name] = replace(sobject, fields=_with(sobject.fields, field))
    objects["CurrencyType"] = SObject(
        name="CurrencyType",
        label="Currency Type",
        label_plural="Currency Types",
        key_prefix="01L",
        fields=object_fields(_CURRENCY_TYPE, picklists={}, recycle_bin=False, owner=False),
        createable=False,
        updateable=False,
        deletable=False,
        undeletable=False,
        searchable=False,
        mru_enabled=False,
    )


def _code_field(codes: list[str]) -> Field:
    return replace(
        typed_field(FIELD, "picklist:3", label="Currency ISO Code"),
        createable=True,
        updateable=True,
        nillable=True,
        defaulted=True,
        restricted=True,
        filterable=True,
        sortable=True,
        groupable=True,
        default=codes[0],
        picklist=tuple(PicklistValue(code, code, default=code == codes[0]) for code in codes),
    )


def _with(fields: Mapping[str, Field], field: Field) -> dict[str, Field]:
    return {**fields, field.name.lower(): field}
