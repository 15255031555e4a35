"""What the progress may say of a plan's notes: progress goes to logs and mails, and shows no value of a row.

Only the codes named here have messages of counts, keys, and names of fields and columns alone. Of every other
note the progress tells the code, and the plan the rest; so a new note is silent until somebody has looked at its
words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from sfsync.core.reports.results import Problem

WITHOUT_VALUES: Final = frozenset(
    {
        "ACCOUNTS_HIDDEN",
        "BLANK_LINES",
        "COLUMN_NEVER_SEEN",
        "COLUMN_NOT_MAPPED",
        "KEPT_BY_POLICY",
        "KEYS_REPEATED",
        "NOT_PRIMARY",
        "PRIMARY_KEPT",
        "RECORD_TYPE_VALUES_UNKNOWN",
        "ROWS_VANISHED",
        "VANISHED_CHANGED_IN_ORG",
        "VANISHED_NOT_OURS",
        "VANISHED_SHARED",
        "VANISHED_UNSURE",
        "WATERMARK",
        "WATERMARK_BLANK",
    }
)
"""Codes of notes whose messages may stand in the progress as they are."""


def announced(notes: Iterable[Problem]) -> Iterator[str]:
    """The sentences of the progress: whole messages without values, and one for each other code."""
    kept_back: Counter[str] = Counter()
    for note in notes:
        if note.code in WITHOUT_VALUES:
            yield note.message
        else:
            kept_back[note.code] += 1
    for code, count in kept_back.items():
        said = (
            "a note with values of rows: it stands"
            if count == 1
            else f"{count:,} notes with values of rows: they stand"
        )
        yield f"{code}: {said} in the plan and the report"
