"""Which rows of a deal can all stand: doubles, two primary contacts, and one contact in several roles.

The mark "primary" belongs to the contact: all rows of one contact share it, also the mark of a row that is left out
because the contact's first row counts. A mark on a row that is refused for its second role counts for nothing.
Source: Object Reference, OpportunityContactRole; all rows of one contact share the flag.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sfsync.core.contact_roles.role_problems import (
    primaries_problem,
    same_contact_problem,
    skipped_contact,
    twin_problem,
)
from sfsync.core.contact_roles.role_rows import WantedRole
from sfsync.core.contact_roles.role_rules import SameContact
from sfsync.core.reports.results import Problem
from sfsync.core.values import Pending

Contact = str | Pending


@dataclass(slots=True)
class Standing:
    """The rows that stand, in the order of the file, those refused, and those left out by the job's rule."""

    rows: list[WantedRole] = field(default_factory=list)
    refused: list[tuple[WantedRole, Problem]] = field(default_factory=list)
    skipped: list[tuple[WantedRole, Problem]] = field(default_factory=list)


def standing(wanted: Sequence[WantedRole], rule: SameContact) -> Standing:
    """The rows that can all be true at once, with the mark shared by the rows of one contact."""
    found = Standing()
    primaries = {each.contact for each in wanted if each.is_primary}
    first: dict[tuple[Contact, str | None], WantedRole] = {}
    of_contact: dict[Contact, WantedRole] = {}
    uncounted: list[WantedRole] = []
    for each in wanted:
        twin = first.get((each.contact, each.role))
        earlier = of_contact.get(each.contact)
        if twin is not None:
            found.refused.append((each, twin_problem(each, twin)))
        elif each.is_primary and len(primaries) > 1:
            found.refused.append((each, primaries_problem(each, len(primaries))))
        elif earlier is not None and rule is SameContact.ERROR:
            found.refused.append((each, same_contact_problem(each, earlier)))
            uncounted.append(each)
        elif earlier is not None and rule is SameContact.FIRST:
            found.skipped.append((each, skipped_contact(each, earlier)))
        else:
            first[each.contact, each.role] = of_contact[each.contact] = each
            found.rows.append(each)
            continue
        of_contact.setdefault(each.contact, each)
    counted = [each for each in wanted if all(each is not other for other in uncounted)]
    found.rows = [_shared(each, counted, len(primaries)) for each in found.rows]
    return found


def _shared(row: WantedRole, counted: Sequence[WantedRole], primaries: int) -> WantedRole:
    """The row with the mark of its contact, and why it has one that it does not say itself."""
    own = [each for each in counted if each.contact == row.contact]
    marked = next((each for each in own if each.is_primary), None)
    if marked is not None and primaries == 1:
        return row if row.is_primary else replace(row, is_primary=True, because=_because(row, marked))
    is_denied = any(each.is_primary is False for each in own)
    return replace(row, is_primary=False) if is_denied else row


def _because(row: WantedRole, marked: WantedRole) -> str:
    file = "" if marked.row.file == row.row.file else f"{marked.row.file} "
    return f"as {file}line {marked.row.line} says, for all roles of a contact share it"
