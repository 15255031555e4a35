"""A plan as JSON text, in pieces: it is hashed and compressed as it is made, and never in memory as a whole.

The pieces together are byte for byte what pydantic's serializer makes of the `Plan` at one go (a test holds them to
that), so that plans keep their digests from version to version.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Final

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from sfsync.core.plans.plan import Change, Plan, SourceImage

_A_PIECE: Final = 1000
"""So many rows or changes are text at a time."""

_NO_CHANGES: Final = b'"changes":[]'
_SOURCES: Final = b'"sources":{'
_NO_ROWS: Final = b'"rows":{}'
"""None can be part of a value: its quotes would be escaped."""


@cache
def plan_form() -> TypeAdapter[Plan]:
    """How a plan is written and read; made when first needed, as it takes longer than an import."""
    return TypeAdapter(Plan)


@cache
def _changes_form() -> TypeAdapter[list[Change]]:
    return TypeAdapter(list[Change])


@cache
def _rows_form() -> TypeAdapter[dict[int, tuple[str, ...]]]:
    return TypeAdapter(dict[int, tuple[str, ...]])


def body_pieces(plan: Plan, *, without: Collection[str]) -> Iterator[bytes]:
    """The text of a plan in pieces; `without` names fields that are left out."""
    images = {name: replace(each, rows={}) for name, each in plan.sources.items()}
    form = _changes_form()
    frame = plan_form().dump_json(replace(plan, changes=(), sources=images), exclude=set(without) or None)
    before, found, rest = frame.partition(_NO_CHANGES)
    yield before + found[:-1]
    yield from _listed(form.dump_json(some)[1:-1] for some in _some(plan.changes))
    before, found, rest = rest.partition(_SOURCES)
    yield b"]" + before + found
    for image in plan.sources.values():
        before, found, rest = rest.partition(_NO_ROWS)
        yield before + found[:-1]
        yield from _listed(_row_pieces(image))
        yield b"}"
    yield rest


def changes_pieces(changes: Iterable[Change]) -> Iterator[bytes]:
    """What tells these changes from any others, in pieces, also where a text holds half a character."""
    form = _changes_form()
    for some in _some(changes):
        try:
            yield form.dump_json(some)
        except PydanticSerializationError:
            yield json.dumps(form.dump_python(some, mode="json"), ensure_ascii=True).encode()


def _row_pieces(image: SourceImage) -> Iterator[bytes]:
    rows, form = iter(image.rows.items()), _rows_form()
    while some := dict(islice(rows, _A_PIECE)):
        yield form.dump_json(some)[1:-1]


def _some(changes: Iterable[Change]) -> Iterator[list[Change]]:
    rest = iter(changes)
    while some := list(islice(rest, _A_PIECE)):
        yield some


def _listed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        yield b"," + piece if number else piece
