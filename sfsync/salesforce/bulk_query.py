"""Bulk API 2.0 query jobs: one statement, worked on in the background, its records fetched page by page.

A query job writes nothing, so it may be made again whenever an answer is lost. Its records are texts; see
`core.sending.queried` for what they mean. Invariant: the records handed out are as many as the job counted, page by
page and in all.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query" (API 47.0 and later).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.bulk import JobProgress, JobState
from sfsync.core.sending.verdict import CallKind
from sfsync.errors import ConfigError
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.bulk_files import unreadable
from sfsync.salesforce.courier import Answered, Courier
from sfsync.salesforce.session import Request
from sfsync.salesforce.soql import statements_of
from sfsync.salesforce.spooling import Spool, time_for

PAGE_ROWS: Final = 50_000
"""How many records a page is asked for. Source: "Get Results for a Query Job", maxRecords."""

HELD_ROWS: Final = 2_000
"""So many records of a page are in memory at a time."""

_ROW_BYTES: Final = 2_000
"""What a record may take, for the time that a page is given."""

_LAST: Final = "null"
_JOB_ID: Final = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_LOCATOR: Final = re.compile(r"[0-9A-Za-z._~+/=-]{1,400}")
_MOST_READS: Final = 3


class QueryJobs:
    """Query jobs of one org."""

    def __init__(self, courier: Courier, api_path: str) -> None:
        self._courier = courier
        self._root = f"{api_path}/jobs/query"

    def ask(self, lookup: Lookup) -> str:
        """A new query job for a look-up of one statement, which begins to work at once.

        A lost answer leaves a job behind that reads and does no harm, so the call is repeated like any reading.
        """
        [statement] = statements_of(lookup)
        operation = "queryAll" if statement.include_deleted else "query"
        body = {
            "operation": operation,
            "query": statement.text,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        ending = self._courier.deliver(Request("POST", self._root, CallKind.READ, dump(body)))
        found = job_id_in(ending.document if isinstance(ending, Answered) else None)
        if found is None:
            raise unreadable()
        return found

    def progress(self, job_id: str) -> JobProgress | None:
        """How far the job is; None when the org does not know it any more."""
        return progress_at(self._courier, address_of(self._root, job_id))

    def pages(self, job_id: str, lookup: Lookup, rows: int) -> Iterator[Sequence[Record]]:
        """The records of a complete job, `HELD_ROWS` at a time; `rows` is how many it says there are.

        Raises:
            OrgUnavailable: a page cannot be read whole, or there are more or fewer records.
        """
        locator, seen, found = "", {""}, 0
        while True:
            with closing(self._page(job_id, lookup, locator)) as page:
                found += page.count
                yield from page.parts()
            if page.following == _LAST:
                break
            if page.following in seen or found > rows:
                raise unreadable()
            seen.add(page.following)
            locator = page.following
        if found != rows:
            raise unreadable()

    def _page(self, job_id: str, lookup: Lookup, locator: str) -> _Page:
        """One page; one that came in part is fetched again."""
        for _ in range(_MOST_READS):
            with ExitStack() as stack:
                spool = stack.enter_context(closing(Spool()))
                ending = self._courier.deliver(self._request(job_id, locator, spool))
                if not isinstance(ending, Answered) or ending.document is not spool:
                    raise unreadable()
                page = _Page(spool, lookup)
                if page.is_whole:
                    stack.pop_all()
                    return page
        raise unreadable()

    def _request(self, job_id: str, locator: str, spool: Spool) -> Request:
        after = f"&locator={quote(locator, safe='')}" if locator else ""
        target = f"{address_of(self._root, job_id, 'results')}?maxRecords={PAGE_ROWS}{after}"
        more_s = time_for(PAGE_ROWS * _ROW_BYTES)
        return Request("GET", target, CallKind.READ, accept="text/csv", spool=spool, more_s=more_s)


class _Page:
    """A page on disk: counted first, so that nothing of one that came in part is handed out; `following` is the
    locator of the next.
    """

    def __init__(self, spool: Spool, lookup: Lookup) -> None:
        headers = {name.lower(): value for name, value in spool.headers.items()}
        self.following = headers.get("sforce-locator", "")
        if not _LOCATOR.fullmatch(self.following):
            raise unreadable()
        self._spool = spool
        self._wanted = {name.lower(): name for name in lookup.fields}
        self.count = 0
        try:
            names, rows = self._read()
            self.count = sum(_is_wide(row, len(names)) for row in rows)
            self.is_whole = headers.get("sforce-numberofrecords", "") == str(self.count)
        except (csv.Error, UnicodeDecodeError):
            self.is_whole = False

    def _read(self) -> tuple[list[str], Iterator[list[str]]]:
        """The names of the columns, and the rows."""
        csv.field_size_limit(2**31 - 1)
        rows = filter(None, csv.reader(self._spool.lines(), strict=True))
        names = [self._wanted.get(name.lower(), "") for name in next(rows, ())]
        if sorted(names) != sorted(self._wanted.values()):
            raise unreadable()
        return names, rows

    def parts(self) -> Iterator[list[Record]]:
        """The records, some at a time."""
        names, rows = self._read()
        while some := [_record(names, row) for row in islice(rows, HELD_ROWS)]:
            yield some

    def close(self) -> None:
        """Lets go of the file."""
        self._spool.close()


def _is_wide(row: Sequence[str], width: int) -> bool:
    """True for a row of that many cells.

    Raises:
        csv.Error: it has more or fewer, so the page is not whole.
    """
    if len(row) != width:
        raise csv.Error("a row has more or fewer cells than the header")
    return True


def _record(names: Sequence[str], row: Sequence[str]) -> Record:
    """The cells by name, an empty one as none: the two are one thing to the platform."""
    return {name: cell or None for name, cell in zip(names, row, strict=True)}


def address_of(root: str, job_id: str, *rest: str) -> str:
    """The address of a job, or of something below it.

    Raises:
        ConfigError: it is no id of a job.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise ConfigError(
            f"{job_id!r} is no id of a job", code="BAD_JOB_ID", hint="Nothing was sent; please report it."
        )
    return "/".join((root, job_id, *rest))


def job_id_in(document: Any) -> str | None:
    """The job's id in an answer about it, if there is one."""
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) and _JOB_ID.fullmatch(found) else None


def progress_at(courier: Courier, target: str) -> JobProgress | None:
    """How far the job at that address is; None when the org does not know it any more.

    Raises:
        OrgUnavailable: what is there tells of no job.
    """
    try:
        ending = courier.deliver(Request("GET", target, CallKind.READ))
    except ConfigError as error:
        if error.code == "NOT_FOUND":
            return None
        raise
    document = ending.document if isinstance(ending, Answered) else None
    try:
        return _progress(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable() from None


def _progress(document: Any) -> JobProgress:
    return JobProgress(
        JobState(document["state"]),
        int(document.get("numberRecordsProcessed") or 0),
        int(document.get("numberRecordsFailed") or 0),
        str(document.get("errorMessage") or ""),
    )
