"""Named points at which a process may die, found by wrapping what the product is made of; no hook in the product.

A point is a method of the journal, a request through the door, a step of the engine, or a file that is written,
each before and after. At the chosen one the state folder is copied as it stands, `Death` is raised through
everything, and whatever the dying process would still do raises it again. `revive` then puts the copy in the
folder's place: what the next process finds is what a SIGKILL at that point would have left.
"""

from __future__ import annotations

import gc
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from long_proofs import IS_GRID

import sfsync.app.run_files
import sfsync.engine.applying.converting
import sfsync.engine.applying.in_doubt.recovering
import sfsync.engine.applying.in_doubt.settling
import sfsync.engine.applying.read_back.verifying
import sfsync.engine.applying.role_applying
import sfsync.journal.books
import sfsync.journal.migrations
import sfsync.journal.sqlite.opening  # loaded before anything is wrapped, or it would keep a wrapper for good
import sfsync.report.files.folder
import sfsync.report.files.private_files
from sfsync.journal.books import SqlBookRuns
from sfsync.journal.sql_journal import SqlJournal
from sfsync.journal.sqlite.marker import Marker
from sfsync.salesforce.session import Door, Request

JOURNAL = ("begin_run", "end_run", "intend", "record", "put_ledger", "drop_ledger", "admit_job")
STEPS: tuple[tuple[Any, str], ...] = (
    (sfsync.engine.applying.in_doubt.recovering, "recover"),
    (sfsync.engine.applying.in_doubt.receipts, "burn"),
    (sfsync.engine.applying.in_doubt.settling, "settle_creates"),
    (sfsync.engine.applying.in_doubt.settling, "settle_updates"),
    (sfsync.engine.applying.role_applying, "settle_roles"),
    (sfsync.engine.applying.converting, "settle_conversions"),
    (sfsync.engine.applying.converting, "land_deals"),
    (sfsync.engine.applying.bulk_jobs.job_sending, "finish_job"),
    (sfsync.engine.applying.bulk_jobs.job_sending, "abort_if_open"),
    (sfsync.engine.applying.read_back.verifying, "verify"),
    (sfsync.journal.migrations, "apply_steps"),
    (sfsync.journal.books, "_page_row"),
    (sfsync.app.run_files, "write_whole"),
    (sfsync.report.files.folder, "write_run_folder"),
    (sfsync.report.files.private_files, "write_private_text"),
)
"""Functions that stand for steps; each is wrapped in every module that has imported it."""


_WRITE = re.compile(r"request\.(PATCH|PUT|DELETE|POST) .*:after")


class Death(BaseException):
    """The process has died here."""


@dataclass
class Failpoints:
    """The points hit so far, in order, and the one that is deadly: the n-th hit from `arm`, from 1 on."""

    state: Path
    hits: list[str] = field(default_factory=list)
    deadly: int | None = None
    is_dead: bool = False
    _seen: Counter[str] = field(default_factory=Counter)

    @property
    def image(self) -> Path:
        """Where the state folder is kept as it was at death."""
        return self.state.with_name(f"{self.state.name}.image")

    def arm(self, nth: int | None) -> None:
        """Begins to count anew; the n-th hit is deadly, none with None."""
        self.hits.clear()
        self._seen.clear()
        self.deadly, self.is_dead = nth, False

    def hit(self, name: str) -> None:
        """Counts a point.

        Raises:
            Death: it is the deadly one, or death has come before.
        """
        if self.is_dead:
            raise Death(name)
        self._seen[name] += 1
        self.hits.append(f"{name}#{self._seen[name]}")
        if len(self.hits) == self.deadly:
            self.is_dead = True
            shutil.rmtree(self.image, ignore_errors=True)
            if self.state.exists():
                shutil.copytree(self.state, self.image, ignore=shutil.ignore_patterns("*-shm"))
            raise Death(self.hits[-1])

    def revive(self) -> None:
        """Puts the state folder back as it was at death; nothing is deadly any more.

        Files are filled again in place: a journal that is another file than before is taken for a copy.
        """
        if self.is_dead:
            gc.collect()  # a dead process holds no connection that would close itself later
            for path in [each for each in self.state.rglob("*") if each.is_file()]:
                if not (self.image / path.relative_to(self.state)).exists():
                    path.unlink(missing_ok=True)
            for path in [each for each in self.image.rglob("*") if each.is_file()]:
                back = self.state / path.relative_to(self.image)
                back.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                is_new = not back.exists()
                back.write_bytes(path.read_bytes())
                if is_new:
                    shutil.copymode(path, back)
        self.arm(None)

    def wrapped(self, name: Callable[..., str], inner: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a point before and one after it."""

        def outer(*args: Any, **words: Any) -> Any:
            called = name(*args)
            self.hit(f"{called}:before")
            answer = inner(*args, **words)
            self.hit(f"{called}:after")
            return answer

        return outer


@contextmanager
def failpoints(state: Path) -> Iterator[Failpoints]:
    """The points of everything that this process does with a state folder while the block runs."""
    points = Failpoints(state)
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()  # what is there before the first death needs no looking through at each
    with pytest.MonkeyPatch.context() as patch:
        for name in JOURNAL:
            _wrap(patch, points, SqlJournal, name, f"journal.{name}")
        for name in ("begin", "end", "outcomes"):
            _wrap(patch, points, SqlBookRuns, name, f"books.{name}")
        _wrap(patch, points, Marker, "write", "marker.write")
        patch.setattr(Door, "exchange", points.wrapped(_request_name, Door.exchange))
        for module, name in STEPS:
            inner = getattr(module, name)
            outer = points.wrapped(lambda *_, label=f"step.{name}": label, inner)
            for each in _importers(inner, name):
                patch.setattr(each, name, outer)
        yield points


def telling(hits: list[str]) -> list[int]:
    """The numbers of the points to die at in every suite: the last of each name, and each write that was answered.

    Between two of the others nothing durable happens, so they leave the same state behind. All of them are taken
    with SFSYNC_FAULTS_GRID=1.
    """
    if IS_GRID:
        return list(range(1, len(hits) + 1))
    numbered = list(enumerate(hits, start=1))
    last = {hit.partition("#")[0]: number for number, hit in numbered}
    return sorted({*last.values(), *(number for number, hit in numbered if _WRITE.match(hit))})


def _wrap(patch: pytest.MonkeyPatch, points: Failpoints, owner: Any, name: str, label: str) -> None:
    patch.setattr(owner, name, points.wrapped(lambda *_: label, getattr(owner, name)))


def _importers(function: Any, name: str) -> list[Any]:
    modules = [module for known, module in sys.modules.items() if known.startswith("sfsync.")]
    return [module for module in modules if getattr(module, name, None) is function]


def _request_name(_: Door, request: Request, *__: Any) -> str:
    path = request.target.partition("?")[0]
    path = re.sub(r"^/services/data/v[0-9.]+", "", path)
    path = re.sub(r"/[0-9A-Za-z]{18}(?=/|$)", "/ID", path)
    return f"request.{request.method} {path}"
