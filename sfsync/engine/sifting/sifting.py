"""Decides which rows are planned: those of groups whose rows or records have changed since they were settled.

First the org is asked what changed (`asking`), then the sources are read once, row by row, and their prints
compared with those that the journal keeps (`core.resync`). What differs on either side touches its group; so
does a record that changed, and a row that refers to a touched group. The rest is left out, and counted.

Safe at any moment, by the order of things. A plan changes nothing of what is remembered. A run drops the prints of
all groups that its plan touches before it begins, so before anything is sent; prints, stamps and the mark are
written after it has ended, and only for groups of which all is done and told. Between the two those groups are
unknown, and the mark is the old one: whoever comes then plans them again and asks the org for a longer time.
What a person says of rows, and any plan that was not sifted (retry, undo, adoption, import), drops what it is
about in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from sfsync.core.job import Job
from sfsync.core.plans.plan import Plan
from sfsync.core.ports import Journal
from sfsync.core.reading.row_groups import group_of, group_of_key, names_deal_by_id, why_whole
from sfsync.core.reading.rows import HEADED, PassedLine, RowSource, SourceRow, notes_of
from sfsync.core.reading.source_marks import MarkedSource
from sfsync.core.reading.source_spec import STANDARD_INPUT, SourceSpec
from sfsync.core.reports.results import Problem
from sfsync.core.resync.memory import MARK, KnownPrint
from sfsync.core.resync.org_changes import Mark, mark_of
from sfsync.core.resync.prints import NOTHING, PrintSum, RowPrint, RowPrinter, basis_of, group_print
from sfsync.core.resync.settled import Place
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.engine.planning.schema import Schema
from sfsync.engine.sifting.asking import Asking, ChangingOrg, Found, watched
from sfsync.engine.sifting.book_finishing import BookFinishing
from sfsync.engine.sifting.finishing import Finishing
from sfsync.engine.sifting.print_table import PrintTable
from sfsync.engine.sifting.printing_source import PrintingSource
from sfsync.engine.sifting.referring import referring_groups, referring_of
from sfsync.engine.sifting.sifted_source import SiftedSource


@dataclass(frozen=True, slots=True)
class SiftingTools:
    """What sifting needs from outside: a new table on disk, and the digest of a source's file ("" for no file)."""

    gateway: ChangingOrg
    journal: Journal
    table: Callable[[], PrintTable]
    digest: Callable[[SourceSpec], str]


@dataclass(slots=True)
class Sifting:
    """The sources to plan from, and what the plan has to know of the rest; `close` it when the plan is made.

    `untouched` counts the rows that are left out, by sObject. `is_present` says whether the record of an sObject
    and key has rows that are left out. `book` tells the portions of a book what `finish` tells a plan; None where
    nothing is remembered.
    """

    sources: Mapping[str, RowSource]
    untouched: Mapping[str, int] = field(default_factory=dict)
    is_present: Callable[[str, str], bool] = lambda _sobject, _key: False
    finish: Callable[[Plan, frozenset[Place]], Plan] = lambda plan, _told: plan
    close: Callable[[], None] = lambda: None
    book: Callable[[set[Place]], BookFinishing] | None = None

    def collect_at_most(self, rows: int) -> None:
        """Keeps the prints of sources of so many rows only; those of more are made portion by portion."""
        for each in self.sources.values():
            if isinstance(each, PrintingSource):
                each.most = rows


def why_unsifted(job: Job, sources: Mapping[str, RowSource]) -> str:
    """Why the rows of a job say nothing of those that are not among them, or cannot be known again; "" if not."""
    for name, section in job.sections.items():
        spec = section.source
        if spec.is_partial or spec.path == STANDARD_INPUT:
            return f"{name} come from a file of some rows"
        source = sources[name]
        if isinstance(source, MarkedSource) and source.mark is not None:
            return f"{name} are read on from a watermark"
        if section.key is None and section.row_key is None and section.sobject != CONTACT_ROLE:
            return f"{name} have no key"
    return ""


