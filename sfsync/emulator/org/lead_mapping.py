"""Which field of a lead goes into which field of the records that it is converted to.

The platform's own table for standard fields, and what the admin mapped for custom ones in the org file
under [[lead_mappings]].
Source: Salesforce Help, Lead Conversion Field Mapping [D]; Metadata API, LeadConvertSettings [D].
"""

from typing import Final

from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.schema import Schema

LeadMapping = dict[str, dict[str, str]]
"""Object -> its field -> the lead's field."""

_ADDRESS: Final = ("Street", "City", "State", "PostalCode", "Country")
_STANDARD: Final[LeadMapping] = {
    "Account": {
        "Name": "Company",
        **{f"Billing{part}": part for part in _ADDRESS},
        "Phone": "Phone",
        "Fax": "Fax",
        "Website": "Website",
        "Industry": "Industry",
        "Rating": "Rating",
        "AnnualRevenue": "AnnualRevenue",
        "NumberOfEmployees": "NumberOfEmployees",
        "AccountSource": "LeadSource",
    },
    "Contact": {
        "FirstName": "FirstName",
        "LastName": "LastName",
        "Salutation": "Salutation",
        "Title": "Title",
        **{f"Mailing{part}": part for part in _ADDRESS},
        "Phone": "Phone",
        "MobilePhone": "MobilePhone",
        "Fax": "Fax",
        "Email": "Email",
        "Description": "Description",
        "LeadSource": "LeadSource",
    },
    "Opportunity": {"LeadSource": "LeadSource"},
}


def lead_mapping(definition: OrgDefinition, schema: Schema) -> LeadMapping:
    """Return the whole table of an org.

    Raises: DefinitionError for a mapping between fields that do not exist.
    """
    mapping = {sobject: dict(fields) for sobject, fields in _STANDARD.items()}
    for table in definition.lead_mappings:
        _check(table, schema)
        lead_field = schema["Lead"].fields[table["lead_field"].lower()].name
        mapping[table["object"]][schema[table["object"]].fields[table["field"].lower()].name] = lead_field
    return mapping


def _check(table: Table, schema: Schema) -> None:
    place = f"lead mapping of {table['lead_field']}"
    if schema["Lead"].field_named(table["lead_field"]) is None:
        raise DefinitionError(f"{place}: a lead has no such field")
    if table["object"] not in _STANDARD:
        raise DefinitionError(f"{place}: object is one of {', '.join(_STANDARD)}, not {table['object']!r}")
    if schema[table["object"]].field_named(table["field"]) is None:
        raise DefinitionError(f"{place}: {table['object']} has no field {table['field']!r}")
