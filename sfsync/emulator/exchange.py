"""One HTTP request from arrival to answer: session, dispatch, faults, locks and audit around it.

The order of a call: audit entry, faults before reading, session, resource (with faults around each
commit), faults after the commit, latency, locks released. Nothing of this is known to the resources.
Invariant: whatever happens, the locks of a call are released and a held call is reported as done.
"""

import contextlib
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from sfsync.emulator.access import admitted, session_expired, token_of
from sfsync.emulator.audit import Audit, RequestEntry
from sfsync.emulator.bulk.running import JobRunner
from sfsync.emulator.call import Call
from sfsync.emulator.control import answer_control, is_control
from sfsync.emulator.errors import ApiError
from sfsync.emulator.fault_actions import (
    ChangeOrg,
    Delay,
    Drop,
    ExpireSession,
    Hold,
    Kill,
    Page,
    Redeliver,
    Redirect,
    Refuse,
    Reshape,
    Spoil,
)
from sfsync.emulator.faults import (
    AFTER_COMMIT,
    BEFORE_COMMIT,
    BEFORE_READ,
    Faults,
    FaultScript,
    HeldCall,
    row_faults,
)
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.work import Change, Work
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.pages import answer_page, is_page
from sfsync.emulator.rest.routes import dispatch, needs_session
from sfsync.emulator.soap.endpoint import is_soap
from sfsync.emulator.soap.envelope import session_id_of
from sfsync.emulator.soap.faults import session_fault
from sfsync.emulator.spoiling import reshaped, spoiled
from sfsync.emulator.wire.messages import Reply, Request

if TYPE_CHECKING:
    from sfsync.emulator.wire.tls import Tls

Scripts = tuple[FaultScript, ...]
_SILENT: Final = ("/services/oauth2/", "/services/Soap/")
"""Where answers do not tell the usage: REST ones do [R], the SOAP login was recorded without it [R]."""


class Link(Protocol):
    """The client's end of a call, as far as faults need it."""

    def cut(self, how: str) -> None:
        """End the connection: `reset`, `close`, or `hang` for not yet."""
        ...


class CutError(Exception):
    """The connection ends here, without an answer."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class InterruptedCallError(Exception):
    """A fault answers in place of the resource."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.status))
        self.reply = reply


@dataclass(slots=True)
class Passage:
    """What one call has met so far."""

    request: Request
    link: Link
    entry: RequestEntry
    scripts: Scripts
    commits: int = 0
    changes: list[Change] = field(default_factory=list)
    held: list[HeldCall] = field(default_factory=list)

    def due(self, phase: str) -> list[FaultScript]:
        """Return the scripts of a phase."""
        return [script for script in self.scripts if script.phase == phase]


