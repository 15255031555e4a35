"""The routes of a write as the grid of faults lays them: an org, a small job, and the step that is struck.

A route prepares a fresh org without faults, then takes its step: a run, or an undo. `shape` is what the org then
holds, without ids and times; a step without faults on a fresh org says what it must be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from main_job_bench import ALAN, BARE_ORG, LEUNG, ORG_FILE, Bench, Ending, deal, org_document, role

from sfsync.app.workplace import apply, plan
from sfsync.core.job import UpdateMode
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.server import running
from sfsync.emulator.wire.messages import Request
from sfsync.errors import SyncError
from sfsync.jobs import load_job

KEYS = ("D-1", "D-2")
JOBS_ORG = org_document(has_receipts=False, has_jobs=True)
DERIVED = re.compile(r"'(LastAmountChangedHistoryId|ContactId)': '[^']+', ")
"""Fields that hold an id of the org's own, or follow from the roles, which are compared by themselves."""

ANY_WRITE = re.compile(rb'"method"\s*:\s*"(POST|PATCH|DELETE)"')

PEOPLE = """
org = "local"

[accounts]
file = "accounts.csv"
{account_key}

[accounts.fields]
{account_rule}
Name = "name"

[contacts]
file = "contacts.csv"
{contact_key}

[contacts.fields]
{contact_rule}
LastName = "name"
Email = "email"
"""


def is_write(request: Request) -> bool:
    """Whether the call writes to the org, as far as its form tells; all steps of bulk jobs are meant too."""
    if "/services/data/" not in request.path or "/_emulator" in request.path:
        return False
    if "/jobs/ingest/" in request.path:
        return True
    if request.method == "GET":
        return False
    return not request.path.endswith("/composite") or ANY_WRITE.search(request.body) is not None


@dataclass(frozen=True)
class GridRoute:
    """One route: where it leads, what is there before, and the step whose calls are struck.

    `fenced` says that a lost answer may not leave anything unknown; without a fence nothing is sent twice.
    """

    name: str
    org: Any
    prepare: Callable[[Bench], None]
    step: Callable[[Bench], Ending]
    again: Callable[[Bench], Ending] = field(default=lambda bench: bench.run())
    fenced: bool = True

    @property
    def by_id(self) -> bool:
        """Whether the route only writes records by their ids, which may be repeated as it is."""
        return self.name.startswith(("updates", "deletions", "undo"))

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Bench]:
        """A fresh org that is ready for the step."""
        folder.mkdir(parents=True, exist_ok=True)
        with running(self.org) as emulator:
            bench = Bench(emulator, folder)
            self.prepare(bench)
            emulator.audit.clear()
            yield bench


def shape(bench: Bench) -> dict[str, Counter[str]]:
    """What the org holds: the records, and the roles by the names of their deals."""
    storage = bench.emulator.org.storage
    names = {row["Id"]: row["Name"] for row in storage.select("Opportunity", "1 = 1")}
    people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
    roles = storage.select("OpportunityContactRole", '"IsDeleted" = 0')
    told = [
        (names[row["OpportunityId"]], people[row["ContactId"]], row["Role"], row["IsPrimary"])
        for row in roles
    ]
    records = {
        name: Counter(re.sub(DERIVED, "", row) for row in rows)
        for name, rows in bench.picture().items()
        if name != "OpportunityContactRole"
    }
    return {**records, "OpportunityContactRole": Counter(map(repr, told))}


def _roles(*keys: str) -> list[dict[str, str]]:
    evaluators = [role(key, LEUNG, "Evaluator") for key in keys]
    return evaluators + [role(key, ALAN, "Decision Maker", "true") for key in keys]


def _new_deals(bench: Bench) -> None:
    bench.write_job([deal(key) for key in KEYS], _roles(*KEYS))


def _keyless_deals(bench: Bench) -> None:
    bench.write_job([deal(key) for key in KEYS], _roles(*KEYS), has_key=False)
    bench.admit()


def _plain_keyless_deals(bench: Bench) -> None:
    roles = [role(key, contact, "Evaluator") for key in KEYS for contact in (LEUNG, ALAN)]
    bench.write_job([deal(key) for key in KEYS], roles, has_key=False)
    bench.admit()


def _put(bench: Bench, deals: list[dict[str, str]], roles: list[dict[str, str]]) -> None:
    """Brings rows to the org, a day ago."""
    bench.write_job(deals, roles)
    assert bench.run().exit_code == 0
    bench.emulator.org.storage.restamp(stamp(datetime.now(UTC) - timedelta(days=1)))


def _roles_of_deals(bench: Bench) -> None:
    _put(bench, [deal(key) for key in KEYS], [role("D-1", name="None")])
    bench.write_job([deal(key) for key in KEYS], _roles(*KEYS))


def _plain_roles_of_deals(bench: Bench) -> None:
    _put(bench, [deal(key) for key in KEYS], [role("D-1", name="None")])
    roles = [role(key, contact, "Evaluator") for key in KEYS for contact in (LEUNG, ALAN)]
    bench.write_job([deal(key) for key in KEYS], roles)


def _moved_on(*keys: str) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        nothing = [role("D-1", name="None")]
        _put(bench, [deal(key) for key in keys], nothing)
        bench.write_job([deal(key, amount="250.00", next_step="call") for key in keys], nothing)

    return prepare


