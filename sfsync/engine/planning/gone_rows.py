"""Plans what happens to rows that the source has no more: told, or their deals closed or deleted.

Which rows have vanished is judged by the journal's memory of this job and by the complete source: one row whose key
cannot be read, and nothing counts as vanished. A deal is touched only where nobody has changed it since it was last
read back, no other job brings it, and, to be deleted, this job created it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sfsync.core.deals.closing import is_closed
from sfsync.core.deals.gone import Fate, Vanished, VanishedRow, vanished_rows
from sfsync.core.diff import STAGE_DEPENDENTS, held, scale_of
from sfsync.core.job import Section
from sfsync.core.job_memory import JobRow
from sfsync.core.plans.plan import Action, Change
from sfsync.core.ports import Journal, LedgerEntry, Lookup, OrgGateway, Record
from sfsync.core.reading.keys import ledger_key
from sfsync.core.records import MODIFIED, full_id
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.values import Value, is_same
from sfsync.core.wording import listed
from sfsync.engine.planning.forecasting import forecast_fields
from sfsync.engine.planning.reading import ReadSection
from sfsync.engine.planning.schema import Schema

_FIRST_KEYS = 5

_NAMES: Mapping[str, tuple[str, str]] = {
    "Account": ("account", "accounts"),
    "Contact": ("contact", "contacts"),
    OPPORTUNITY: ("deal", "deals"),
}


@dataclass(slots=True)
class Vanishing:
    """What a section's vanished rows come to; `deals` are their records as they are, `known` counts all rows that
    the job ever brought.
    """

    rows: list[VanishedRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    deals: list[Record] = field(default_factory=list)
    known: int = 0


@dataclass(frozen=True, slots=True)
class LostRows:
    """The rows of a section that the source has no more, of `known` that the job ever brought.

    `is_unsure` says that the key of a row cannot be read: it may be one of these.
    """

    rows: list[JobRow]
    known: int
    is_unsure: bool


def lost_rows(
    read: ReadSection,
    schema: Schema,
    known: Iterable[Sequence[JobRow]],
    is_left_out: Callable[[str, str], bool],
) -> LostRows:
    """What the complete source of a section lacks of the `known` rows of the job, which come some at a time.

    `is_left_out` says of an sObject and key that the source has the row though it was not read. Nothing where
    nobody asks.
    """
    section = read.section
    if section.gone.vanished is Vanished.IGNORE:
        return LostRows([], 0, is_unsure=False)
    present = [each.key for each in read.rows]
    count = 0

    def in_question() -> Iterator[JobRow]:
        nonlocal count
        for some in known:
            count += len(some)
            yield from (each for each in some if not is_left_out(section.sobject, each.key))

    folds = folds_case(section, schema)
    lost = vanished_rows(in_question(), present, key_field=section.key, folds_case=folds)
    return LostRows(lost, count, is_unsure="" in present)


def folds_case(section: Section, schema: Schema) -> bool:
    """Whether the org takes keys of a section for the same that differ in letter case alone."""
    described = schema.describe(section.sobject).field(section.key) if section.key else None
    return described is not None and not described.case_sensitive


def plan_vanished(
    section: Section,
    vanished: LostRows,
    schema: Schema,
    *,
    job: str,
    org_id: str,
    journal: Journal,
    gateway: OrgGateway,
) -> Vanishing:
    """The fate of every row of a section that the job brought and the source has no more."""
    policy, lost = section.gone.vanished, vanished.rows
    found = Vanishing(known=vanished.known)
    if not lost:
        return found
    if vanished.is_unsure:
        found.notes.append(_unsure(section.name, lost))
        return found
    others = journal.memory.other_jobs(org_id, job, section.sobject, (each.record_id for each in lost))
    own = [each for each in lost if each.record_id not in others]
    found.rows += [
        _fate(each, Fate.OTHER_JOB, others[each.record_id]) for each in lost if each.record_id in others
    ]
    if policy is Vanished.REPORT:
        found.rows += [_fate(each, Fate.REPORTED) for each in own]
    else:
        judge = _Judge(section, schema, job)
        records, entries = judge.looked_up(own, org_id, journal, gateway)
        for row in own:
            judged, change = judge.of(row, records.get(row.record_id), entries.get(row.key))
            found.rows.append(judged)
            found.changes += [change] if change else []
        found.deals += records.values()
    found.notes += _notes(section.name, section.sobject, found.rows)
    return found


@dataclass(slots=True)
class _Judge:
    """Decides for one vanished deal at a time, by what the org holds of it now."""

    section: Section
    schema: Schema
    job: str

    def looked_up(
        self, rows: Sequence[JobRow], org_id: str, journal: Journal, gateway: OrgGateway
    ) -> tuple[dict[str, Record], dict[str, LedgerEntry]]:
        """The records by id, and what the job last brought by key; one read for all."""
        section, describe = self.section, self.schema.describe(OPPORTUNITY)
        names = {ledger_key(self.job, each.key, key_field=section.key): each.key for each in rows}
        ledger = journal.ledger(org_id, OPPORTUNITY, names)
        entries = {names[name]: entry for name, entry in ledger.items()}
        seen = {name for each in entries.values() for name in each.seen if describe.field(name) is not None}
        own = ("Id", "Name", "StageName", "AccountId", MODIFIED, *([section.key] if section.key else []))
        wanted = tuple(dict.fromkeys((*own, *forecast_fields(describe), *sorted(seen))))
        ids = tuple(dict.fromkeys(each.record_id for each in rows))
        [records] = gateway.fetch([Lookup(OPPORTUNITY, wanted, "Id", ids)]) if ids else [[]]
        return {full_id(each): each for each in records}, entries

    def of(
        self, row: JobRow, record: Record | None, entry: LedgerEntry | None
    ) -> tuple[VanishedRow, Change | None]:
        """What happens to the row, and the change that does it."""
        section = self.section
        closes = section.gone.vanished is Vanished.CLOSE
        if record is None:
            return _fate(row, Fate.ABSENT), None
        if closes and is_closed(self.schema.rules[OPPORTUNITY].stages, record.get("StageName")):
            return _fate(row, Fate.CLOSED), None
        if moved := self._moved(row, record, entry):
            return _fate(row, Fate.CHANGED, " and ".join(moved)), None
        if not closes and row.origin != "created":
            return _fate(row, Fate.NOT_OURS), None
        return self._taken(row, record, entry, closes=closes)

    def _taken(
        self, row: JobRow, record: Record, entry: LedgerEntry | None, *, closes: bool
    ) -> tuple[VanishedRow, Change]:
        judged = _fate(row, Fate.CLOSE if closes else Fate.DELETE)
        stage = self.section.gone.vanished_stage
        account = record.get("AccountId")
        change = Change(
            judged.change_id,
            OPPORTUNITY,
            Action.UPDATE if closes else Action.DELETE,
            row.key,
            f"{record.get('Name') or row.key}: gone from the source",
            record_id=row.record_id,
            desired={"StageName": stage} if closes else {},
            values={"StageName": stage} if closes else {},
            before=self._before(record, entry, closes=closes),
            account=account if isinstance(account, str) else None,
        )
        return judged, change

    def _before(self, record: Record, entry: LedgerEntry | None, *, closes: bool) -> dict[str, Value]:
        """What is compared once more right before the write: of a deletion all that the job knows.

        The last modification stands for the fields that the job does not know. What the stage implies is remembered
        for an undo, which opens the deal again as it was.
        """
        describe = self.schema.describe(OPPORTUNITY)
        names = dict.fromkeys(("StageName", MODIFIED, *STAGE_DEPENDENTS))
        names |= {} if closes or entry is None else dict.fromkeys(entry.seen)
        return held(describe, record, {each: None for each in names if describe.field(each)})

    def _moved(self, row: JobRow, record: Record, entry: LedgerEntry | None) -> list[str]:
        """The fields that somebody has changed since the job last knew them."""
        if entry is None or entry.record_id != row.record_id:
            return ["its memory"]
        describe = self.schema.describe(OPPORTUNITY)
        now = held(describe, record, {name: None for name in entry.seen if describe.field(name)})
        moved = [
            name
            for name, value in now.items()
            if not is_same(entry.seen[name], value, scale=scale_of(describe.field(name)))
        ]
        if not moved and row.modified_at is not None and record.get(MODIFIED) != row.modified_at:
            return ["a field that this job does not write"]
        return moved


def _fate(row: JobRow, fate: Fate, detail: str = "") -> VanishedRow:
    return VanishedRow(row.sobject, row.key, row.record_id, fate, detail)


def _unsure(section: str, lost: Sequence[JobRow]) -> Problem:
    message = (
        f"{section}: a row's key cannot be read, so none of the {len(lost):,} missing rows counts as vanished"
    )
    hint = "Correct that row; the next run judges again."
    return Problem("VANISHED_UNSURE", Stage.PLAN, message, hint)


_WORDS: Mapping[Fate, tuple[str, str, str]] = {
    Fate.REPORTED: (
        "ROWS_VANISHED",
        "left alone in the org",
        'Say what is to happen: vanished = "ignore", and of deals also "close" or "delete", in the section.',
    ),
    Fate.CLOSE: ("ROWS_VANISHED", "closed", ""),
    Fate.DELETE: ("ROWS_VANISHED", "deleted", ""),
    Fate.CHANGED: (
        "VANISHED_CHANGED_IN_ORG",
        "left alone, because somebody changed {them} in the org since the last run",
        "Close or delete {them} by hand, or bring the {rows} back.",
    ),
    Fate.NOT_OURS: (
        "VANISHED_NOT_OURS",
        "left alone, because this job did not create {them}",
        "Delete {them} by hand if that is meant.",
    ),
    Fate.OTHER_JOB: ("VANISHED_SHARED", "left alone, because another job brings {them} too", ""),
}


def _notes(section: str, sobject: str, rows: Iterable[VanishedRow]) -> Iterable[Problem]:
    """One note for each way that vanished rows go, with the first keys."""
    by_fate: dict[Fate, list[VanishedRow]] = {}
    for each in rows:
        by_fate.setdefault(each.fate, []).append(each)
    for fate, of_fate in by_fate.items():
        if fate in _WORDS:
            code, what, hint = _WORDS[fate]
            one, many = _NAMES.get(sobject, ("record", "records"))
            is_one = len(of_fate) == 1
            count = f"{len(of_fate):,} {one if is_one else many}"
            verb, them, its_rows = ("is", "it", "row") if is_one else ("are", "them", "rows")
            keys = listed((each.key for each in of_fate), most=_FIRST_KEYS)
            details = ", ".join(dict.fromkeys(each.detail for each in of_fate if each.detail))
            why = f" ({details})" if details else ""
            said = what.format(them=them)
            message = f"{section}: {count} that the source has no more {verb} {said}{why}: {keys}"
            yield Problem(code, Stage.PLAN, message, hint.format(them=them, rows=its_rows))