@dataclass(slots=True)
class Emulator:
    """An org behind a door."""

    org: Org
    faults: Faults
    audit: Audit
    control_token: str
    base_url: str = ""
    tls: "Tls | None" = None
    stopping: threading.Event = field(default_factory=threading.Event)
    runner: JobRunner = field(init=False)

    def __post_init__(self) -> None:
        self.runner = JobRunner(self.org, self.faults, self.audit, stopping=self.stopping)

    def answer(self, request: Request, link: Link) -> tuple[Reply | None, Scripts]:
        """Answer a request; None means that the connection was cut. The scripts may still spoil the reply."""
        if is_control(request.path):
            return answer_control(self, request), ()
        if is_page(request.path):
            return answer_page(self.org, request), ()
        passage = Passage(request, link, self.audit.arrived(request), self.faults.striking(request))
        self.org.usage.begin(passage.entry.n, self.org.clock.now())
        try:
            reply = self._guarded(passage)
        except CutError as cut:
            link.cut(cut.how)
            return None, ()
        finally:
            self.org.locks.release(passage.entry.n)
            self.org.usage.end(passage.entry.n)
            for held in passage.held:
                held.done.set()
        passage.entry.status = reply.status
        return reply, passage.scripts

    def _guarded(self, passage: Passage) -> Reply:
        try:
            for script in _early(passage.scripts):
                self._strike(script, passage)
            reply = self._deliver(passage)
            for script in passage.due(AFTER_COMMIT):
                if script.commit is None:
                    reply = self._strike_reply(script, passage, reply)
            if self.org.latency_s:
                self.stopping.wait(self.org.latency_s)
        except InterruptedCallError as interrupted:
            return interrupted.reply
        except CutError:
            raise
        except Exception as bug:  # noqa: BLE001 - a bug of the emulator must be told apart from a played error
            traceback.print_exc(file=sys.stderr)
            body = [{"errorCode": "UNKNOWN_EXCEPTION", "message": f"sfsync emulator bug: {bug!r}"}]
            return Reply(500, body, headers={"X-Sfsync-Emulator-Bug": "1"})
        return reply

    def _deliver(self, passage: Passage) -> Reply:
        twice = next(
            (script.action for script in passage.scripts if isinstance(script.action, Redeliver)), None
        )
        reply = self._resource(passage)
        if twice is None:
            return reply
        if twice.later:
            self._deliver_later(passage, twice)
            return reply
        again = self._resource(passage)
        return again if twice.answer == "last" else reply

    def _deliver_later(self, passage: Passage, action: Redeliver) -> None:
        held = self.faults.hold(action)

        def deliver() -> None:
            held.go.wait()
            try:
                with contextlib.suppress(CutError, InterruptedCallError):
                    self._resource(passage)
            finally:
                self.org.locks.release(passage.entry.n)
                held.done.set()

        threading.Thread(target=deliver, name="late delivery", daemon=True).start()

    def _resource(self, passage: Passage) -> Reply:
        request = passage.request
        call = Call(self.org, request, self._work(passage), number=passage.entry.n, base_url=self.base_url)
        call.dispatch = dispatch
        call.enqueue = self.runner.enqueue
        call.row_faults = row_faults(passage.scripts)
        call.counted.rows = passage.entry.sobjects
        try:
            if needs_session(request.path):
                call.user_id = admitted(self.org, request)
                self.org.usage.check_concurrent(passage.entry.n, self.org.clock.now())
                self.org.usage.count(self.org.switches)
        except ApiError as refused:
            return self._with_usage(Reply.of(refused))
        reply = dispatch(call)
        return reply if request.path.startswith(_SILENT) else self._with_usage(reply)

    def _with_usage(self, reply: Reply) -> Reply:
        return replace(
            reply, headers={**reply.headers, "Sforce-Limit-Info": self.org.usage.header(self.org.switches)}
        )

    def _work(self, passage: Passage) -> Work:
        def before_commit() -> None:
            for script in passage.due(BEFORE_COMMIT):
                if (script.commit or 1) == passage.commits + 1 and not isinstance(
                    script.action, Hold | Delay
                ):
                    self._strike(script, passage)

        def after_commit(changes: list[Change]) -> None:
            passage.commits += 1
            passage.changes += changes
            self.audit.committed(changes, request=passage.entry.n)
            for script in passage.due(AFTER_COMMIT):
                if script.commit == passage.commits:
                    self._strike(script, passage)

        def ended() -> None:
            slow = self.org.latency_s or any(
                isinstance(script.action, Delay) for script in passage.due(AFTER_COMMIT)
            )
            if not slow:
                self.org.locks.release(passage.entry.n)

        return Work(self.org.storage, before_commit=before_commit, after_commit=after_commit, ended=ended)

    def _strike_reply(self, script: FaultScript, passage: Passage, reply: Reply) -> Reply:
        if isinstance(script.action, Reshape):
            return replace(reply, body=reshaped(reply.body, script.action.how, script.action.depth))
        if isinstance(script.action, Spoil):
            return spoiled(reply, script.action.how)
        self._strike(script, passage)
        return reply

    def _strike(self, script: FaultScript, passage: Passage) -> None:
        """Do what the action says; most actions end the call by raising."""
        match script.action:
            case Refuse(status, body, content_type, headers):
                shown = body.encode() if isinstance(body, str) else body
                raise InterruptedCallError(Reply(status, shown, dict(headers), content_type))
            case Page(html, status):
                raise InterruptedCallError(Reply(status, html.encode(), {}, "text/html;charset=UTF-8"))
            case Redirect(location, status):
                raise InterruptedCallError(
                    Reply(status, b"", {"Location": location}, "text/html;charset=UTF-8")
                )
            case Drop(how):
                raise CutError(how)
            case Kill(pid):
                os.kill(pid, signal.SIGKILL)
                raise CutError("reset")
            case Delay(seconds):
                self.faults.cleared.wait(seconds)
            case Hold() as hold:
                self._hold(hold, passage)
            case ExpireSession(everyone):
                self._expire(passage, everyone=everyone)
            case ChangeOrg(table):
                number = passage.entry.n
                change_org(self.org, self.audit, table, number=number, committed=passage.changes)
            case _:
                return

    def _hold(self, action: Hold, passage: Passage) -> None:
        passage.link.cut(action.cut)
        held = self.faults.hold(action)
        passage.held.append(held)
        held.go.wait()

    def _expire(self, passage: Passage, *, everyone: bool) -> None:
        if everyone:
            self.org.sessions.end_all()
        if is_soap(passage.request.path):
            self.org.sessions.end(session_id_of(passage.request))
            raise InterruptedCallError(session_fault().reply())
        self.org.sessions.end(token_of(passage.request) or "")
        raise InterruptedCallError(Reply.of(session_expired()))


def _early(scripts: Scripts) -> list[FaultScript]:
    """Return what strikes before the resource runs: the first phase, and whatever waits before a commit."""
    waits = [s for s in scripts if s.phase == BEFORE_COMMIT and isinstance(s.action, Hold | Delay)]
    return [script for script in scripts if script.phase == BEFORE_READ] + waits
