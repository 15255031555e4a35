"""Which rows of a job have to be looked at together, and which may be looked at apart.

A group is a record with a key and what hangs on it alone: an account, a contact, or a deal with all its roles.
Rows of two groups never change what is planned for each other, save by a reference to a record that a row
of the other brings; so a run may leave whole groups out, or plan and write one after the other. A job whose rows
are tied together in further ways is one group (`why_whole`).
"""

from __future__ import annotations

from typing import Final

from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.models import Reference
from sfsync.core.reading.mapping import said
from sfsync.core.reading.rows import ModelRow, PassedLine, SourceRow, UnreadableRow
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY, record_id
from sfsync.core.values import clean_key

Row = SourceRow | UnreadableRow | ModelRow | PassedLine

_OWN: Final = {ACCOUNT: "parentid", CONTACT: "reportstoid"}
"""The reference of each sObject to another record of its own."""


def why_whole(job: Job) -> str | None:
    """Why the rows of a job can only be looked at all together; None where groups can be told apart.

    A reason reads on from "because".
    """
    deals = next((each for each in job.sections.values() if each.sobject == OPPORTUNITY), None)
    for section in job.sections.values():
        if section.lead is not None:
            return f"{section.name} come out of leads"
        own = section.rule(_OWN.get(section.sobject, "")) if section.sobject in _OWN else None
        if own is not None:
            return f"rows of {section.name} refer to each other ({own.field})"
        if section.sobject == CONTACT_ROLE and not names_its_deal(section, deals):
            return f"{section.name} name their deal by something else than its key"
    return None


def names_its_deal(roles: Section, deals: Section | None) -> bool:
    """Whether the rows of roles say by its key which deal they belong to, so that they go where it goes."""
    rule = roles.rule("OpportunityId")
    if rule is None or deals is None:
        return deals is None
    names = [each.lower() for each in rule.match]  # none: the default, which is the key, then the id
    return names in ([], [deals.match_name.lower()], [deals.match_name.lower(), "id"])


def names_deal_by_id(section: Section, row: Row) -> bool:
    """Whether a role may name its deal by a record id: then its group is not that of the deal's own row."""
    if section.sobject != CONTACT_ROLE or not isinstance(row, SourceRow | ModelRow):
        return False
    return record_id(_key_of(section, row), OPPORTUNITY) is not None


def group_of(section: Section, row: Row, number: int) -> str:
    """The name of the row's group, alike for all rows of one group and for no other.

    A row without a key that can be read is a group of its own; `number` counts the rows of its section. Keys that
    differ in letter case alone are one group, whatever the key field makes of them.
    """
    key = _key_of(section, row)
    if key == "":
        return f"{section.name}#{number}"
    sobject = OPPORTUNITY if section.sobject == CONTACT_ROLE else section.sobject
    return group_of_key(sobject, key)


def group_of_key(sobject: str, key: str) -> str:
    """The group of the record of an sObject with that key."""
    return f"{sobject}:{clean_key(key).casefold()}"


def is_unreadable(group: str) -> bool:
    """Whether a group is that of a row whose key cannot be read."""
    return "#" in group.partition(":")[0]


def account_text(section: Section, row: Row) -> str:
    """What a row says of its account, as it is compared; "" where it says nothing."""
    if section.sobject == ACCOUNT:
        return _key_of(section, row).casefold()
    rule = section.rule("AccountId")
    return clean_key(_text_of(rule, section, row)).casefold() if rule else ""


def _key_of(section: Section, row: Row) -> str:
    if section.sobject == CONTACT_ROLE:
        return clean_key(_text_of(section.rule("OpportunityId"), section, row))
    if section.key is not None:
        return clean_key(_text_of(section.rule(section.key), section, row))
    if section.row_key is not None and isinstance(row, SourceRow):
        return clean_key(said(section, FieldRule(section.row_key, column=section.row_key), row))
    if section.row_key is not None and isinstance(row, ModelRow):
        return clean_key(_given(row, section.row_key))
    return ""


def _text_of(rule: FieldRule | None, section: Section, row: Row) -> str:
    if isinstance(row, ModelRow):
        name = (
            rule.field
            if rule
            else ("OpportunityId" if section.sobject == CONTACT_ROLE else section.key or "")
        )
        return _given(row, name)
    if rule is None or not isinstance(row, SourceRow):
        return ""
    return said(section, rule, row)


def _given(row: ModelRow, name: str) -> str:
    value = dict(row.record.given()).get(name)
    if isinstance(value, Reference):
        return value.value
    return "" if value is None else str(value)
