"""What changed in a time span: the ids of deleted records, and of records that were created or updated.

Roles deleted directly appear nowhere, as on the platform.
Source: REST API Developer Guide, sObject Get Deleted and Get Updated [D].
"""

from datetime import datetime, timedelta
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.storage import Row
from sfsync.emulator.wire.messages import Reply

_LEAST_SPAN: Final = timedelta(minutes=1)


def _platform_time(stored: str) -> str:
    return stored.removesuffix("Z") + "+0000"


def _moment(call: Call, name: str) -> datetime:
    text = call.request.parameters().get(name, "").replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name} is missing or not a time: {text}") from None
    if moment.tzinfo is None:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name} needs a time zone: {text}")
    return moment


def _rows(call: Call, *, deleted: bool) -> tuple[list[Row], str]:
    start, end = _moment(call, "start"), _moment(call, "end")
    if end - start <= _LEAST_SPAN:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "end must be more than one minute after start")
    sobject = call.sobject()
    if not sobject.has_recycle_bin:
        raise ApiError(400, "INVALID_TYPE", f"{sobject.name} is not replicable")
    where = '"SystemModstamp" >= ? AND "SystemModstamp" < ? AND "IsDeleted" = ?'
    covered = min(end, call.org.clock.now())
    rows = call.org.storage.select(sobject.name, where, stamp(start), stamp(end), int(deleted))
    return rows, _platform_time(stamp(covered))


def get_deleted(call: Call) -> Reply:
    """Answer the records deleted in a span and still in the recycle bin."""
    rows, covered = _rows(call, deleted=True)
    earliest = call.org.storage.value("Organization", call.org.id, "CreatedDate")
    records = [{"id": row["Id"], "deletedDate": _platform_time(row["SystemModstamp"])} for row in rows]
    body = {
        "deletedRecords": records,
        "earliestDateAvailable": _platform_time(str(earliest)),
        "latestDateCovered": covered,
    }
    return Reply(200, body)


def get_updated(call: Call) -> Reply:
    """Answer the ids of records created or updated in a span."""
    rows, covered = _rows(call, deleted=False)
    return Reply(200, {"ids": [row["Id"] for row in rows], "latestDateCovered": covered})
