"""The saved form of a plan: JSON with a digest over all of it, so that an altered plan is recognised.

The digest is also the plan's name in the journal, by which a plan is applied once.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from sfsync.core.plan import Plan
from sfsync.errors import GuardError

SCHEMA: Final = "sfsync.plan/1"

_PLAN: Final = TypeAdapter(Plan)

_ADDED: Final = (
    "forecast",
    "open_references",
    "off_stage",
    "off_stage_total",
    "is_audited",
    "gone",
    "names",
    "marks",
    "untouched",
    "sifted",
)
"""Fields that a plan got after the schema was first written. They are left out of the text while they hold their
default, so that a plan of before keeps its text, its digest and its name in the journal."""


def dump_plan(plan: Plan) -> bytes:
    """The plan as JSON text, one document."""
    body = _body(plan)
    head = orjson.dumps({"schema": SCHEMA, "digest": _digest(body)})
    return head[:-1] + b',"plan":' + body + b"}"


def plan_digest(plan: Plan) -> str:
    """The name of exactly this plan."""
    return _digest(_body(plan))


def load_plan(data: bytes) -> Plan:
    """The plan that `dump_plan` wrote.

    Raises:
        GuardError: the text is no plan of this version, or was changed after it was written.
    """
    try:
        document: dict[str, Any] = orjson.loads(data)
        known = document["schema"] == SCHEMA
        plan = _PLAN.validate_json(orjson.dumps(document["plan"])) if known else None
        digest = document["digest"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError):
        raise _refusal("it cannot be read as a plan") from None
    if plan is None:
        raise _refusal(f"it is of the schema {document['schema']!r}, this version reads {SCHEMA!r}")
    if plan_digest(plan) != digest:
        raise _refusal("it was changed after it was made")
    return plan


def saved_key_fields(data: bytes) -> dict[str, str]:
    """The key field of each sObject that has one, by the text of a saved plan; the rest of it is not read.

    None where the text is no plan of this version.
    """
    name, end = b'"key_fields":', b',"routes":'  # neither can be part of a value: its quotes would be escaped
    found = data.partition(name)[2].partition(end)[0]
    try:
        return dict(orjson.loads(found))
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return {}


def _body(plan: Plan) -> bytes:
    defaults = {each.name: each.default for each in fields(Plan)}
    unset = {name for name in _ADDED if getattr(plan, name) == defaults[name]}
    unset |= {"untouched"} if not plan.untouched else set()
    return _PLAN.dump_json(plan, exclude=unset or None)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _refusal(why: str) -> GuardError:
    return GuardError(
        f"the plan is refused: {why}", code="PLAN_ALTERED", hint="Make a new one with sfsync plan."
    )
