"""Turns rows into JSON exactly: decimals digit by digit, references by their place, nothing guessed.

Invariants: no NaN or infinity ever leaves; a text that the platform would read as a reference to another
subrequest is found before it is sent, because it would be replaced silently.
Source: REST API Developer Guide, "Composite", reference IDs `@{ref.field}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import orjson

from sfsync.core.sobject import record_id
from sfsync.core.values import Value, to_json
from sfsync.core.writes import Node, NodeRef, Refused

_REFERENCE_TEXT: Final = re.compile(r"@\{[^}]*\}")
REFERENCE_IN_TEXT: Final = "SFSYNC_REFERENCE_IN_TEXT"
UNSENDABLE: Final = "SFSYNC_UNSENDABLE"


def dump(document: Any) -> bytes:
    """The document as JSON.

    Raises:
        ValueError: a text in it cannot be written as UTF-8.
    """
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise ValueError("a text holds half of a surrogate pair, which is no character") from None


def body_of(node: Node) -> dict[str, Any]:
    """The fields of a node as they stand in a request.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return {
        name: value if type(value) is str else _wire_value(value)  # most values are text
        for name, value in node.body.items()
    }


def with_reference_text(nodes: Iterable[Node]) -> dict[str, Refused]:
    """The nodes that a composite request would change on its way, refused before it is sent."""
    return {
        node.change_id: Refused(
            REFERENCE_IN_TEXT,
            "a text of the form @{...} would be taken for a reference and replaced",
            tuple(name for name, value in node.body.items() if _is_reference_text(value)),
        )
        for node in nodes
        if any(_is_reference_text(value) for value in node.body.values())
    }


def unsendable(nodes: Iterable[Node]) -> dict[str, Refused]:
    """The nodes that cannot be written as a request at all, with the reason."""
    found: dict[str, Refused] = {}
    for node in nodes:
        if node.record_id is not None and record_id(node.record_id, node.sobject) is None:
            found[node.change_id] = Refused(UNSENDABLE, f"the record id is no id of {node.sobject}", ("Id",))
            continue
        try:
            dump(body_of(node))
        except ValueError as error:
            found[node.change_id] = Refused(UNSENDABLE, str(error))
    return found


def _is_reference_text(value: Value | NodeRef) -> bool:
    return isinstance(value, str) and "@{" in value and _REFERENCE_TEXT.search(value) is not None


def _wire_value(value: Value | NodeRef) -> Any:
    if isinstance(value, NodeRef):
        return f"@{{{value.ref}.id}}"
    plain = to_json(value)
    if not isinstance(plain, Decimal):
        return plain
    if not plain.is_finite():
        raise ValueError("a number that is NaN or infinite cannot be sent")
    return orjson.Fragment(f"{plain:f}".encode("ascii"))
