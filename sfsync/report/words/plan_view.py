"""A plan in words: what will be created and changed field by field, what cannot be, and what it costs.

Roles stand under their deal, also where the deal itself is in the org already and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sfsync.core.deals.gone import CHANGE_PREFIX
from sfsync.core.plans.condensed_plan import (
    TAKEN_OVER,
    WRITTEN,
    CondensedPlan,
    planned_effect,
    planned_routes,
)
from sfsync.core.plans.plan import NEW, WRITES, Action, Change, Plan
from sfsync.core.reports.results import REMARKS, Problem
from sfsync.core.sending.guarantees import KEYLESS, MADE_KEYLESS, SAFE_BECAUSE
from sfsync.core.sobject import CONTACT_ROLE, LEAD, OPPORTUNITY
from sfsync.core.writes import Route
from sfsync.report.document import in_write_order
from sfsync.report.nouns import counted, enumerated, noun, place, rows_counted
from sfsync.report.safe_text import shortened
from sfsync.report.words.cost_view import cost_lines
from sfsync.report.words.field_values import Named
from sfsync.report.words.forecast_view import forecast_pieces
from sfsync.report.words.lead_lines import ONCE, lead_lines
from sfsync.report.words.lines import CountTable, Line, Piece, Tone
from sfsync.report.words.problem_groups import more_lines, placed, problem_group_lines
from sfsync.report.words.role_titles import role_title

LEFT_ALONE: Final = frozenset({Action.NOOP, Action.SKIP})


_ROLE_ENDS: Final = frozenset({"OpportunityId", "ContactId"})


@dataclass(slots=True)
class _Block:
    """A record that is written, or a deal whose roles are."""

    title: str
    change: Change | None = None
    roles: list[Change] = field(default_factory=list)
    completions: list[Change] = field(default_factory=list)
    is_undo: bool = False


def plan_pieces(plan: Plan, *, limit: int) -> Iterator[Piece]:
    """The plan, with at most `limit` records of each sObject field by field."""
    kind = "sandbox" if plan.org.is_sandbox else "not a sandbox"
    title = f"takes back run {plan.undoes} of job {plan.job}" if plan.undoes else f"of job {plan.job}"
    yield Line(f"Plan {plan.plan_id} {title}", tone=Tone.TITLE)
    yield Line(f"for {plan.org.name} ({plan.org.org_id}, {kind}) at {plan.org.instance_url}")
    yield Line()
    yield _overview(_overview_counts(plan))
    yield from untouched_lines(plan)
    known = Named.of(plan)
    for sobject in in_write_order({each.sobject for each in plan.changes}):
        if sobject not in (CONTACT_ROLE, LEAD):
            yield from _section(plan, sobject, known, limit=limit)
    if OPPORTUNITY not in {each.sobject for each in plan.changes}:
        yield from _section(plan, OPPORTUNITY, known, limit=limit)
    yield from forecast_pieces(planned_effect(plan), applied=False)
    yield from _problem_lines(plan.changes)
    yield from _note_lines(plan)
    yield Line()
    yield from _cost_lines(plan)


def untouched_lines(plan: Plan) -> Iterator[Line]:
    """The rows that are as they were, so that nothing else is said of them."""
    if count := sum(plan.untouched.values()):
        are = "is as at the last run and was" if count == 1 else "are as at the last run and were"
        yield Line(f"{rows_counted(count)} {are} not planned.")


def _overview_counts(plan: Plan) -> dict[str, Counter[str]]:
    """How many of each sObject are created, updated, deleted, left alone, not possible."""
    counts: dict[str, Counter[str]] = {}
    if isinstance(plan, CondensedPlan):
        for sobject, actions in plan.figures.overview.items():
            for action, count in actions.items():
                counts.setdefault(sobject, Counter())[_fate(Action(action))] += count
        return counts
    for each in plan.changes:
        is_vanished = each.change_id.startswith(CHANGE_PREFIX)
        if each.row is not None or each.action is Action.DELETE or is_vanished or each.made_for:
            counts.setdefault(each.sobject, Counter())[_fate(each.action)] += 1
    return counts


def _overview(counts: Mapping[str, Counter[str]]) -> CountTable:
    deletes = ("delete",) if any(each["delete"] for each in counts.values()) else ()
    titles = ("create", "update", *deletes, "leave alone", "not possible")
    rows = tuple((noun(name, 2), [counts[name][each] for each in titles]) for name in in_write_order(counts))
    return CountTable(("", *titles), rows)


def _fate(action: Action) -> str:
    if action is Action.CONVERT:
        return Action.CREATE.value
    if action in WRITES:
        return action.value
    return "leave alone" if action in LEFT_ALONE else "not possible"


def _section(plan: Plan, sobject: str, known: Named, *, limit: int) -> Iterator[Line]:
    """The records of one sObject that are written, each with its fields."""
    blocks = _blocks(plan.changes, sobject)
    taken_over = sum(1 for each in plan.changes if each.sobject == sobject and _is_taken_over(each))
    count = len(blocks)
    if isinstance(plan, CondensedPlan):
        of_sobject = plan.figures.blocks.get(sobject, {})
        taken_over, count = of_sobject.get(TAKEN_OVER, 0), of_sobject.get(WRITTEN, 0)
    if not blocks and not taken_over:
        return
    yield Line()
    yield Line(noun(sobject, 2).capitalize(), tone=Tone.TITLE)
    completing = _completing(plan.changes)
    for block in blocks[:limit]:
        block.completions = completing.get(block.change.change_id, []) if block.change else []
        block.is_undo = plan.undoes is not None
        yield from _block_lines(block, known)
    if count > limit:
        yield Line(f"... and {count - limit:,} more", 2, Tone.FAINT)
    if taken_over:
        yield Line(
            f"{counted(sobject, taken_over)} found in the org, already as the rows want", 2, Tone.FAINT
        )


def _completing(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """What completes new records when all are there, by the change that creates them."""
    found: dict[str, list[Change]] = {}
    for each in changes:
        if each.completes is not None and each.action in WRITES:
            found.setdefault(each.completes, []).append(each)
    return found


def _is_taken_over(change: Change) -> bool:
    return change.adopted and change.action is Action.NOOP and not change.because


def _is_followed(change: Change) -> bool:
    """Whether nothing is written, but the row goes to another record than before."""
    return change.action is Action.NOOP and bool(change.because) and change.sobject != CONTACT_ROLE


def _blocks(changes: Sequence[Change], sobject: str) -> list[_Block]:
    blocks = {
        each.change_id: _Block(_title(each), each)
        for each in changes
        if each.sobject == sobject and each.completes is None
        if each.action in WRITES or _is_followed(each)
    }
    if sobject == OPPORTUNITY:
        deals = {each.change_id: each for each in changes if each.sobject == OPPORTUNITY}
        for role in changes:
            if role.sobject == CONTACT_ROLE and role.action in WRITES:
                parent = role.parent or role.change_id
                blocks.setdefault(parent, _Block(_parent_title(deals.get(parent), parent))).roles.append(role)
    return list(blocks.values())


def _title(change: Change) -> str:
    made_for = f"not in the file: made for {rows_counted(change.made_for)}" if change.made_for else ""
    key = (
        "" if change.key == change.label or change.key.endswith(f"={change.label.casefold()}") else change.key
    )
    in_brackets = [key, place(change.row), made_for]
    details = ", ".join(each for each in in_brackets if each)
    title = f"{change.label} ({details})" if details else change.label
    return f"{title}: {shortened(change.because, most=200)}" if change.because else title


def _parent_title(deal: Change | None, parent: str) -> str:
    return _title(deal) if deal else "deal " + parent.removeprefix(f"{OPPORTUNITY}:")


def _block_lines(block: _Block, known: Named) -> Iterator[Line]:
    if block.change is None:
        yield Line(f"  {block.title}: stays as it is", 2)
    else:
        yield _headline(block.change, block.title, indent=2)
        yield from lead_lines(known.changes.get(block.change.parent or ""), known, indent=6)
        yield from _field_lines(block.change, known, indent=6)
        for remark in block.change.problems:
            yield Line(f"({shortened(remark.message, most=160)})", 6, Tone.FAINT)
    for each in block.completions:
        for name, value in each.values.items():
            yield Line(f"{name}: set once {known.label(value)} is there", 6)
    for role in block.roles:
        title = role_title(replace(role, label=known.contact(role)), block.roles, is_undo=block.is_undo)
        yield _headline(role, title, indent=6)
        yield from _field_lines(role, known, indent=10)


def _headline(change: Change, title: str, *, indent: int) -> Line:
    if change.action in NEW:
        return Line(f"+ {title}", indent, Tone.NEW)
    if change.action is Action.DELETE:
        return Line(f"- {title}", indent, Tone.BAD)
    if change.action is Action.NOOP:
        return Line(f"  {title}", indent)
    return Line(f"~ {title}", indent, Tone.CHANGED)


def _field_lines(change: Change, known: Named, *, indent: int) -> Iterator[Line]:
    said: frozenset[str] = frozenset()
    if change.sobject == CONTACT_ROLE:
        said = _ROLE_ENDS | {"Role", "IsPrimary"} if change.action in NEW else _ROLE_ENDS
    for each in known.fields(change):
        if each.name not in said:
            old = f"{each.old} -> " if each.old else ""
            yield Line(f"{each.name}: {old}{each.new}", indent)


def _problem_lines(changes: Iterable[Change]) -> Iterator[Line]:
    bad = [
        each
        for each in changes
        if each.row is not None or each.completes is not None
        if each.action not in WRITES | LEFT_ALONE
    ]
    if not bad:
        return
    yield Line()
    yield Line(f"Not possible: {len(bad):,}", tone=Tone.TITLE)
    problems = list(_problems(bad))
    yield from problem_group_lines(problems, tone=Tone.BAD)
    yield from more_lines(problems)


def _problems(changes: Iterable[Change]) -> Iterator[Problem]:
    for change in changes:
        yield from (placed(each, change) for each in change.problems)


def _note_lines(plan: Plan) -> Iterator[Line]:
    skipped = [each for each in plan.changes if each.row is not None and each.action is Action.SKIP]
    going = [each for each in plan.changes if each.row is not None and each.action in WRITES | {Action.NOOP}]
    remarks = [each for each in _problems(going) if each.code in REMARKS]
    notes = [*plan.notes, *_problems(skipped), *remarks]
    if notes:
        yield Line()
        yield Line("Notes", tone=Tone.TITLE)
        yield from problem_group_lines(notes, tone=Tone.PLAIN)


def _cost_lines(plan: Plan) -> Iterator[Line]:
    if plan.is_empty():
        yield Line("There is nothing to write.")
    if any(each.sobject == LEAD for each in plan.changes):
        yield Line(ONCE)
    by_route: dict[str, list[str]] = {}
    for sobject, counts in planned_routes(plan).items():
        for route, count in counts.items():
            by_route.setdefault(route, []).append(counted(sobject, count))
    for route, records in by_route.items():
        yield Line(f"{enumerated(records)} by {route}: {SAFE_BECAUSE[Route(route)]}")
    for sobject in plan.keyless():
        is_made = all(each.made_for for each in plan.changes if each.sobject == sobject)
        known = MADE_KEYLESS if is_made else KEYLESS
        yield Line(f"{noun(sobject, 2).capitalize()} have no key in the org: {known}.")
    yield from cost_lines(plan)
