"""The shape of `listed`: contact roles that stand as a list in one cell of their deal."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from sfsync.core.presets.entries import ENTRY_COLUMNS, EntryPattern
from sfsync.jobs.rule_form import Column, Form, Text


def _has_words(pattern: str) -> str:
    columns = EntryPattern(pattern).columns
    if not columns:
        raise ValueError(f"has none of the words {', '.join(ENTRY_COLUMNS)}")
    if len(set(columns)) < len(columns):
        raise ValueError("has a word twice")
    return pattern


class ListedForm(Form):
    """Contact roles that stand as a list in one cell of their deal: one role for each entry."""

    column: Column = Field(description="The deals' column that holds the list.")
    split: Annotated[str, Field(min_length=1, max_length=8)] = Field(
        ";", description="What stands between two entries."
    )
    pattern: Annotated[Text, AfterValidator(_has_words)] = Field(
        "name (email)",
        description="How an entry is written: words are columns that the rules may read (name, email, role, id, "
        "company; one that the pattern lacks is empty), all else stands as it is. "
        "An entry that is written otherwise is a problem of its role.",
    )
