"""One random history of a job in an org of this process, and the promises that it must keep after every step.

An action takes two small numbers and does what they say, so that hypothesis and a seeded draw can both play it.
What people do in the org goes in under request 0; a fault hits a call, a death the whole process. Every step
appends a line to the trace, and the trace of a seed is always the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from crash_worlds import ALL_WRITES, PLAIN, Kind, ask_journal
from failpoints import Death, Failpoints, failpoints
from history_faults import FAULTS
from inner_org import InnerBench, inner_bench
from main_job_bench import ALAN, LEUNG, Ending, assert_every_row_counts_once, deal, role

from sfsync.app.memory import forget
from sfsync.core.plans.plan import Plan
from sfsync.core.plans.plan_codec import load_plan
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Redeliver
from sfsync.emulator.faults import script_from
from sfsync.emulator.org_changes import change_org
from sfsync.errors import SyncError
from sfsync.jobs import load_job

TWIN = "leung.double@getcloudy.example"
CONTACTS = (LEUNG, ALAN, TWIN)
ROLES = tuple(dict.fromkeys(name for _, name, _ in PLAIN))
KEYS = ("D-1", "D-2", "D-3", "D-4")
CANARY = "canary-7f3a"
FINE = frozenset({0, 2, 3, 4, 6, 75, 99})
"""The exit codes that a history may meet; 1 would be a journal that cannot be used, 5 a source."""

MOST_REQUESTS = 600
"""Of one command, whatever the faults."""


@dataclass
class LocalDeal:
    """A deal as the user's file has it: its roles by contact and name, and who is primary."""

    amount: int = 100
    next_step: str = ""
    roles: dict[tuple[str, str], None] = field(default_factory=dict)
    primary: str = ""


@dataclass
class Edit:
    """What somebody typed into a field of a record, and the values that may stand there since."""

    step: int
    allowed: set[Any]


