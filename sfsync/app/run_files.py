"""The files of runs: private folders, saved plans, and names that sort by time.

Part of the composition root. Whatever holds values of records is readable by its owner alone, and a file is
there wholly or not at all.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from sfsync.core.plans.guards import totals_of
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_book import BookTotals, PlanBook
from sfsync.core.plans.plan_codec import PackedPlan, load_named, load_plan, pack_plan
from sfsync.core.ports import Journal, RunRecord
from sfsync.errors import ConfigError, GuardError, SyncError

_MOST_PLAIN: Final = 1_000_000
"""A plan of up to so many bytes is for people to read as it is; of larger ones a tenth of the bytes will do."""


def plan_of_run(journal: Journal, run: RunRecord) -> Plan:
    """The plan that a run began with: the journal's copy, else the run folder's.

    Raises:
        GuardError: both are gone, or it is not the plan of that run.
    """
    kept = journal.plan(run.run_id)
    if kept is None and not Path(run.plan_file).exists():
        raise _plan_gone(run)
    saved, digest = load_named(_read(run.plan_file) if kept is None else kept)
    if digest != run.plan_digest:
        raise GuardError(
            f"{run.plan_file} is not the plan of run {run.run_id}",
            code="PLAN_ALTERED",
            hint="Without its own plan, what an interrupted run sent cannot be settled; restore the file.",
        )
    return saved


def _plan_gone(run: RunRecord) -> GuardError:
    """The error of a run that can no longer be taken up, with what that means."""
    name = run.whole or run.run_id
    if run.exit_code is None:
        what, hint = "is gone", f"Only its plan settles what run {name} sent; restore {run.plan_file}."
    else:
        what = "is gone: its files were pruned, or they are on the host that ran it"
        hint = (
            "Without its plan a run can be neither undone nor retried; what it brought stays in the org, and the"
            f" journal still knows its records. If you have a copy, restore {run.plan_file}."
        )
    return GuardError(f"the plan of run {name} {what}", code="PLAN_GONE", hint=hint)


def read_plan(file: str) -> Plan:
    """A saved plan.

    Raises:
        GuardError: the file is gone, or is not a plan as it was written.
    """
    return load_plan(_read(file))


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise GuardError(
            f"the plan file {file} cannot be read: {error.strerror}",
            code="PLAN_FILE_MISSING",
            hint="Correct the path. If an interrupted run began with it, restore the file: it settles that run.",
        ) from None


class PageFile:
    """A book that is being made: the pages of its portions, one behind the other in a file that has no name.

    A context manager; the file is gone when it ends. Implements `core.plans.plan_book.PlanBook`.
    """

    def __init__(self, plan_id: str) -> None:
        self.plan_id = plan_id
        self.totals = BookTotals()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the book
        self._places: list[tuple[int, int]] = []

    @property
    def portions(self) -> int:
        """How many have been added."""
        return len(self._places)

    def add(self, plan: Plan) -> None:
        """Takes the next portion in."""
        page = pack_plan(plan).packed
        self._places.append((self._file.seek(0, os.SEEK_END), len(page)))
        self._file.write(page)
        self.totals += totals_of(plan)

    def page(self, number: int) -> bytes:
        """The page of a portion."""
        start, size = self._places[number - 1]
        self._file.seek(start)
        return self._file.read(size)

    def plan(self, number: int) -> Plan:
        """One portion."""
        return load_plan(self.page(number))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def save_plan(folder: Path, plan: PackedPlan) -> Path:
    """Writes the plan of a run into its folder; returns the file. A large one stays packed: `zcat` shows it."""
    is_large = plan.size > _MOST_PLAIN
    file = folder / ("plan.json.gz" if is_large else "plan.json")
    write_private(file, plan.packed if is_large else plan.text())
    return file


def run_folder(state: Path, job: str, run_id: str) -> Path:
    """The private folder of one run.

    Raises:
        SyncError: the file system refuses; code REPORT_NOT_WRITTEN.
    """
    folder = state / "runs" / safe_name(job) / safe_name(run_id)
    for each in (state / "runs", folder.parent, folder):
        try:
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SyncError(
                f"the folder {each} cannot be made: {error.strerror or error}",
                code="REPORT_NOT_WRITTEN",
                hint="Make room, or correct what stands in its place and its rights.",
            ) from None
    return folder


def safe_name(name: str) -> str:
    """A name as a file or folder may have it."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name).lstrip(".") or "_"


def write_private(path: Path, data: bytes) -> None:
    """Writes a file that only its owner can read, wholly or not at all."""
    write_whole(path, data, mode=0o600)


def write_whole(path: Path, data: bytes, *, mode: int) -> None:
    """Writes a file of that mode, wholly or not at all; what others left in its place is replaced."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, mode)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def require_writable(file: Path) -> None:
    """Refuses a place that a file of `--out` cannot be written to, before any call is spent on it.

    Raises:
        ConfigError: it is a folder, or in none that can be written to.
    """
    folder = file.absolute().parent
    if file.is_dir():
        raise unwritable(file, "it is a folder")
    if not folder.exists():
        raise unwritable(file, f"there is no folder {folder}")
    if not folder.is_dir():
        raise unwritable(file, f"{folder} is no folder")
    if not os.access(folder, os.W_OK):
        raise unwritable(file, f"you may not write to the folder {folder}")


def unwritable(file: Path, why: str) -> ConfigError:
    """The error of a file that cannot be written where it was to go."""
    return ConfigError(
        f"{file} cannot be written: {why}", code="UNWRITABLE", hint="Name another file: --out FILE."
    )


def new_name(now: datetime) -> str:
    """A name for a plan and its run that sorts by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


if TYPE_CHECKING:
    _contract: type[PlanBook] = PageFile
