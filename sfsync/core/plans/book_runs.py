"""What the journal keeps of a run whose plan is a book: a run for each portion, tied by the name of the whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sfsync.core.ports import ChangeRecord, RunRecord


class BookRuns(Protocol):
    """The runs of books. Every method is durable when it returns; `JournalError` as in `core.ports.Journal`."""

    def begin(
        self,
        runs: Sequence[RunRecord],
        page: Callable[[int], bytes],
        totals: bytes,
        *,
        takes_over: Collection[str] = (),
    ) -> None:
        """Begins the runs of all portions at once, in their order, when their pages are kept.

        `page` gives the page of the portion with that number, from 1. Pages are kept in several commits, the runs
        begin in the last one: what is cut off before has begun nothing, and the next beginning of the job takes
        its pages away. The runs that it takes over end in the last commit too. A plan that was begun before is
        refused with `GuardError`.
        """
        ...

    def portions(self, whole: str) -> list[RunRecord]:
        """The runs of a book's portions in their order; none where it is no book."""
        ...

    def totals(self, whole: str) -> bytes | None:
        """What was given to `begin`; None where it is no book."""
        ...

    def outcomes(self, whole: str, change_ids: Iterable[str]) -> dict[str, ChangeRecord]:
        """The last word on those changes, by change id, in the portions that have parents of others."""
        ...

    def end(self, run_id: str, *, exit_code: int, ended_at: str, said: bytes, has_parents: bool) -> None:
        """Closes the run of one portion, and keeps what its report says beside the outcomes of its changes.

        `has_parents` says that records which later portions may refer to are among its changes.
        """
        ...

    def note_parents(self, run_id: str) -> None:
        """Says of a portion that goes on that later portions may refer to records of it."""
        ...

    def said(self, run_id: str) -> bytes | None:
        """What was given to `end`."""
        ...
