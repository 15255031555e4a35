"""What the text of a role means: a value of the org's picklist, no role at all, or a word nobody knows.

A word is never put right by guessing: "decision maker" is a problem with the exact word in its hint, because the
platform keeps any text in the field (the picklist is not restricted) and reports count by exact words.
Source: Object Reference, OpportunityContactRole.Role; "--None--" is what the platform's own pages show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.wording import suggestion

NO_ROLE: Final = frozenset({"none", "--none--"})
"""Words for a role that is not given, in any case; such a row is not saved."""


def is_blank_role(text: str | None) -> bool:
    """Whether the text means "no role": such a row is not saved."""
    return text is None or text.strip() == "" or text.strip().casefold() in NO_ROLE


def unknown_role(field: Field, value: str) -> tuple[str, str] | None:
    """Why a role is no active value of the org's picklist, and what to do; None where it is one."""
    if value in field.picklist:
        return None
    if value in field.inactive_picklist:
        message = f'"{value}" is a value of {field.label} that is inactive in this org'
        return message, f"Activate it in Setup, or use an active one. {suggestion(value, field.picklist)}"
    message = f'"{value}" is not an active value of {field.label} in this org'
    meant = [each for each in field.picklist if _folded(each) == _folded(value)]
    if meant:
        return message, f'The org writes it "{meant[0]}". Correct the cell, or map the word in the job.'
    return message, f"{suggestion(value, field.picklist)} Correct the cell, or map the word in the job."


def unknown_preferences(preferred: Sequence[str], describe: SObjectDescribe) -> list[tuple[str, str, str]]:
    """The job's preferred roles that the org does not have: the word, why, and what to do."""
    field = describe.field("Role")
    if field is None:
        return []
    found = ((each, unknown_role(field, each)) for each in preferred)
    return [(word, *why) for word, why in found if why is not None]


def _folded(text: str) -> str:
    """The text without what a person overlooks: letter case, and blanks around and between the words."""
    return " ".join(text.split()).casefold()
