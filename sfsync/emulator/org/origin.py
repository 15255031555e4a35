"""Which org is played: that of an org file, that of a snapshot, or a snapshot with an org file on top."""

from pathlib import Path
from typing import Any

from sfsync.emulator.org.definition import OrgDefinition, Table, definition_from, load_definition
from sfsync.emulator.org.from_snapshot import definition_on
from sfsync.emulator.org.snapshot_file import Snapshot, load_snapshot, snapshot_from


def definition_of(given: OrgDefinition | Snapshot | dict[str, Any] | Path | None) -> OrgDefinition:
    """Return the definition in a value, a parsed document or a file.

    A file whose name ends in .json and a document with a schema are snapshots, others are org files.
    Raises: DefinitionError for what cannot be used.
    """
    if isinstance(given, Path):
        given = load_snapshot(given) if given.suffix == ".json" else load_definition(given)
    elif isinstance(given, dict):
        given = _in_document(given)
    return definition_on(given) if isinstance(given, Snapshot) else given or OrgDefinition()


def _in_document(document: Table) -> OrgDefinition | Snapshot:
    return snapshot_from(document) if "schema" in document else definition_from(document)


def snapshot_with(snapshot: Path, org: Path | None) -> OrgDefinition:
    """Return the definition of a snapshot file, with what an org file adds where there is one.

    Raises: DefinitionError for what cannot be used; OSError when there is no such file.
    """
    return definition_on(load_snapshot(snapshot), load_definition(org) if org else None)
