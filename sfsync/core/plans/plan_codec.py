"""The saved form of a plan: JSON with a digest over all of it, so that an altered plan is recognised.

The digest is also the plan's name in the journal, by which a plan is applied once. A plan that is kept is packed:
the same JSON, compressed as it is made, so that it is never in memory as one text.
Source: RFC 1952 (a gzip file is one member after another).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson
from pydantic import ValidationError

from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_text import body_pieces, plan_form
from sfsync.errors import GuardError

SCHEMA: Final = "sfsync.plan/1"

_ADDED: Final = (
    "forecast",
    "open_references",
    "off_stage",
    "off_stage_total",
    "is_audited",
    "gone",
    "names",
    "marks",
    "share",
    "whole",
    "portion",
    "tally",
    "choices",
    "org_calls",
    "untouched",
    "sifted",
)
"""Fields that a plan got after the schema was first written. They are left out of the text while they hold their
default, so that a plan of before keeps its text, its digest and its name in the journal."""


_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""Says to zlib that the stream is a gzip member. Source: zlib manual, deflateInit2."""

_FAST: Final = 1
"""The compression of plans: their size falls to a tenth, and more effort hardly gains more."""

_HEAD: Final = b'{"schema":"' + SCHEMA.encode() + b'","digest":"'
_BODY: Final = b'","plan":'
_DIGEST_CHARS: Final = 32


@dataclass(frozen=True, slots=True)
class PackedPlan:
    """A plan as it is kept: its digest, and its JSON compressed (gzip); `size` is the JSON's, in bytes."""

    digest: str
    packed: bytes
    size: int

    def text(self) -> bytes:
        """The JSON, as `dump_plan` writes it."""
        return b"".join(_unpacked(self.packed))


def pack_plan(plan: Plan) -> PackedPlan:
    """The plan as it is kept; its text is made once, for the digest and for the copy alike."""
    name, size = _hash(), 0
    packer = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW)
    kept = []
    for piece in _body(plan):
        name.update(piece)
        size += len(piece)
        kept.append(packer.compress(piece))
    head = _head(name.hexdigest())
    kept += [packer.compress(b"}"), packer.flush()]
    first = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW)
    packed = b"".join((first.compress(head), first.flush(), *kept))
    return PackedPlan(name.hexdigest(), packed, len(head) + size + 1)


def dump_plan(plan: Plan) -> bytes:
    """The plan as JSON text, one document."""
    pieces = list(_body(plan))
    name = _hash()
    for piece in pieces:
        name.update(piece)
    return b"".join((_head(name.hexdigest()), *pieces, b"}"))


def plan_digest(plan: Plan) -> str:
    """The name of exactly this plan."""
    name = _hash()
    for piece in _body(plan):
        name.update(piece)
    return name.hexdigest()


def packed_digest(packed: bytes) -> str:
    """The digest that a packed plan says it has; the plan is not read.

    Raises:
        GuardError: it is no packed plan.
    """
    whole = len(_HEAD) + _DIGEST_CHARS
    try:
        head = zlib.decompressobj(_GZIP_WINDOW).decompress(packed, whole)
    except zlib.error:
        raise _refusal("it cannot be read as a plan") from None
    if len(head) != whole or not head.startswith(_HEAD):
        raise _refusal("it cannot be read as a plan")
    return head[len(_HEAD) :].decode("ascii", "replace")


def load_plan(data: bytes) -> Plan:
    """The plan that `dump_plan` or `pack_plan` wrote.

    Raises:
        GuardError: the text is no plan of this version, or was changed after it was written.
    """
    return load_named(data)[0]


def load_named(data: bytes) -> tuple[Plan, str]:
    """The plan that `dump_plan` or `pack_plan` wrote, and its digest.

    Raises:
        GuardError: the text is no plan of this version, or was changed after it was written.
    """
    try:
        text = b"".join(_unpacked(data))
        digest = _own_digest(text)
        if digest is not None:
            return plan_form().validate_json(text[len(_HEAD) + _DIGEST_CHARS + len(_BODY) : -1]), digest
    except (zlib.error, EOFError, ValidationError):
        raise _refusal("it cannot be read as a plan") from None
    return _rewritten(text)


def _own_digest(text: bytes) -> str | None:
    """The digest that stands in front of a text and is that of its body; None where it is laid out otherwise."""
    digest, start = text[len(_HEAD) : len(_HEAD) + _DIGEST_CHARS], len(_HEAD) + _DIGEST_CHARS + len(_BODY)
    if not text.startswith(_HEAD) or text[start - len(_BODY) : start] != _BODY or text[-1:] != b"}":
        return None
    name = _hash()
    name.update(memoryview(text)[start:-1])
    return name.hexdigest() if name.hexdigest().encode() == digest else None


def _rewritten(text: bytes) -> tuple[Plan, str]:
    """The plan of a text that is not as it was written; somebody may have laid it out anew, or changed it."""
    try:
        document: dict[str, Any] = orjson.loads(text)
        known = document["schema"] == SCHEMA
        plan = plan_form().validate_json(orjson.dumps(document["plan"])) if known else None
        digest = document["digest"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError):
        raise _refusal("it cannot be read as a plan") from None
    if plan is None:
        raise _refusal(f"it is of the schema {document['schema']!r}, this version reads {SCHEMA!r}")
    if plan_digest(plan) != digest:
        raise _refusal("it was changed after it was made")
    return plan, digest


def saved_key_fields(data: bytes) -> dict[str, str]:
    """The key field of each sObject that has one, by the text of a saved plan; the rest of it is not read.

    None where the text is no plan of this version.
    """
    name, end = b'"key_fields":', b',"routes":'  # neither can be part of a value: its quotes would be escaped
    text = b""
    try:
        for piece in _unpacked(data):
            text += piece
            if end in text:
                break
        found = text.partition(name)[2].partition(end)[0]
        return dict(orjson.loads(found))
    except (orjson.JSONDecodeError, TypeError, ValueError, zlib.error, EOFError):
        return {}


def _body(plan: Plan) -> Iterator[bytes]:
    defaults = {each.name: each.default for each in fields(Plan)} | {"tally": {}, "untouched": {}}
    return body_pieces(plan, without=[name for name in _ADDED if getattr(plan, name) == defaults[name]])


def _head(digest: str) -> bytes:
    return _HEAD + digest.encode() + _BODY


def _hash() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=_DIGEST_CHARS // 2)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The text of a plan, one piece for each part that was packed by itself.

    Raises:
        zlib.error, EOFError: it is damaged, or cut off.
    """
    if not data.startswith(_GZIP):
        yield data
        return
    while data:
        reader = zlib.decompressobj(_GZIP_WINDOW)
        yield reader.decompress(data)
        if not reader.eof:
            raise EOFError
        data = reader.unused_data


def _refusal(why: str) -> GuardError:
    return GuardError(
        f"the plan is refused: {why}", code="PLAN_ALTERED", hint="Make a new one with sfsync plan."
    )
