"""Bulk API 2.0 ingest: create, fill, close, watch and read a job, each step one call that proves itself.

The upload is sent once and never again: a job whose upload is in doubt is not closed, because nobody can say what
is in it. Results are believed only when the three files hold as many rows as the job says it has looked at.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest" (API 41.0 and later).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.core.sending.bulk import (
    JobOperation,
    JobProgress,
    JobResults,
    JobState,
    JobTable,
    RefusedRow,
    SavedRow,
)
from sfsync.core.sending.verdict import CallKind, Sign
from sfsync.core.sobject import NAME_HINT, is_api_name, record_id
from sfsync.errors import AccessError, ConfigError, OrgUnavailable
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.courier import Answered, Courier, RefusedWhole
from sfsync.salesforce.session import Request

_JOB_ID: Final = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_CSV: Final = "text/csv; charset=UTF-8"
_ID, _CREATED, _ERROR = "sf__Id", "sf__Created", "sf__Error"
_LARGEST_CELL: Final = 2**31 - 1

_NO_WORD_OF_JOBS: Final = frozenset(
    {Sign.REDIRECT.name, Sign.PROXY_4XX.name, Sign.PROXY_REFUSED.name, Sign.CERTIFICATE.name}
    | {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", Sign.SESSION.name}
)
"""Codes of refusals that are not the org's word on jobs."""


