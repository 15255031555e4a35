"""References become record ids, or the changes of this plan that create the record first.

A reference is looked up by its `match` fields in order, among the records of the org and the rows of the
same job. Exactly one hit is a match; several are a problem that lists them, and the first is never taken.
Text shaped like a record id is only looked up as an id, text with an @ only where e-mail addresses stand.
Letter case counts where the org tells it apart; the table says when somebody must ask whether it does.
Source: SOQL and SOSL Reference (text comparison ignores case, except on case-sensitive unique fields).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sfsync.core.checks import Invalid
from sfsync.core.describe import RecordType, SObjectDescribe
from sfsync.core.job import ROW_KEY
from sfsync.core.models import Reference
from sfsync.core.plan import Action, Change
from sfsync.core.ports import Lookup, Record
from sfsync.core.sobject import CONTACT_ROLE, record_id
from sfsync.core.values import Pending, clean_key

_EMAIL_FIELDS: Final = frozenset({"email", "username"})
_NAMED: Final = frozenset({"Account", "Contact", "User", "Campaign", "Pricebook2", "Opportunity"})
_RECORD_TYPE: Final = "RecordType"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that a reference may mean.

    `is_active` is False for a user who left; `spelled` is the record's own value of the field it is found by.
    """

    record_id: str
    label: str
    is_active: bool = True
    spelled: str = ""


@dataclass(frozen=True, slots=True)
class BlockedBy:
    """The reference means a row of this job that will not be in the org."""

    change_id: str


Resolved = str | Pending | BlockedBy | Invalid


