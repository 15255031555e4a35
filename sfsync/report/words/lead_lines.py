"""A lead's conversion in words: what it is now, what it becomes, and what is made or merged into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sfsync.core.plans.plan import Change
from sfsync.core.sobject import LEAD
from sfsync.core.values import Pending, PlannedValue
from sfsync.report.safe_text import shortened
from sfsync.report.words.field_values import Named
from sfsync.report.words.lines import Line, Tone

ONCE: Final = (
    "Leads are converted once: the platform refuses a second time. A conversion cannot be taken back."
)


def lead_lines(lead: Change | None, known: Named, *, indent: int) -> Iterator[Line]:
    """`> lead Bertha Boxer (Open) is converted to Qualified: new account Farmers Coop, new contact, new deal`."""
    if lead is None or lead.sobject != LEAD:
        return
    company = str(lead.before.get("Company") or "")
    account = _target("account", lead.values.get("ConvertedAccountId"), company, known)
    contact = _target("contact", lead.values.get("ConvertedContactId"), lead.label, known)
    title = f"lead {shortened(lead.label, most=80)} ({lead.before.get('Status')})"
    becomes = f"is converted to {lead.values.get('Status')}: {account}, {contact}, new deal"
    yield Line(f"> {title} {becomes}", indent, Tone.NEW)


def _target(noun: str, into: PlannedValue, name: str, known: Named) -> str:
    if into is None:
        return f"new {noun} {shortened(name, most=80)}"
    if isinstance(into, Pending):
        return f"merged into the new {noun} {known.label(into)}"
    return f"merged into {noun} {known.value(into)}"
