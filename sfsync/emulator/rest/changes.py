"""What changed in a time span: the ids of deleted records, and of records that were created or updated.

Spans are counted in whole minutes, reach back 15 days at most and are longer than one minute. Roles deleted
directly appear nowhere, as on the platform.
Source: REST API Developer Guide, sObject Get Deleted and Get Updated; SOAP API Developer Guide, getDeleted():
seconds are ignored [D].
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.storage import Row
from sfsync.emulator.wire.messages import Reply

_LEAST_SPAN: Final = timedelta(minutes=1)
_REACH: Final = timedelta(days=15)


def get_deleted(call: Call) -> Reply:
    """Answer the records deleted in a span and still in the recycle bin."""
    rows, covered = _rows(call, deleted=True)
    created = str(call.org.storage.value("Organization", call.org.id, "CreatedDate"))
    earliest = max(created, stamp(call.org.clock.now() - _REACH))
    body = {
        "deletedRecords": [
            {"id": row["Id"], "deletedDate": _platform_time(row["SystemModstamp"])} for row in rows
        ],
        "earliestDateAvailable": _platform_time(earliest),
        "latestDateCovered": covered,
    }
    return Reply(200, body)


def get_updated(call: Call) -> Reply:
    """Answer the ids of records created or updated in a span."""
    rows, covered = _rows(call, deleted=False)
    return Reply(200, {"ids": [row["Id"] for row in rows], "latestDateCovered": covered})


def _rows(call: Call, *, deleted: bool) -> tuple[list[Row], str]:
    start, end = _minute(call, "start"), _minute(call, "end")
    now = call.org.clock.now()
    if end - start <= _LEAST_SPAN:
        raise _refused("end must be more than one minute after start")
    if now - start > _REACH:
        raise _refused(f"start must not be more than {_REACH.days} days ago")
    sobject = call.sobject()
    if not sobject.has_recycle_bin:
        raise ApiError(400, "INVALID_TYPE", f"{sobject.name} is not replicable")
    where = '"SystemModstamp" >= ? AND "SystemModstamp" < ? AND "IsDeleted" = ?'
    rows = call.org.storage.select(sobject.name, where, stamp(start), stamp(end), int(deleted))
    return rows, _platform_time(stamp(min(end, now)))


def _minute(call: Call, name: str) -> datetime:
    """Return a parameter as the minute it lies in."""
    text = call.request.parameters().get(name, "").replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise _refused(f"{name} needs a time zone: {text}")
        return moment.astimezone(UTC).replace(second=0, microsecond=0)
    except (ValueError, OverflowError):
        raise _refused(f"{name} is missing or not a time: {text}") from None


def _refused(reason: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", reason)


def _platform_time(stored: str) -> str:
    return stored.removesuffix("Z") + "+0000"
