"""A small org for the SOQL engine: three sObjects, a dozen records, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sfsync.emulator.soql import ChildRelationship, SObjectShape

NOW = datetime(2026, 9, 30, 12, 0, tzinfo=UTC)
USER = "005000000000001AAA"


@dataclass(frozen=True, slots=True)
class Shape:
    name: str
    type: str = "string"
    relationship_name: str | None = None
    reference_to: tuple[str, ...] = ()
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    case_sensitive: bool = False
    custom: bool = False


@dataclass(frozen=True, slots=True)
class TableShape:
    name: str
    fields: Mapping[str, Shape]
    child_relationships: Mapping[str, ChildRelationship] = field(default_factory=dict)


def table(name: str, *shapes: Shape, children: tuple[ChildRelationship, ...] = ()) -> TableShape:
    """Describe one sObject."""
    return TableShape(
        name,
        {shape.name.lower(): shape for shape in shapes},
        {child.name.lower(): child for child in children},
    )


def reference(name: str, relationship: str, target: str) -> Shape:
    """Describe one reference field."""
    return Shape(name, "reference", relationship, (target,))


DELETED = Shape("IsDeleted", "boolean")
TABLES = (
    table(
        "User",
        Shape("Id", "id"),
        Shape("Name"),
        Shape("IsActive", "boolean"),
        reference("ManagerId", "Manager", "User"),
    ),
    table(
        "Account",
        Shape("Id", "id"),
        DELETED,
        Shape("Name"),
        Shape(
            "Description", "textarea", filterable=False, sortable=False, groupable=False, aggregatable=False
        ),
        Shape("IsPartner", "boolean"),
        reference("OwnerId", "Owner", "User"),
        children=(ChildRelationship("Opportunities", "Opportunity", "AccountId"),),
    ),
    table(
        "Opportunity",
        Shape("Id", "id"),
        DELETED,
        Shape("Name"),
        reference("AccountId", "Account", "Account"),
        Shape("StageName", "picklist"),
        Shape("Amount", "currency"),
        Shape("CloseDate", "date"),
        Shape("SystemModstamp", "datetime"),
        Shape("Sizes__c", "multipicklist", custom=True),
        Shape("Sfsync_Key__c", case_sensitive=True, custom=True),
        Shape("FiscalYear", "int"),
        reference("OwnerId", "Owner", "User"),
        children=(ChildRelationship("OpportunityContactRoles", "OpportunityContactRole", "OpportunityId"),),
    ),
    table(
        "OpportunityContactRole",
        Shape("Id", "id"),
        DELETED,
        reference("OpportunityId", "Opportunity", "Opportunity"),
        Shape("Role", "picklist"),
        Shape("IsPrimary", "boolean"),
    ),
)
SQL_TYPES = {"boolean": "INTEGER", "int": "INTEGER", "currency": "REAL"}
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "User": [(USER, "Maria Jimenez", 1, None), ("005000000000002AAA", "Ann", 0, USER)],
    "Account": [
        ("001000000000001AAA", 0, "Get Cloudy Consulting", "long", 1, USER),
        ("001000000000002AAA", 0, "Get Cloudy Canada", None, 0, "005000000000002AAA"),
        ("001000000000003AAA", 1, "Gone", None, 0, USER),
    ],
    "Opportunity": [
        ("006000000000001AAA", 0, "Shoes 100%", "001000000000001AAA", "Prospecting", 1000.0, "2026-09-30",
         "2026-09-30T10:00:00.000Z", "S;M", "Deal-1", 2026, USER),
        ("006000000000002AAA", 0, "Boots_x", "001000000000001AAA", "Closed Won", 250.5, "2026-10-15",
         "2026-09-29T23:59:59.000Z", "M;L", "deal-1", 2026, USER),
        ("006000000000003AAA", 0, "Städte ÄÖÜ", "001000000000002AAA", "prospecting", None, "2025-12-31",
         "2026-01-01T00:00:00.000Z", None, "DEAL-3", 2025, "005000000000002AAA"),
        ("006000000000004AAA", 0, "Orphan's \\ deal", None, None, 5.0, None,
         "2026-08-01T00:00:00.000Z", None, None, None, USER),
        ("006000000000005AAA", 1, "Binned", "001000000000001AAA", "Prospecting", 9.0, "2026-09-30",
         "2026-09-30T11:00:00.000Z", None, "DEAL-5", 2026, USER),
    ],
    "OpportunityContactRole": [
        ("00K000000000001AAA", 0, "006000000000001AAA", "Evaluator", 1),
        ("00K000000000002AAA", 0, "006000000000001AAA", "Decision Maker", 0),
        ("00K000000000003AAA", 0, "006000000000002AAA", None, 0),
        ("00K000000000004AAA", 1, "006000000000003AAA", "Evaluator", 0),
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SmallOrg:
    """The catalogue of the tables above."""

    api_version: float = 66.0

    def sobject(self, name: str, /) -> SObjectShape | None:
        """Return the sObject of that name."""
        return next((shape for shape in TABLES if shape.name.lower() == name.lower()), None)

    def record_url(self, sobject: str, record_id: str, /) -> str:
        """Return the record's path."""
        return f"/services/data/v66.0/sobjects/{sobject}/{record_id}"