@dataclass(slots=True)
class PlannedRecords:
    """The rows of one section, findable by the values they want to have."""

    key_field: str
    changes: dict[str, Change] = field(default_factory=dict)
    _index: dict[str, dict[str, list[Change]]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        """Makes a row findable; a row without a key cannot be meant by anybody."""
        self.changes[change.change_id] = change

    def find(self, field_name: str, value: str) -> list[Change]:
        """The rows whose wanted value of the field is this one."""
        if field_name not in self._index:
            self._index[field_name] = self._indexed(field_name)
        return self._index[field_name].get(self._compared(field_name, value), [])

    def covers(self, field_name: str, value: str) -> bool:
        """Whether a hit among the rows makes a look in the org needless: keys are unique in both."""
        return field_name.lower() == self.key_field.lower() and bool(self.find(field_name, value))

    def _indexed(self, field_name: str) -> dict[str, list[Change]]:
        index: dict[str, list[Change]] = {}
        for change in self.changes.values():
            wanted = (
                change.key if field_name.lower() == self.key_field.lower() else change.desired.get(field_name)
            )
            if isinstance(wanted, str):
                index.setdefault(self._compared(field_name, wanted), []).append(change)
        return index

    def _compared(self, field_name: str, value: str) -> str:
        is_key = field_name.lower() == self.key_field.lower()
        return clean_key(value) if is_key else clean_key(value).casefold()


@dataclass(slots=True)
class ReferenceTable:
    """Everything that references of a plan can mean, and the one way to look it up."""

    planned: Mapping[str, PlannedRecords]
    record_types: Mapping[str, SObjectDescribe]
    _found: dict[tuple[str, str], dict[str, list[Candidate]]] = field(default_factory=dict)
    _asked: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _tells_case: dict[tuple[str, str], bool] = field(default_factory=dict)

    def lookups(self, wanted: Iterable[tuple[str, Reference]]) -> list[Lookup]:
        """The queries that answer all references given as (target sObject, reference), each value once."""
        values: dict[tuple[str, str], set[str]] = {}
        for target, reference in wanted:
            if target == _RECORD_TYPE:
                continue
            for name in _strategies(target, reference):
                if name == ROW_KEY:
                    continue
                planned = self.planned.get(target)
                if planned is None or not planned.covers(name, reference.value):
                    values.setdefault((target, name), set()).add(clean_key(reference.value))
        new = {place: found - self._asked.get(place, set()) for place, found in values.items()}
        return [
            Lookup(target, _fields(target, name), name, tuple(sorted(found)))
            for (target, name), found in sorted(new.items())
            if found
        ]

    def names(self, target: str) -> dict[str, str]:
        """The names of all records of an sObject that were looked up, by id."""
        found = (
            each
            for (sobject, _), known in self._found.items()
            if sobject == target
            for each in known.values()
        )
        return {each.record_id: each.label for candidates in found for each in candidates if each.label}

    def learn(self, lookup: Lookup, records: Iterable[Record]) -> None:
        """Takes in the answer of one of the lookups."""
        place = (lookup.sobject, lookup.where_field or "")
        found = self._found.setdefault(place, {})
        self._asked.setdefault(place, set()).update(lookup.values)
        for record in records:
            candidate = _candidate(record, spelled=clean_key(str(record.get(place[1]) or "")))
            found.setdefault(candidate.spelled.casefold(), []).append(candidate)

    def doubtful_case(self) -> list[tuple[str, str]]:
        """The sObjects and fields where it matters whether the org tells letter case apart, and nobody has said."""
        return [
            place
            for place, asked in self._asked.items()
            if place not in self._tells_case and place[1] != "Id" and self._has_other_case(place, asked)
        ]

    def settle_case(self, place: tuple[str, str], *, matters: bool) -> None:
        """Takes in whether the org tells case apart in that sObject's field."""
        self._tells_case[place] = matters

    def _has_other_case(self, place: tuple[str, str], asked: Iterable[str]) -> bool:
        found = self._found[place]
        return any(each.spelled != value for value in asked for each in found.get(value.casefold(), ()))

    def resolve(self, target: str, reference: Reference, *, of: str, held: object = None) -> Resolved:
        """What a reference on a row of sObject `of` means, whose record holds the id `held` there now."""
        if target == _RECORD_TYPE:
            return self._record_type(reference, of=of, held=held)
        names = _strategies(target, reference)
        for name in names:
            hits = self._hits(target, name, reference.value)
            if len(hits) == 1:
                return next(iter(hits.values()))
            if hits:
                return _ambiguous(target, name, reference, hits)
        by = " or ".join(names) or " or ".join(reference.match)
        return Invalid(
            "NOT_FOUND",
            f'no {target} with {by} "{reference.value}" in the org or in this job',
            f"Correct the cell, or add the {target.lower()} first.",
        )

    def _hits(self, target: str, name: str, value: str) -> dict[str, Resolved]:
        hits: dict[str, Resolved] = {}
        planned = self.planned.get(target)
        for change in planned.find(name, value) if planned else ():
            if change.record_id is not None:
                hits[change.record_id] = change.record_id
            elif change.action is Action.CREATE:
                hits[change.change_id] = Pending(change.change_id)
            else:
                hits[change.change_id] = BlockedBy(change.change_id)
        wanted = record_id(value, target) if name == "Id" else clean_key(value)
        for each in self._found.get((target, name), {}).get((wanted or "").casefold(), ()):
            if name == "Id" and each.record_id != wanted:
                continue
            if self._tells_case.get((target, name)) and each.spelled != wanted:
                continue
            hits[each.record_id] = each.record_id if each.is_active else _inactive(each)
        return hits

    def _record_type(self, reference: Reference, *, of: str, held: object) -> Resolved:
        known = [each for each in self.record_types[of].record_types if not each.master]
        wanted = record_id(reference.value, _RECORD_TYPE)
        for each in known:
            if reference.value in (each.developer_name, each.label) or wanted == each.id:
                return each.id if each.is_offered or each.id == held else _not_offered(each)
        names = ", ".join(each.developer_name for each in known) or "none"
        message = f'{of} has no record type "{reference.value}"'
        return Invalid("UNKNOWN_RECORD_TYPE", message, f"Record types of {of}: {names}.")


def _strategies(target: str, reference: Reference) -> list[str]:
    """The match fields that the text can be looked up by at all."""
    is_id = record_id(reference.value, target) is not None
    names: list[str] = []
    for name in reference.match:
        if name.lower() == "id" and is_id:
            return [*names, "Id"]
        if name.lower() == "id" or (name.lower() in _EMAIL_FIELDS and "@" not in reference.value):
            continue
        names.append(name)
    return names


def _fields(target: str, name: str) -> tuple[str, ...]:
    wanted = ["Id", name]
    if target in _NAMED:
        wanted.append("Name")
    if target == "User":
        wanted.append("IsActive")
    return tuple(dict.fromkeys(wanted))


def _candidate(record: Record, *, spelled: str) -> Candidate:
    full_id = record_id(str(record["Id"])) or str(record["Id"])
    return Candidate(full_id, str(record.get("Name") or ""), record.get("IsActive") is not False, spelled)


def _ambiguous(target: str, name: str, reference: Reference, hits: Mapping[str, Any]) -> Invalid:
    candidates = ", ".join(sorted(hits)[:5])
    more = f" and {len(hits) - 5} more" if len(hits) > 5 else ""
    message = f'{len(hits)} records of {target} have {name} "{reference.value}": {candidates}{more}'
    return Invalid("AMBIGUOUS", message, "Name the one you mean by its record id or its external id.")


def _inactive(candidate: Candidate) -> Invalid:
    message = f"user {candidate.label or candidate.record_id} is inactive and cannot own records"
    return Invalid("INACTIVE_OWNER", message, "Name an active user, or leave the owner out.")


def _not_offered(kind: RecordType) -> Invalid:
    if not kind.active:
        message, hint = (
            "is inactive in this org",
            "Activate it in Setup, or give the row another record type.",
        )
    else:
        message = "is not available to the user that sfsync runs as"
        hint = "Assign it to the user's profile or permission set."
    return Invalid("RECORD_TYPE_NOT_AVAILABLE", f'record type "{kind.developer_name}" {message}', hint)


def default_match(sobject: str, field_name: str, target: str, *, key: str | None) -> tuple[str, ...]:
    """By what a reference is looked up when the job does not say: the job's own key first, then the id."""
    if sobject == CONTACT_ROLE and field_name == "OpportunityId" and key:
        return (key, "Id")
    if target == _RECORD_TYPE:
        return ("DeveloperName",)
    return (key, "Id") if key else ("Id",)
