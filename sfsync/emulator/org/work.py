"""Units of work: what is committed together, and who hears of it.

The outermost unit of a call is a transaction, inner ones are savepoints; a unit that is undone leaves
nothing behind, neither rows nor entries in the list of changes. Hooks run around the outermost commit
(scripted faults live there) and when a transaction has ended, either way (row locks are given back
there).
Invariant: readers and writers take the same lock, so nobody ever sees a state that is not committed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sfsync.emulator.org.storage import Storage


@dataclass(frozen=True, slots=True)
class Change:
    """One committed effect on one record."""

    sobject: str
    id: str
    op: str


class Unit:
    """A unit in progress."""

    def __init__(self) -> None:
        self.undone = False

    def undo(self) -> None:
        """Let the unit leave nothing behind when it ends."""
        self.undone = True


class Work:
    """The units of work of one call."""

    def __init__(
        self,
        storage: Storage,
        *,
        before_commit: Callable[[], None],
        after_commit: Callable[[list[Change]], None],
        ended: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._ended = ended
        self._depth = 0
        self._changes: list[Change] = []
        self._effects: list[Callable[[], None]] = []

    def note(self, sobject: str, record_id: str, op: str) -> None:
        """Remember an effect, to be told once it is committed."""
        self._changes.append(Change(sobject, record_id, op))

    def then(self, effect: Callable[[], None]) -> None:
        """Change what lives outside the storage once the transaction is committed, before anybody hears of it."""
        self._effects.append(effect)

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """Run a block as one unit; an exception undoes it."""
        if self._depth:
            with self._savepoint() as unit:
                yield unit
            return
        with self._storage.lock:
            try:
                with self._transaction() as unit:
                    yield unit
            finally:
                self._ended()

    @contextmanager
    def _transaction(self) -> Iterator[Unit]:
        run = self._storage.connection.execute
        unit = Unit()
        self._changes, self._effects = [], []
        run("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield unit
            if not unit.undone and self._changes:
                self._before_commit()
        except BaseException:
            run("ROLLBACK")
            raise
        finally:
            self._depth = 0
        run("ROLLBACK" if unit.undone else "COMMIT")
        if unit.undone:
            return
        for effect in self._effects:
            effect()
        if self._changes:
            self._after_commit(self._changes)

    @contextmanager
    def _savepoint(self) -> Iterator[Unit]:
        run = self._storage.connection.execute
        unit = Unit()
        kept = len(self._changes)
        name = f"unit_{self._depth}"
        run(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield unit
        except BaseException:
            unit.undone = True
            raise
        finally:
            self._depth -= 1
            if unit.undone:
                run(f"ROLLBACK TO {name}")
                del self._changes[kept:]
            run(f"RELEASE {name}")
