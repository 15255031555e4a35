"""Checks what a rule says of parents that are made when they are missing: which they can be, and what they need.

It looks at the raw rule, like `job_meaning`; what only the org's describe can tell is checked with the schema.
Source: Object Reference, Account.Name and Contact.LastName (both required).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sfsync.core.references.parents import STANDARD_PARENTS
from sfsync.core.sobject import ACCOUNT, CONTACT, is_api_name
from sfsync.jobs.mistakes import Mistake, Path

Table = Mapping[str, Any]

_NEVER_MADE = frozenset({"ownerid", "recordtypeid", "campaignid", "pricebook2id", "opportunityid"})
_ONLY_WITH = 'means nothing without missing = "create"'


def parent_columns(rule: Table) -> set[str]:
    """The columns that a rule reads for the parents that it makes."""
    create, key = rule.get("create"), rule.get("create_key")
    columns = (
        {each for each in create.values() if isinstance(each, str)} if isinstance(create, Mapping) else set()
    )
    source = key.get("from") if isinstance(key, Mapping) else None
    return columns | ({source} if isinstance(source, str) else set())


def parent_mistakes(path: Path, rule: Table, *, mode: object) -> Iterator[Mistake]:
    """What is wrong with what a rule says of missing parents."""
    if rule.get("missing") != "create":
        for key in ("create", "create_key"):
            if key in rule:
                yield Mistake((*path, key), _ONLY_WITH)
        return
    if mode == "update":
        yield Mistake((*path, "missing"), '= "create" contradicts mode = "update", which creates nothing')
    if path[-1].lower() in _NEVER_MADE:
        yield Mistake((*path, "missing"), '= "create" is for accounts and contacts; nothing else is made')
        return
    names = {each for each in _match_names(rule.get("match")) if "+" not in each}
    if not names - {"id"}:
        message = 'is missing: with missing = "create" a parent is looked up by it first'
        if "match" in rule:
            message = (
                'names nothing that a parent is made with: give it a field of the parent, such as "Name"'
            )
        yield Mistake((*path, "match"), message)
        return
    create = rule.get("create")
    given = [each for each in create if isinstance(each, str)] if isinstance(create, Mapping) else []
    for each in given:
        if not is_api_name(each):
            yield Mistake((*path, "create", each), "is no API name of a field")
    yield from _name_mistakes(path, names, {each.lower() for each in given})


def _name_mistakes(path: Path, match: set[str], given: set[str]) -> Iterator[Mistake]:
    sobject = STANDARD_PARENTS.get(path[-1].lower())
    if "name" in match:
        return
    if sobject == CONTACT and "lastname" not in given:
        message = 'needs LastName = "COLUMN", as no contact is without one and match does not go by Name'
        yield Mistake((*path, "create"), message, "MISSING_KEY")
    if sobject == ACCOUNT and "name" not in given:
        message = 'needs Name = "COLUMN", as no account is without one and match does not go by Name'
        yield Mistake((*path, "create"), message, "MISSING_KEY")


def _match_names(match: object) -> set[str]:
    names = [match] if isinstance(match, str) else match if isinstance(match, list) else []
    return {each.lower() for each in names if isinstance(each, str)}
