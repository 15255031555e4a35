"""What planning is told of rows that it does not see, and what it tells of rows that it does.

Rows that are as they were may be left out of the sources (`engine.sifting`). They are in the source all the
same, so they have not vanished; and a row that a note of the plan counts must be among those that the next run
sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sfsync.core.reports.results import RowRef


def _nowhere(_sobject: str, _key: str) -> bool:
    return False


@dataclass(slots=True)
class LeftOut:
    """`is_present` says whether the record of an sObject and key has rows that are left out.

    `told` are the rows that notes of the plan are about, by source and ordinal.
    """

    is_present: Callable[[str, str], bool] = _nowhere
    told: set[tuple[str, int]] = field(default_factory=set)

    def tell(self, row: RowRef | None) -> None:
        """Notes that a note counts the row."""
        if row is not None:
            self.told.add((row.source, row.ordinal))
