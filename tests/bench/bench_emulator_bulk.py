"""How fast a Bulk job is taken in, worked on and read back, and how much memory a large upload takes.

The emulator runs as a process of its own; the job's rate is rows over the CPU seconds of that process, so
that a busy machine does not blur it. Prints a table and one line of JSON. Run by `make bench`; not
collected by pytest.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ORG_FILE = Path(__file__).parents[2] / "config" / "emulator" / "org.toml"
ROWS = 100_000
UPLOAD_BYTES = 100_000_000
ENDED = {"JobComplete", "Failed"}


class Emulator:
    """A served emulator process and a session on it."""

    def __init__(self, process: subprocess.Popen[str], offered: dict[str, str]) -> None:
        self._pid = process.pid
        self._jobs = offered["instance_url"] + "/services/data/v66.0/jobs/ingest"
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {offered['access_token']}"

    def call(self, method: str, path: str, **rest: Any) -> requests.Response:
        """Send a request below the ingest jobs."""
        answer = self._http.request(method, self._jobs + path, timeout=600, **rest)
        answer.raise_for_status()
        return answer

    def filled(self, sobject: str, content: bytes) -> str:
        """Create a job, upload its data and return its id."""
        body = {"object": sobject, "operation": "insert"}
        job = str(self.call("POST", "", json=body).json()["id"])
        self.call("PUT", f"/{job}/batches", data=content, headers={"Content-Type": "text/csv"})
        return job

    def worked(self, job: str) -> int:
        """Close a job, wait for its end and return how many rows it saved."""
        self.call("PATCH", f"/{job}", json={"state": "UploadComplete"})
        while (info := self.call("GET", f"/{job}").json())["state"] not in ENDED:
            time.sleep(0.25)
        return int(info["numberRecordsProcessed"]) - int(info["numberRecordsFailed"])

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """Return the most memory the process has held."""
        status = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def served() -> Iterator[Emulator]:
    """Run an emulator process while the block runs."""
    command = [sys.executable, "-m", "sfsync.emulator", "serve", "--json", "--org", str(ORG_FILE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Emulator(process, json.loads(process.stdout.readline()))
        process.terminate()


def deals() -> bytes:
    """Return deals with a key, five columns."""
    rows = (f"Deal {n},Prospecting,2026-12-31,{n}.25,BENCH-{n}\n" for n in range(ROWS))
    return ("Name,StageName,CloseDate,Amount,Sfsync_Key__c\n" + "".join(rows)).encode()


def rates() -> dict[str, float]:
    """Return rows a CPU second into and out of a job."""
    content = deals()
    with served() as emulator:
        job = emulator.filled("Opportunity", content)
        begun = emulator.cpu_s()
        saved = emulator.worked(job)
        done = emulator.cpu_s()
        results = emulator.call("GET", f"/{job}/successfulResults").content
        read = emulator.cpu_s()
    if saved != ROWS or results.count(b"\n") != ROWS + 1:
        raise SystemExit(f"{saved} of {ROWS} rows were saved")
    return {
        "rows_in_per_cpu_s": round(ROWS / (done - begun)),
        "rows_out_per_cpu_s": round(ROWS / (read - done)),
    }


def memory() -> dict[str, float]:
    """Return what an upload of 100 MB adds to the memory of the process."""
    content = b"Name\n" + b"x" * UPLOAD_BYTES
    with served() as emulator:
        before = emulator.peak_mb()
        emulator.filled("Account", content)
        return {"upload_100_mb_adds_mb": round(emulator.peak_mb() - before)}


def main() -> None:
    """Measure, and print a table and one JSON line."""
    found = {**rates(), **memory()}
    for name, value in found.items():
        sys.stdout.write(f"{name:<26}{value:>12,.0f}\n")
    sys.stdout.write(json.dumps({"bench": "emulator_bulk", "rows": ROWS, **found}) + "\n")


if __name__ == "__main__":
    main()
