"""How much memory and CPU bulk jobs take: `python tests/bench/bench_bulk_memory.py --rows 1000000`.

The rows come from a generator, belong to runs of 10,000 rows each, and go by the product's own jobs to a server of
a few lines, a process of its own that keeps the upload on disk and answers with a result for each row. Printed is
one line of JSON: rows, seconds of CPU, the peak of memory, and how far it is above that after a job of 1,000 rows.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

RUN_ROWS = 10_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class Jobs(BaseHTTPRequestHandler):
    """Plays ingest jobs: what was uploaded lies in a folder, and comes back with ids."""

    protocol_version = "HTTP/1.1"
    folder = Path()
    counts: ClassVar[dict[str, int]] = {}

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def do_POST(self) -> None:
        """Makes a job."""
        self._body()
        self._answer({"id": f"750000000{len(self.counts):06d}AAA"})
        self.counts[f"750000000{len(self.counts):06d}AAA"] = 0

    def do_PUT(self) -> None:
        """Keeps an upload."""
        left = int(self.headers["Content-Length"])
        with (self.folder / self._job()).open("wb") as file:
            while left:
                block = self.rfile.read(min(left, 65_536))
                file.write(block)
                left -= len(block)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PATCH(self) -> None:
        """Closes a job, which is done at once."""
        self._body()
        with (self.folder / self._job()).open(newline="") as file:
            self.counts[self._job()] = sum(1 for _ in csv.reader(file)) - 1
        self._answer({"state": "UploadComplete"})

    def do_GET(self) -> None:
        """Tells how far a job is, or what became of its rows."""
        count = self.counts[self._job()]
        if not self.path.endswith("successfulResults"):
            shown = {"state": "JobComplete", "numberRecordsProcessed": count, "numberRecordsFailed": 0}
            self._answer(shown)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with (self.folder / self._job()).open(newline="") as file:
            rows = csv.reader(file)
            out = csv.writer(_Chunked(self.wfile), quoting=csv.QUOTE_ALL, lineterminator="\n")
            out.writerow(["sf__Id", "sf__Created", *next(rows)])
            out.writerows([record_id(number), "true", *row] for number, row in enumerate(rows))

    def _job(self) -> str:
        return self.path.split("/ingest/")[1].split("/")[0]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Chunked:
    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Sends a row."""
        self._file.write(text.encode())
        return len(text)


def record_id(number: int) -> str:
    """An id of a deal with its checksum."""
    short = f"006{number:012d}"
    return f"{short}AAA"


def serve(folder: str) -> None:
    """Serves until its input ends; prints its address first."""
    Jobs.folder = Path(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Jobs)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def lines(count: int, first_run: int) -> Iterator[Any]:
    """Deals of about 200 bytes each, with text in several scripts and line ends within."""
    from sfsync.core.writes import Node
    from sfsync.engine.applying.bulk_jobs.job_lines import JobLine

    for number in range(count):
        body = {
            "Sfsync_Key__c": f"DEAL-{number:08d}",
            "Name": f'Żółte "buty" {number}, и сапоги',
            "StageName": "Prospecting",
            "CloseDate": date(2027, 1, 1 + number % 28),
            "Amount": Decimal(number) / 4,
            "AccountId": f"001{number % 5000:012d}AAA",
            "Description": f"Called on Monday.\nTold {number} times, and {number} again: " + "x" * 40,
        }
        run = f"run-{first_run + number // RUN_ROWS:04d}"
        yield JobLine(run, Node(f"n{number}", f"Opportunity:DEAL-{number:08d}", "Opportunity", None, body))


class Road:
    """What sending needs; nobody waits here."""

    def __init__(self, gateway: Any) -> None:
        self.gateway = gateway

    def pause(self, tries: int) -> None:
        """Waits not at all."""

    def wait(self, seconds: float) -> None:
        """Waits not at all."""

    def check_stop(self) -> None:
        """Nobody stops."""


def measure(address: str, state: Path, count: int) -> dict[str, float]:
    """Sends the rows; returns what it took."""
    from pydantic import SecretStr

    from sfsync.core.orgs.org_profile import Login, OrgProfile
    from sfsync.core.ports import RunRecord
    from sfsync.core.sending.bulk import JobOperation
    from sfsync.engine.applying.bulk_jobs.job_keeping import BookKeeper
    from sfsync.engine.applying.bulk_jobs.job_sending import send_lines
    from sfsync.journal import StatePlace, open_journal
    from sfsync.salesforce.gateway import SalesforceGateway

    token = SecretStr("00D000000000001!token")
    profile = OrgProfile("bench", Login.TOKEN, instance_url=address, access_token=token, loopback=True)

    def now() -> str:
        return datetime.now(UTC).isoformat(timespec="seconds")

    def send(rows: int, first_run: int) -> None:
        for number in range(first_run, first_run + -(-rows // RUN_ROWS)):
            name = f"run-{number:04d}"
            journal.begin_run(RunRecord(name, "bench", "00D000000000001AAA", name, "", now()), b"")
        keeper = BookKeeper(gateway, journal, JobOperation.INSERT, sobject="Opportunity", now=now)
        send_lines(Road(gateway), lines(rows, first_run), keeper)
        assert keeper.notes == []

    gateway = SalesforceGateway(
        profile, clock=lambda: datetime.now(UTC), listener=lambda _: None, stop=threading.Event()
    )
    with open_journal(StatePlace(state), clock=lambda: datetime.now(UTC)) as journal:
        send(1_000, 0)
        base, began = _peak_mb(), time.process_time()
        send(count, 1)
        spent = time.process_time() - began
        last = f"run-{(count - 1) // RUN_ROWS + 1:04d}"
        done = journal.changes(last)
    gateway.close()
    wrong = [each for each in done.values() if each.outcome != "created" or each.record_id is None]
    assert (len(wrong), len(done)) == (0, (count - 1) % RUN_ROWS + 1)
    journal_mb = sum(each.stat().st_size for each in state.rglob("*") if each.is_file()) / 1e6
    return {
        "rows": count,
        "cpu_s": round(spent, 2),
        "cpu_s_per_100k": round(spent * 100_000 / count, 2),
        "base_mb": round(base, 1),
        "peak_mb": round(_peak_mb(), 1),
        "above_base_mb": round(_peak_mb() - base, 1),
        "journal_mb": round(journal_mb, 1),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measures, or serves when it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "jobs").mkdir()
        command = [sys.executable, __file__, "--serve", str(Path(folder) / "jobs")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            found = measure(server.stdout.readline().strip(), Path(folder) / "state", asked.rows)
            server.stdin.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
