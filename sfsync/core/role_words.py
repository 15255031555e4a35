"""What the text of a role means: a value of the org's picklist, no role at all, or a word nobody knows."""

from __future__ import annotations

NO_ROLE = frozenset({"none", "--none--"})
"""Words for a role that is not given; such a row is not saved."""


def is_blank_role(text: str | None) -> bool:
    """Whether the text means "no role": such a row is not saved."""
    return text is None or text.strip() == "" or text.strip().casefold() in NO_ROLE
