"""What a reference may mean, how a person tells the candidates apart, and what is said where none or many fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sfsync.core.models import Reference
from sfsync.core.ports import Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.records import value_at
from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.references.strategies import Strategy, strategy
from sfsync.core.sobject import KEY_PREFIXES, checksum, id_form
from sfsync.core.values import Pending

MISSING: Final = frozenset({"NOT_FOUND", "UNKNOWN_RECORD_TYPE"})
"""The codes of a reference that finds none."""

MOST_SHOWN: Final = 5
"""Candidates that a message lists."""

TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("AccountNumber", "BillingCity", "BillingCountry", "Website"),
    "Contact": ("Account.Name", "Email", "Title"),
    "User": ("Username", "Email"),
    "Campaign": ("Type", "StartDate"),
    "Opportunity": ("Account.Name", "StageName", "CloseDate"),
    "Lead": ("Company", "Email", "Status"),
}
"""What tells records of one sObject apart, beside the name, for a person; by default when they were made."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that a reference may mean.

    `is_active` is False for a user who left; `spelled` is the record's own value of the field it is found by.
    """

    record_id: str
    label: str
    is_active: bool = True
    spelled: str = ""
    accounts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unresolved(Invalid):
    """Why a reference means no record, with what a person can choose from."""

    open: OpenReference | None = None


@dataclass(frozen=True, slots=True)
class BlockedBy:
    """The reference means a row of this job that will not be in the org."""

    change_id: str


Resolved = str | Pending | BlockedBy | Invalid


def told_apart(record: Record, paths: Sequence[str]) -> str:
    """What tells a record from others of its name, in words."""
    values = (value_at(record, path) for path in paths)
    return ", ".join(str(each) for each in values if each is not None and each != "")


def ambiguous(target: str, by: Strategy, reference: Reference, candidates: Sequence[Described]) -> Unresolved:
    """Several records are what the reference says: the first is never taken."""
    shown = "; ".join(each.words for each in candidates[:MOST_SHOWN])
    left = len(candidates) - MOST_SHOWN
    more = f" and {left} more" if left > 0 else ""
    said = by.said(reference)
    message = f'{len(candidates)} records of {target} have {by.text} "{said}": {shown}{more}'
    hint = "Name the one you mean by its record id or its external id, or settle it for good in picks.csv."
    return Unresolved("AMBIGUOUS", message, hint, OpenReference(target, by.text, said, tuple(candidates)))


def not_found(target: str, fit: Sequence[Strategy], reference: Reference) -> Unresolved:
    """No record is what the reference says."""
    by = " or ".join(each.text for each in fit) or " or ".join(reference.match)
    last = fit[-1] if fit else None
    said = last.said(reference) if last else reference.value
    message = f'no {target} with {by} "{said}" in the org or in this job'
    why = _no_id(target, reference)
    if (
        not why
        and any(strategy(each).account for each in reference.match)
        and not any(e.account for e in fit)
    ):
        why = "The account is not known, so the name was not looked up. "
    hint = f"{why}Correct the cell, or add the {target.lower()} first."
    return Unresolved("NOT_FOUND", message, hint, OpenReference(target, last.text if last else "", said))


def _no_id(target: str, reference: Reference) -> str:
    """Why text that looks like a record id is none of the sObject's."""
    text, prefix = reference.value, KEY_PREFIXES.get(target)
    if not any(each.lower() == "id" for each in reference.match) or not id_form(text):
        return ""
    if len(text) == 18 and text[15:] != checksum(text[:15]):
        return "It looks like a record id, but its last three characters do not belong to it. "
    if prefix is not None and not text.startswith(prefix):
        return f"It looks like a record id, but ids of {target} begin with {prefix}. "
    return ""
