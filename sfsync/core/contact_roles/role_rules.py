"""The job's own rules for a deal's contact roles: who is primary, and what a contact in two roles means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class PrimaryRule(StrEnum):
    """How the primary contact of a deal is found.

    GIVEN does as the rows say. KEEP leaves the org's primary contact; the rows count where a deal has none. FIRST
    and PREFERRED choose where no row says it and the org has none: the first row in the order of the file, or the
    first with the role that the job likes best.
    """

    GIVEN = "given"
    KEEP = "keep"
    FIRST = "first"
    PREFERRED = "preferred"


class SameContact(StrEnum):
    """What two roles of one contact on one deal mean: both, the first row only, or a problem of the later rows."""

    BOTH = "both"
    FIRST = "first"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class RoleRules:
    """The rules of a job; `preferred` are role names, the best first, for `PrimaryRule.PREFERRED` alone."""

    primary: PrimaryRule = PrimaryRule.GIVEN
    preferred: tuple[str, ...] = ()
    same_contact: SameContact = SameContact.BOTH


AS_GIVEN: Final = RoleRules()
"""Every row as it stands."""

RULE_WORDS: Final = (PrimaryRule.GIVEN.value, PrimaryRule.KEEP.value, PrimaryRule.FIRST.value)
"""The words by which a job names a rule; a list of role names is `PREFERRED`."""


def primary_rule(words: tuple[str, ...]) -> tuple[PrimaryRule, tuple[str, ...]]:
    """The rule that a job says: one of `RULE_WORDS` alone, else role names in the order of preference."""
    if len(words) == 1 and words[0] in RULE_WORDS:
        return PrimaryRule(words[0]), ()
    return PrimaryRule.PREFERRED, words
