"""The shape of the org: sObjects, their fields, picklists, record types and relationships.

Pure values, built once when the org starts; the describe calls, the rules, the storage and the query
engine all read them. Names are looked up without regard to case and always answered in their canonical
spelling.
Invariant: after `Schema.link` every child relationship of every object is known.
Source: REST API Developer Guide, sObject Describe [D]; recorded describes [R].
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.emulator.soql.catalogue import ChildRelationship as QueryPath

TEXT_TYPES: Final = frozenset(
    {"string", "textarea", "picklist", "multipicklist", "email", "phone", "url", "encryptedstring"}
)
NUMBER_TYPES: Final = frozenset({"currency", "double", "percent", "int"})


@dataclass(frozen=True, slots=True)
class PicklistValue:
    """One value of a picklist."""

    value: str
    label: str
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field, with what describe says about it."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    createable: bool = False
    updateable: bool = False
    nillable: bool = False
    defaulted: bool = False
    id_lookup: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    custom: bool = False
    restricted: bool = False
    filterable: bool = False
    sortable: bool = False
    groupable: bool = False
    name_field: bool = False
    permissionable: bool = True
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    child_name: str | None = None
    cascade_delete: bool = False
    picklist: tuple[PicklistValue, ...] = ()
    default: str | int | float | bool | None = None
    calculated: bool = False
    auto_number: bool = False
    dependent: bool = False
    controller: str | None = None

    @property
    def initial(self) -> str | int | float | bool | None:
        """The value that a create without this field gets."""
        if self.type == "boolean":
            return int(bool(self.default))
        if self.default is None and self.defaulted:
            return next((item.value for item in self.picklist if item.default and item.active), None)
        return self.default

    @property
    def aggregatable(self) -> bool:
        """Whether aggregate functions take this field."""
        return self.filterable and self.type != "boolean"

    @property
    def required(self) -> bool:
        """Whether a create without this field is refused."""
        return self.createable and not self.nillable and not self.defaulted

    @property
    def upsertable(self) -> bool:
        """Whether the field may address a record in an upsert or a nested lookup."""
        return self.external_id or self.id_lookup


@dataclass(frozen=True, slots=True)
class ChildRelationship:
    """A reference of another object to this one, seen from here."""

    name: str | None
    child: str
    field: str
    cascade_delete: bool


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record type with the stages of its sales process (empty: all) and the values of other picklists.

    `users` are the usernames it is available to (None: all), `default_for` those it is the default of.
    `namespace` is the prefix of the managed package it came with; describe does not tell it, SOQL does.
    """

    id: str
    developer_name: str
    name: str
    stages: tuple[str, ...] = ()
    default: bool = False
    active: bool = True
    available: bool = True
    picklists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: tuple[str, ...] | None = None
    default_for: tuple[str, ...] = ()
    namespace: str | None = None

    def offers(self, field_name: str, value: str) -> bool:
        """Whether records of this type may have the value of a picklist field."""
        if field_name == "StageName" and self.stages:
            return value in self.stages
        return field_name not in self.picklists or value in self.picklists[field_name]


@dataclass(frozen=True, slots=True)
class SObject:
    """One object of the org."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: Mapping[str, Field]
    custom: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    undeletable: bool = True
    searchable: bool = True
    feed_enabled: bool = False
    mru_enabled: bool = True
    record_types: tuple[RecordType, ...] = ()
    children: list[ChildRelationship] = field(default_factory=list)
    child_relationships: dict[str, QueryPath] = field(default_factory=dict)
    parents: dict[str, Field] = field(default_factory=dict)
    internal: bool = False
    """Whether only the rules see the object: the org that is played does not show it to anybody."""
    internal_fields: frozenset[str] = frozenset()
    """The lower-case names of the fields that only the rules see."""

    def field_named(self, name: str) -> Field | None:
        """Return the field of that name in any case, or None."""
        return self.fields.get(name.lower())

    @property
    def has_recycle_bin(self) -> bool:
        """Whether deleted rows stay, marked."""
        return "isdeleted" in self.fields

    @property
    def default_record_type(self) -> RecordType | None:
        """Return the record type that a create without one gets."""
        return next((kind for kind in self.record_types if kind.default), None)


class Schema:
    """All objects of the org, by name and by key prefix."""

    def __init__(self, sobjects: Iterable[SObject]) -> None:
        self._by_name = {sobject.name.lower(): sobject for sobject in sobjects}
        self._by_prefix = {sobject.key_prefix: sobject for sobject in self._by_name.values()}
        self._link()

    def __iter__(self) -> Iterator[SObject]:
        return iter(self._by_name.values())

    def sobject(self, name: str) -> SObject | None:
        """Return the object of that name in any case, or None when there is none to be seen."""
        found = self._by_name.get(name.lower())
        return None if found is None or found.internal else found

    def by_prefix(self, record_id: str) -> SObject | None:
        """Return the object that an id belongs to, or None."""
        return self._by_prefix.get(record_id[:3])

    def __getitem__(self, name: str) -> SObject:
        return self._by_name[name.lower()]

    def put(self, sobject: SObject) -> None:
        """Replace an object by a changed one of the same name and with the same relationships."""
        self._by_name[sobject.name.lower()] = self._by_prefix[sobject.key_prefix] = sobject

    def _link(self) -> None:
        for child in self:
            for name, item in child.fields.items():
                if item.relationship_name:
                    child.parents[item.relationship_name.lower()] = item
                if child.internal or name in child.internal_fields:
                    continue
                for target in item.reference_to:
                    self._add_child(target, child=child.name, item=item)

    def _add_child(self, target: str, *, child: str, item: Field) -> None:
        parent = self.sobject(target)
        if parent is None:
            return
        parent.children.append(ChildRelationship(item.child_name, child, item.name, item.cascade_delete))
        if item.child_name:
            parent.child_relationships[item.child_name.lower()] = QueryPath(item.child_name, child, item.name)


class VersionedCatalogue:
    """The schema as the query engine wants it: shapes a user may see, record addresses of a version."""

    def __init__(
        self,
        schema: Schema,
        version: str,
        *,
        hidden: Callable[[SObject], frozenset[str]] = lambda _: frozenset(),
        readable: Callable[[SObject], bool] = lambda _: True,
    ) -> None:
        self._schema = schema
        self._version = version
        self._hidden = hidden
        self._readable = readable

    @property
    def api_version(self) -> float:
        """The API version of the call."""
        return float(self._version)

    def sobject(self, name: str, /) -> SObject | None:
        """Return the object of that name in any case, or None."""
        found = self._schema.sobject(name)
        if found is not None and not self._readable(found):
            return None
        hidden = self._hidden(found) if found else frozenset()
        if found is None or not hidden:
            return found
        return replace(
            found, fields={name: item for name, item in found.fields.items() if name not in hidden}
        )

    def record_url(self, sobject: str, record_id: str, /) -> str:
        """Return the address of a record, as the `attributes` of a row give it."""
        return f"/services/data/v{self._version}/sobjects/{sobject}/{record_id}"
