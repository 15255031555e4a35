"""Plans in portions as files: pages of compressed plans, an index with the figures of the whole, and its digest.

Part of the composition root. Pages are written while planning goes on, to a private file without a name; `--out`
copies it. Whoever changes a byte, cuts the file short or puts pages of two books together is found out: the index
has the digest of every page, and ends with its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import TypeAdapter, ValidationError

from sfsync.core.plans.guards import totals_of
from sfsync.core.plans.plan import Plan, PredictedCalls
from sfsync.core.plans.plan_book import BookTotals, PlanBook, portion_id
from sfsync.core.plans.plan_codec import load_plan, pack_plan
from sfsync.core.reports.results import Problem
from sfsync.core.resync.sifted import BookResync
from sfsync.core.sending.book_sending import BookSending
from sfsync.errors import GuardError

MAGIC: Final = b"sfsync.book/1\n"
"""How the file of a book begins; a plan's begins with its JSON document."""

_LENGTH: Final = 20
_DIGEST: Final = 32
_TRAILER: Final = _LENGTH + 1 + _DIGEST + 1


@dataclass(frozen=True, slots=True)
class Page:
    """Where the compressed plan of a portion stands in the file, and its digest."""

    start: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class Index:
    """What stands behind the pages: their order, and what is known of the whole.

    `sending` and the `predicted` calls of each portion go before what a portion says of itself; `resync` is what
    the book knows of its sources as a whole.
    """

    plan_id: str
    pages: tuple[Page, ...]
    totals: BookTotals
    notes: tuple[Problem, ...]
    sending: BookSending | None = None
    predicted: tuple[PredictedCalls, ...] = ()
    resync: BookResync | None = None


_INDEX: Final = TypeAdapter(Index)


@dataclass(frozen=True, slots=True)
class WholePlan:
    """A plan that is one portion; a book like any other."""

    whole: Plan

    @property
    def plan_id(self) -> str:
        """The plan's own name."""
        return self.whole.plan_id

    @property
    def portions(self) -> int:
        """One."""
        return 1

    @property
    def totals(self) -> BookTotals:
        """What the plan comes to."""
        return totals_of(self.whole)

    def plan(self, number: int) -> Plan:
        """The plan itself."""
        assert number == 1
        return self.whole

    def page(self, number: int) -> bytes:
        """The plan, packed."""
        return pack_plan(self.plan(number)).packed


class StoredBook:
    """A book in a file that stays open as long as the object is there."""

    def __init__(self, file: BinaryIO, index: Index) -> None:
        self._file = file
        self._index = index
        weakref.finalize(self, file.close)

    @property
    def plan_id(self) -> str:
        """The name of the whole."""
        return self._index.plan_id

    @property
    def portions(self) -> int:
        """How many there are."""
        return len(self._index.pages)

    @property
    def totals(self) -> BookTotals:
        """What all portions come to."""
        return self._index.totals

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is to be noted of the whole; it stands in the first portion."""
        return self._index.notes

    def plan(self, number: int) -> Plan:
        """The plan of one portion, the first is 1; read anew each time.

        Raises:
            GuardError: it was changed after it was made.
        """
        page = self._index.pages[number - 1]
        self._file.seek(page.start)
        data = self._file.read(page.length)
        if _digest(data) != page.digest:
            raise _refusal("a portion of it was changed after it was made")
        plan_id = portion_id(self.plan_id, number)
        notes = self.notes if number == 1 else ()
        saved = load_plan(data)
        if self._index.sending is not None:
            predicted = self._index.predicted[number - 1] if self._index.predicted else saved.predicted
            saved = self._index.sending.of(saved, predicted)
        if self._index.resync is not None:
            own = self._index.resync.of(saved.sifted, plan_id, is_last=number == self.portions)
            untouched = self._index.resync.untouched if number == 1 else {}
            saved = replace(saved, sifted=own, untouched=untouched)
        return replace(saved, plan_id=plan_id, whole=self.plan_id, portion=number, notes=notes)

    def page(self, number: int) -> bytes:
        """One portion as it is saved."""
        return pack_plan(self.plan(number)).packed

    def copy_to(self, path: Path) -> None:
        """Writes the book as a file that only its owner can read, wholly or not at all."""
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._file.seek(0)
                shutil.copyfileobj(self._file, file)
                file.flush()
                os.fsync(descriptor)
                os.fchmod(descriptor, 0o600)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


class BookWriter:
    """Takes the plans of portions as they are made, and gives the book when all are there."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - the book keeps it
        self._file.write(MAGIC)

    def add(self, plan: Plan) -> Page:
        """Writes the plan of a portion; its name and number follow from its place in the book."""
        data = pack_plan(plan).packed
        start = self._file.tell()
        self._file.write(data)
        return Page(start, len(data), _digest(data))

    def read(self, page: Page) -> Plan:
        """A plan that was added, as it was then."""
        self._file.seek(page.start)
        plan = load_plan(self._file.read(page.length))
        self._file.seek(0, os.SEEK_END)
        return plan

    def book(
        self,
        plan_id: str,
        pages: Sequence[Page],
        totals: BookTotals,
        notes: tuple[Problem, ...],
        *,
        sending: BookSending | None = None,
        predicted: Sequence[PredictedCalls] = (),
        resync: BookResync | None = None,
    ) -> StoredBook:
        """The book of those pages in that order, all sent as the whole has chosen."""
        index = Index(plan_id, tuple(pages), totals, notes, sending, tuple(predicted), resync)
        body = _INDEX.dump_json(index)
        self._file.write(body)
        self._file.write(f"{len(body):0{_LENGTH}d} {_digest(body)}\n".encode("ascii"))
        self._file.flush()
        return StoredBook(self._file, index)


def is_book(path: Path) -> bool:
    """Whether a file begins like a book."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def open_book(path: Path) -> PlanBook:
    """The book in a file.

    Raises:
        GuardError: it was cut short or changed after it was made.
    """
    file = path.open("rb")
    try:
        return StoredBook(file, _index_of(file))
    except BaseException:
        file.close()
        raise


def _index_of(file: BinaryIO) -> Index:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TRAILER))
    length, _, digest = file.read().decode("ascii", "replace").strip().partition(" ")
    start = size - _TRAILER - int(length) if length.isdecimal() else -1
    if start < len(MAGIC) or len(digest) != _DIGEST:
        raise _refusal("it ends before its last portion")
    file.seek(start)
    body = file.read(int(length))
    if _digest(body) != digest:
        raise _refusal("it was changed after it was made")
    try:
        index = _INDEX.validate_json(body)
    except ValidationError:
        raise _refusal("it cannot be read as a plan") from None
    if not index.pages:
        raise _refusal("it has no portion")
    return index


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=_DIGEST // 2).hexdigest()


def _refusal(why: str) -> GuardError:
    return GuardError(
        f"the plan is refused: {why}", code="PLAN_ALTERED", hint="Make a new one with sfsync plan."
    )
