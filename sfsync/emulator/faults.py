"""Scripted faults: which call goes wrong, at which moment, how, and how often. Never by chance.

A script matches calls by method, path, object and token, counts them, and strikes from the n-th match for
`count` matches. The phases are those of one request: before it is read, before a commit, after a commit,
in the middle of the reply. The work of a bulk job is a call of its own, with the method JOB and the
job's address; its commits are its chunks, and only scripts that name the method strike it.
Invariant: the same scripts and the same calls always give the same faults.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sfsync.emulator.fault_actions import (
    Action,
    AwaitPolls,
    ChangeOrg,
    Delay,
    Drip,
    FailJob,
    FailRows,
    Garbage,
    HangUp,
    Hold,
    Kill,
    Redeliver,
    Reshape,
    RetryBatch,
    Spoil,
    Truncate,
    action_as_json,
    action_from,
)
from sfsync.emulator.org.clock import Clock
from sfsync.emulator.wire.messages import Request

BEFORE_READ: Final = "before_read"
BEFORE_COMMIT: Final = "before_commit"
AFTER_COMMIT: Final = "after_commit"
MID_REPLY: Final = "mid_reply"
PHASES: Final = (BEFORE_READ, BEFORE_COMMIT, AFTER_COMMIT, MID_REPLY)
JOB: Final = "JOB"
_SETTLE_S: Final = 10.0
_ONLY_JOBS: Final = (FailJob, RetryBatch, AwaitPolls)
_ALSO_JOBS: Final = (FailRows, Delay, Hold, Kill)


@dataclass(slots=True)
class FaultScript:
    """One fault: when it strikes and what it does.

    `nth` counts matching calls from 1; `count` is how many calls from there are struck (None: all of them);
    `commit` picks the n-th commit of the call (default: the first before, the end of the call after).
    """

    action: Action
    phase: str = BEFORE_READ
    method: str | None = None
    path: str | None = None
    sobject: str | None = None
    token: str | None = None
    nth: int = 1
    count: int | None = 1
    commit: int | None = None
    seen: int = 0
    struck: int = 0

    def __post_init__(self) -> None:
        if self.phase not in PHASES:
            raise ValueError(f"phase is one of {', '.join(PHASES)}, not {self.phase!r}")
        try:
            re.compile(self.path or "")
        except re.error as problem:
            raise ValueError(f"path is no regular expression: {problem}") from None
        if self.method == JOB:
            if not isinstance(self.action, _ONLY_JOBS + _ALSO_JOBS):
                raise ValueError(f"{type(self.action).__name__} is not for the work of a job")
            return
        if isinstance(self.action, _ONLY_JOBS):
            raise ValueError(f"{type(self.action).__name__} is for the work of a job: say method = JOB")
        if self.commit is not None and isinstance(self.action, Hold | Delay):
            raise ValueError("a call cannot wait between two of its commits: leave out `commit`")
        if isinstance(self.action, Truncate | Drip | HangUp | Garbage):
            self.phase = MID_REPLY
        if isinstance(self.action, Reshape | Spoil):
            self.phase = AFTER_COMMIT
        if isinstance(self.action, ChangeOrg) and self.phase == BEFORE_COMMIT:
            raise ValueError("nobody can change the org inside a commit: use before_read or after_commit")

    def matches(self, request: Request) -> bool:
        """Whether the script is about this kind of call."""
        if (self.method and self.method.upper() != request.method) or (
            request.method == JOB and not self.method
        ):
            return False
        if self.path and not re.search(self.path, request.target):
            return False
        if self.token and not request.headers.get("authorization", "").endswith(self.token):
            return False
        return self.sobject is None or _mentions(request, self.sobject)

    def strikes(self) -> bool:
        """Count a matching call and say whether it is struck."""
        self.seen += 1
        struck = self.seen >= self.nth and (self.count is None or self.seen < self.nth + self.count)
        self.struck += struck
        return struck

    def met(self) -> bool:
        """Say whether the action is to be done, now that the script has struck a call.

        Asked in the call's own thread and under no lock: a script of a test may itself call the org here.
        """
        return True

    def as_json(self) -> dict[str, Any]:
        """Return the script as a JSON-ready table."""
        names = ("phase", "method", "path", "sobject", "token", "nth", "count", "commit", "seen", "struck")
        return {**{name: getattr(self, name) for name in names}, **action_as_json(self.action)}


def script_from(table: dict[str, Any]) -> FaultScript:
    """Return the script of a JSON table: its own keys and those of its action side by side.

    Raises: ValueError for unknown keys, actions or phases.
    """
    own = {"phase", "method", "path", "sobject", "token", "nth", "count", "commit"}
    action = action_from({name: value for name, value in table.items() if name not in own})
    return FaultScript(action, **{name: value for name, value in table.items() if name in own})


def _mentions(request: Request, sobject: str) -> bool:
    name = re.escape(sobject)
    pattern = rf'sobjects/{name}\b|"(?:type|object)"\s*:\s*"{name}"|\bfrom(\s|\+|%20)+{name}\b'
    pattern += rf"|<(\w+:)?type\b[^>]*>\s*{name}\s*<"
    if sobject.lower() == "lead":
        pattern += r"|<(\w+:)?leadConverts\b"
    text = request.target + "\n" + request.body.decode("utf-8", errors="replace")
    return re.search(pattern, text, re.IGNORECASE) is not None


@dataclass(slots=True)
class HeldCall:
    """A call whose client is gone, or a job, that waits to go on; `then` is the rest of a job."""

    label: str
    then: Callable[[], None] | None = None
    go: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class Faults:
    """The scripts in force and the calls they hold."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._scripts: list[FaultScript] = []
        self._held: list[HeldCall] = []
        self._arrivals = threading.Condition()
        self.cleared = threading.Event()

    def add(self, script: FaultScript) -> FaultScript:
        """Put a script in force and return it; its counters show what it did."""
        self.cleared.clear()
        with self._lock:
            self._scripts.append(script)
        return script

    def clear(self) -> None:
        """Withdraw all scripts, wake calls that are delayed and let held ones go on."""
        with self._lock:
            self._scripts.clear()
        self.cleared.set()
        self.release()

    def scripts(self) -> list[FaultScript]:
        """Return the scripts in force."""
        with self._lock:
            return list(self._scripts)

    def striking(self, request: Request) -> tuple[FaultScript, ...]:
        """Return the scripts that strike this call, and count it for all that match it."""
        if not self._scripts:
            return ()
        with self._lock:
            matching = [script for script in self._scripts if script.matches(request)]
            struck = [script for script in matching if script.strikes()]
        return tuple(script for script in struck if script.met())

    def hold(self, action: Hold | Redeliver, *, then: Callable[[], None] | None = None) -> HeldCall:
        """Register a held call; the caller waits on `go` and sets `done`, or `then` is run when it may go on."""
        held = HeldCall(action.label, then)
        with self._arrivals:
            self._held.append(held)
            self._arrivals.notify_all()
        if action.after_s is not None:
            self._clock.call_at(
                self._clock.now() + timedelta(seconds=action.after_s), lambda: self._finish([held])
            )
        return held

    def release(self, label: str | None = None) -> int:
        """Let held calls go on, all or those of a label, and wait until they have committed."""
        with self._arrivals:
            going = [held for held in self._held if label in {None, held.label}]
        self._finish(going)
        return len(going)

    def wait_for_held(self, number: int = 1, timeout_s: float = _SETTLE_S) -> bool:
        """Wait until so many calls are held."""
        with self._arrivals:
            return self._arrivals.wait_for(lambda: len(self._held) >= number, timeout_s)

    def held(self) -> list[str]:
        """Return the labels of the calls that wait."""
        with self._arrivals:
            return [held.label for held in self._held]

    def _finish(self, going: list[HeldCall]) -> None:
        for held in going:
            held.go.set()
            with self._arrivals:
                then, held.then = held.then, None
            if then is not None:
                then()
                held.done.set()
        for held in going:
            held.done.wait(_SETTLE_S)
        with self._arrivals:
            self._held = [held for held in self._held if held not in going]


def row_faults(scripts: tuple[FaultScript, ...]) -> tuple[FailRows, ...]:
    """Return the row refusals among the scripts that strike a call."""
    return tuple(script.action for script in scripts if isinstance(script.action, FailRows))
