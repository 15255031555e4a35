"""A client of Bulk API 2.0 on a running emulator, and an emulator on a virtual clock for it."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from emulator_client import ORG_FILE, Client

from sfsync.emulator.org.clock import VirtualClock
from sfsync.emulator.org.definition import load_definition
from sfsync.emulator.server import running

SESSION_S = 3600
HEADER = "Name,StageName,CloseDate,Sfsync_Key__c"


def deals(first: int, end: int, prefix: str) -> str:
    """Return a file of deals with keys."""
    rows = (f"Deal {n},Prospecting,2026-12-31,{prefix}-{n}" for n in range(first, end))
    return "\n".join([HEADER, *rows]) + "\n"


class Bulk(Client):
    """A session that speaks of jobs."""

    def new(self, operation: str = "insert", sobject: str = "Opportunity", **keys: Any) -> str:
        """Create an ingest job and return its id."""
        answer = self.call("POST", "/jobs/ingest", {"object": sobject, "operation": operation, **keys})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def put(self, job: str, content: str | bytes, **headers: str) -> requests.Response:
        """Upload the data of a job."""
        data = content.encode() if isinstance(content, str) else content
        headers = {"Content-Type": "text/csv", **headers}
        return self.call("PUT", f"/jobs/ingest/{job}/batches", data=data, headers=headers)

    def set_state(self, job: str, state: str = "UploadComplete", kind: str = "ingest") -> requests.Response:
        """Close or abort a job."""
        return self.call("PATCH", f"/jobs/{kind}/{job}", {"state": state})

    def info(self, job: str, kind: str = "ingest") -> dict[str, Any]:
        """Return what a poll says."""
        answer = self.call("GET", f"/jobs/{kind}/{job}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def load(self, content: str | bytes, operation: str = "insert", **keys: Any) -> str:
        """Create, fill and close a job, and return its id."""
        job = self.new(operation, **keys)
        assert self.put(job, content).status_code == 201
        closed = self.set_state(job)
        assert closed.status_code == 200, closed.text
        return job

    def rows(self, job: str, which: str, delimiter: str = ",") -> list[dict[str, str]]:
        """Return the rows of a result file."""
        answer = self.call("GET", f"/jobs/ingest/{job}/{which}/")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv"), answer.text
        text = io.StringIO(answer.content.decode(), newline="")
        return list(csv.DictReader(text, delimiter=delimiter))

    def saved(self, job: str) -> list[dict[str, str]]:
        """Return the rows that a job saved."""
        return self.rows(job, "successfulResults")

    def refused(self, job: str) -> list[dict[str, str]]:
        """Return the rows that a job refused."""
        return self.rows(job, "failedResults")

    def left(self, job: str) -> list[dict[str, str]]:
        """Return the rows that a job did not come to."""
        return self.rows(job, "unprocessedrecords")

    def count(self, prefix: str) -> int:
        """Return how many deals have a key of that kind."""
        soql = f"SELECT COUNT() FROM Opportunity WHERE Sfsync_Key__c LIKE '{prefix}-%'"
        return int(self.call("GET", "/query", params={"q": soql}).json()["totalSize"])

    def advance(self, seconds: float) -> None:
        """Move the clock of the org, and log in again where a session may have lapsed."""
        clock = self.emulator.org.clock
        assert isinstance(clock, VirtualClock)
        clock.advance(seconds)
        if seconds >= SESSION_S:
            self.log_in()


@contextmanager
def bulk_org(limits: dict[str, Any] | None = None, **org: Any) -> Iterator[Bulk]:
    """Run the shipped org on a clock that only the test moves."""
    from dataclasses import replace

    definition = load_definition(ORG_FILE)
    changed = replace(definition, limits={**definition.limits, **(limits or {})}, **org)
    with running(changed, clock=VirtualClock(datetime(2026, 5, 1, tzinfo=UTC))) as emulator:
        client = Bulk(emulator)
        with client.http:
            yield client
