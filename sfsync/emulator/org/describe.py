"""The describe answers: an object and its fields in the keys of the REST API.

Pure: schema in, JSON-ready values out. Answers are cached per object and version by the caller.
Source: REST API Developer Guide, sObject Describe and Describe Global [D]; recorded describes [R].
"""

from typing import Any, Final

from sfsync.emulator.org.ids import MASTER_RECORD_TYPE
from sfsync.emulator.org.schema import ChildRelationship, Field, PicklistValue, Schema, SObject

_SOAP_TYPES: Final = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}
_BYTES_PER_CHARACTER: Final = 3


def describe_global(schema: Schema, *, version: str) -> dict[str, Any]:
    """Return the answer of the sObjects list."""
    entries = [
        object_summary(sobject, version=version)
        for sobject in sorted(schema, key=lambda item: item.name)
        if not sobject.internal
    ]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": entries}


def object_summary(sobject: SObject, *, version: str) -> dict[str, Any]:
    """Return what the list of sObjects says about one of them."""
    url = f"/services/data/v{version}/sobjects/{sobject.name}"
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": sobject.name == "Opportunity",
        "deletable": sobject.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": sobject.feed_enabled,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "layoutable": sobject.createable,
        "mergeable": sobject.name in {"Account", "Contact", "Lead"},
        "mruEnabled": sobject.mru_enabled,
        "name": sobject.name,
        "queryable": True,
        "replicateable": sobject.has_recycle_bin,
        "retrieveable": True,
        "searchable": sobject.searchable,
        "triggerable": sobject.createable,
        "undeletable": sobject.undeletable,
        "updateable": sobject.updateable,
        "urls": {
            "rowTemplate": url + "/{ID}",
            "describe": url + "/describe",
            "sobject": url,
        },
    }


def describe_object(sobject: SObject, *, version: str) -> dict[str, Any]:
    """Return the full describe of one object."""
    return {
        "actionOverrides": [],
        **object_summary(sobject, version=version),
        "childRelationships": [_child(child) for child in sobject.children],
        "compactLayoutable": sobject.createable,
        "fields": [describe_field(field) for field in sobject.fields.values()],
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": record_type_infos(sobject, version=version),
        "searchLayoutable": sobject.searchable,
        "supportedScopes": [{"label": f"All {sobject.label_plural.lower()}", "name": "everything"}],
    }


def record_type_infos(sobject: SObject, *, version: str) -> list[dict[str, Any]]:
    """Return the record types of an object, the master type last."""
    url = f"/services/data/v{version}/sobjects/{sobject.name}/describe/layouts/"
    infos = [
        {
            "active": kind.active,
            "available": kind.available,
            "defaultRecordTypeMapping": kind.default,
            "developerName": kind.developer_name,
            "master": False,
            "name": kind.name,
            "recordTypeId": kind.id,
            "urls": {"layout": url + kind.id},
        }
        for kind in sobject.record_types
    ]
    master = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": sobject.default_record_type is None,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": MASTER_RECORD_TYPE,
        "urls": {"layout": url + MASTER_RECORD_TYPE},
    }
    return [*infos, master]


def _child(child: ChildRelationship) -> dict[str, Any]:
    return {
        "cascadeDelete": child.cascade_delete,
        "childSObject": child.child,
        "deprecatedAndHidden": False,
        "field": child.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.name,
        "restrictedDelete": False,
    }


def _picklist_value(value: PicklistValue) -> dict[str, Any]:
    return {
        "active": value.active,
        "defaultValue": value.default,
        "label": value.label,
        "validFor": None,
        "value": value.value,
    }


def describe_field(field: Field) -> dict[str, Any]:
    """Return the describe of one field, with every key the platform sends."""
    return {
        **_flags(field),
        "byteLength": field.length
        if field.type in {"id", "reference"}
        else field.length * _BYTES_PER_CHARACTER,
        "calculatedFormula": None,
        "compoundFieldName": None,
        "controllerName": field.controller,
        "defaultValue": field.default,
        "defaultValueFormula": None,
        "digits": field.precision if field.type == "int" else 0,
        "extraTypeInfo": None,
        "filteredLookupInfo": None,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "picklistValues": [_picklist_value(value) for value in field.picklist],
        "precision": 0 if field.type == "int" else field.precision,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
        "relationshipOrder": None,
        "scale": field.scale,
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "type": field.type,
    }


def _flags(field: Field) -> dict[str, bool]:
    return {
        "aggregatable": field.aggregatable,
        "aiPredictionField": False,
        "autoNumber": field.auto_number,
        "calculated": field.calculated,
        "cascadeDelete": field.cascade_delete,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable,
        "custom": field.custom,
        "defaultedOnCreate": field.defaulted,
        "dependentPicklist": field.dependent,
        "deprecatedAndHidden": False,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "filterable": field.filterable,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.groupable,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.id_lookup,
        "nameField": field.name_field,
        "namePointing": len(field.reference_to) > 1,
        "nillable": field.nillable,
        "permissionable": field.permissionable and field.nillable,
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "queryByDistance": False,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "searchPrefilterable": field.type == "reference",
        "sortable": field.sortable,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }
