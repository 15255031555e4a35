"""Checks that what an org file says of objects and fields is about objects and fields of that org.

A rule on a misspelt object would never run, and nobody would notice.
"""

from collections.abc import Mapping

from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.schema import SObject


def check_names(definition: OrgDefinition, objects: Mapping[str, SObject]) -> None:
    """Check the objects and fields that rules, triggers and permissions name.

    Raises: DefinitionError with the place of the first that the org lacks.
    """
    for place in (
        "triggers",
        "validation_rules",
        "duplicate_rules",
        "field_permissions",
        "object_permissions",
    ):
        for table in getattr(definition, place):
            sobject = objects.get(table["object"])
            if sobject is None:
                raise DefinitionError(f"[[{place}]]: no object {table['object']!r} in this org")
            for name in _fields_of(table):
                if sobject.field_named(name) is None:
                    raise DefinitionError(f"[[{place}]]: no field {sobject.name}.{name} in this org")


def _fields_of(table: Table) -> list[str]:
    alone = [table["field"]] if "field" in table else []
    return [*map(str, table.get("fields", ())), *alone]
