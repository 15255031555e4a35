"""Plays Bulk API 2.0: ingest jobs (insert, update, delete) and query jobs, on files, in a thread of their own.

An upload goes to a file as it comes and results come from files, so the stub's memory does not grow with a job.
Source: Bulk API 2.0 and Bulk API Developer Guide: states, result files, Sforce-Locator.
"""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stub_records import Records, platform_time
from stub_soql import Query, parse
from stub_store import Body
from stub_writes import Writes

csv.field_size_limit(2**31 - 1)
_ROWS: Final = 2_000
_NUMBERS: Final = frozenset({"double", "currency", "percent", "int"})
_FILES: Final = {
    "successfulResults": "saved",
    "failedResults": "refused",
    "unprocessedrecords": "unprocessed",
}


@dataclass
class Job:
    """One job and its files."""

    job_id: str
    asked: dict[str, Any]
    folder: Path
    created: float = field(default_factory=time.time)
    state: str = "Open"
    processed: int = 0
    failed: int = 0
    error: str = ""
    pages: list[int] = field(default_factory=list)

    def info(self, user_id: str) -> dict[str, Any]:
        """The job as a poll shows it."""
        is_query = "query" in self.asked
        return {
            "id": self.job_id,
            "operation": self.asked["operation"],
            "object": self.asked["object"],
            "createdById": user_id,
            "createdDate": platform_time(self.created),
            "systemModstamp": platform_time(time.time()),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": 66.0,
            "lineEnding": self.asked.get("lineEnding", "LF"),
            "columnDelimiter": self.asked.get("columnDelimiter", "COMMA"),
            "jobType": "V2Query" if is_query else "V2Ingest",
            "numberRecordsProcessed": self.processed,
            "retries": 0,
            "totalProcessingTime": 1,
            **({} if is_query else {"numberRecordsFailed": self.failed, "apiActiveProcessingTime": 1}),
            **({"errorMessage": self.error} if self.error else {}),
        }


