"""Which pick settles a reference. It wins over every strategy.

Its record must still be there, which the plan's own look-up finds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfsync.core.models import Reference
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.picks import Pick, Picks
from sfsync.core.references.strategies import strategy
from sfsync.core.values import clean_key

PickIndex = Mapping[tuple[str, str], Sequence[Pick]]
"""The picks by sObject and value."""


def pick_of(index: PickIndex, target: str, reference: Reference) -> Pick | None:
    """The pick that settles a reference, by the order of its strategies; one for any strategy comes last."""
    if not index:
        return None
    for name in reference.match:
        by = strategy(name)
        for said in by.spellings(reference):
            for each in index.get((target, clean_key(said)), ()):
                if each.field == by.text:
                    return each
    return next(
        (each for each in index.get((target, clean_key(reference.value)), ()) if not each.field), None
    )


def gone(picks: Picks, pick: Pick) -> Invalid:
    """The picked record is not there any more."""
    what = f'{pick.record_id}, picked for {pick.sobject} "{pick.value}",'
    message = f"{picks.file} line {pick.line}: {what} is not in the org"
    return Invalid("PICK_GONE", message, "Pick another record, or take the line out.")
