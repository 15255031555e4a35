"""What holds for the records of a plan beyond their single fields: probability, products, movement, record type.

A row is looked at three times: before it is compared (what of it is never sent), before it is written (what goes
along, and what speaks against it), and at the end (which deals are off their stage's probability). What many rows
have in common is counted here and told in one note. A row that is planned anew counts as it was planned last.
Sources: Object Reference, Opportunity.Amount (with products a sent one is ignored), Opportunity.StageName.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain, islice
from typing import Final

from sfsync.core.deals import probability
from sfsync.core.deals.job_words import PERSON_MARK
from sfsync.core.deals.movement import Movement, closes_ahead, refused_moves
from sfsync.core.diff import held, scale_of
from sfsync.core.job import ProbabilityPolicy
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import Action, Change, OffStage
from sfsync.core.ports import Record
from sfsync.core.reading.checks import row_problem
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.sobject import ACCOUNT, OPPORTUNITY
from sfsync.core.values import PlannedValue, is_same, shown, trimmed
from sfsync.engine.planning.left_out import LeftOut
from sfsync.engine.planning.offered_values import OfferedValues
from sfsync.engine.planning.reading import CheckedRow, ReadSection
from sfsync.engine.planning.record_types import FIELD as RECORD_TYPE
from sfsync.engine.planning.record_types import name_of, outside_values, record_type_of
from sfsync.engine.planning.schema import Schema

_PRODUCTS: Final = "HasOpportunityLineItem"
_WATCHED: Final[Mapping[str, tuple[str, ...]]] = {
    OPPORTUNITY: ("StageName", "Probability", "Amount", "CloseDate", _PRODUCTS),
    ACCOUNT: (PERSON_MARK,),
}
_GOES: Final = frozenset({Action.CREATE, Action.UPDATE, Action.CONVERT, Action.NOOP})


def watched_fields(describe: SObjectDescribe) -> dict[str, None]:
    """The fields of a record that decide about its row, whether or not the job maps them."""
    has_kinds = any(not each.master for each in describe.record_types)
    names = (*_WATCHED.get(describe.name, ()), *((RECORD_TYPE,) if has_kinds else ()))
    return {field.name: None for name in names if (field := describe.field(name)) is not None}


@dataclass(slots=True)
class DealRules:
    """The rules for one plan, made on the day `today`."""

    schema: Schema
    offered: OfferedValues
    today: date
    _said: dict[str, list[str]] = field(default_factory=dict)
    _rows: dict[str, RowRef] = field(default_factory=dict)
    _off_stage: dict[str, OffStage] = field(default_factory=dict)

    def begin(self, row: CheckedRow) -> None:
        """Forgets what was counted of a row that is planned anew."""
        self._said.pop(row.place, None)

    def _count(self, row: CheckedRow, name: str) -> None:
        self._said.setdefault(row.place, []).append(name)
        self._rows[row.place] = row.ref

    def sendable(
        self,
        read: ReadSection,
        row: CheckedRow,
        desired: dict[str, PlannedValue],
        record: Record,
        *,
        is_new: bool = False,
    ) -> tuple[dict[str, PlannedValue], tuple[Problem, ...]]:
        """The values without those that are never sent, and what is to be said about it in the row's place.

        `is_new` marks the record of a deal that has just come out of its lead and has nothing of its row yet.
        """
        if read.section.sobject != OPPORTUNITY:
            return desired, ()
        there = held(self.schema.describe(OPPORTUNITY), record, desired) if record else {}
        exists = bool(record) and not is_new
        left_out = self._left_out_probability(read, row, desired, there, exists=exists)
        remarks: tuple[Problem, ...] = ()
        if record.get(_PRODUCTS) is True and "Amount" in desired:
            left_out |= {"Amount"}
            amount = self.schema.describe(OPPORTUNITY).field("Amount")
            if not is_same(desired["Amount"], there["Amount"], scale=scale_of(amount)):
                self._count(row, "products")
                remarks = (_of_products(row, desired["Amount"], there["Amount"]),)
        return {name: value for name, value in desired.items() if name not in left_out}, remarks

    def _left_out_probability(
        self,
        read: ReadSection,
        row: CheckedRow,
        desired: Mapping[str, PlannedValue],
        there: Mapping[str, PlannedValue],
        *,
        exists: bool,
    ) -> set[str]:
        name, policy = probability.FIELD, probability.policy_of(read.section)
        if name not in desired or probability.is_sent(policy, exists=exists):
            return set()
        if desired[name] is not None and not is_same(desired[name], there.get(name), scale=0):
            self._count(row, f"probability {policy.value}")
        return {name}

    def judged(
        self, read: ReadSection, row: CheckedRow, change: Change, record: Record, *, is_new: bool = False
    ) -> Change:
        """The change that is to be written, with what goes along; rejected where something speaks against it.

        With `is_new` (as for `sendable`) the deal does not move from the stage that the platform gave it.
        """
        sobject = read.section.sobject
        if sobject == OPPORTUNITY and change.action is Action.UPDATE:
            change = self._with_kept_probability(read, change, record)
        problems = list(self._outside_record_type(read, row, change, record))
        if sobject == OPPORTUNITY and "StageName" in change.values:
            problems += self._against_movement(read, row, change, {} if is_new else record)
        if record.get(PERSON_MARK) is True:
            problems.append(_of_person(row))
        if problems:
            return replace(change, action=Action.REJECT, values={}, before={}, problems=tuple(problems))
        return change

    def _with_kept_probability(self, read: ReadSection, change: Change, record: Record) -> Change:
        stages = self.schema.rules[OPPORTUNITY].stages
        is_kept = probability.policy_of(read.section) is ProbabilityPolicy.KEEP
        field = self.schema.describe(OPPORTUNITY).field(probability.FIELD)
        if not is_kept or stages is None or field is None or not field.updateable:
            return change
        names = {"StageName": None, probability.FIELD: None}
        now = held(self.schema.describe(OPPORTUNITY), record, names)
        value = probability.kept(change.values, now, stages)
        if value is None:
            return change
        values, before = {**change.values, field.name: value}, {**change.before, field.name: value}
        return replace(change, values=values, before=before)

    def _outside_record_type(
        self, read: ReadSection, row: CheckedRow, change: Change, record: Record
    ) -> Iterator[Problem]:
        """Picklist values that the record's type lacks: of all fields where the row changes the type itself."""
        describe = self.schema.describe(read.section.sobject)
        values = change.desired if RECORD_TYPE in change.values else change.values
        picklists = {name for name in values if _is_picklist(describe, name)}
        kind = record_type_of(describe, change.desired, record) if picklists else None
        if kind is None or all(each.master for each in describe.record_types):
            return
        offered = self.offered.of(read.section.sobject, kind)
        for name, invalid in outside_values(describe, values, offered, kind=name_of(describe, kind)):
            text = row.texts.get(name) or str(values[name])
            yield replace(row_problem(read.section, row.ref, name, invalid, value=text), stage=Stage.PLAN)

    def _against_movement(
        self, read: ReadSection, row: CheckedRow, change: Change, record: Record
    ) -> Iterator[Problem]:
        stages, wanted = self.schema.rules[OPPORTUNITY].stages, change.values["StageName"]
        if stages is None or not isinstance(wanted, str):
            return
        there = held(self.schema.describe(OPPORTUNITY), record, dict.fromkeys(_WATCHED[OPPORTUNITY]))
        after = there | {name: value for name, value in change.values.items() if name in there}
        now, close = there["StageName"], after["CloseDate"]
        movement = Movement(
            now=now if isinstance(now, str) else None,
            wanted=wanted,
            has_amount=after["Amount"] is not None,
            has_own_date=close is not None and _is_own_date(read, row, change),
            close_date=close if isinstance(close, date) else None,
        )
        found = refused_moves(movement, stages, read.section.allow)
        if not found and closes_ahead(movement, stages, self.today):
            self._count(row, "ahead")
        for name, invalid in found:
            text = row.texts.get(name, "")
            yield replace(row_problem(read.section, row.ref, name, invalid, value=text), stage=Stage.PLAN)

    def observe(self, change: Change, record: Record) -> None:
        """Notes a deal that will be off its stage's probability."""
        self._off_stage.pop(change.change_id, None)
        stages = self.schema.rules[change.sobject].stages if change.sobject == OPPORTUNITY else None
        if stages is None or change.action not in _GOES:
            return
        there = held(
            self.schema.describe(OPPORTUNITY), record, dict.fromkeys(("StageName", probability.FIELD))
        )
        stage = change.values.get("StageName", there["StageName"])
        value = change.values.get(
            probability.FIELD, None if "StageName" in change.values else there[probability.FIELD]
        )
        found = probability.off_stage(change.key, stage, value, stages)
        if found is not None:
            self._off_stage[change.change_id] = found

    @property
    def off_stage(self) -> tuple[tuple[OffStage, ...], int]:
        """The first deals that will be off their stage's probability, and how many there are."""
        listed = tuple(islice(self._off_stage.values(), probability.MOST_LISTED))
        return listed, len(self._off_stage)

    @property
    def counts(self) -> Counter[str]:
        """How many rows have in common what a note is for; `rule_notes` has the words."""
        return Counter(chain(*self._said.values())) + Counter({"off": len(self._off_stage)})

    def tell(self, left_out: LeftOut, changes: Iterable[Change]) -> None:
        """Says which rows the notes count: the next run has to see them again."""
        for place in self._said:
            left_out.tell(self._rows[place])
        for change in changes:
            if change.change_id in self._off_stage:
                left_out.tell(change.row)

    def notes(self) -> Iterator[Problem]:
        """What many rows have in common, each in one sentence, and what the org did not tell."""
        yield from self.offered.notes
        yield from rule_notes(self.counts)


