"""How a job wants deals to come out of leads: which lead a row names, and what its conversion makes or takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LeadTarget(StrEnum):
    """Into which account or contact a lead is merged: only the one that its row names, or a new one without it."""

    MATCH = "match"
    CREATE = "create"


class WhenConverted(StrEnum):
    """What a lead that is converted already means for its row: its deal is the row's, or the row is a problem."""

    USE = "use"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LeadRule:
    """How a deal comes out of a lead: the column that names the lead, and how it is converted.

    `match` names, in order, the fields by which the lead is looked up. `status` is the lead status that it gets;
    None is the org's first that stands for converted. `only_status` are the statuses from which leads are taken;
    empty means all.
    """

    column: str
    match: tuple[str, ...] = ("Id",)
    status: str | None = None
    account: LeadTarget = LeadTarget.CREATE
    contact: LeadTarget = LeadTarget.CREATE
    when_converted: WhenConverted = WhenConverted.USE
    only_status: tuple[str, ...] = ()
