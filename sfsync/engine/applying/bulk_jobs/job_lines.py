"""Rows that travel by a job, whose runs may be several, and what keeps the journal of each.

A job knows nothing of runs. Rows go in as `JobLine`s and come back as `LineEnd`s in batches, and a `LineKeeper`
makes both durable: the intent before the close, the ends before the next batch is read. `RunKeeper` is for the rows
of one run under way; `BookKeeper` writes straight to the journal, for rows of portions that are not in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol, TypeVar

from sfsync.core.ports import OrgGateway
from sfsync.core.reports.results import Problem
from sfsync.core.writes import Answer, Node
from sfsync.engine.applying.bulk_jobs.job_index import RowName
from sfsync.engine.applying.run_state import JOB_MARK

LINES_AT_A_TIME: Final = 1_000
"""How many ends go to the journal in one commit; as many rows are held in memory."""

INTENTS_AT_A_TIME: Final = 5_000
"""How many intents are made durable in one commit."""

_SHARED: Final = "/shared"
"""Behind the id of a job that carries rows of several runs."""

NOT_SENDABLE: Final = "NOT_SENDABLE"


@dataclass(frozen=True, slots=True)
class JobLine:
    """One row on its way into a job: whose it is, and what is sent."""

    run_id: str
    node: Node

    @property
    def name(self) -> RowName:
        """Whose row it is."""
        return RowName(self.run_id, self.node.change_id)


@dataclass(frozen=True, slots=True)
class LineEnd:
    """What became of a row; `is_own_word` says that sfsync refused it, and not the org."""

    name: RowName
    answer: Answer
    is_own_word: bool = False


@dataclass(frozen=True, slots=True)
class JobTag:
    """A job as the journal's tokens tell it; `is_shared` says that rows of other runs are in it too."""

    job_id: str
    is_shared: bool = False

    @property
    def token(self) -> str:
        """What stands in the journal."""
        return f"{JOB_MARK}{self.job_id}{_SHARED if self.is_shared else ''}"

    @classmethod
    def told(cls, text: str) -> JobTag:
        """The tag of a token, with or without its mark."""
        text = text.removeprefix(JOB_MARK)
        return cls(text.removesuffix(_SHARED), text.endswith(_SHARED))


class LineKeeper(Protocol):
    """Keeps the journal of rows that go by jobs. Every method is durable when it returns."""

    def intend(self, names: Sequence[RowName], tag: JobTag, body_hash: str, *, is_new: bool) -> None:
        """Marks rows as about to be sent by the job; `is_new` says that it inserts them."""
        ...

    def end(self, ends: Sequence[LineEnd]) -> None:
        """Writes what became of rows.

        Raises:
            GuardError: it is written, and more rows have failed than the limits allow.
        """
        ...

    def release(self, names: Sequence[RowName], code: str) -> None:
        """Takes intents back: the org surely saved nothing, and the rows may be sent again."""
        ...

    def note(self, problem: Problem) -> None:
        """Keeps what a person should know and no row tells."""
        ...


class Traffic(Protocol):
    """What sending by jobs needs besides; a `RunState` is one."""

    @property
    def gateway(self) -> OrgGateway:
        """The org."""
        ...

    @property
    def pause(self) -> Callable[[int], None]:
        """Waits before something is tried again; takes the number of the try."""
        ...

    @property
    def wait(self) -> Callable[[float], object]:
        """Waits so many seconds, or until the run is stopped."""
        ...

    def check_stop(self) -> None:
        """Raises `Interrupted` when a stop was asked for."""
        ...


T = TypeVar("T")


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of that size, the last one shorter."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
