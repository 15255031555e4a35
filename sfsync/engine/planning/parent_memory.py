"""Decides which parents an earlier run has made for which names, so that every run says the same of a row.

A key leads to its record only for rows that name that record: by the name that it has, by the name that the rows
would give it, or by the name that the journal knows it was made under, whatever it is called since. Rows that
disagree about a parent are told apart also when an earlier run has made it. What the org had before the job came is
never changed by what rows say of new parents, so about that nobody has to agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sfsync.core.job import Job
from sfsync.core.models import Reference
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.checks import Invalid
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import full_id
from sfsync.core.references.candidates import Resolved
from sfsync.core.references.parents import Agreed, Identity, Naming, agreed, called, identity
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.values import clean_key
from sfsync.engine.planning.merged_references import follow_merged
from sfsync.engine.planning.parent_problems import key_is_anothers, made_and_gone
from sfsync.engine.planning.parents_across import Claim, ParentsAcross
from sfsync.engine.planning.reading import CheckedRow
from sfsync.engine.planning.schema import Schema


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parent that rows name: what they say of it together, and its key, "" for none.

    `has_own_key` is False where the text that names the parent is its key too.
    """

    named: Identity
    said: Agreed
    key: str
    reference: Reference
    has_own_key: bool

    @property
    def text(self) -> str:
        """What the rows call it."""
        return self.reference.value

    def is_called(self, values: Mapping[str, object]) -> bool:
        """Whether a record with these values is called what the rows say."""
        return called(self.named, values) in {self.named.compared, called(self.named, self.said.texts)}


@dataclass(frozen=True, slots=True)
class ParentMemory:
    """What the journal and the org know of the parents of one job."""

    job: Job
    schema: Schema
    gateway: OrgGateway
    journal: Journal
    org_id: str

    def known(self, sobject: str, wanted: Sequence[Wanted]) -> Mapping[Identity, Resolved]:
        """Those parents that the job has made before: in the org, or gone from it. An empty key is nobody's."""
        key_field = self.schema.made[sobject].key
        names = {name: each for each in wanted for name in self._names(each, key_field)}
        entries = self.journal.ledger(self.org_id, sobject, names)
        there = self._there(sobject, key_field, wanted, [entry.record_id for entry in entries.values()])
        entries, answers = follow_merged(entries, [list(there.values())], sobject, self.gateway)
        there = {full_id(each): each for records in answers for each in records}
        by_key = {
            self.compared(sobject, str(each.get(key_field) or "")): each
            for each in there.values()
            if key_field
        }
        found: dict[Identity, Resolved] = {}
        for each in wanted:
            record = by_key.get(self.compared(sobject, each.key)) if key_field and each.key else None
            found_as = self._known(each, key_field, record, entries, there)
            if found_as is not None:
                found[each.named] = found_as
        return found

    def _known(
        self,
        wanted: Wanted,
        key_field: str | None,
        record: Record | None,
        entries: Mapping[str, LedgerEntry],
        there: Mapping[str, Record],
    ) -> Resolved | None:
        of_key, of_name = (
            entries.get(name) if name else None
            for name in (self._of_key(wanted, key_field), self._of_name(wanted))
        )
        if record is not None:
            found = full_id(record)
            is_remembered = of_name is not None and of_name.record_id == found
            is_made_for_it = (
                of_key is not None and of_key.record_id == found and self._is_for(wanted, of_key.sent)
            )
            if is_remembered or is_made_for_it or self._is_for(wanted, record):
                return found
            return key_is_anothers(wanted.named, wanted.text, wanted.key, _name(wanted, record))
        entry = of_key or of_name
        if entry is None:
            return None
        if entry is of_key and of_name is None and key_field and not self._is_for(wanted, entry.sent):
            return key_is_anothers(wanted.named, wanted.text, wanted.key, _name(wanted, entry.sent))
        if entry.record_id in there:
            return entry.record_id
        return made_and_gone(self.job, wanted.key or wanted.named.row_key, entry)

    @staticmethod
    def _is_for(wanted: Wanted, values: Mapping[str, object]) -> bool:
        """Whether the record of the key is the one that the rows name; a key that is the name itself says so."""
        return not wanted.has_own_key or wanted.is_called(values)

    def _names(self, wanted: Wanted, key_field: str | None) -> Iterator[str]:
        """What the ledger may have it under: its key, and its name, for what was made without a key before."""
        if of_key := self._of_key(wanted, key_field):
            yield of_key
        yield self._of_name(wanted)

    def _of_key(self, wanted: Wanted, key_field: str | None) -> str:
        return ledger_key(self.job.name, wanted.key, key_field=key_field) if wanted.key else ""

    def _of_name(self, wanted: Wanted) -> str:
        return ledger_key(self.job.name, wanted.named.row_key, key_field=None)

    def _there(
        self, sobject: str, key_field: str | None, wanted: Sequence[Wanted], ids: Iterable[str]
    ) -> dict[str, Record]:
        fields = tuple(dict.fromkeys(("Id", *(each.named.field for each in wanted))))
        lookups = [Lookup(sobject, ("Id",), "Id", tuple(dict.fromkeys(ids)))]
        if key_field is not None:
            keys = tuple(dict.fromkeys(each.key for each in wanted if each.key))
            lookups.append(Lookup(sobject, (*fields, key_field), key_field, keys))
        asked = [each for each in lookups if each.values]
        answers = self.gateway.fetch(asked) if asked else []
        return {full_id(each): each for records in answers for each in records}

    def compared(self, sobject: str, key: str) -> str:
        """A parent's key as the org's field compares it."""
        key_field = self.schema.made[sobject].key
        described = self.schema.rules[sobject].describe.field(key_field) if key_field else None
        is_folded = described is not None and not described.case_sensitive
        return clean_key(key).casefold() if is_folded else clean_key(key)

    def made_ids(self, sobject: str, namings: Iterable[tuple[Identity, Naming]]) -> set[str]:
        """The records that the job has made for any of these namings of an sObject."""
        key_field = self.schema.made[sobject].key
        keys: set[str] = set()
        for named, naming in namings:
            key = naming.told.key if naming.told.key is not None else clean_key(naming.reference.value)
            own = ledger_key(self.job.name, key, key_field=key_field) if key else ""
            keys |= {own, ledger_key(self.job.name, named.row_key, key_field=None)} - {""}
        return {each.record_id for each in self.journal.ledger(self.org_id, sobject, keys).values()}


