"""Counts what one statement uses of relationships, over all its levels together.

Invariant: a statement that goes beyond a limit is refused while it is translated, before any row is read.
Source: SOQL and SOSL Reference, "Understanding Relationship Query Limitations" and "Comparison Operators" [D].
"""

from dataclasses import dataclass
from typing import Final

from sfsync.emulator.soql.errors import malformed

_MAX_PARENTS: Final = 55
_MAX_CHILDREN: Final = 20
_MAX_SEMI_JOINS: Final = 2
_DEEP_SINCE: Final = 58


@dataclass(slots=True)
class Allowance:
    """What is left of a statement's relationships."""

    parents: int = _MAX_PARENTS
    children: int = _MAX_CHILDREN
    semi_joins: int = _MAX_SEMI_JOINS

    def take_parent(self, *, offset: int) -> None:
        """Allow one more way up.

        Raises:
            QueryFault: MALFORMED_QUERY beyond 55.
        """
        self.parents -= 1
        if self.parents < 0:
            raise malformed(f"a query may use at most {_MAX_PARENTS} parent relationships", offset=offset)

    def take_child(self, *, offset: int) -> None:
        """Allow one more subquery.

        Raises:
            QueryFault: MALFORMED_QUERY beyond 20.
        """
        self.children -= 1
        if self.children < 0:
            raise malformed(f"a query may have at most {_MAX_CHILDREN} subqueries", offset=offset)

    def take_semi_join(self, *, offset: int) -> None:
        """Allow one more semi-join.

        Raises:
            QueryFault: MALFORMED_QUERY beyond two.
        """
        self.semi_joins -= 1
        if self.semi_joins < 0:
            raise malformed(f"Maximum {_MAX_SEMI_JOINS} semi join sub-selects are allowed", offset=offset)


def deepest_level(api_version: float) -> int:
    """Return how many levels a statement may have, the outermost one included."""
    return 5 if api_version >= _DEEP_SINCE else 2
