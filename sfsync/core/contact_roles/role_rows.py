"""The rows of a comparison of contact roles: what the source asks for, and what the org holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sfsync.core.reports.results import RowRef
from sfsync.core.values import Pending, PlannedValue


@dataclass(frozen=True, slots=True)
class WantedRole:
    """One role that the source asks for, its contact resolved.

    `is_primary` is None where the job does not say. `is_derived` marks a role that stands for the deal's own
    `ContactId`: any row of that contact satisfies it. `place` is unique among the rows of the job, and
    `change_id` is given where the row was planned before. `because` says why the contact is primary where the row
    itself does not say so; `other_account` names the contact's account where it is not the deal's.
    """

    row: RowRef
    label: str
    contact: str | Pending
    role: str | None
    is_primary: bool | None
    further: Mapping[str, PlannedValue] = field(default_factory=dict)
    is_derived: bool = False
    place: str = ""
    change_id: str | None = None
    because: str = ""
    other_account: str | None = None


@dataclass(frozen=True, slots=True)
class HeldRole:
    """One role row that the org holds.

    `is_by_platform` marks the one that a conversion makes with its deal: that it is primary is nobody's choice.
    """

    record_id: str
    contact_id: str
    role: str | None
    is_primary: bool
    further: Mapping[str, PlannedValue] = field(default_factory=dict)
    is_by_platform: bool = False
