"""A book on its way: portions as they were planned, each by itself, then sent as the whole has chosen.

Part of the composition root. A page is written once. Where the whole goes otherwise than a portion would go alone,
which is known when all are planned, the pages are gone through once more for what they cost then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sfsync.app.plan_books import BookWriter, Page, StoredBook
from sfsync.core.plans.condensed_plan import CondensedPlan
from sfsync.core.plans.condensing import Condenser
from sfsync.core.plans.plan import Plan, PredictedCalls
from sfsync.core.reports.results import Problem
from sfsync.core.resync.sifted import BookResync
from sfsync.core.sending.book_sending import BookSending, Ways, ways_of, with_jobs


@dataclass(slots=True)
class BookDraft:
    """Takes the plans of portions in the order of planning; `pages` may be put into that of writing."""

    writer: BookWriter = field(default_factory=BookWriter)
    pages: list[Page] = field(default_factory=list)
    _condenser: Condenser = field(default_factory=Condenser)
    _ways: set[Ways] = field(default_factory=set)

    def add(self, plan: Plan) -> None:
        """Puts a portion down."""
        self.pages.append(self.writer.add(plan))
        self._condenser.add(plan)
        self._ways.add(ways_of(plan))

    def book(
        self,
        plan_id: str,
        notes: tuple[Problem, ...],
        sending: BookSending,
        resync: BookResync | None = None,
    ) -> tuple[StoredBook, CondensedPlan]:
        """The book as it is sent, and as a person sees it."""
        predicted: Sequence[PredictedCalls] = ()
        if not all(map(sending.is_as, self._ways)):
            predicted = self._count_again(sending)
        totals = self._condenser.totals
        book = self.writer.book(
            plan_id, self.pages, totals, notes, sending=sending, predicted=predicted, resync=resync
        )
        shown = replace(self._condenser.plan(plan_id, notes), choices=sending.choices)
        return book, shown

    def _count_again(self, sending: BookSending) -> Sequence[PredictedCalls]:
        """What each portion takes when all go as the whole does; the figures become those of that."""
        condenser, alone, read_backs = Condenser(), [], []
        for page in self.pages:
            plan = sending.of(self.writer.read(page))
            read_backs.append(condenser.add(plan).read_backs)
            alone.append(plan.predicted)
        predicted = with_jobs(alone, read_backs, condenser.totals)
        condenser.totals = replace(condenser.totals, predicted=summed_calls(predicted))
        self._condenser = condenser
        return predicted


def summed_calls(several: Sequence[PredictedCalls]) -> PredictedCalls:
    """What portions take together."""
    return PredictedCalls(sum(each.reads for each in several), sum(each.writes for each in several))
