"""Writes the references that a person has to settle, as a picks file to start from.

One line for each candidate: who deletes the lines that are not meant, and names the file in the job, has settled
them for good. A reference that found none has one line, whose id is to be filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.references.picks import COLUMNS
from sfsync.core.sobject import id_form
from sfsync.report.safe_text import unformulated

FILE: Final = "picks.csv"
_NOBODY: Final = (Described("", "", "none was found; fill the id in, or delete the line"),)


def picks_lines(references: Sequence[OpenReference]) -> Iterator[str]:
    """The lines of the file, header first; nothing where no reference is open."""
    if not references:
        return
    yield _line(*COLUMNS, "name", "note")
    for each in references:
        for candidate in each.candidates or _NOBODY:
            yield _candidate_line(each, candidate)


def _candidate_line(reference: OpenReference, candidate: Described) -> str:
    """The value stays as it is, because it is compared; what the org says of itself may not become a formula."""
    said = (unformulated(candidate.name), unformulated(candidate.telling))
    named = candidate.record_id if id_form(candidate.record_id) else ""  # a row of the job has no id yet
    return _line(reference.sobject, reference.field, reference.value, named, *said)


def _line(*cells: str) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"
