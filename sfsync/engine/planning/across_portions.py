"""What the portions of one book have to know of each other, kept on disk between them.

What earlier portions plan for accounts and contacts, the parents that are made for rows of any portion, the keys of
all rows, notes that count, and how many updates there were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sfsync.core.deals.gone import Vanished, vanished_rows
from sfsync.core.job import Missing, Section
from sfsync.core.job_memory import JobRow
from sfsync.core.plans.plan import Change
from sfsync.core.plans.record_names import MOST_NAMED
from sfsync.core.ports import Journal
from sfsync.core.references.planned_records import PlannedRecords
from sfsync.core.scratch import Scratch
from sfsync.core.sobject import ACCOUNT, CONTACT
from sfsync.core.values import Pending
from sfsync.engine.planning.counted_notes import CountedNotes
from sfsync.engine.planning.earlier_portions import EarlierOnDisk
from sfsync.engine.planning.gone_rows import LostRows, folds_case
from sfsync.engine.planning.parent_planning import ParentPlanner, waiting_for
from sfsync.engine.planning.parents_across import ParentsAcross
from sfsync.engine.planning.reading import ReadSection
from sfsync.engine.planning.routing import updates_of
from sfsync.engine.planning.schema import Schema


@dataclass(slots=True)
class AcrossPortions:
    """What is common to the portions of one book. `updates` counts those of the portions until now."""

    scratch: Scratch
    schema: Schema
    parents: ParentsAcross | None = field(init=False)
    notes: CountedNotes = field(default_factory=CountedNotes)
    updates: int = 0
    is_last: bool = False
    _earlier: dict[str, EarlierOnDisk] = field(init=False)
    _unreadable: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        rules = (rule for each in self.schema.sections.values() for rule in each.rules)
        makes = any(rule.missing is Missing.CREATE for rule in rules)
        self.parents = ParentsAcross(self.scratch) if makes else None
        self._earlier = {each: EarlierOnDisk(self.scratch, each) for each in (ACCOUNT, CONTACT)}

    def planned(self) -> dict[str, PlannedRecords]:
        """The accounts and contacts that earlier portions plan, to begin a portion with."""
        names = {each.sobject: each.match_name for each in self.schema.writing}
        return {
            name: PlannedRecords(names[name], earlier=earlier)
            for name, earlier in self._earlier.items()
            if earlier.count and name in names
        }

    def begin_section(self, read: ReadSection) -> None:
        """Takes in the keys of a section's rows, to know at the end what the source has no more."""
        section = read.section
        self.notes.add_repeated(section.name, read.repeated)
        if section.gone.vanished is Vanished.IGNORE:
            return
        folds = folds_case(section, self.schema)
        keys = [each.key.casefold() if folds else each.key for each in read.rows]
        if "" in keys:
            self._unreadable.add(section.name)
        self.scratch.put(f"keys {section.name}", ((each, b"") for each in keys))

    def labels(self, changes: Sequence[Change]) -> tuple[tuple[str, str], ...]:
        """What the records of earlier portions are called, by the changes that make them.

        Only of those that the first changes of each sObject refer to, which a report shows field by field.
        """
        own = {each.change_id for each in changes}
        named: dict[str, str] = {}
        shown: Counter[str] = Counter()
        for each in changes:
            shown[each.sobject] += 1
            for value in each.values.values() if shown[each.sobject] <= MOST_NAMED else ():
                if isinstance(value, Pending) and value.change_id not in own and value.change_id not in named:
                    found = self._earlier.get(value.change_id.partition(":")[0])
                    change = found.change(value.change_id) if found else None
                    named[value.change_id] = change.label if change else ""
        return tuple((name, label) for name, label in named.items() if label)

    def end_portion(self, changes: Sequence[Change], parents: ParentPlanner) -> list[Change]:
        """Keeps what later portions need of a portion's changes; parents that it makes go by themselves."""
        made = parents.made
        if self.parents is not None:
            for name, rows in waiting_for(changes).items():
                if name in made or self.parents.made_of(name) is not None:
                    self.parents.waiting[name] += len(rows)
            self.parents.keep((*parents.made_of[name], change) for name, change in made.items())
        for sobject, earlier in self._earlier.items():
            own = [each for each in changes if each.sobject == sobject]
            earlier.keep([*own, *(each for each in made.values() if each.sobject == sobject)])
        self.updates += updates_of(changes)
        self.notes.add_accounts(changes)
        return list(changes)

    def lost_rows(
        self,
        section: Section,
        *,
        job: str,
        org_id: str,
        journal: Journal,
        is_left_out: Callable[[str, str], bool],
    ) -> LostRows:
        """What the complete source of a section lacks of what the job brought; `is_left_out`: see `gone_rows`."""
        lost: list[JobRow] = []
        known = 0
        if section.gone.vanished is Vanished.IGNORE:
            return LostRows(lost, known, is_unsure=False)
        folds = folds_case(section, self.schema)
        for rows in journal.memory.pages(org_id, job, section.sobject):
            known += len(rows)
            asked = [each for each in rows if not is_left_out(section.sobject, each.key)]
            keys = [each.key.casefold() if folds else each.key for each in asked]
            present = self.scratch.get(f"keys {section.name}", keys)
            lost += vanished_rows(asked, present, key_field=section.key, folds_case=folds)
        return LostRows(lost, known, is_unsure=section.name in self._unreadable)
