"""Bulk API 2.0 ingest: create, fill, close, watch and read a job, each step one call that proves itself.

The upload is sent from disk, once and never again: a job whose upload is in doubt is not closed, because nobody can
say what is in it. Results are taken to disk and handed on with their count, to be held against what the job says.
Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest" (API 41.0 and later).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

from sfsync.core.org_jobs import MOST_UPLOAD_BYTES, JobUpload
from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.bulk import JobProgress, JobShape, JobState, ResultFile
from sfsync.core.sending.verdict import CallKind, Sign
from sfsync.core.sobject import NAME_HINT, is_api_name
from sfsync.errors import AccessError, ConfigError, OrgUnavailable
from sfsync.salesforce.bodies import dump
from sfsync.salesforce.bulk_files import CsvRows, CsvUpload, unreadable
from sfsync.salesforce.bulk_query import QueryJobs, address_of, job_id_in, progress_at
from sfsync.salesforce.courier import Answered, Courier, RefusedWhole
from sfsync.salesforce.session import Request
from sfsync.salesforce.spooling import Spool, time_for

_CSV: Final = "text/csv; charset=UTF-8"

_NO_WORD_OF_JOBS: Final = frozenset(
    {Sign.REDIRECT.name, Sign.PROXY_4XX.name, Sign.PROXY_REFUSED.name, Sign.CERTIFICATE.name}
    | {"INVALID_SESSION_ID", "INVALID_AUTH_HEADER", Sign.SESSION.name}
)
"""Codes of refusals that are not the org's word on jobs."""


class BulkJobs:
    """Bulk jobs of one org; implements `core.org_jobs.OrgJobs`. `most_bytes` is how much one job takes."""

    def __init__(self, courier: Courier, api_path: str, *, most_bytes: int = MOST_UPLOAD_BYTES) -> None:
        self._courier = courier
        self._root = f"{api_path}/jobs/ingest"
        self._queries = QueryJobs(courier, api_path)
        self._most_bytes = most_bytes

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

    def upload(self, shape: JobShape) -> CsvUpload:
        """A place for the rows of one job; nothing is sent by it."""
        return CsvUpload(shape, most_bytes=self._most_bytes)

    def create(self, shape: JobShape) -> str | None:
        """A new, empty job; None when the answer was lost, which may leave an empty job behind.

        Raises:
            ConfigError: the org refuses jobs for this sObject.
        """
        sobject = shape.sobject
        if not is_api_name(sobject):
            raise ConfigError(f"{sobject!r} is no API name of an sObject", code="BAD_NAME", hint=NAME_HINT)
        job = {
            "object": sobject,
            "operation": shape.operation.value,
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
        return job_id_in(document)

    def fill(self, job_id: str, upload: JobUpload) -> bool:
        """Uploads the rows, once; only a clean 201 counts, and after anything else the job must not be closed.

        Nor does it count when other bytes left than were written: the disk, or somebody, changed them.
        """
        assert isinstance(upload, CsvUpload)  # it is what `upload` has made
        body = upload.body()
        request = Request(
            "PUT",
            self._address(job_id, "batches"),
            CallKind.UNFENCED_CREATE,
            file=body,
            content_type=_CSV,
            is_sent_once=True,
            expects_nothing=True,
            more_s=time_for(upload.size),
        )
        try:
            ending = self._courier.deliver(request)
        except (AccessError, ConfigError, OrgUnavailable):
            return False
        is_proven = isinstance(ending, Answered) and ending.document is None
        return is_proven and body.was_sent_whole

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
        return progress_at(self._courier, self._address(job_id))

    def results(self, job_id: str, file: ResultFile, shape: JobShape) -> CsvRows:
        """One file of results, as it is on disk now.

        Raises:
            OrgUnavailable: it cannot be read as what it must be.
        """
        spool = Spool()
        target = self._address(job_id, file.value)
        request = Request(
            "GET",
            target,
            CallKind.READ,
            accept="text/csv",
            spool=spool,
            more_s=time_for(2 * self._most_bytes),  # each row comes back with an id or a message besides
        )
        with ExitStack() as unless_read:
            unless_read.callback(spool.close)
            ending = self._courier.deliver(request)
            if not isinstance(ending, Answered) or ending.document is not spool:
                raise unreadable()
            rows = CsvRows(spool, file, shape)
            unless_read.pop_all()
        return rows

    def ask(self, lookup: Lookup) -> str:
        """A new query job for a look-up of one statement; see `QueryJobs`."""
        return self._queries.ask(lookup)

    def asked(self, job_id: str) -> JobProgress | None:
        """How far a query job is; None when the org does not know it any more."""
        return self._queries.progress(job_id)

    def answers(self, job_id: str, lookup: Lookup, rows: int) -> Iterator[Sequence[Record]]:
        """The records that a query job found, page by page; see `QueryJobs`."""
        return self._queries.pages(job_id, lookup, rows)

    def _address(self, job_id: str, *rest: str) -> str:
        return address_of(self._root, job_id, *rest)