def sift(job: Job, schema: Schema, sources: Mapping[str, RowSource], tools: SiftingTools) -> Sifting:
    """The rows to plan, found by what the journal remembers; all of them where it does not.

    Raises:
        SourceError: a source cannot be read.
        AccessError, OrgUnavailable: the org does not say what changed.
    """
    now = tools.gateway.server_time
    if now is None or why_unsifted(job, sources):
        return Sifting(sources)
    return _Sift(job, schema, sources, tools, now.replace(microsecond=0)).done()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the last run left: the mark, and of its source the digests of files and the sums of all rows.

    `is_quiet` says that the reading had nothing to tell beside its rows, and that no row had vanished.
    """

    mark: Mark
    files: Mapping[str, str]
    totals: Mapping[str, PrintSum]
    is_quiet: bool


@dataclass(slots=True)
class _Read:
    """What one reading of a section came to."""

    total: PrintSum = NOTHING
    passed: list[PassedLine] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    has_ids: bool = False
    notes: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Sift:
    job: Job
    schema: Schema
    sources: Mapping[str, RowSource]
    tools: SiftingTools
    now: datetime
    org_id: str = ""
    basis: str = ""
    files: dict[str, str] = field(default_factory=dict)
    read: dict[str, _Read] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.org_id = self.tools.gateway.identity().org_id
        digest, schema = self.job.digest, self.schema.digest
        self.basis = basis_of(job_digest=digest, schema_digest=schema, org_id=self.org_id)

    def done(self) -> Sifting:
        """The sources, sifted as far as that can be."""
        kept = None if any(each.source.is_full for each in self.job.sections.values()) else self._kept()
        asking = self._asking()
        if kept is None:
            return self._all(asking.baseline(None))
        found = asking.since(kept.mark, self._settled)
        self.files = {name: self.tools.digest(each.source) for name, each in self.job.sections.items()}
        has_changed = bool(found.why_all or found.groups or found.foreign)
        if not has_changed and self._is_as_it_was(kept):
            return self._nothing(kept, found)
        if found.why_all or (found.foreign and self._whole()):
            return self._all(found)
        return self._some(found)

    def _kept(self) -> _Kept | None:
        """What the last run left; None where it is of another basis, or the journal is an older copy of itself."""
        text = self.tools.journal.memory.watermark(self.org_id, self.job.name, MARK)
        document = json.loads(text) if text else {}
        if (
            document.get("basis") != self.basis
            or document.get("restored") != self.tools.journal.restored_at()
        ):
            return None
        totals = {name: PrintSum(int(total, 16), rows) for name, (total, rows) in document["totals"].items()}
        return _Kept(mark_of(document["mark"]), document["files"], totals, document["is_quiet"])

    def _asking(self) -> Asking:
        sobjects, referred = watched(self.schema)
        return Asking(
            self.tools.gateway,
            self.tools.journal.memory.prints,
            self.org_id,
            self.job.name,
            sobjects,
            frozenset(each.sobject for each in self.schema.writing),
            referred,
            self.now,
        )

    def _settled(self, groups: frozenset[bytes]) -> frozenset[bytes]:
        """Which of these groups have settled rows; the journal is read through for it."""
        found: set[bytes] = set()

        def take(prints: Sequence[KnownPrint]) -> None:
            found.update(each.group for each in prints if each.group in groups)

        if groups:
            self.tools.journal.memory.prints.each(self.org_id, self.job.name, take)
        return frozenset(found)

    def _is_as_it_was(self, kept: _Kept) -> bool:
        """Whether every file has the bytes of the last run, which settled all rows and had nothing to tell."""
        same = kept.is_quiet and all(self.files.values()) and self.files == kept.files
        sums = self.tools.journal.memory.prints.sums(self.org_id, self.job.name) if same else {}
        return same and sums == {name: each for name, each in kept.totals.items() if each.rows}

    def _nothing(self, kept: _Kept, found: Found) -> Sifting:
        """No row is planned, and none is read."""
        sources: dict[str, RowSource] = {
            name: SiftedSource(each, lambda: iter(()), (), (), frozenset())
            for name, each in self.sources.items()
        }
        rows = {name: each.rows for name, each in kept.totals.items()}
        finishing = Finishing(self._document(), found, self._names(), is_whole=False, totals=kept.totals)
        return Sifting(sources, self._counted(rows), lambda _sobject, _key: True, finishing.finish)

    def _all(self, found: Found) -> Sifting:
        """Every row is planned; the prints are made while it is read."""
        self.files = self.files or {
            name: self.tools.digest(each.source) for name, each in self.job.sections.items()
        }
        printing = {
            name: PrintingSource(source, self._printer(name), self.schema.sections[name])
            for name, source in self.sources.items()
        }
        finishing = Finishing(self._document(), found, self._names(), is_whole=True, printing=printing)
        return Sifting(printing, finish=finishing.finish, book=partial(self._book, finishing))

    def _book(self, finishing: Finishing, told: set[Place]) -> BookFinishing:
        sections = self.schema.sections
        return BookFinishing(finishing, sections, self._printer, self.sources, told)

    def _some(self, found: Found) -> Sifting:
        """The rows of touched groups are planned."""
        table = self.tools.table()
        try:
            for name, source in self.sources.items():
                table.put_rows(name, self._printed(name, source))
                self.read[name].notes = notes_of(source)
            self.tools.journal.memory.prints.each(self.org_id, self.job.name, table.put_known)
            table.compare()
            table.touch(found.groups)
            self._touch_further(table, found)
            return self._sifted(table, found)
        except BaseException:
            table.close()
            raise

    def _touch_further(self, table: PrintTable, found: Found) -> None:
        """Touches what refers to something that changed, or all where groups cannot be told apart."""
        if found.foreign:
            table.touch(None)
        if table.touched() == 0:
            return
        referring, why = referring_of(self.schema)
        if why or self._whole():
            table.touch(None)
            return
        for each in referring:
            name = each.section.name
            table.touch(list(referring_groups(each, self.sources[name], table.is_touched)))

    def _sifted(self, table: PrintTable, found: Found) -> Sifting:
        rows: dict[str, list[RowPrint]] = {}
        sources: dict[str, RowSource] = {}
        for name, source in self.sources.items():
            rows[name] = [each for _, each in table.rows(name)]
            read = self.read[name]
            numbers = partial(_numbers, table, name)
            sources[name] = SiftedSource(source, numbers, read.notes, read.passed, frozenset(read.seen))
        untouched = {name: self.read[name].total.rows - len(each) for name, each in rows.items()}
        finishing = Finishing(
            self._document(),
            found,
            self._names(),
            is_whole=False,
            is_quiet=not any(each.notes or each.passed for each in self.read.values()),
            rows=rows,
            totals={name: each.total for name, each in self.read.items()},
            notes=[note for each in self.read.values() for note in each.notes],
            lost=list(table.lost()),
        )

        def is_present(sobject: str, key: str) -> bool:
            return table.is_left_out(group_print(group_of_key(sobject, key)))

        book = partial(self._book, finishing)
        return Sifting(sources, self._counted(untouched), is_present, finishing.finish, table.close, book)

    def _printed(self, name: str, source: RowSource) -> Iterator[tuple[int, RowPrint]]:
        """The rows of a section as prints, each with its number; what else the reading came to is kept."""
        read = self.read[name] = _Read()
        section, printer = self.schema.sections[name], self._printer(name)
        keeps_columns, number = source.form.kind not in HEADED, 0
        for row in source.rows():
            if isinstance(row, PassedLine):
                read.passed.append(row)
                continue
            number += 1
            if keeps_columns and isinstance(row, SourceRow):
                read.seen |= row.cells.keys()
            read.has_ids = read.has_ids or names_deal_by_id(section, row)
            made = printer.of(row)
            read.total = read.total.with_print(made)
            group = group_print(group_of(section, row, number))
            yield number, RowPrint(row.ref.ordinal or number, made, group)

    def _document(self) -> dict[str, Any]:
        restored = self.tools.journal.restored_at()
        return {"basis": self.basis, "restored": restored, "files": self.files}

    def _whole(self) -> str | None:
        """Why the groups of the job cannot be told apart; only with the schema is it known what rows refer to."""
        if any(each.has_ids for each in self.read.values()):
            return "contact roles name their deal by its id"
        return why_whole(replace(self.job, sections=self.schema.sections))

    def _names(self) -> dict[str, str]:
        return {name: each.form.name for name, each in self.sources.items()}

    def _printer(self, name: str) -> RowPrinter:
        return RowPrinter(self.basis, name, self.sources[name].form)

    def _counted(self, rows: Mapping[str, int]) -> dict[str, int]:
        """Rows by sObject, of those that have some."""
        return {self.job.sections[name].sobject: count for name, count in rows.items() if count}


def _numbers(table: PrintTable, section: str) -> Iterator[int]:
    return (number for number, _ in table.rows(section))
