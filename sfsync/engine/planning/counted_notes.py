"""Notes that count rows, added up over the portions of one book: each is told once, with the sum of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sfsync.core.job import FieldPolicy, Section
from sfsync.core.plans.plan import Change
from sfsync.core.reading.repeated_keys import NO_REPEATS, RepeatedRows, repeated_note
from sfsync.core.reports.results import Problem
from sfsync.engine.planning.deal_rules import DealRules, rule_notes
from sfsync.engine.planning.role_accounts import other_account_notes, other_accounts
from sfsync.engine.planning.row_problems import kept_note

_COUNTED: Final = frozenset({"OTHER_ACCOUNT"})
"""The codes of notes that a portion makes of its own changes, and that are counted here instead."""

MOST_PLAIN: Final = 10_000
"""So many notes without a count are kept; a person reads no more, and memory stays flat."""


@dataclass(slots=True)
class CountedNotes:
    """What the notes of all portions come to."""

    kept: Counter[tuple[str, str, FieldPolicy]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    accounts: Counter[str] = field(default_factory=Counter)
    repeated: dict[str, RepeatedRows] = field(default_factory=dict)
    plain: dict[Problem, None] = field(default_factory=dict)

    def add(self, notes: Iterable[Problem]) -> None:
        """Takes in notes that count nothing; alike ones are one."""
        for each in notes:
            if each.code not in _COUNTED and len(self.plain) < MOST_PLAIN:
                self.plain[each] = None

    def take(
        self, notes: Iterable[Problem], rules: DealRules, kept: Counter[tuple[str, str, FieldPolicy]]
    ) -> list[Problem]:
        """Takes in what one portion has to note; nothing is left to be told of it alone."""
        self.add([*notes, *rules.offered.notes])
        self.rules += rules.counts
        self.kept += kept
        return []

    def add_repeated(self, section: str, found: RepeatedRows) -> None:
        """Takes in the rows of a section that stand behind others of the same key."""
        self.repeated[section] = self.repeated.get(section, NO_REPEATS) + found

    def add_accounts(self, changes: Iterable[Change]) -> None:
        """Takes in the roles for contacts of other accounts."""
        self.accounts += other_accounts(changes)

    def notes(self, sections: Iterable[Section]) -> Iterator[Problem]:
        """The notes of the whole."""
        yield from self.plain
        for section in sections:
            found = self.repeated.get(section.name, NO_REPEATS)
            if found.rows:
                yield repeated_note(section.name, section.duplicate_keys, found)
        yield from other_account_notes(self.accounts)
        yield from (kept_note(*what, count=count) for what, count in self.kept.items())
        yield from rule_notes(self.rules)
