"""Temporary files of bulk jobs: private, gone with their process, and told about when there is no room."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sfsync.core.sending.bulk import JobOperation, JobShape
from sfsync.engine.applying.bulk_jobs.job_index import JobIndex
from sfsync.errors import SyncError
from sfsync.salesforce.bulk_files import CsvUpload
from sfsync.salesforce.spooling import Spool

SHAPE = JobShape("Opportunity", JobOperation.INSERT, ("Name",))
MAKERS: dict[str, Callable[[], Any]] = {
    "an upload": lambda: CsvUpload(SHAPE),
    "results": Spool,
    "an index": JobIndex,
}


@pytest.mark.parametrize("what", MAKERS)
def test_a_temporary_file_has_no_name(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can open it, and a kill leaves nothing behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(MAKERS[what]()):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", MAKERS)
def test_a_file_that_cannot_be_made_is_told(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to do about it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(SyncError) as told:
        MAKERS[what]()
    assert told.value.code == "NO_TEMPORARY_FILE"
    assert "TMPDIR" in told.value.hint


def test_a_row_that_fits_no_job_goes_alone() -> None:
    """Else no job could ever take it, and the run would not end."""
    with closing(CsvUpload(SHAPE, most_bytes=30)) as upload:
        assert upload.add(("x" * 100,))
        assert not upload.add(("y",))
        assert upload.rows == 1