@dataclass
class History:
    """One org, one job, and what has happened to them."""

    kind: Kind
    bench: InnerBench
    points: Failpoints
    local: dict[str, LocalDeal] = field(default_factory=dict)
    lost: dict[str, LocalDeal] = field(default_factory=dict)
    trace: list[str] = field(default_factory=list)
    step: int = 0
    saved: Plan | None = None
    plan_steps: dict[str, int] = field(default_factory=dict)
    edits: dict[tuple[str, str], Edit] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    disturbed: set[str] = field(default_factory=set)
    typed_roles: set[tuple[str, str, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    nested: bool = False
    is_redelivered: bool = False

    def begin(self) -> None:
        """Makes the first files, and the contact that may be merged into another."""
        account = self.bench.find("Account", Sfsync_Key__c="ACC-1")
        values = {"LastName": "Chan", "FirstName": "Leung", "Email": TWIN, "AccountId": account}
        self._change({"what": "create", "object": "Contact", "values": values})
        for key in KEYS[:2]:
            self.local[key] = LocalDeal(roles={(LEUNG, ROLES[0]): None})
        self.write_files()
        if not self.kind.has_key:
            self.bench.admit()
        self.bench.emulator_watch(self._watch)

    def write_files(self) -> None:
        """Writes the user's files as they are now."""
        deals = [
            deal(key, amount=f"{each.amount}.00", next_step=each.next_step)
            for key, each in self.local.items()
        ]
        roles = [
            role(key, contact, name, "true" if contact == each.primary else "")
            for key, each in self.local.items()
            for contact, name in each.roles
        ]
        self.bench.write_job(deals, roles or [role(KEYS[0])], has_key=self.kind.has_key)

    def act(self, name: str, which: int, how: int) -> None:
        """Does an action and checks the promises.

        Raises:
            AssertionError: a promise is broken.
        """
        self.step += 1
        self.bench.emulator.org.clock.advance(3)  # type: ignore[attr-defined]
        said = ACTIONS[name](self, which, how)
        self.trace.append(f"{self.step} {name} {which} {how}: {said}")
        self._learn_plans()
        check(self)

    # What is run.

    def do(self, work: Callable[[], Ending]) -> str:
        """Runs a command to its end, or to an error or death; says how it ended."""
        before = len(self.bench.emulator.audit.requests)
        try:
            ending = work()
        except SyncError as error:
            if error.exit_code not in FINE:
                raise
            ending = Ending(error.exit_code)
        except Death as death:
            self.points.revive()
            return f"died at {death}"
        assert ending.exit_code in FINE, f"exit {ending.exit_code}: {ending.document.stopped!r}"
        asked = len(self.bench.emulator.audit.requests) - before
        assert asked <= MOST_REQUESTS, f"bounded: {asked} requests"
        if ending.exit_code == 4:
            self.bench.renew_token()
        if ending.report is not None:
            self._learn_plans()
            self.check_report(ending.report)
        return f"exit {ending.exit_code}, {asked} requests"

    def dying(self, nth: int, work: Callable[[], Ending]) -> str:
        """Runs a command that dies at its n-th point, if it comes so far."""
        self.points.arm(nth)
        try:
            return self.do(work)
        finally:
            self.points.arm(None)

    def check_report(self, report: Report) -> None:
        """no_silence and no_loss: every row counts once, and what is reported as done is in the org."""
        assert_every_row_counts_once(report.counts())
        made = self.plan_steps.get(report.plan.plan_id, self.step)
        self.unknown = {
            change.change_id for change, result in report.rows() if result.outcome is Outcome.UNKNOWN
        }
        for change, result in report.rows():
            if change.sobject != "Opportunity" or result.outcome not in (Outcome.CREATED, Outcome.UPDATED):
                continue
            record = self.record("Opportunity", result.record_id or "")
            assert record is not None, f"no_loss: {change.change_id} has no record"
            if self.touched.get(record["Id"], -1) >= made or self.bench.emulator.faults.held():
                continue
            wrong = {
                name: (record[name], value)
                for name, value in change.values.items()
                if name in ("Name", "Amount", "NextStep") and not same(record[name], value)
            }
            assert not wrong, f"no_loss: {change.change_id} {wrong}"

    def _learn_plans(self) -> None:
        """Takes up the plans that were saved: their values may stand where somebody typed before they were made."""
        for path in sorted((self.bench.folder / "state" / "runs").glob("*/*/plan.json")):
            if path.parent.name not in self.plan_steps:
                self.learn(load_plan(path.read_bytes()))

    def learn(self, plan: Plan) -> None:
        """Notes what a plan would write, and when it was made."""
        assert plan.org.org_id == self.bench.emulator.org.id, "right_org"
        self.plan_steps.setdefault(plan.plan_id, self.step)
        for change in plan.changes:
            for name, value in change.values.items() if change.record_id else ():
                edit = self.edits.get((change.record_id or "", name))
                if edit is not None and edit.step < self.step:
                    edit.allowed.add(plain(value))

    # What is in the org.

    def record(self, sobject: str, record_id: str) -> dict[str, Any] | None:
        """A record, deleted or not."""
        return self.bench.emulator.org.storage.get(sobject, record_id)

    def deals(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        """The job's deals that the org holds, in the order of their names."""
        where = '"Name" LIKE ?' + ("" if deleted else ' AND "IsDeleted" = 0')
        rows = self.bench.emulator.org.storage.select("Opportunity", where, "Deal D-%")
        return sorted(rows, key=lambda row: (row["Name"], row["Id"]))

    def roles(self) -> list[dict[str, Any]]:
        """The roles of the job's deals, with the names of deal and contact."""
        storage = self.bench.emulator.org.storage
        names = {row["Id"]: row["Name"] for row in self.deals()}
        people = {row["Id"]: row["Email"] for row in storage.select("Contact", "1 = 1")}
        rows = storage.select("OpportunityContactRole", '"IsDeleted" = 0')
        return [
            {**row, "deal": names[row["OpportunityId"]], "contact": people[row["ContactId"]]}
            for row in rows
            if row["OpportunityId"] in names
        ]

    def write_calls(self) -> int:
        """How many write calls have arrived."""
        return sum(1 for each in self.bench.emulator.audit.requests if is_write(each.method, each.path))

    # What others do.

    def _change(self, table: dict[str, Any]) -> str:
        try:
            return str(change_org(self.bench.emulator.org, self.bench.emulator.audit, table).get("id", ""))
        except ValueError as refused:
            return f"refused: {refused}"

    def somebody(self, record: dict[str, Any], table: dict[str, Any]) -> str:
        """Lets somebody change something about a deal."""
        self.touched[record["Id"]] = self.step
        self.disturbed.add(record["Name"])
        return f"{record['Name']} {table['what']} {self._change(table)}"

    def types(self, record: dict[str, Any], name: str, value: Any) -> str:
        """Lets somebody type a value into a field of a deal."""
        said = self.somebody(
            record, {"what": "edit", "object": "Opportunity", "id": record["Id"], "values": {name: value}}
        )
        self.edits[record["Id"], name] = Edit(self.step, {value})
        return said

    def _watch(self, method: str, path: str) -> None:
        """Is told of every request before it is answered: intent_first, and the second runner."""
        if not is_write(method, path) or "jobs/ingest" in path:
            return
        assert self.open_changes() > 0, f"intent_first: {method} {path}"
        if self.nested:
            self.nested = False
            before = self.write_calls()
            assert self.bench.run().exit_code not in (0, 3), "a second runner came in"
            assert self.write_calls() == before

    def open_changes(self) -> int:
        """How many changes the journal holds, durably, as sent and not settled."""
        return int(self.ask("SELECT count(*) FROM changes WHERE state IN ('intent', 'unknown')"))

    def has_open_run(self) -> bool:
        """Whether a run has begun and not ended."""
        return bool(self.ask("SELECT count(*) FROM runs WHERE exit_code IS NULL"))

    def last_run(self) -> str:
        """The id of the newest run that has ended; "" when none has."""
        query = "SELECT max(run_id) FROM runs WHERE exit_code IS NOT NULL"
        return (
            self.ask(f"{query} AND number = (SELECT max(number) FROM runs WHERE exit_code IS NOT NULL)") or ""
        )

    def ask(self, query: str) -> Any:
        """The first value that a query finds in the journal."""
        return ask_journal(self.bench, query)

    def end(self) -> None:
        """Ends all faults: two runs reach the fixpoint, and what nobody disturbed is as the user's files say.

        Raises:
            AssertionError: a promise is broken.
        """
        self.bench.emulator.faults.clear()
        self.bench.renew_token()
        self.nested = False
        self.step += 1
        self.bench.emulator.org.clock.advance(3600)  # type: ignore[attr-defined]
        for _ in range(2):
            self.trace.append("end: " + self.do(self.bench.run_or_raise))
            check(self)
        before = self.write_calls()
        self.trace.append("again: " + self.do(self.bench.run_or_raise))
        assert self.write_calls() == before, "idempotent, converges: another run wrote something"
        assert self.bench.plan().is_empty(), "idempotent: a plan is not empty"
        for key, each in self.local.items():
            if f"Deal {key}" not in self.disturbed:
                self._check_kept(key, each)
        for path in (self.bench.folder / "state").rglob("*"):
            assert not path.is_file() or self.bench.token.encode() not in path.read_bytes(), "no_leak"

    def _check_kept(self, key: str, wanted: LocalDeal) -> None:
        """crash_equal: the deal is there as the user's files say."""
        held = [each for each in self.deals() if each["Name"] == f"Deal {key}"]
        if not held and f"Opportunity:{key}" in self.unknown:
            return  # it went at most once, and a person was told
        assert len(held) == 1, f"lost: {key}"
        assert (held[0]["Amount"], held[0]["NextStep"] or "") == (wanted.amount, wanted.next_step), key
        roles = {(row["contact"], row["Role"]) for row in self.roles() if row["deal"] == f"Deal {key}"}
        missing = {each for each in wanted.roles if each not in roles}
        listed = [each for each in self.unknown if key in each]
        assert len(missing) <= len(listed), f"lost roles: {key} {missing}, listed {listed}"


def is_write(method: str, path: str) -> bool:
    """Whether a request may change something of the job's."""
    return method != "GET" and re.search(ALL_WRITES, path) is not None


def plain(value: Any) -> Any:
    """A planned value as the org's storage holds it."""
    return float(value) if type(value).__name__ == "Decimal" else value


def same(held: Any, value: Any) -> bool:
    """Whether the org holds a planned value; null and empty are the same."""
    return (held or None) == (plain(value) or None)


def check(history: History) -> None:
    """The promises that hold after every step.

    Raises:
        AssertionError: one is broken.
    """
    scripts = history.bench.emulator.faults.scripts()
    history.is_redelivered |= any(each.struck and isinstance(each.action, Redeliver) for each in scripts)
    no_dup(history)
    roles_once(history)
    one_primary_contact(history)
    no_clobber(history)


def no_dup(history: History) -> None:
    """Each deal lives once at most, and was inserted once more than it was deleted at most."""
    living = Counter(each["Name"] for each in history.deals())
    assert all(number == 1 for number in living.values()), f"no_dup: {living}"
    names = {each["Id"]: each["Name"] for each in history.deals(deleted=True)}
    commits = [each for each in history.bench.emulator.audit.commits if each.id in names]
    inserted = Counter(names[each.id] for each in commits if each.op == "insert")
    deleted = Counter(names[each.id] for each in commits if each.op == "delete")
    assert all(number <= 1 + deleted[name] for name, number in inserted.items()), f"no_dup: {inserted}"


def roles_once(history: History) -> None:
    """No role is there twice, unless somebody typed its twin.

    Where the org gives roles no fence, nothing can refuse the second copy of a request that is delivered twice.
    """
    if history.is_redelivered and history.kind.at_most_once:
        return
    held = Counter((row["deal"], row["contact"], row["Role"]) for row in history.roles())
    twice = {each for each, number in held.items() if number > 1}
    assert not twice - history.typed_roles, f"roles_once: {twice}"


def one_primary_contact(history: History) -> None:
    """A deal has one primary contact at most."""
    people: dict[str, set[str]] = {}
    for row in history.roles():
        if row["IsPrimary"]:
            people.setdefault(row["deal"], set()).add(row["contact"])
    assert all(len(each) == 1 for each in people.values()), f"one_primary_contact: {people}"


def no_clobber(history: History) -> None:
    """What somebody typed stands, unless a plan made later showed another value in its place."""
    for (record_id, name), edit in history.edits.items():
        record = history.record("Opportunity", record_id)
        assert record is not None
        held = record[name]
        assert held in edit.allowed or (held or "") in edit.allowed, (
            f"no_clobber: {name} of {record['Name']} is {held!r}, not one of {edit.allowed}"
        )


@contextmanager
def open_history(kind: Kind, *, seed: int = 1) -> Iterator[History]:
    """A fresh history."""
    with ExitStack() as stack:
        bench = stack.enter_context(inner_bench(kind.org, seed=seed))
        points = stack.enter_context(failpoints(bench.folder / "state"))
        history = History(kind, bench, points)
        history.begin()
        yield history


# The actions. Each says in a few words what it did.


def edit_local(history: History, which: int, how: int) -> str:
    """The user edits a file."""
    keys = list(history.local)
    key = keys[which % len(keys)]
    each = history.local[key]
    match how % 6:
        case 0:
            each.amount = 100 + how + which
        case 1:
            each.next_step = f"{CANARY} {how} {which}"  # a blank cell would clear nothing
        case 2:
            key = KEYS[min(len(keys), len(KEYS) - 1)]
            history.local.setdefault(key, LocalDeal(roles={(ALAN, ROLES[1]): None}))
        case 3:
            each.roles[CONTACTS[how % 3 if which % 2 else 1], ROLES[which % len(ROLES)]] = None
        case 4:
            held = sorted({contact for contact, _ in each.roles})
            each.primary = held[which % len(held)] if held and history.kind.roles is not PLAIN else ""
        case _:
            if len(each.roles) > 1:
                each.roles.pop(next(iter(each.roles)))
    history.write_files()
    return key


def lose_row(history: History, which: int, how: int) -> str:
    """A deal vanishes from the user's files with its roles, or one that vanished is there again."""
    if history.lost and how % 2:
        key = sorted(history.lost)[which % len(history.lost)]
        history.local.setdefault(key, history.lost.pop(key))
        said = f"{key} is back"
    elif len(history.local) > 1:
        key = list(history.local)[which % len(history.local)]
        history.lost[key] = history.local.pop(key)
        said = f"{key} vanishes"
    else:
        return "the last one stays"
    history.write_files()
    return said


def make_plan(history: History, which: int, how: int) -> str:
    """The user makes a plan and keeps it."""
    try:
        history.saved = history.bench.plan()
    except SyncError as error:
        if error.exit_code == 4:
            history.bench.renew_token()
        return error.code
    history.learn(history.saved)
    return f"{len(history.saved.changes)} changes"


def apply_plan(history: History, which: int, how: int) -> str:
    """The user applies the plan that was kept."""
    plan = history.saved
    return history.do(lambda: history.bench.apply(plan)) if plan is not None else "no plan"


def run(history: History, which: int, how: int) -> str:
    """The user runs the job."""
    return history.do(history.bench.run_or_raise)


def resume_run(history: History, which: int, how: int) -> str:
    """The user goes on with an interrupted run."""
    return history.do(history.bench.resume) if history.has_open_run() else "nothing to resume"


def crash(history: History, which: int, how: int) -> str:
    """A run, or what recovers one, dies at a point."""
    work = history.bench.resume if how % 2 and history.has_open_run() else history.bench.run_or_raise
    return history.dying(1 + (which * 7 + how) % 90, work)


def retry(history: History, which: int, how: int) -> str:
    """The user tries failed rows again."""
    return history.do(history.bench.retry) if history.last_run() else "no run"


def undo(history: History, which: int, how: int) -> str:
    """The user takes the last run back."""
    if how % 3 or not history.last_run():
        return "not now"
    history.disturbed |= {f"Deal {key}" for key in KEYS}
    return history.do(lambda: history.bench.undo(history.last_run()))


def forget_row(history: History, which: int, how: int) -> str:
    """The user forgets a deal that is not in the org, nor on its way there."""
    living = {each["Name"] for each in history.deals()}
    keys = [key for key in history.local if f"Deal {key}" not in living]
    if not keys or history.bench.emulator.faults.held() or history.has_open_run():
        return "nothing to forget"
    job = load_job(history.bench.job, environ=history.bench.environ)
    history.disturbed.add(f"Deal {keys[0]}")
    try:
        return str(forget(job, [keys[0]], around=history.bench.around))
    except SyncError as error:
        if error.exit_code == 4:
            history.bench.renew_token()
        return error.code


def foreign_edit(history: History, which: int, how: int) -> str:
    """A salesperson types into a deal."""
    deals = history.deals()
    if not deals:
        return "no deal"
    record = deals[which % len(deals)]
    name, value = (("Amount", 900.0 + how), ("NextStep", f"typed {how}"), ("Description", f"note {how}"))[
        how % 3
    ]
    return history.types(record, name, value)


def foreign_delete(history: History, which: int, how: int) -> str:
    """A salesperson deletes a deal."""
    deals = history.deals()
    if not deals or how % 4:
        return "not now"
    record = deals[which % len(deals)]
    return history.somebody(record, {"what": "delete", "object": "Opportunity", "id": record["Id"]})


def foreign_merge(history: History, which: int, how: int) -> str:
    """An admin merges two contacts: their roles come together."""
    if how % 4:
        return "not now"
    storage = history.bench.emulator.org.storage
    found = storage.select("Contact", '"Email" = ? AND "IsDeleted" = 0', TWIN)
    if not found:
        return "merged before"
    history.disturbed |= {f"Deal {key}" for key in KEYS}
    history.typed_roles |= {(f"Deal {key}", LEUNG, name) for key in KEYS for name in ROLES}
    kept = history.bench.find("Contact", Email=LEUNG)
    return history._change({"what": "merge", "object": "Contact", "id": kept, "loser": found[0]["Id"]})


def foreign_role(history: History, which: int, how: int) -> str:
    """A salesperson adds a role, takes one away, or makes a contact the primary one."""
    deals = history.deals()
    if not deals:
        return "no deal"
    record = deals[which % len(deals)]
    roles = [row for row in history.roles() if row["OpportunityId"] == record["Id"]]
    if how % 3 == 0 or not roles:
        email, name = CONTACTS[how % 2], ROLES[which % len(ROLES)]
        history.typed_roles.add((record["Name"], email, name))
        values = {
            "OpportunityId": record["Id"],
            "ContactId": history.bench.find("Contact", Email=email),
            "Role": name,
        }
        if any((row["contact"], row["Role"]) == (email, name) for row in roles):
            return "there already"
        return history.somebody(
            record, {"what": "create", "object": "OpportunityContactRole", "values": values}
        )
    chosen = {"object": "OpportunityContactRole", "id": roles[how % len(roles)]["Id"]}
    if how % 3 == 1:
        return history.somebody(record, {"what": "delete", **chosen})
    return history.somebody(record, {"what": "edit", **chosen, "values": {"IsPrimary": True}})


def inject(history: History, which: int, how: int) -> str:
    """A fault waits for a call."""
    if sum(1 for each in history.bench.emulator.faults.scripts() if not each.struck) >= 3:
        return "enough of them wait"
    name, table = FAULTS[which % len(FAULTS)]
    place = {"path": ALL_WRITES, "nth": 1 + how % 3} if how % 4 else {"nth": 1 + how % 13}
    history.bench.emulator.faults.add(script_from({**table, **place}))
    return f"{name} {table['action']} {place}"


def release_zombie(history: History, which: int, how: int) -> str:
    """Calls that were held go on."""
    return f"{history.bench.emulator.faults.release()} released"


def expire_token(history: History, which: int, how: int) -> str:
    """All sessions end."""
    history.bench.emulator.org.sessions.end_all()
    return "expired"


def second_runner(history: History, which: int, how: int) -> str:
    """While the next run writes, somebody starts another one."""
    history.nested = True
    return "waits"


def clock_jump(history: History, which: int, how: int) -> str:
    """Time passes; calls that are held for a while go on."""
    seconds = (60, 3600, 86_400)[how % 3]
    history.bench.emulator.org.clock.advance(seconds)  # type: ignore[attr-defined]
    return f"{seconds} s"


ACTIONS: dict[str, Callable[[History, int, int], str]] = {
    "edit-local": edit_local,
    "lose-row": lose_row,
    "plan": make_plan,
    "apply": apply_plan,
    "run": run,
    "crash": crash,
    "resume": resume_run,
    "foreign-edit": foreign_edit,
    "foreign-delete": foreign_delete,
    "foreign-merge": foreign_merge,
    "foreign-role": foreign_role,
    "inject": inject,
    "release-zombie": release_zombie,
    "expire-token": expire_token,
    "second-runner": second_runner,
    "clock-jump": clock_jump,
    "retry": retry,
    "undo": undo,
    "forget": forget_row,
}