def _primary_moves(bench: Bench) -> None:
    _put(bench, [deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true")])
    roles = [role("D-1", LEUNG, "Evaluator", "false"), role("D-1", ALAN, "Decision Maker", "true")]
    bench.write_job([deal("D-1")], roles)


def _mirrored(bench: Bench) -> None:
    extra = [role(key, LEUNG, "Decision Maker") for key in KEYS] + [role(key, ALAN, "Other") for key in KEYS]
    wanted = [role(key, LEUNG, "Evaluator", "true") for key in KEYS]
    _put(bench, [deal(key) for key in KEYS], [*wanted, *extra])
    bench.write_job([deal(key) for key in KEYS], wanted, policy="mirror")


def _undone(bench: Bench) -> None:
    _put(bench, [deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true")])
    rows = [deal("D-1", amount="250.00", next_step="call"), deal("D-2")]
    bench.write_job(rows, [role("D-1", LEUNG, "Evaluator", "true"), role("D-1", ALAN, "Other"), role("D-2")])
    ending = bench.run()
    assert ending.exit_code == 0
    (bench.folder / "undo").write_text(ending.document.run_id)
    bench.emulator.org.storage.restamp(stamp(datetime.now(UTC) - timedelta(hours=1)))


def _undone_mirror(bench: Bench) -> None:
    _mirrored(bench)
    ending = bench.run(allow_deletes=True)
    assert ending.exit_code == 0
    (bench.folder / "undo").write_text(ending.document.run_id)


def _undone_primary(bench: Bench) -> None:
    """A run that gave the flag to a new role; the one that had it is no row of the run."""
    _put(bench, [deal("D-1")], [role("D-1", LEUNG, "Evaluator", "true")])
    bench.write_job([deal("D-1")], [role("D-1", ALAN, "Decision Maker", "true")])
    ending = bench.run()
    assert ending.exit_code == 0
    (bench.folder / "undo").write_text(ending.document.run_id)


def _people(*, has_key: bool) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        (bench.folder / "accounts.csv").write_text("key,name\nA-1,Acme\nA-2,Bolt\n")
        (bench.folder / "contacts.csv").write_text(
            "key,name,email\nC-1,Ann,ann@a.example\nC-2,Bo,bo@b.example\n"
        )
        row_key, rule = 'row_key = "key"', ""
        if has_key:
            row_key, rule = 'key = "Sfsync_Key__c"', 'Sfsync_Key__c = "key"'
        text = PEOPLE.format(account_key=row_key, account_rule=rule, contact_key=row_key, contact_rule=rule)
        (bench.folder / "people.toml").write_text(text)
        bench.job = str(bench.folder / "people.toml")
        if not has_key:
            bench.admit()

    return prepare


def _run(bench: Bench) -> Ending:
    return bench.run()


def _run_fast(bench: Bench) -> Ending:
    """Applies a plan of the job whose updates carry no condition."""
    job = replace(load_job(bench.job, environ=bench.environ), update_mode=UpdateMode.FAST)
    return _ended(lambda: apply(plan(job, around=bench.around), job, around=bench.around))


def _run_deleting(bench: Bench) -> Ending:
    return bench.run(allow_deletes=True)


def _undo(bench: Bench) -> Ending:
    run_id = (bench.folder / "undo").read_text()
    try:
        ending = bench.undo(run_id)
    except SyncError as error:
        ending = Ending(error.exit_code)
    (bench.folder / "undone").write_text(str(ending.exit_code))
    return ending


def _undo_the_rest(bench: Bench) -> Ending:
    """Goes on with an undo that was cut off; one that ended with unknown rows is asked for again."""
    try:
        return bench.resume()
    except SyncError as error:
        if error.code != "NO_SUCH_RUN":
            return Ending(error.exit_code)
    return Ending(0) if (bench.folder / "undone").read_text() != "3" else _undo(bench)


def _ended(work: Callable[[], Any]) -> Ending:
    try:
        report = work()
    except SyncError as error:
        return Ending(error.exit_code)
    return Ending(report.exit_code, report)


ROUTES = {
    each.name: each
    for each in (
        GridRoute("key fence, deals", BARE_ORG, _new_deals, _run),
        GridRoute("key fence, people", BARE_ORG, _people(has_key=True), _run),
        GridRoute("receipts, roles of deals", ORG_FILE, _roles_of_deals, _run),
        GridRoute("receipts, deals without key", ORG_FILE, _keyless_deals, _run),
        GridRoute("receipts, people without key", ORG_FILE, _people(has_key=False), _run),
        GridRoute("receipts, primary moves", ORG_FILE, _primary_moves, _run),
        GridRoute("jobs, deals without key", JOBS_ORG, _plain_keyless_deals, _run),
        GridRoute("jobs, roles of deals", JOBS_ORG, _plain_roles_of_deals, _run),
        GridRoute("jobs, people without key", JOBS_ORG, _people(has_key=False), _run),
        GridRoute("at most once, deals", BARE_ORG, _keyless_deals, _run, fenced=False),
        GridRoute("at most once, roles", BARE_ORG, _roles_of_deals, _run, fenced=False),
        GridRoute("at most once, people", BARE_ORG, _people(has_key=False), _run, fenced=False),
        GridRoute("updates, one strict", BARE_ORG, _moved_on("D-1"), _run),
        GridRoute("updates, strict", BARE_ORG, _moved_on(*KEYS), _run),
        GridRoute("updates, fast", BARE_ORG, _moved_on(*KEYS), _run_fast),
        GridRoute("deletions, receipts", ORG_FILE, _mirrored, _run_deleting, _run_deleting),
        GridRoute("deletions, bare", BARE_ORG, _mirrored, _run_deleting, _run_deleting),
        GridRoute("undo, bare", BARE_ORG, _undone, _undo, _undo_the_rest),
        GridRoute("undo of deletions, receipts", ORG_FILE, _undone_mirror, _undo, _undo_the_rest),
        GridRoute("undo of a primary, bare", BARE_ORG, _undone_primary, _undo, _undo_the_rest),
        GridRoute("undo of a primary, receipts", ORG_FILE, _undone_primary, _undo, _undo_the_rest),
    )
}
