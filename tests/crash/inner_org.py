"""An org inside the test's own process: the emulator answers the door directly, and time passes when it is told to.

Nothing listens and nothing sleeps. A request that the emulator holds waits in a thread of its own; everything else
happens in the thread of the test, so that one seed gives one history.
"""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from main_job_bench import Bench, Ending
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import ProtocolError

import sfsync.app.run_files
import sfsync.app.workplace
import sfsync.engine.applying.pausing
import sfsync.salesforce.session
from sfsync.app.books import sync
from sfsync.app.past_runs import resume
from sfsync.app.workplace import StopFlag, Surroundings
from sfsync.cli.output import deliver
from sfsync.cli.run import write_and_deliver
from sfsync.emulator.exchange import Emulator, Scripts
from sfsync.emulator.fault_actions import Garbage, Hold, Redeliver, Truncate
from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.origin import definition_of
from sfsync.emulator.server import RunningEmulator, build, offered
from sfsync.emulator.wire.messages import Reply, Request, encoded
from sfsync.errors import SyncError
from sfsync.jobs import load_job

ADDRESS = "http://127.0.0.1:9"
START = datetime(2027, 1, 4, 9, 0, tzinfo=UTC)
Watch = Callable[[str, str], None]
WATCHES: dict[str, Watch] = {}
"""Who is told of the requests to an org, by the org's id."""

_CUTS = (Truncate, Garbage)


@dataclass
class Ticking(StopFlag):
    """A stop flag whose waits end at once and move the clock by what they would have taken."""

    clock: VirtualClock

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Lets the time pass; says whether a stop was asked for."""
        self.clock.advance(timeout or 0.0)
        return self.is_set()


@dataclass
class InnerBench(Bench):
    """A bench on an org of this process, whose clock is also that of sfsync."""

    @property
    def around(self) -> Surroundings:
        """What a run is given of its process."""
        # One thread: the clock moves by the waits of one, and a seed must give the same history.
        clock = self.emulator.org.clock.now
        return Surroundings(environ=self.environ, stop=self.stop, clock=clock, threads=1)

    def emulator_watch(self, watch: Watch) -> None:
        """Lets somebody know of each request, its method and path, before it is answered."""
        WATCHES[self.emulator.org.id] = watch

    def run_or_raise(self) -> Ending:
        """Plans and applies the job.

        Raises:
            SyncError: what ended it before there was a report.
        """
        report = sync(load_job(self.job, environ=self.environ), around=self.around)
        return Ending(report.exit_code, report)

    def command(self, how: str) -> int:
        """Runs a command as the command line does, with its files and its output; the exit code.

        `how` is "run" or "resume"; an error that ends it is told by its exit code.
        """
        try:
            with redirect_stdout(io.StringIO()):
                if how == "run":
                    job = load_job(self.job, environ=self.environ)
                    return write_and_deliver(job, self.around, plan_file=None, yes=True, as_json=True)
                report = resume(around=self.around)
                folder = sfsync.app.run_files.run_folder(
                    self.folder / "state", report.plan.job, report.run_id
                )
                return deliver(report, folder, as_json=True)
        except SyncError as error:
            return error.exit_code


@contextmanager
def inner_bench(definition: Any, *, seed: int = 1) -> Iterator[InnerBench]:
    """A bench on an org of this process; its folder is in memory where the machine has such a place."""
    memory = Path("/dev/shm")
    with (
        TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        inner_org(definition, seed=seed) as emulator,
    ):
        clock = emulator.org.clock
        assert isinstance(clock, VirtualClock)
        yield InnerBench(emulator, Path(folder), stop=Ticking(clock))


@dataclass
class InnerLink:
    """The client's end of a call: it learns here that it was cut off."""

    is_cut: threading.Event = field(default_factory=threading.Event)

    def cut(self, how: str) -> None:  # noqa: ARG002 - all cuts look alike from here
        """Ends the connection, in whatever way."""
        self.is_cut.set()


class InnerAdapter(BaseAdapter):
    """The transport of requests that hands each request to an emulator of this process."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The emulator's answer.

        Raises:
            requests.ConnectionError: the connection was cut.
        """
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.method or "GET", request.path_url, headers, body)
        watch = WATCHES.get(self._emulator.org.id)
        if watch is not None:
            watch(asked.method, asked.target)
        reply, scripts = self._answer(asked)
        if reply is None or any(isinstance(each.action, _CUTS) for each in scripts):
            raise requests.ConnectionError(ProtocolError("cut"))
        return self._response(request, reply)

    def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, asked: Request) -> tuple[Reply | None, Scripts]:
        link, faults = InnerLink(), self._emulator.faults
        if not any(isinstance(each.action, Hold | Redeliver) for each in faults.scripts()):
            return self._emulator.answer(asked, link)
        answers: list[tuple[Reply | None, Scripts]] = []
        before = len(faults.held())
        worker = threading.Thread(
            target=lambda: answers.append(self._emulator.answer(asked, link)), daemon=True
        )
        worker.start()
        while worker.is_alive() and not (link.is_cut.is_set() and len(faults.held()) > before):
            worker.join(0.001)
        return answers[0] if answers else (None, ())

    def _response(self, request: requests.PreparedRequest, reply: Reply) -> requests.Response:
        has_body = reply.body is not None and reply.status not in (204, 304)
        body = encoded(reply, pretty=False) if has_body else b""
        headers = {"Date": format_datetime(self._emulator.org.clock.now(), usegmt=True), **reply.headers}
        if has_body:
            headers["Content-Type"] = reply.content_type
        raw = HTTPResponse(io.BytesIO(body), headers=headers, status=reply.status, preload_content=False)
        response = requests.Response()
        response.status_code, response.raw = reply.status, raw
        response.headers.update(headers)
        response.url, response.request = request.url or "", request
        return response


class SeededSecrets:
    """What `secrets` gives, from a seed."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def token_hex(self, count: int) -> str:
        """So many bytes as hexadecimal digits."""
        return self._draw.randbytes(count).hex()

    def randbelow(self, most: int) -> int:
        """A number below the given one."""
        return self._draw.randrange(most)


@contextmanager
def inner_org(definition: Any, *, seed: int = 1) -> Iterator[RunningEmulator]:
    """An emulator that this process's sfsync talks to without a socket, with its own time and its own chance."""
    clock = VirtualClock(START)
    emulator = build(definition_of(definition), clock=clock, seed=seed)
    emulator.base_url = ADDRESS
    draw = random.Random(seed)
    adapter: Callable[[], BaseAdapter] = lambda: InnerAdapter(emulator)  # noqa: E731
    state = random.getstate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sfsync.salesforce.session, "DeadlineAdapter", adapter)
        patch.setattr(sfsync.app.workplace, "secrets", SeededSecrets(draw))
        patch.setattr(sfsync.engine.applying.pausing, "secrets", SeededSecrets(draw))
        patch.setattr(sfsync.app.run_files, "secrets", SeededSecrets(draw))
        random.seed(seed)  # the jitter between tries
        try:
            yield offered(emulator)
        finally:
            WATCHES.pop(emulator.org.id, None)
            emulator.stopping.set()
            emulator.faults.clear()
            emulator.org.storage.close()
            random.setstate(state)
