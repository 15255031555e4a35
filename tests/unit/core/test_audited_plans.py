"""Saved plans across versions."""

from __future__ import annotations

from dataclasses import replace

import orjson

from sfsync.core.job import Mode, OnRoleError, RolePolicy
from sfsync.core.plans.plan import OrgIdentity, Plan, PredictedCalls
from sfsync.core.plans.plan_codec import dump_plan, load_plan, plan_digest

PLAN = Plan(
    plan_id="P-1",
    job="job",
    profile="local",
    job_digest="d",
    org=OrgIdentity("00D000000000001EAA", "Acme", is_sandbox=True, instance_url="https://acme.example"),
    schema_digest="s",
    serial=0,
    created_at="2026-09-30T12:00:00+00:00",
    mode=Mode.UPSERT,
    role_policy=RolePolicy.MERGE,
    on_role_error=OnRoleError.ROLE,
    key_fields={},
    routes={},
    changes=(),
    is_strict=True,
    notes=(),
    sources={},
    predicted=PredictedCalls(0, 0),
)


def test_a_plan_that_is_not_audited_is_saved_as_before_there_were_audits() -> None:
    """So that plans of older versions keep their digest, by which they are applied once."""
    saved = dump_plan(PLAN)
    assert b"is_audited" not in saved
    assert load_plan(saved) == PLAN
    assert orjson.loads(saved)["digest"] == plan_digest(PLAN)


def test_a_plan_that_is_audited_says_so() -> None:
    """And is another plan by that."""
    audited = replace(PLAN, is_audited=True)
    assert load_plan(dump_plan(audited)) == audited
    assert plan_digest(audited) != plan_digest(PLAN)
