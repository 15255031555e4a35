"""References become record ids, or the changes of this plan that create the record first.

A reference is looked up by its `match` strategies in order, among the records of the org and the rows of the
same job. Exactly one hit is a match; several are a problem that lists them, and the first is never taken; what a
person has picked wins over all of it. Which strategies fit a text is decided in `strategies`. Letter case counts
where the org tells it apart; the table says when somebody must ask whether it does.
Source: SOQL and SOSL Reference (text comparison ignores case, except on case-sensitive unique fields).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sfsync.core.models import Reference
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import NEW
from sfsync.core.ports import Lookup, Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.records import full_id, value_at
from sfsync.core.references.candidates import (
    MISSING,
    BlockedBy,
    Candidate,
    Resolved,
    Unresolved,
    ambiguous,
    not_found,
    told_apart,
)
from sfsync.core.references.open_references import Described
from sfsync.core.references.owners import USER, inactive, preferred, queue_refusal, user_spellings
from sfsync.core.references.picking import PickIndex, gone, pick_of
from sfsync.core.references.picks import NO_PICKS, Pick, Picks
from sfsync.core.references.planned_records import PlannedRecords, is_unread
from sfsync.core.references.record_type_names import RECORD_TYPE, named_type, needs_namespaces
from sfsync.core.references.strategies import ACCOUNT_ID, AWAITED, Strategy, fitting, is_asked_of_org
from sfsync.core.sobject import ACCOUNT, CONTACT_ROLE, record_id
from sfsync.core.values import Pending, clean_key

_NAMED: Final = frozenset({"Account", "Contact", "User", "Campaign", "Pricebook2", "Opportunity", "Lead"})
_TYPES: Final = (RECORD_TYPE, "SobjectType")

_NOTHING_ELSE: Final[Mapping[str, tuple[str, ...]]] = {}


@dataclass(slots=True)
class ReferenceTable:
    """Everything that references of a plan can mean, and the one way to look it up.

    `suffixes` are what a sandbox adds to the addresses of its users, by lower-case field.
    """

    planned: Mapping[str, PlannedRecords]
    record_types: Mapping[str, SObjectDescribe]
    picks: Picks = NO_PICKS
    suffixes: Mapping[str, str] = field(default_factory=dict)
    _found: dict[tuple[str, str], dict[str, list[Candidate]]] = field(default_factory=dict)
    _asked: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _tells_case: dict[tuple[str, str], bool] = field(default_factory=dict)
    _namespaces: dict[str, str] = field(default_factory=dict)
    _records: dict[str, Record] = field(default_factory=dict)
    _telling: dict[str, str] = field(default_factory=dict)
    _sought: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _picks: PickIndex = field(init=False)

    def __post_init__(self) -> None:
        self._picks = self.picks.by_value()

    def lookups(
        self,
        wanted: Iterable[tuple[str, Reference]],
        *,
        of: str = "",
        further: Mapping[str, tuple[str, ...]] = _NOTHING_ELSE,
    ) -> list[Lookup]:
        """The queries that answer all references given as (target sObject, reference), each value once.

        `of` is the sObject whose rows refer, `further` names fields that are to be known of what is found.
        """
        values: dict[tuple[str, str], set[str]] = {}
        paths: dict[tuple[str, str], dict[str, None]] = {}
        for target, given in wanted:
            reference = self._picked(target, given)[0]
            if target == RECORD_TYPE:
                if needs_namespaces(self.record_types[of], reference.value):
                    values.setdefault(_TYPES, set()).add(of)
                continue
            if reference.account_id == AWAITED:
                # Which pick is meant shows when the account is known; then there is no time to ask for its record.
                values.setdefault((target, "Id"), set()).update(self._picked_ids(target))
            for each in filter(is_asked_of_org, fitting(target, reference)):
                place = (target, each.field)
                planned = self.planned.get(target)
                if planned is None or not planned.covers(each.field, reference.value):
                    values.setdefault(place, set()).update(self._spellings(place, reference))
                    paths.setdefault(place, {}).update(_account_paths(each))
        new = {place: found - self._asked.get(place, set()) for place, found in values.items()}
        return [
            Lookup(
                place[0], _fields(place, (*paths.get(place, ()), *further.get(place[0], ()))), place[1], asked
            )
            for place, found in sorted(new.items())
            if (asked := tuple(sorted(found)))
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
        if place == _TYPES:
            self._namespaces |= {full_id(each): str(each.get("NamespacePrefix") or "") for each in records}
            return
        found = self._found.setdefault(place, {})
        self._asked.setdefault(place, set()).update(lookup.values)
        for record in records:
            candidate = _candidate(record, lookup.fields, spelled=clean_key(str(record.get(place[1]) or "")))
            found.setdefault(candidate.spelled.casefold(), []).append(candidate)
            self._records[candidate.record_id] = {**self._records.get(candidate.record_id, {}), **record}

    def learn_telling(self, records: Iterable[Record], paths: Sequence[str]) -> None:
        """Takes in what tells candidates apart for a person."""
        self._telling |= {full_id(each): told_apart(each, paths) for each in records}

    def untold(self, wanted: Iterable[tuple[str, Reference]], *, of: str) -> dict[str, dict[str, None]]:
        """The record ids, by sObject, among which a person will have to choose."""
        unclear: dict[str, dict[str, None]] = {}
        for target, reference in dict.fromkeys(wanted):
            found = None if target == RECORD_TYPE else self.resolve(target, reference, of=of)
            if isinstance(found, Unresolved) and found.open is not None:
                ids = [each.record_id for each in found.open.candidates if each.record_id in self._records]
                if ids:
                    unclear.setdefault(target, {}).update(dict.fromkeys(ids))
        return unclear

    def record(self, found_id: str) -> Record:
        """What was learned of a record of the org; nothing of one that was not asked for."""
        return self._records.get(found_id, {})

    def account_name(self, account: str) -> str:
        """What an account is called, given by its id or by the change that creates it; "" where it is not known."""
        planned = self.planned.get(ACCOUNT)
        change = (planned.change(account) or planned.with_record(account)) if planned else None
        own = str(change.desired.get("Name") or "") if change else ""
        return own or str(self.record(account).get("Name") or "") or (change.label if change else "")

    def take_unfound(self, target: str) -> dict[str, tuple[str, ...]]:
        """The values that no record of that sObject has in any field that was asked for, by field; each once."""
        taken: dict[str, tuple[str, ...]] = {}
        names = [name for sobject, name in self._asked if sobject == target]
        for name in names:
            sought = self._sought.setdefault((target, name), set())
            asked = self._asked[target, name] - sought
            missing = {each for each in asked if not any(self._is_found(target, by, each) for by in names)}
            sought |= missing
            taken |= {name: tuple(sorted(missing))} if missing else {}
        return taken

    def _is_found(self, target: str, name: str, value: str) -> bool:
        spelled = (record_id(value) or value) if name == "Id" else value
        return spelled.casefold() in self._found[target, name]

    def lead_on(self, target: str, name: str, value: str, candidate: Candidate) -> None:
        """Lets a value that no record of the org has any more mean another record."""
        self._found[target, name].setdefault(value.casefold(), []).append(candidate)

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
        wanted, pick = self._picked(target, reference)
        found = self._resolved(target, wanted, of=of, held=held)
        if pick is not None and isinstance(found, Invalid) and found.code in MISSING:
            return gone(self.picks, pick)
        return found

    def _picked(self, target: str, reference: Reference) -> tuple[Reference, Pick | None]:
        """The reference as a person has settled it."""
        pick = pick_of(self._picks, target, reference)
        return (reference, None) if pick is None else (Reference(pick.record_id, ("Id",)), pick)

    def _picked_ids(self, target: str) -> Iterable[str]:
        return (pick.record_id for pick in self.picks.picks if pick.sobject == target)

    def _resolved(self, target: str, reference: Reference, *, of: str, held: object) -> Resolved:
        if target == RECORD_TYPE:
            describe = self.record_types[of]
            return named_type(describe, reference.value, namespaces=self._namespaces, held=held)
        refusal = queue_refusal(of, reference) if target == USER else None
        if refusal is not None:
            return refusal
        fit = fitting(target, reference)
        for each in fit:
            hits = self._hits_of(target, each, reference, held)
            if len(hits) == 1:
                return next(iter(hits.values()))
            if hits:
                candidates = [self._described(target, name) for name in sorted(hits)]
                return ambiguous(target, each, reference, candidates)
        return not_found(target, fit, reference)

    def _hits_of(
        self, target: str, by: Strategy, reference: Reference, held: object
    ) -> Mapping[str, Resolved]:
        if target != USER:
            return self._hits(target, by, reference, reference.value)
        for value in user_spellings(by.field, reference.value, self.suffixes):
            hits = self._hits(target, by, reference, value)
            if hits:
                return preferred(hits, held)
        return {}

    def _spellings(self, place: tuple[str, str], reference: Reference) -> Iterable[str]:
        """The texts that the org is asked for."""
        target, name = place
        if target != USER:
            return (clean_key(reference.value),)
        return map(clean_key, user_spellings(name, reference.value, self.suffixes))

    def _hits(self, target: str, by: Strategy, reference: Reference, value: str) -> dict[str, Resolved]:
        hits: dict[str, Resolved] = {}
        unread: dict[str, Resolved] = {}
        name = by.field
        planned = self.planned.get(target)
        wanted = record_id(value, target) if name == "Id" else clean_key(value)
        if not wanted:
            return {}
        for change in planned.find(name, wanted) if planned else ():
            if name == "Id" and change.record_id != wanted:
                continue
            if by.account and not by.is_of_account(reference, self._accounts_of(change.desired, by)):
                continue
            if change.record_id is not None:
                hits[change.record_id] = change.record_id
            elif change.action in NEW:
                hits[change.change_id] = Pending(change.change_id)
            else:
                found = unread if is_unread(change) else hits
                found[change.change_id] = BlockedBy(change.change_id)
        for each in self._found.get((target, name), {}).get(wanted.casefold(), ()):
            if name == "Id" and wanted not in (each.record_id, each.spelled):
                continue
            if self._tells_case.get((target, name)) and each.spelled != wanted:
                continue
            if not by.is_of_account(reference, each.accounts):
                continue
            is_usable = each.is_active or target != USER
            hits[each.record_id] = each.record_id if is_usable else inactive(_named(each))
        return hits or unread

    def _accounts_of(self, desired: Mapping[str, Any], by: Strategy) -> dict[str, Any]:
        """What a planned row will say of its account, as far as the plan knows."""
        held = desired.get(ACCOUNT_ID)
        known: dict[str, Any] = {ACCOUNT_ID: held}
        path, accounts = by.account.partition(".")[2], self.planned.get(ACCOUNT)
        account = None
        if isinstance(held, Pending):
            account = accounts.change(held.change_id) if accounts else None
        elif isinstance(held, str):
            account = accounts.with_record(held) if accounts else None
        if path and account is not None and path in account.desired:
            known[by.account] = account.desired[path]
        elif path and isinstance(held, str):
            known[by.account] = self.record(held).get(path)
        return known

    def _described(self, target: str, name: str) -> Described:
        """A candidate in words, by its record id or its change."""
        if name in self._records:
            return Described(name, str(self._records[name].get("Name") or ""), self._telling.get(name, ""))
        planned = self.planned.get(target)
        change = planned.change(name) if planned else None
        return Described(name, change.label if change else "", "a row of this job" if change else "")


def _account_paths(by: Strategy) -> dict[str, None]:
    return {ACCOUNT_ID: None, by.account: None} if by.account else {}


def _fields(place: tuple[str, str], paths: Iterable[str]) -> tuple[str, ...]:
    target, name = place
    if place == _TYPES:
        return ("Id", "DeveloperName", "NamespacePrefix")
    wanted = ["Id", name]
    if target in _NAMED:
        wanted.append("Name")
    if target == USER:
        wanted.append("IsActive")
    return tuple(dict.fromkeys((*wanted, *paths)))


def _candidate(record: Record, paths: Sequence[str], *, spelled: str) -> Candidate:
    named = str(record.get("Name") or "")
    accounts = {path: value_at(record, path) for path in paths if path.startswith("Account")}
    return Candidate(full_id(record), named, record.get("IsActive") is not False, spelled, accounts)


def _named(candidate: Candidate) -> Described:
    return Described(candidate.record_id, candidate.label)


def default_match(sobject: str, field_name: str, target: str, *, key: str | None) -> tuple[str, ...]:
    """By what a reference is looked up when the job does not say: the job's own key first, then the id."""
    if sobject == CONTACT_ROLE and field_name == "OpportunityId" and key:
        return (key, "Id")
    if target == RECORD_TYPE:
        return ("DeveloperName",)
    return (key, "Id") if key else ("Id",)