class Jobs:
    """The jobs of one stub."""

    def __init__(self, records: Records, writes: Writes, user_id: str) -> None:
        self._records, self._writes, self._user = records, writes, user_id
        self._root = Path(tempfile.mkdtemp(prefix="stub-jobs-"))
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def clear(self) -> None:
        """Forgets every job and its files."""
        for job in list(self._jobs.values()):
            shutil.rmtree(job.folder, ignore_errors=True)
        self._jobs.clear()

    def forget(self, job: Job) -> None:
        """Forgets one job and its files."""
        self._jobs.pop(job.job_id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """Removes the files of all jobs."""
        shutil.rmtree(self._root, ignore_errors=True)

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A new job; one that queries begins at once."""
        job_id = f"750b{next(self._numbers):011d}AAA"
        folder = self._root / job_id
        folder.mkdir()
        if "query" in asked:
            asked["object"] = parse(asked["query"]).sobject
        job = self._jobs[job_id] = Job(job_id, asked, folder)
        if "query" in asked:
            self._start(job, self._ask)
        return job.info(self._user)

    def listed(self) -> dict[str, Any]:
        """All jobs."""
        return {
            "done": True,
            "records": [job.info(self._user) for job in self._jobs.values()],
            "nextRecordsUrl": None,
        }

    def get(self, job_id: str) -> Job | None:
        """The job of an id."""
        return self._jobs.get(job_id)

    def shown(self, job: Job) -> dict[str, Any]:
        """The job as a poll shows it."""
        return job.info(self._user)

    def upload_path(self, job: Job) -> Path:
        """Where the upload of a job goes."""
        return job.folder / "upload"

    def patch(self, job: Job, state: str) -> dict[str, Any]:
        """Closes or aborts a job."""
        if state == "UploadComplete" and job.state == "Open":
            self._start(job, self._work)
        elif state == "Aborted" and job.state == "Open":
            job.state = "Aborted"
        return job.info(self._user)

    def result_path(self, job: Job, name: str) -> Path:
        """A result file of an ingest job; made empty where no row came to it."""
        path = job.folder / _FILES[name]
        if not path.exists():
            header = self._header(job)
            first = {"saved": ["sf__Id", "sf__Created"], "refused": ["sf__Id", "sf__Error"]}.get(
                path.name, []
            )
            with path.open("w", newline="", encoding="utf-8") as file:
                _writer(file).writerow([*first, *header])
        return path

    def query_page(self, job: Job, locator: int, most: int) -> tuple[bytes, int, int | None]:
        """Rows of a query job from one place on: the CSV, how many, and the place of the rest."""
        path = job.folder / "answer"
        starts = job.pages
        end = min(locator + most, len(starts) - 1)
        with path.open("rb") as file:
            header = file.read(starts[0])
            file.seek(starts[locator])
            rows = file.read(starts[end] - starts[locator])
        return header + rows, end - locator, end if end < len(starts) - 1 else None

    def _start(self, job: Job, work: Callable[[Job], None]) -> None:
        job.state = "UploadComplete"
        threading.Thread(target=self._guarded, args=(job, work), daemon=True).start()

    def _guarded(self, job: Job, work: Callable[[Job], None]) -> None:
        job.state = "InProgress"
        try:
            work(job)
        except Exception as error:  # noqa: BLE001 - the job fails with it, as a job does
            job.error, job.state = f"{type(error).__name__}: {error}", "Failed"
        else:
            job.state = "JobComplete"

    def _header(self, job: Job) -> list[str]:
        with self.upload_path(job).open(newline="", encoding="utf-8") as file:
            return next(csv.reader(file), [])

    def _work(self, job: Job) -> None:
        with (
            self.upload_path(job).open(newline="", encoding="utf-8") as source,
            (job.folder / "saved").open("w", newline="", encoding="utf-8") as saved,
            (job.folder / "refused").open("w", newline="", encoding="utf-8") as refused,
        ):
            reader = csv.reader(source)
            header = next(reader)
            good, bad = _writer(saved), _writer(refused)
            good.writerow(["sf__Id", "sf__Created", *header])
            bad.writerow(["sf__Id", "sf__Error", *header])
            while rows := list(itertools.islice(reader, _ROWS)):
                for cells, result in zip(rows, self._saved(job, header, rows), strict=True):
                    if result["success"]:
                        is_new = "true" if job.asked["operation"] == "insert" else "false"
                        good.writerow([result["id"], is_new, *cells])
                    else:
                        job.failed += 1
                        error = result["errors"][0]
                        bad.writerow(["", f"{error['statusCode']}:{error['message']}:--", *cells])
                job.processed += len(rows)

    def _saved(self, job: Job, header: Sequence[str], rows: Sequence[list[str]]) -> list[dict[str, Any]]:
        table = self._writes.table(job.asked["object"])
        kinds = self._writes.kinds(table.name)
        names = [kinds[name.lower()] for name in header]
        bodies = [_body(names, cells) for cells in rows]
        match job.asked["operation"]:
            case "insert":
                return self._writes.insert_rows(table, bodies)
            case "update":
                return self._writes.update_rows(table, [str(body.pop("Id")) for body in bodies], bodies)
            case "delete":
                return self._writes.delete_rows(table, [str(body["Id"]) for body in bodies])
        raise ValueError(f"operation {job.asked['operation']}")

    def _ask(self, job: Job) -> None:
        query = parse(job.asked["query"])
        numbers = self._records.numbers(query, with_deleted=job.asked["operation"] == "queryAll")
        with (job.folder / "answer").open("wb") as file:
            for place, line in enumerate(self._lines(query, numbers)):
                file.write(line)
                job.pages.append(file.tell())
                job.processed = place
        job.processed = len(numbers)

    def _lines(self, query: Query, numbers: Sequence[int]) -> Iterator[bytes]:
        yield _line(query.fields)
        for number in numbers:
            yield _line([_cell(each) for each in self._records.cells(query, number)])


def _writer(file: Any) -> Any:
    return csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    _writer(out).writerow(cells)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value[:-5] + "Z" if isinstance(value, str) and value.endswith(".000+0000") else str(value)


def _body(names: Sequence[tuple[str, str]], cells: Sequence[str]) -> Body:
    """The fields of a row: an empty cell says nothing, #N/A clears. Source: "Prepare CSV Files"."""
    body: Body = {}
    for (name, kind), cell in zip(names, cells, strict=True):
        if cell == "":
            continue
        if cell == "#N/A":
            body[name] = None
        elif kind in _NUMBERS:
            body[name] = float(cell)
        else:
            body[name] = cell.lower() == "true" if kind == "boolean" else cell
    return body