def _name(wanted: Wanted, values: Mapping[str, object]) -> str:
    return str(values.get(wanted.named.field) or values.get("Name") or values.get("LastName") or "")


@dataclass(slots=True)
class ParentJudge:
    """Tells rows that disagree about a parent that an earlier run has made for them."""

    memory: ParentMemory
    table: ReferenceTable
    planned: Mapping[str, PlannedRecords]
    across: ParentsAcross | None = None
    _cases: dict[Identity, list[tuple[CheckedRow, str, Naming]]] = field(default_factory=dict)

    def judge(self, sobject: str, goals: Mapping[str, str | None], rows: Iterable[CheckedRow]) -> None:
        """Puts into rows of `sobject` why they cannot go; `goals` says what each of their fields points at."""
        cases: dict[Identity, list[tuple[CheckedRow, str, Naming]]] = {}
        for row in rows:
            for name, told in row.told.items() if not row.problems else ():
                reference, goal = row.values.get(name), goals.get(name)
                named = identity(goal, reference) if goal and isinstance(reference, Reference) else None
                if named is not None and isinstance(reference, Reference):
                    cases.setdefault(named, []).append((row, name, Naming(row.ref, reference, told)))
        for named, each in cases.items():
            if self._against(sobject, named, each):
                self._judge_one(sobject, named, each)

    def _against(
        self, sobject: str, named: Identity, cases: Sequence[tuple[CheckedRow, str, Naming]]
    ) -> dict[int, Invalid]:
        """Which of the rows disagree about a parent, by their places, and why."""
        said = said_of(sobject, named, [naming for _, _, naming in cases], self.across)
        return {place: why for place, (_, _, naming) in enumerate(cases) if (why := said.why(place, naming))}

    def _judge_one(
        self, sobject: str, named: Identity, cases: Sequence[tuple[CheckedRow, str, Naming]]
    ) -> None:
        said = said_of(sobject, named, [naming for _, _, naming in cases], self.across)
        made = self.memory.made_ids(named.sobject, ((named, naming) for naming in said.namings))
        rows = self.planned.get(named.sobject)
        meant: dict[str, list[tuple[CheckedRow, str, Naming]]] = {}
        for case in cases if made else ():
            found = self.table.resolve(named.sobject, case[2].reference, of=sobject)
            if isinstance(found, str) and found in made and not (rows and rows.with_record(found)):
                meant.setdefault(found, []).append(case)
        for same in meant.values():
            for place, why in self._against(sobject, named, same).items():
                row, name, _ = same[place]
                row.values[name] = why


@dataclass(frozen=True, slots=True)
class Said:
    """What rows say of a parent together: those given, or all of the book's that name it."""

    agreed: Agreed
    namings: Sequence[Naming]
    has_all: bool

    def why(self, place: int, naming: Naming) -> Invalid | None:
        """Why a row disagrees, which is at that place of those given; None where it does not."""
        if not self.has_all:
            return self.agreed.against.get(place)
        own = (
            each
            for each, other in enumerate(self.namings)
            if (other.ref, other.told.rule.field) == (naming.ref, naming.told.rule.field)
        )
        return self.agreed.against.get(next(own, -1))


def said_of(sobject: str, named: Identity, namings: Sequence[Naming], across: ParentsAcross | None) -> Said:
    """What rows of `sobject` say of a parent; of a book what all its rows say."""
    found = across.namings(sobject, named) if across is not None else namings
    return Said(agreed(named, found), found, has_all=across is not None)


@dataclass(slots=True)
class KeyClaims:
    """Which parent the rows gave each key to first."""

    memory: ParentMemory
    across: ParentsAcross | None = None
    _first: dict[tuple[str, str], Claim] = field(default_factory=dict)

    def take(self, named: Identity, naming: Naming) -> None:
        """Takes in a row that names a parent, whether it is there or not."""
        if naming.told.key:
            place = named.sobject, self.memory.compared(named.sobject, naming.told.key)
            self._first.setdefault(place, (named, naming.reference.value, naming.ref.line))

    def refusal(self, wanted: Wanted) -> Invalid | None:
        """Why a parent cannot have its key: earlier rows gave it to another."""
        place = wanted.named.sobject, self.memory.compared(wanted.named.sobject, wanted.key)
        first = self.across.first_claim(*place) if self.across is not None else self._first.get(place)
        if first is None or first[0] == wanted.named or not wanted.key:
            return None
        return key_is_anothers(wanted.named, wanted.text, wanted.key, first[1], line=first[2])
