"""Triggers and validation rules of an org: how a hook is written, named, loaded and fired.

A hook is a Python function of one `Event`. The org file names it as `file.py:function`, the file's path
relative to the org file, or as `module:function`:

    [[triggers]]
    object = "Opportunity"
    name = "AddBuyer"               # stands in error texts
    hook = "hooks.py:add_role"
    action = "after"                # before (default) or after the record is stored
    on = ["insert"]                 # insert, update, delete, undelete; insert and update unless said

A *before* trigger may assign to `event.row`; what it writes is checked like sent values. An *after* trigger
acts on other records through `event.records`, in the same transaction: what it does is undone with the
row. `event.refuse(text, *fields)` refuses the row with the admin's text, any other exception with
CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY. A validation rule returns a text to refuse the row, or None. Rows
hold stored values: booleans 0 or 1, dates and times as ISO text, ids in 18 characters.
Invariant: hooks that start each other stop at a depth of 16. Hooks may run again for rows whose
neighbours failed (see `rules/batch.py`).
Source: Apex Developer Guide, Triggers and Order of Execution, Bulk DML Exception Handling, Execution
Governors and Limits [D]; trigger error text recorded [R].
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from sfsync.emulator.errors import RowRefusedError
from sfsync.emulator.org.definition import DefinitionError, OrgDefinition, Table
from sfsync.emulator.org.storage import Row

BEFORE: Final = "before"
AFTER: Final = "after"
OPERATIONS: Final = ("insert", "update", "delete", "undelete")
_UNLESS_SAID: Final = ("insert", "update")


class DmlError(Exception):
    """A record that a hook wanted to save was refused; the text is that of an Apex DmlException."""


class Records(Protocol):
    """The records of the org, as a hook may read and write them: without the user's field permissions."""

    def get(self, record_id: str) -> Row | None:
        """Return a record that is not deleted."""
        ...

    def find(self, sobject: str, **equals: Any) -> list[Row]:
        """Return the records, oldest first, whose fields have those values."""
        ...

    def insert(self, sobject: str, **values: Any) -> str:
        """Save a new record and return its id. Raises: DmlError."""
        ...

    def update(self, record_id: str, **values: Any) -> None:
        """Change a record. Raises: DmlError."""
        ...

    def delete(self, record_id: str) -> None:
        """Delete a record. Raises: DmlError."""
        ...


@dataclass(slots=True)
class Event:
    """One record on its way through the save order, as a hook sees it."""

    sobject: str
    op: str
    moment: str
    row: Row
    before: Row | None
    records: Records

    def refuse(self, message: str, *fields: str) -> NoReturn:
        """Refuse the row with a text of the admin's own, as Apex addError does."""
        raise RowRefusedError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, *fields)

    def changed(self, name: str) -> bool:
        """Whether a field has another value than before; on insert, whether it has one."""
        return bool(self.row[name] != (self.before[name] if self.before else None))


Hook = Callable[[Event], Any]


class Hooks:
    """The triggers and validation rules of one org, by object."""

    def __init__(self, definition: OrgDefinition) -> None:
        self._validations = _by_object(definition.validation_rules)
        self._triggers = _by_object(definition.triggers)
        for table in definition.triggers:
            unknown = set(table.get("on", ())) - set(OPERATIONS)
            if unknown or table.get("action", BEFORE) not in {BEFORE, AFTER}:
                name = table.get("name", table["hook"])
                raise DefinitionError(
                    f"trigger {name}: action is before or after, on lists {', '.join(OPERATIONS)}"
                )

    @property
    def has_triggers(self) -> bool:
        """Whether the org has any trigger."""
        return bool(self._triggers)

    def watch(self, sobject: str) -> bool:
        """Whether any hook is told about records of an object."""
        return sobject in self._triggers or sobject in self._validations

    def fire(self, event: Event) -> None:
        """Run the triggers of a moment, in the order of the org file.

        Raises: RowRefusedError when one refuses the row or fails.
        """
        for table, trigger in self._triggers.get(event.sobject, ()):
            if table.get("action", BEFORE) == event.moment and event.op in table.get("on", _UNLESS_SAID):
                _run(trigger, event, name=table.get("name", "Trigger"))

    def validate(self, event: Event) -> None:
        """Run the validation rules.

        Raises: RowRefusedError with the admin's own text.
        """
        for table, rule in self._validations.get(event.sobject, ()):
            message = rule(event)
            if message:
                raise RowRefusedError("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, *table.get("fields", ()))


def _run(trigger: Hook, event: Event, *, name: str) -> None:
    try:
        trigger(event)
    except RowRefusedError:
        raise
    except Exception as problem:
        place = f"{name}: execution of {event.moment.title()}{event.op.title()}"
        message = f"{place}\n\ncaused by: {problem}"
        raise RowRefusedError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message) from problem


def _by_object(tables: tuple[Table, ...]) -> Mapping[str, list[tuple[Table, Hook]]]:
    hooks: dict[str, list[tuple[Table, Hook]]] = {}
    for table in tables:
        hooks.setdefault(table["object"], []).append((table, _load(table["hook"])))
    return hooks


def _load(place: str) -> Hook:
    source, _, name = place.rpartition(":")
    try:
        module = _module_in(Path(source)) if source.endswith(".py") else importlib.import_module(source)
        hook = getattr(module, name)
    except Exception as problem:  # noqa: BLE001 - a file of hooks may fail in any way when it is loaded
        raise DefinitionError(f"hook {place!r} cannot be loaded: {problem}") from None
    if not callable(hook):
        raise DefinitionError(f"hook {place!r} is not callable")
    return hook  # type: ignore[no-any-return]


def _module_in(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"sfsync_hooks_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
