"""The runs that the journal and the state folder know: which there were and which may go.

Part of the composition root; no org is asked. A run with an open change, or one that has not ended, is never
pruned: its plan is what settles it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfsync.app.job_locks import lock_name
from sfsync.app.run_files import safe_name
from sfsync.app.workplace import Surroundings
from sfsync.core.plans.plan_codec import load_plan
from sfsync.core.ports import RunRecord
from sfsync.core.reports.standing import NOT_UNDONE, Standing
from sfsync.errors import ConfigError, SyncError

if TYPE_CHECKING:
    from sfsync.journal import SqlJournal
    from sfsync.journal.store import LockHolder

RESULTS: Final = "run_results.json"
REPORT: Final = "report.html"
_HEAD: Final = 65536
"""Characters of a run's results in which its counts stand; they come before what can be long."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run with the folder of its files; `open_changes` are those of which nobody can say yet.

    `holder` is who holds the lock that a run which has not ended needs; None: nobody, so it was interrupted.
    """

    record: RunRecord
    folder: Path
    has_files: bool
    open_changes: int = 0
    holder: LockHolder | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it began under that lock; one that is older waits, or is gone on with."""
        if self.holder is None:
            return False
        since = self.holder.started_at
        return not since or _moment(self.record.started_at) >= _moment(since)

    def file(self, name: str) -> Path | None:
        """A file of the run's folder; None where it is not there (any more)."""
        path = self.folder / name
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class OldFolder:
    """The folder of a run, or of a plan that no run applied, that is old enough to go."""

    folder: Path
    job: str
    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class JobHealth:
    """What the journal says of a job: when it last ended well, an undo left out, and since when its oldest open
    change is open.
    """

    last_success: datetime | None
    oldest_open: datetime | None


@contextmanager
def _journal(around: Surroundings) -> Iterator[tuple[SqlJournal, Path]]:
    """The journal that is there, and the state folder.

    Raises:
        ConfigError: there is none.
    """
    from sfsync.journal import open_journal, state_place
    from sfsync.journal.opening import require_journal

    place = state_place(around.environ)
    require_journal(place)
    with open_journal(place, clock=around.clock) as journal:
        yield journal, place.folder


def known_runs(around: Surroundings, *, job: str | None = None) -> list[KnownRun]:
    """The runs that the journal knows, newest first; of one job, or of all.

    Raises:
        ConfigError: there is no journal.
    """
    with _journal(around) as (journal, state):
        runs = journal.runs(job)
        still_open = _open_counts(journal, runs)
        is_any_open = any(each.exit_code is None for each in runs)
        holders = {each.name: each for each in journal.store.holders()} if is_any_open else {}
    return [
        replace(_known(each, state, still_open.get(each.run_id, 0)), holder=_holder(each, holders))
        for each in runs
    ]


def known_run(around: Surroundings, run_id: str) -> KnownRun:
    """One run.

    Raises:
        ConfigError: there is no journal, or no such run in it.
    """
    runs = known_runs(around)
    for each in runs:
        if each.record.run_id == run_id:
            return each
    newest = ", ".join(each.record.run_id for each in runs[:5]) or "none"
    raise ConfigError(f"there is no run {run_id}", code="NO_SUCH_RUN", hint=f"The newest runs: {newest}.")


def _open_counts(journal: SqlJournal, runs: list[RunRecord]) -> dict[str, int]:
    """How many changes are open in each run, a book as one."""
    counts: dict[str, int] = {}
    for job, org_id in dict.fromkeys((each.job, each.org_id) for each in runs):
        for run, _ in journal.open_changes(job, org_id):
            name = run.whole or run.run_id
            counts[name] = counts.get(name, 0) + 1
    return counts


def _holder(run: RunRecord, holders: Mapping[str, LockHolder]) -> LockHolder | None:
    """Who holds the lock of a run that has not ended."""
    return holders.get(lock_name(run.job, run.share, run.org_id)) if run.exit_code is None else None


def _known(record: RunRecord, state: Path, open_changes: int) -> KnownRun:
    folder = state / "runs" / safe_name(record.job) / safe_name(record.run_id)
    return KnownRun(record, folder, folder.is_dir(), open_changes)


def old_folders(around: Surroundings, *, older_than: timedelta) -> list[OldFolder]:
    """The folders that may go, oldest first: of runs that ended so long ago, and of plans that were never applied.

    What the journal keeps open stays, however old it is.

    A saved plan can be applied as long as it is there, so one that no run applied counts by its own age.
    """
    now = around.clock()
    with _journal(around) as (journal, state):
        runs = journal.runs()
        still_open = _open_counts(journal, runs)
    by_folder = {(safe_name(each.job), safe_name(each.run_id)): each for each in runs}
    found: list[OldFolder] = []
    for folder in sorted((state / "runs").glob("*/*")):
        if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
            continue  # what a link leads to is not ours
        run = by_folder.get((folder.parent.name, folder.name))
        at = _ended_at(run) if run else _modified_at(folder)
        is_open = run is not None and (run.exit_code is None or run.run_id in still_open)
        if not is_open and at is not None and now - at >= older_than:
            found.append(OldFolder(folder, folder.parent.name, folder.name, _size(folder)))
    return sorted(found, key=lambda each: each.name)


