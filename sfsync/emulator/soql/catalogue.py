"""Says what the SOQL engine must know about sObjects, and nothing about where that knowledge lives.

The emulator's schema satisfies these protocols structurally; plain frozen dataclasses do as well.
Invariants: mapping keys are lower case, the names inside the values are spelled as describe spells them,
and a mapping's order is describe order (FIELDS() selects in it). What the user may not see is absent.
Storage that goes with it: one SQLite table per sObject, one column per field, both under the exact name.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class ChildRelationship(NamedTuple):
    """One way down: the relationship's own name, the child sObject, and the child's reference field."""

    name: str
    sobject: str
    field: str


class FieldShape(Protocol):
    """What describe says about one field, as far as a query depends on it."""

    @property
    def name(self) -> str:
        """The API name, spelled as describe spells it."""

    @property
    def type(self) -> str:
        """The describe type: id, reference, string, picklist, boolean, currency, date, datetime ..."""

    @property
    def relationship_name(self) -> str | None:
        """The name that leads to the parent (Account for AccountId), or None."""

    @property
    def reference_to(self) -> tuple[str, ...]:
        """The sObjects a reference may point to; empty for other types."""

    @property
    def filterable(self) -> bool:
        """Whether WHERE may name the field."""

    @property
    def sortable(self) -> bool:
        """Whether ORDER BY may name the field."""

    @property
    def groupable(self) -> bool:
        """Whether GROUP BY may name the field."""

    @property
    def aggregatable(self) -> bool:
        """Whether an aggregate function may take the field."""

    @property
    def case_sensitive(self) -> bool:
        """Whether comparison respects case."""

    @property
    def custom(self) -> bool:
        """Whether the field is a custom field."""


class SObjectShape(Protocol):
    """What describe says about one sObject, as far as a query depends on it."""

    @property
    def name(self) -> str:
        """The API name, which is also the table's name."""

    @property
    def fields(self) -> Mapping[str, FieldShape]:
        """Fields by lower-case name, in describe order."""

    @property
    def child_relationships(self) -> Mapping[str, ChildRelationship]:
        """Ways down by lower-case relationship name."""


class Catalogue(Protocol):
    """The sObjects one user sees in one API version, and the addresses of their records."""

    @property
    def api_version(self) -> float:
        """The API version of the call; subqueries go five levels deep since 58."""

    def sobject(self, name: str, /) -> SObjectShape | None:
        """Return the sObject of that name in any case; None when it does not exist or is hidden."""

    def record_url(self, sobject: str, record_id: str, /) -> str:
        """Return the path that `attributes.url` shows for a record."""
