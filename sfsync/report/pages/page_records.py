"""What changed, record by record, as the page shows it: fields old and new, stage, owner, end, problems, guarantee.

Told are the writes and the rows that are not done, in the order of the plan. The first writes of each sObject and
what is not done come before the rest where the page has no room for all; how many are left out is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfsync.core.deals.forecast_basis import Deal
from sfsync.core.plans.plan import WRITES, Action, Change, Plan
from sfsync.core.reports.report import Report
from sfsync.core.reports.report_numbers import action, total
from sfsync.core.reports.results import NOT_DONE
from sfsync.core.sending.costs import routes_of_creates
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.report.nouns import noun, place
from sfsync.report.pages.cut import cut
from sfsync.report.pages.inert_json import inert
from sfsync.report.safe_text import shortened
from sfsync.report.words.field_values import Named

MOST_OF_EACH: Final = 100
"""Writes of each sObject that come before all else: they are there without a script, too."""

MOST_RECORDS: Final = 3_000
MOST_BYTES: Final = 2_200_000
"""What the records may take in the page, however long their texts are."""

MOST_FIELDS: Final = 25
MOST_PROBLEMS: Final = 5


def record_part(report: Report, known: Named) -> Mapping[str, Any]:
    """The records, JSON-ready, and how many were left out; `known` names the records of the plan."""
    told = [each for each in report.plan.changes if each.action is not Action.NOOP]
    teller = _Teller.of(report, known)
    chosen: dict[str, Any] = {}
    size = 0
    for change in _by_weight(report, told):
        if len(chosen) == MOST_RECORDS:
            break
        entry = teller.entry(change)
        size += len(inert(entry))
        if size > MOST_BYTES:
            break
        chosen[change.change_id] = entry
    kinds = (each for each in Action if each is not Action.NOOP)
    count = sum(total(report.numbers(), action(each)) for each in kinds)
    entries = (chosen[each.change_id] for each in told if each.change_id in chosen)
    return cut(entries, MOST_RECORDS, count=count)


def _by_weight(report: Report, changes: Sequence[Change]) -> Iterator[Change]:
    """The first writes of each sObject, then what is not done, then the rest."""
    seen: dict[str, int] = {}
    later: list[Change] = []
    rest: list[Change] = []
    for each in changes:
        if each.action in WRITES and seen.setdefault(each.sobject, 0) < MOST_OF_EACH:
            seen[each.sobject] += 1
            yield each
        else:
            (later if report.result(each).outcome in NOT_DONE else rest).append(each)
    yield from later
    yield from rest


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells of one change after the other."""

    report: Report
    known: Named
    routes: Mapping[str, str] | None
    deals: Mapping[str, Deal]
    owners: Mapping[str, str]

    @classmethod
    def of(cls, report: Report, known: Named) -> _Teller:
        plan = report.plan
        basis = plan.forecast
        return cls(
            report,
            known,
            _routes(plan) if not report.tally else None,  # what is not held could change a role's route
            basis.deals if basis else {},
            basis.owners if basis else {},
        )

    def entry(self, change: Change) -> dict[str, Any]:
        """One record, JSON-ready."""
        result = self.report.result(change)
        fields = ([each.name, each.old, each.new] for each in self.known.fields(change))
        is_write = change.action in WRITES
        deal = self._deal(change)
        codes = list(dict.fromkeys(each.code for each in result.problems))
        return {
            "sobject": change.sobject,
            "kind": noun(change.sobject),
            "action": change.action.value,
            "label": shortened(change.label or change.key),
            "key": shortened(change.key),
            "place": place(change.row),
            "because": change.because,
            "outcome": result.outcome.value if self.report.applied else "",
            "id": result.record_id or "",
            "stage": self._stage(deal) if deal else "",
            "owner": self._owner(deal) if deal else "",
            "codes": codes,
            "said": [shortened(each.message) for each in result.problems[:MOST_PROBLEMS]],
            "guarantee": self._guarantee(change) if is_write else "",
            "fields": cut(iter(fields if is_write else ()), MOST_FIELDS),
        }

    def _guarantee(self, change: Change) -> str:
        if change.action is not Action.CREATE:
            return "by id"
        return self.routes.get(change.change_id, "") if self.routes is not None else ""

    def _deal(self, change: Change) -> Change | None:
        """The deal that a change is about: itself, or that of a role."""
        if change.sobject == OPPORTUNITY:
            return change
        if change.sobject == CONTACT_ROLE and change.parent is not None:
            return self.known.changes.get(change.parent)
        return None

    def _stage(self, deal: Change) -> str:
        stage = _said(deal, "StageName")
        before = self.deals.get(deal.record_id or "")
        return shortened(str(stage), most=80) if stage else before.stage if before else ""

    def _owner(self, deal: Change) -> str:
        said = _said(deal, "OwnerId")
        before = self.deals.get(deal.record_id or "")
        owner = str(said) if said else before.owner if before else ""
        name = self.known.records.get(owner) or self.owners.get(owner) or owner
        return shortened(name, most=80)


def _said(change: Change, name: str) -> object:
    return change.values.get(name) or change.desired.get(name)


def _routes(plan: Plan) -> Mapping[str, str]:
    found = routes_of_creates(plan.changes, plan.routes, plan.choices)
    return {name: route.value for name, route in found.items()}


def written_first(records: Sequence[Mapping[str, Any]], sobject: str) -> list[Mapping[str, Any]]:
    """The first writes of an sObject among the records, as the page shows them without a script."""
    writes = {each.value for each in WRITES}
    of_it = (each for each in records if each["sobject"] == sobject and each["action"] in writes)
    return [each for _, each in zip(range(MOST_OF_EACH), of_it, strict=False)]
