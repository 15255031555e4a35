"""sObject Tree: a parent with its children in one call, created together or not at all.

Answers 201 with every id, or 400 listing the failing references only.
Source: REST API Developer Guide, sObject Tree [D]: 200 records over all levels, 5 objects, 5 levels.
"""

from dataclasses import dataclass
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError, bad_field
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.rules.saving import Outcome, insert
from sfsync.emulator.wire.messages import Reply

_MOST_RECORDS: Final = 200
_MOST_LEVELS: Final = 5
_MOST_OBJECTS: Final = 5
_STEPS_DOWN: Final = 3
"""A level is left by `records`, an index and the name of the relationship."""

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Leaf:
    """One record of a tree: its fields, and the parent that it hangs on."""

    reference_id: str
    sobject: SObject
    values: dict[str, Any]
    parent: "Leaf | None" = None
    link: str = ""
    saved_id: str = ""
    place: Place = ()


def create_tree(call: Call) -> Reply:
    """Create the records of a tree."""
    leaves = _leaves(call, call.sobject(), call.request.json_object(), parent=None, link="", place=())
    if len(leaves) > _MOST_RECORDS or len({leaf.sobject.name for leaf in leaves}) > _MOST_OBJECTS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"A tree has at most {_MOST_RECORDS} records of {_MOST_OBJECTS} objects"
        )
    if len({leaf.reference_id for leaf in leaves}) != len(leaves):
        raise ApiError(400, "INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
    with call.work.unit() as unit:
        failed = [result for leaf in leaves if (result := _save(call, leaf))]
        if failed:
            unit.undo()
            return Reply(400, {"hasErrors": True, "results": failed})
    results = [{"referenceId": leaf.reference_id, "id": leaf.saved_id} for leaf in leaves]
    return Reply(201, {"hasErrors": False, "results": results})


def _save(call: Call, leaf: Leaf) -> dict[str, Any] | None:
    if leaf.parent and not leaf.parent.saved_id:
        return None
    draft = call.draft(leaf.sobject, leaf.values, creating=True, path=leaf.place)
    if leaf.parent:
        draft.values[leaf.link] = leaf.parent.saved_id
    outcome: Outcome = insert(call, draft)
    leaf.saved_id = outcome.id or ""
    if outcome.success:
        return None
    return {"referenceId": leaf.reference_id, "errors": [error.as_result() for error in outcome.errors]}


def _leaves(
    call: Call, sobject: SObject, body: dict[str, Any], *, parent: Leaf | None, link: str, place: Place
) -> list[Leaf]:
    records = body.get("records")
    if not isinstance(records, list) or len(place) >= _STEPS_DOWN * _MOST_LEVELS:
        raise ApiError(400, "INVALID_INPUT", f"A tree has records on at most {_MOST_LEVELS} levels")
    leaves: list[Leaf] = []
    for index, record in enumerate(records):
        leaf, children = _leaf(sobject, record, parent=parent, link=link)
        leaf.place = (*place, "records", index)
        leaves.append(leaf)
        for name, below in children:
            path = sobject.child_relationships.get(name.lower())
            if path is None:
                raise bad_field(name, sobject.name)
            child = call.sobject(path.sobject)
            leaves += _leaves(
                call,
                child,
                below,
                parent=leaf,
                link=path.field,
                place=(*leaf.place, name),
            )
    return leaves


def _leaf(
    sobject: SObject,
    record: Any,
    *,
    parent: Leaf | None,
    link: str,
) -> tuple[Leaf, list[tuple[str, dict[str, Any]]]]:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    if not isinstance(attributes, dict) or not attributes.get("referenceId"):
        raise ApiError(400, "INVALID_INPUT", "Include a referenceId for each record in the request.")
    if str(attributes.get("type", "")).lower() != sobject.name.lower():
        raise ApiError(400, "INVALID_INPUT", f"Expected records of type {sobject.name}.")
    children = [(name, part) for name, part in record.items() if isinstance(part, dict) and "records" in part]
    below = {name for name, _ in children}
    values = {name: part for name, part in record.items() if name not in below}
    return Leaf(str(attributes["referenceId"]), sobject, values, parent, link), children