class BulkJobs:
    """Ingest jobs of one org."""

    def __init__(self, courier: Courier, api_path: str) -> None:
        self._courier = courier
        self._root = f"{api_path}/jobs/ingest"

    def is_allowed(self) -> bool:
        """Whether this user may run jobs in this org; one call.

        Raises:
            SyncError: something else than the org answered, or the session ended; that says nothing of jobs.
        """
        try:
            ending = self._courier.deliver(Request("GET", self._root, CallKind.READ))
        except (AccessError, ConfigError) as error:
            if error.code in _NO_WORD_OF_JOBS:
                raise
            return False
        if isinstance(ending, RefusedWhole):
            return False
        if isinstance(ending, Answered) and isinstance(ending.document, dict):
            return True
        raise OrgUnavailable(
            "the answer to whether bulk jobs are allowed cannot be read",
            code="STRANGE_ANSWER",
            hint="try again later; a run that had begun goes on with sfsync resume",
        )

    def create(self, sobject: str, operation: JobOperation) -> str | None:
        """A new, empty job; None when the answer was lost, which may leave an empty job behind.

        Raises:
            ConfigError: the org refuses jobs for this sObject.
        """
        if not is_api_name(sobject):
            raise ConfigError(f"{sobject!r} is no API name of an sObject", code="BAD_NAME", hint=NAME_HINT)
        job = {
            "object": sobject,
            "operation": operation.value,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        ending = self._courier.deliver(Request("POST", self._root, CallKind.UNFENCED_CREATE, dump(job)))
        if isinstance(ending, RefusedWhole):
            raise ConfigError(
                f"the org refuses a bulk job for {sobject}: {ending.code}",
                code=ending.code or "JOB_REFUSED",
                hint="check the user's permissions, or add the receipt object: sfsync org setup",
            )
        document = ending.document if isinstance(ending, Answered) else None
        job_id = document.get("id") if isinstance(document, dict) else None
        return job_id if isinstance(job_id, str) and _JOB_ID.fullmatch(job_id) else None

    def fill(self, job_id: str, table: JobTable) -> bool:
        """Uploads the rows, once; only a clean 201 counts, and after anything else the job must not be closed."""
        body = _csv_of(table).encode()
        request = Request(
            "PUT",
            self._address(job_id, "batches"),
            CallKind.UNFENCED_CREATE,
            body,
            content_type=_CSV,
            is_sent_once=True,
            expects_nothing=True,
        )
        try:
            ending = self._courier.deliver(request)
        except (AccessError, ConfigError, OrgUnavailable):
            return False
        return isinstance(ending, Answered) and ending.document is None

    def close(self, job_id: str) -> None:
        """Lets the job work: the one commit point. Whether it took effect is for `progress` to say."""
        self._patch(job_id, JobState.UPLOAD_COMPLETE)

    def abort(self, job_id: str) -> None:
        """Asks the job to stop; rows that it has saved stay."""
        self._patch(job_id, JobState.ABORTED)

    def _patch(self, job_id: str, state: JobState) -> None:
        request = Request("PATCH", self._address(job_id), CallKind.UPDATE, dump({"state": state.value}))
        self._courier.deliver(request)

    def progress(self, job_id: str) -> JobProgress | None:
        """How far the job is; None when the org does not know it any more."""
        try:
            ending = self._courier.deliver(Request("GET", self._address(job_id), CallKind.READ))
        except ConfigError as error:
            if error.code == "NOT_FOUND":
                return None
            raise
        document = ending.document if isinstance(ending, Answered) else None
        try:
            return _progress(document)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _unreadable() from None

    def results(self, job_id: str, table: JobTable) -> JobResults:
        """The three result files.

        Raises:
            OrgUnavailable: a file cannot be read as what it must be.
        """
        saved = self._rows(job_id, "successfulResults")
        refused = self._rows(job_id, "failedResults")
        unprocessed = self._rows(job_id, "unprocessedrecords")
        try:
            return JobResults(
                tuple(_saved(row, table) for row in saved),
                tuple(_refused(row, table) for row in refused),
                tuple(_cells(row, table) for row in unprocessed),
            )
        except (KeyError, ValueError, csv.Error):
            raise _unreadable() from None

    def _rows(self, job_id: str, file: str) -> Iterator[dict[str, str]]:
        request = Request("GET", self._address(job_id, file), CallKind.READ, accept="text/csv")
        ending = self._courier.deliver(request)
        if not isinstance(ending, Answered) or not isinstance(ending.document, str):
            raise _unreadable()
        csv.field_size_limit(_LARGEST_CELL)
        reader = csv.DictReader(io.StringIO(ending.document, newline=""), strict=True)
        return (row for row in reader if None not in row and None not in row.values())

    def _address(self, job_id: str, *rest: str) -> str:
        if not _JOB_ID.fullmatch(job_id):
            raise ConfigError(
                f"{job_id!r} is no id of a job", code="BAD_JOB_ID", hint="Nothing was sent; please report it."
            )
        return "/".join((self._root, job_id, *rest))


def _csv_of(table: JobTable) -> str:
    """The table as the job declares it: comma, LF, every cell quoted, a header first."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows.values())
    return out.getvalue()


def _progress(document: Any) -> JobProgress:
    return JobProgress(
        JobState(document["state"]),
        int(document.get("numberRecordsProcessed") or 0),
        int(document.get("numberRecordsFailed") or 0),
        str(document.get("errorMessage") or ""),
    )


def _saved(row: Mapping[str, str], table: JobTable) -> SavedRow:
    found = record_id(row[_ID], table.sobject)
    if found is None or row[_CREATED].lower() not in ("true", "false"):
        raise ValueError(row[_ID])
    return SavedRow(found, _cells(row, table))


def _refused(row: Mapping[str, str], table: JobTable) -> RefusedRow:
    """Source: "Failed Record Results": CODE:message:FIELD1,FIELD2 -- where the message may hold colons itself."""
    code, _, rest = row[_ERROR].partition(":")
    message, _, fields = rest.rpartition(":")
    names = tuple(each.strip() for each in fields.removesuffix("--").strip().split(",") if each.strip())
    return RefusedRow(code.strip(), message or rest, names, _cells(row, table))


def _cells(row: Mapping[str, str], table: JobTable) -> tuple[str, ...]:
    folded = {name.lower(): cell for name, cell in row.items()}
    return tuple(folded[name.lower()] for name in table.columns)


def _unreadable() -> OrgUnavailable:
    return OrgUnavailable(
        "the org told of a bulk job in a form that is not the platform's",
        code="UNREADABLE",
        hint="the job's id is in the journal; try again later with sfsync resume",
    )
