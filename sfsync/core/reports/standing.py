"""What an undo leaves standing: which notes of its plan say so, of how many records, and which runs are in its way.

The notes are all that a saved plan, a portion and a report have of it, so the message about a later run is made and
read here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.plans.plan import Plan

NOT_UNDONE: Final = "NOT_UNDONE"
CONVERSION_STAYS: Final = "CONVERSION_STAYS"
_STAYS: Final = (NOT_UNDONE, CONVERSION_STAYS)
_LATER: Final = re.compile(r": run (\S+) wrote to it since; undo that one first\Z")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many records stay as they are, by the code that says so, and the later runs that wrote to some of them.

    `later_runs` has the newest first: the order in which they can be taken back.
    """

    codes: Mapping[str, int]
    later_runs: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """How many records stay."""
        return sum(self.codes.values())


def written_since(run_id: str) -> str:
    """Why a record stays to which a later run wrote."""
    return f"run {run_id} wrote to it since; undo that one first"


def standing(plan: Plan) -> Standing:
    """What the undo with that plan leaves as it is; nothing where the plan is no undo's."""
    if plan.undoes is None:
        return Standing({})
    notes = [each for each in plan.notes if each.code in _STAYS]
    codes = {(each.message.partition(" ")[0], each.row, each.value): each.code for each in notes}
    later = {found[1] for each in notes if (found := _LATER.search(each.message))}
    return Standing(Counter(codes.values()), tuple(sorted(later, reverse=True)))
