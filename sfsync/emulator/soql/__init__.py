"""Plays SOQL: a grammar, translated to one parametrised SQLite statement per level.

The only way in is `run_query`. The package knows records as SQLite tables and the schema as a `Catalogue`;
it imports nothing else of the emulator. Literals reach SQLite as bound parameters only, names only after
the catalogue has confirmed them.
"""

from sfsync.emulator.soql.catalogue import Catalogue, ChildRelationship, FieldShape, SObjectShape
from sfsync.emulator.soql.errors import SoqlError
from sfsync.emulator.soql.result import Nest, QueryResult, nested_whole
from sfsync.emulator.soql.running import run_query

__all__ = [
    "Catalogue",
    "ChildRelationship",
    "FieldShape",
    "Nest",
    "QueryResult",
    "SObjectShape",
    "SoqlError",
    "nested_whole",
    "run_query",
]
