"""Reads back many records by a query job: those that were modified since the run's first write, matched by id.

The job is only the cheaper way to most of them. What it does not bring, for whatever reason, is read by ids:
records that an earlier process wrote, and all of them where the job was refused, cut off or not worth its pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.queried import typed_record
from sfsync.core.sending.read_back import is_for_job
from sfsync.engine.applying.read_back.querying_by_job import MARGIN, STAMP, answered
from sfsync.engine.applying.run_state import RunState
from sfsync.errors import AccessError, ConfigError, OrgUnavailable


def read_by_job(state: RunState, lookups: Sequence[Lookup]) -> dict[str, Record]:
    """The records of look-ups by id that query jobs bring, by id; those of small look-ups are not among them."""
    there: dict[str, Record] = {}
    if state.ahead is not None:
        there = state.ahead.records(state.gateway, lookups, state.attempts)
    for lookup in lookups:
        if there.keys() >= set(lookup.values):
            continue
        if state.first_left_at is not None and is_for_job(len(lookup.values)):
            there |= _found(state, lookup, state.first_left_at)
    return there


def _found(state: RunState, lookup: Lookup, first_left_at: datetime) -> Mapping[str, Record]:
    """What a query job finds of a look-up's records; nothing where it cannot be had whole."""
    if state.gateway.describe(lookup.sobject).field(STAMP) is None:
        return {}
    window = replace(lookup, where_field=None, values=(), since={STAMP: first_left_at - MARGIN})
    try:
        return _asked(state, window, frozenset(lookup.values))
    except (AccessError, ConfigError, OrgUnavailable, ValueError):
        return {}  # reading by ids says what is wrong, if anything is


def _asked(state: RunState, window: Lookup, wanted: frozenset[str]) -> Mapping[str, Record]:
    describe = state.gateway.describe(window.sobject)
    return {
        record_id: typed_record(describe, each)
        for page in answered(state, window, len(wanted))
        for each in page
        if (record_id := str(each["Id"])) in wanted
    }
