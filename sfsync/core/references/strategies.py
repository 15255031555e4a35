"""By what a reference is looked up: the strategies of its `match`, and which of them fit one cell.

A strategy is a field of the referenced sObject ("Email", "Id"), or a field and the account that tells records of
one name apart: "Name + Account.Name". What comes after "Id" is not asked of text shaped like a record id, text
without an @ is never looked up where addresses stand, and a name with an account only where the account is known:
none is ever found by its name alone because the account's cell was empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from sfsync.core.job import ROW_KEY
from sfsync.core.models import Reference
from sfsync.core.sobject import is_api_name, record_id
from sfsync.core.values import Pending, clean_key

ACCOUNT_ID: Final = "AccountId"
AWAITED: Final = "awaited"
"""Holds the place of an `account_id` that will be known when the deal is."""

_ACCOUNT_PATH: Final = "account."
_ADDRESSES: Final = frozenset({"email", "username"})
_SHORT: Final = {"alias": 8}
"""Fields whose values are never longer. Source: Object Reference, User.Alias."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to find a record: the field that the cell is compared with, and the path of the account, or ""."""

    field: str
    account: str = ""

    @property
    def text(self) -> str:
        """The strategy as a job spells it."""
        return f"{self.field} + {self.account}" if self.account else self.field

    def said(self, reference: Reference) -> str:
        """The value that a reference is looked up by, as a picks file names it."""
        return self.spellings(reference)[0]

    def spellings(self, reference: Reference) -> tuple[str, ...]:
        """The values by which a picks file may name a reference: by its account's name, or by the account's id."""
        if not self.account:
            return (reference.value,)
        known = (reference.account,) if reference.account else (reference.account_name, reference.account_id)
        return tuple(f"{reference.value} + {each}" for each in known if each) or (f"{reference.value} + ",)

    def is_of_account(self, reference: Reference, values: Mapping[str, Any]) -> bool:
        """Whether a record with these values (of the account's paths) is of the account that is meant."""
        if not self.account:
            return True
        if reference.account:
            found = values.get(self.account)
            wanted = reference.account.casefold()
            full = record_id(reference.account, "Account") if self.account == ACCOUNT_ID else None
            return isinstance(found, str) and (found.casefold() == wanted or found == full)
        found = values.get(ACCOUNT_ID)
        held = found.change_id if isinstance(found, Pending) else found
        return bool(reference.account_id) and held == reference.account_id


@cache
def strategy(text: str) -> Strategy:
    """The strategy that a text of `match` names; text of another form is taken for the name of a field."""
    head, plus, path = (each.strip() for each in text.partition("+"))
    return Strategy(head, path) if plus and is_strategy(text) else Strategy(text)


def is_strategy(text: str) -> bool:
    """Whether the text is the API name of a field, or `FIELD + Account.FIELD`, or `FIELD + AccountId`."""
    head, plus, path = (each.strip() for each in text.partition("+"))
    if not plus:
        return is_api_name(text)
    of_account = path[len(_ACCOUNT_PATH) :] if path.lower().startswith(_ACCOUNT_PATH) else ""
    return is_api_name(head) and (is_api_name(of_account) or path.lower() == ACCOUNT_ID.lower())


_BY_ID: Final = Strategy("Id")


@cache
def _strategies(match: tuple[str, ...]) -> tuple[tuple[Strategy, str], ...]:
    """The strategies of a `match`, each with its field in lower case."""
    return tuple((each, each.field.lower()) for each in map(strategy, match))


def fitting(target: str, reference: Reference) -> list[Strategy]:
    """The strategies of a reference to the sObject `target` by which its text can be looked up at all.

    None for an empty text: to the org it would mean every record without a value.
    """
    value = reference.value
    if not clean_key(value):
        return []
    fit: list[Strategy] = []
    for each, name in _strategies(tuple(reference.match)):
        if name == "id":
            if record_id(value, target) is not None:
                return [*fit, _BY_ID]
            continue
        if name in _ADDRESSES and "@" not in value:
            continue
        if name in _SHORT and len(value) > _SHORT[name]:
            continue
        if each.account and not (reference.account or reference.account_id):
            continue
        fit.append(each)
    return fit


def takes_deals_account(contact: Reference) -> bool:
    """Whether a contact is looked up by its account too, and its row does not say which: then it is the deal's."""
    return not contact.account and any(strategy(name).account for name in contact.match)


def awaiting_account(contact: Reference) -> Reference:
    """The reference to a contact as it is looked up before the deal's account is known."""
    return replace(contact, account_id=AWAITED) if takes_deals_account(contact) else contact


def is_asked_of_org(each: Strategy) -> bool:
    """Whether records of the org can be found by it; a row key is known to the job alone."""
    return each.field != ROW_KEY
