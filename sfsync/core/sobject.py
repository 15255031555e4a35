"""Names and record ids of the platform: what an id is, and when two ids are the same record.

Ids are compared in their 18-character form only; the 15-character form is turned into it at the border.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import ascii_uppercase
from typing import Final

ACCOUNT: Final = "Account"
CONTACT: Final = "Contact"
OPPORTUNITY: Final = "Opportunity"
CONTACT_ROLE: Final = "OpportunityContactRole"
LEAD: Final = "Lead"

WRITE_ORDER: Final = (ACCOUNT, CONTACT, OPPORTUNITY, CONTACT_ROLE)
"""The sObjects that sfsync writes, parents before children."""

KEY_PREFIXES: Final = {
    ACCOUNT: "001",
    CONTACT: "003",
    "User": "005",
    OPPORTUNITY: "006",
    CONTACT_ROLE: "00K",
    LEAD: "00Q",
    "Campaign": "701",
    "Pricebook2": "01s",
    "RecordType": "012",
}
"""The first three characters of an id, by sObject. Source: published key prefixes, Object Reference."""

_ID_SHAPE: Final = re.compile(r"[0-9A-Za-z]{15}(?:[A-Z0-5]{3})?")
_CHECK_OF: Final = {f"{number:05b}"[::-1]: char for number, char in enumerate(ascii_uppercase + "012345")}
"""The character that stands for the capitals of five, the first of them counting least."""

_API_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class _OneForCapitals(dict[int, str]):
    """A table for `str.translate`: each capital letter becomes 1, anything else 0."""

    def __missing__(self, char: int) -> str:
        return "0"


_CAPITALS: Final = _OneForCapitals({ord(each): "1" for each in ascii_uppercase})


def checksum(short_id: str) -> str:
    """The three characters that follow a 15-character id: one for each five, by its capitals.

    Source: "What are Salesforce ids composed of", verified on recorded ids.
    """
    capitals = short_id.translate(_CAPITALS)
    return _CHECK_OF[capitals[:5]] + _CHECK_OF[capitals[5:10]] + _CHECK_OF[capitals[10:15]]


def id_form(text: str) -> bool:
    """Whether the text has the form of a record id: 15 or 18 letters and digits, whoever's it may be."""
    return _ID_SHAPE.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def record_id(text: str, sobject: str | None = None) -> str | None:
    """The 18-character id that `text` spells, or None when it is no id of `sobject`.

    A wrong checksum is no id: the platform would refuse it, and a guess could hit another record.
    """
    if not _ID_SHAPE.fullmatch(text):
        return None
    short = text[:15]
    full = short + checksum(short)
    if len(text) == 18 and text != full:
        return None
    prefix = KEY_PREFIXES.get(sobject or "")
    if prefix is not None and not full.startswith(prefix):
        return None
    return full


NAME_HINT: Final = "An API name has letters, digits and _ alone, such as Account or Region__c."
"""What to do about a name that is none."""


def is_api_name(text: str) -> bool:
    """Whether `text` can be the API name of an sObject or a field, and so may stand in SOQL unquoted."""
    return _API_NAME.fullmatch(text) is not None