def rule_notes(counts: Mapping[str, int]) -> Iterator[Problem]:
    """What so many rows have in common, each in one sentence."""
    for name, (code, one, many, hint) in _NOTES.items():
        count = counts.get(name, 0)
        if count:
            text = one if count == 1 else many.format(count=f"{count:,}")
            yield Problem(code, Stage.PLAN, text, hint)


_NOTES: Final = {
    "products": (
        "AMOUNT_FROM_PRODUCTS",
        "1 deal has products, whose sum is its amount: the row's own amount is not sent",
        "{count} deals have products, whose sum is their amount: the rows' own amounts are not sent",
        "Salesforce would ignore it without a word. Change the products, or leave the amount out of the source.",
    ),
    "probability default": (
        "PROBABILITY_NOT_SENT",
        '1 probability is not sent: by probability = "default" a deal has that of its stage',
        '{count} probabilities are not sent: by probability = "default" deals have those of their stages',
        'To send them, write probability = "override" under [opportunities].',
    ),
    "probability keep": (
        "PROBABILITY_NOT_SENT",
        '1 probability is not sent: by probability = "keep" a deal keeps the one in the org',
        '{count} probabilities are not sent: by probability = "keep" deals keep those in the org',
        'To send them, write probability = "override" under [opportunities].',
    ),
    "ahead": (
        "CLOSE_DATE_AHEAD",
        "1 deal is closed with a close date that is still to come",
        "{count} deals are closed with close dates that are still to come",
        "Look at the dates; the rows are written as they are.",
    ),
    "off": (
        "PROBABILITY_OFF_STAGE",
        "1 deal will have another probability than its stage implies",
        "{count} deals will have other probabilities than their stages imply",
        'The report names them under "probability".',
    ),
}
"""By what is counted: code, sentence for one, sentence for more, hint."""


def _is_picklist(describe: SObjectDescribe, name: str) -> bool:
    field = describe.field(name)
    return field is not None and field.type in ("picklist", "multipicklist")


def _is_own_date(read: ReadSection, row: CheckedRow, change: Change) -> bool:
    """Whether the close date after the write is the deal's own: its row's, or the record's that stays."""
    if "CloseDate" not in change.values:
        return True
    rule = read.section.rule("CloseDate")
    if rule is None or rule.compose is not None:
        return True
    return rule.constant is None and bool(trimmed(row.texts.get("CloseDate", "")))


def _of_products(row: CheckedRow, wanted: PlannedValue, now: PlannedValue) -> Problem:
    message = f"the amount stays {shown(now)}, the sum of the deal's products; {shown(wanted)} is not sent"
    return Problem(
        "AMOUNT_FROM_PRODUCTS", Stage.PLAN, message, row=row.ref, field="Amount", value=shown(wanted)
    )


def _of_person(row: CheckedRow) -> Problem:
    message = "the record is a person account, which sfsync does not write"
    hint = "Take the row out; deals may still refer to the account, for example by Name."
    return Problem("PERSON_ACCOUNT", Stage.PLAN, message, hint, row=row.ref, value=row.key)
