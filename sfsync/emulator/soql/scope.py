"""Finds the column that a path means, and the joins that lead to it.

One Scope is one FROM: the sObject, its alias, and every parent that a path of that level has walked to.
Names are confirmed against the catalogue here and nowhere else; what leaves is quoted SQL.
Invariant: one LEFT JOIN per distinct way, so a missing parent never removes the child's row.
"""

from dataclasses import dataclass
from typing import Final

from sfsync.emulator.soql.catalogue import Catalogue, FieldShape, SObjectShape
from sfsync.emulator.soql.errors import QueryFault, invalid_field, malformed
from sfsync.emulator.soql.limits import Allowance
from sfsync.emulator.soql.sql import quote_name
from sfsync.emulator.soql.statement import Path

# Source: SOQL and SOSL Reference, "Understanding Relationship Query Limitations" [D].
_MAX_LEVELS: Final = 5
_ADVICE: Final = "Please reference your WSDL or the describe call for the appropriate names."


@dataclass(frozen=True, slots=True)
class Table:
    """One sObject in a FROM: the root, or a parent reached over relationships."""

    alias: str
    shape: SObjectShape
    names: tuple[str, ...]  # the relationships that lead here, spelled as describe spells them

    def column(self, field: FieldShape) -> str:
        """Return the SQL of one of its columns."""
        return f"{self.alias}.{quote_name(field.name)}"

    @property
    def id_column(self) -> str:
        """The SQL of its Id."""
        return f'{self.alias}."Id"'


@dataclass(frozen=True, slots=True)
class FoundField:
    """A field that a path led to."""

    table: Table
    field: FieldShape
    path: Path

    @property
    def sql(self) -> str:
        """The column, quoted."""
        return self.table.column(self.field)


def sobject_named(name: str, *, catalogue: Catalogue, offset: int) -> SObjectShape:
    """Return the sObject of a FROM.

    Raises:
        QueryFault: INVALID_TYPE; it does not exist or is hidden.
    """
    shape = catalogue.sobject(name)
    if shape is None:
        reason = (
            f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
            f"be sure to append the '__c' after the entity name. {_ADVICE}"
        )
        raise QueryFault("INVALID_TYPE", reason, offset=offset)
    return shape


class Scope:
    """The names that one level of a statement can use; remembers the joins they need."""

    def __init__(
        self,
        shape: SObjectShape,
        *,
        catalogue: Catalogue,
        allowance: Allowance,
        alias: str | None,
        prefix: str,
    ) -> None:
        self.root = Table(f"{prefix}0", shape, ())
        self._catalogue = catalogue
        self._allowance = allowance
        self._root_names = {name.lower() for name in (shape.name, alias) if name}
        self._alias = alias.lower() if alias else None
        self._prefix = prefix
        self._parents: dict[tuple[str, ...], Table] = {}
        self._joins: list[str] = []

    def find(self, path: Path) -> FoundField:
        """Return the field at the end of a path.

        Raises:
            QueryFault: INVALID_FIELD for an unknown relationship or column, MALFORMED_QUERY beyond
                five levels.
        """
        names = path.parts
        if len(names) > 1 and self._is_root_name(names[0]):
            names = names[1:]
        if len(names) - 1 > _MAX_LEVELS:
            raise malformed(
                f"'{path}' goes up more than {_MAX_LEVELS} levels of relationships", offset=path.offset
            )
        table = self.root
        for name in names[:-1]:
            table = self._parent(table, name, offset=path.offset)
        field = table.shape.fields.get(names[-1].lower())
        if field is None:
            reason = (
                f"No such column '{names[-1]}' on entity '{table.shape.name}'. If you are attempting to "
                f"use a custom field, be sure to append the '__c' after the custom field name. {_ADVICE}"
            )
            raise invalid_field(reason, offset=path.offset)
        return FoundField(table, field, path)

    def table_at(self, names: tuple[str, ...]) -> Table:
        """Return the table that a found field's relationships, or the first few of them, led to."""
        return self._parents[tuple(name.lower() for name in names)] if names else self.root

    def from_clause(self) -> str:
        """Return FROM with every join asked for so far."""
        root = f"FROM {quote_name(self.root.shape.name)} AS {self.root.alias}"
        return " ".join([root, *self._joins])

    def _is_root_name(self, name: str) -> bool:
        lowered = name.lower()
        if lowered == self._alias:
            return True
        return lowered in self._root_names and _reference_called(lowered, self.root.shape) is None

    def _parent(self, child: Table, name: str, *, offset: int) -> Table:
        way = (*map(str.lower, child.names), name.lower())
        if way in self._parents:
            return self._parents[way]
        reference = _reference_called(name.lower(), child.shape)
        shape = self._target(reference) if reference else None
        if reference is None or shape is None:
            reason = (
                f"Didn't understand relationship '{name}' in field path. If you are attempting to use a "
                f"custom relationship, be sure to append the '__r' after the custom relationship name. "
                + _ADVICE
            )
            raise invalid_field(reason, offset=offset)
        self._allowance.take_parent(offset=offset)
        names = (*child.names, reference.relationship_name or name)
        parent = Table(f"{self._prefix}{len(self._parents) + 1}", shape, names)
        self._parents[way] = parent
        table = f"LEFT JOIN {quote_name(shape.name)} AS {parent.alias}"
        self._joins.append(f"{table} ON {parent.id_column} = {child.column(reference)}")
        return parent

    def _target(self, reference: FieldShape) -> SObjectShape | None:
        """Return the parent's shape; of several possible ones (Owner: Group or User) the one the org has."""
        known = [shape for name in reference.reference_to if (shape := self._catalogue.sobject(name))]
        if len(known) <= 1:
            return known[0] if known else None
        users = [shape for shape in known if shape.name == "User"]
        if not users:
            reason = f"'{reference.relationship_name}' has several parent types: not played by this emulator"
            raise invalid_field(reason)
        return users[0]


def _reference_called(relationship: str, shape: SObjectShape) -> FieldShape | None:
    for field in shape.fields.values():
        if field.relationship_name is not None and field.relationship_name.lower() == relationship:
            return field
    return None
