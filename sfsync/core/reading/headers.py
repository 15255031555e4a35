"""Column headers become field rules, for imports that have no job file: by name, label or common word.

A match is exact or folded (case, blanks and punctuation do not count), never fuzzy: what is not recognised
is left for the person to say. Columns of a parent are written with a dot (`Account.Name`, `Owner.Email`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.job import FieldRule
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

REFERENCE_MATCH: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("Id", "Name"),
    "Contact": ("Id", "Email", "Name"),
    "User": ("Id", "Email", "Username", "Name"),
    "RecordType": ("DeveloperName",),
    "Campaign": ("Id", "Name"),
    "Pricebook2": ("Id", "Name"),
    "Opportunity": ("Id",),
}
"""By what a parent is looked up when a file names it in plain words, value by value."""

COMMON_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    OPPORTUNITY: {
        "opportunity": "Name",
        "opportunityname": "Name",
        "deal": "Name",
        "dealname": "Name",
        "stage": "StageName",
        "dealstage": "StageName",
        "closingdate": "CloseDate",
        "value": "Amount",
        "account": "AccountId",
        "accountname": "AccountId",
        "company": "AccountId",
        "owner": "OwnerId",
        "owneremail": "OwnerId",
        "recordtype": "RecordTypeId",
        "campaign": "CampaignId",
        "pricebook": "Pricebook2Id",
        "primarycontact": "ContactId",
    },
    CONTACT_ROLE: {
        "contact": "ContactId",
        "contactemail": "ContactId",
        "contactname": "ContactId",
        "email": "ContactId",
        "role": "Role",
        "contactrole": "Role",
        "primary": "IsPrimary",
        "opportunity": "OpportunityId",
        "deal": "OpportunityId",
        "dealid": "OpportunityId",
    },
}
"""Folded header words that are neither an API name nor a label; the names of exports people really have."""


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """The rules that the headers give, and the columns that are left, each with the field it would repeat or ""."""

    rules: tuple[FieldRule, ...]
    unmatched: Mapping[str, str]


def match_headers(
    columns: Sequence[str],
    describe: SObjectDescribe,
    *,
    fixed: Mapping[str, str],
    ignore: Iterable[str],
    keys: Mapping[str, str],
) -> HeaderMatch:
    """Field rules for the columns of a file.

    `fixed` maps columns to fields as the person said (also `AccountId.Name` to say by what a parent is looked
    up), `keys` names the key field of an sObject, tried first when a reference to it is looked up.
    """
    ignored = set(ignore)
    rules: list[FieldRule] = []
    unmatched: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        if column in ignored or column.startswith("_sfsync_"):
            continue
        rule = _rule(column, fixed.get(column, column), describe, keys)
        if rule is None or rule.field in taken:
            unmatched[column] = rule.field if rule else ""
            continue
        taken.add(rule.field)
        rules.append(rule)
    return HeaderMatch(tuple(rules), unmatched)


def _rule(column: str, word: str, describe: SObjectDescribe, keys: Mapping[str, str]) -> FieldRule | None:
    head, _, by = word.partition(".")
    field = _parent_field(head, describe) if by else _field(word, describe)
    if field is None:
        return None
    return FieldRule(field.name, column=column, match=_match(field, by, keys))


def _match(field: Field, by: str, keys: Mapping[str, str]) -> tuple[str, ...]:
    if field.type != "reference":
        return ()
    if by:
        return (by,)
    parent = "User" if "User" in field.reference_to else next(iter(field.reference_to), "")
    key = keys.get(parent)
    plain = REFERENCE_MATCH.get(parent, ("Id",))
    return (plain[0], key, *plain[1:]) if key else plain


def _parent_field(head: str, describe: SObjectDescribe) -> Field | None:
    wanted = _folded(head)
    for field in describe.fields.values():
        if field.type == "reference" and wanted in (
            _folded(field.relationship_name or ""),
            _folded(field.name),
        ):
            return field
    return None


def _field(word: str, describe: SObjectDescribe) -> Field | None:
    exact = describe.field(word)
    if exact is not None:
        return exact
    wanted = _folded(word)
    common = COMMON_WORDS.get(describe.name, {}).get(wanted)
    if common is not None:
        return describe.field(common)
    found = [each for each in describe.fields.values() if wanted in (_folded(each.name), _folded(each.label))]
    writable = [each for each in found if each.createable or each.updateable]
    return writable[0] if len(writable) == 1 else None


def _folded(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())