def drop_old_plans(around: Surroundings, *, older_than: timedelta) -> int:
    """Drops the plans that the journal keeps of runs that ended so long ago; returns how many pages those were."""
    now = around.clock()
    with _journal(around) as (journal, _):
        ends = {each.run_id: _ended_at(each) for each in journal.runs()}
        return journal.drop_plans([name for name, at in ends.items() if at and now - at >= older_than])


def counts_of(run: KnownRun) -> dict[str, dict[str, int]]:
    """The counts of the run's results, by sObject; empty where the file is not there or is another version's.

    Only the beginning of the file is read: its rows can be many.
    """
    counts = _results_value(run, "counts")
    return counts if isinstance(counts, dict) else {}


def standing_of(run: KnownRun) -> Standing:
    """What the run left as it is, where it took another back and its results are there to tell."""
    found = _results_value(run, "stays")
    stays = found if isinstance(found, dict) else {}
    count, later = stays.get("records"), stays.get("later_runs")
    names = tuple(str(each) for each in later) if isinstance(later, list) else ()
    return Standing({NOT_UNDONE: count} if isinstance(count, int) else {}, names)


def undone_by(run: KnownRun) -> str:
    """The run that this one took back, as its results say; "" for others."""
    found = _results_value(run, "undoes")
    return found if isinstance(found, str) else ""


def _results_value(run: KnownRun, name: str) -> object:
    """A value in the beginning of the run's results; None where it is not there."""
    _, found, rest = _head_of(run).partition(f'\n  "{name}": ')
    try:
        value: object = json.JSONDecoder().raw_decode(rest)[0] if found else None
    except ValueError:
        return None
    return value


def _head_of(run: KnownRun) -> str:
    """The beginning of the run's results; "" where they are not there."""
    path = run.file(RESULTS)
    if path is None:
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_HEAD)


def remove_folder(old: OldFolder) -> bool:
    """Takes a folder away with all its files; False where the file system refuses."""
    try:
        shutil.rmtree(old.folder)
    except OSError:
        return False
    with contextlib.suppress(OSError):  # it is not empty, or another run has just begun to use it
        old.folder.parent.rmdir()
    return True


def _ended_at(run: RunRecord) -> datetime | None:
    return datetime.fromisoformat(run.ended_at) if run.ended_at else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(microsecond=0)


def _modified_at(folder: Path) -> datetime:
    newest = max((each.lstat().st_mtime for each in (folder, *folder.iterdir())), default=0.0)
    return datetime.fromtimestamp(newest, UTC)


def _size(folder: Path) -> int:
    return sum(each.lstat().st_size for each in folder.rglob("*") if each.is_file())


def job_health(
    around: Surroundings, *, job: str, org_id: str | None = None, share: str | None = None
) -> JobHealth:
    """What the journal says of a job, of all its orgs and shares unless one is named.

    A good run of the whole job is one of each share.

    Raises:
        SyncError: there is no journal, or it cannot be read.
    """
    with _journal(around) as (journal, state):
        runs = [each for each in journal.runs(job) if org_id in (None, each.org_id)]
        orgs = dict.fromkeys(each.org_id for each in runs)
        since = [record.updated_at for org in orgs for _, record in journal.open_changes(job, org)]
        good = [each for each in runs if each.exit_code == 0 and each.ended_at]
        good = [each for each in good if share is None or each.share in ("", share)]
        good.sort(key=lambda each: each.ended_at or "", reverse=True)
        last = next((each for each in good if not _takes_back(journal, _known(each, state, 0))), None)
    return JobHealth(
        last_success=_ended_at(last) if last else None,
        oldest_open=datetime.fromisoformat(min(since)) if since else None,
    )


def _takes_back(journal: SqlJournal, run: KnownRun) -> bool:
    """Whether the run was an undo, which brings nothing: by its results, or by its plan where they are not here.

    A run of which neither is left is taken for what most runs are.
    """
    text = _head_of(run)
    _, found, rest = text.partition('\n  "undoes": "')
    if found:
        return not rest.startswith('"')
    record = run.record
    first = journal.books.portions(record.run_id)[0].run_id if record.portions else record.run_id
    plan = journal.plan(first)
    try:
        return plan is not None and load_plan(plan).undoes is not None
    except SyncError:
        return False
