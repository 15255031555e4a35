"""Describe calls, limits and record counts: what the org is made of and how full it is.

Source: REST API Developer Guide, Describe Global, sObject Describe, Limits and Record Count [D].
"""

from dataclasses import replace
from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.describe import describe_global, describe_object, object_summary
from sfsync.emulator.rest.conditions import check_unmodified, http_date, unchanged_since
from sfsync.emulator.rules.values import render_record
from sfsync.emulator.wire.messages import Reply

_LIMITS: Final = {
    "DailyAsyncApexExecutions": 250_000,
    "DataStorageMB": 1024,
    "FileStorageMB": 1024,
    "HourlyODataCallout": 20_000,
    "SingleEmail": 15,
}


def global_describe(call: Call) -> Reply:
    """Answer the list of objects, or 304 when it has not changed since."""
    headers, unchanged = _conditions(call)
    if unchanged:
        return Reply(304, headers=headers)
    return Reply(200, describe_global(call.org.schema, version=call.version), headers=headers)


def _conditions(call: Call) -> tuple[dict[str, str], bool]:
    """Return the headers of a describe and whether it has not changed; its date is the org's own.

    Raises: ApiError 412.
    """
    changed = str(call.org.storage.value("Organization", call.org.id, "CreatedDate"))
    check_unmodified(call, changed)
    return {"Last-Modified": http_date(changed)}, unchanged_since(call, changed)


def object_info(call: Call) -> Reply:
    """Answer the short description of an object, with the records last touched under Sforce-Mru."""
    sobject = call.sobject()
    summary = object_summary(sobject, version=call.version)
    shown = [field for field in call.visible_fields(sobject) if field.name == "Id" or field.name_field]
    rows = [call.org.storage.get(sobject.name, touched) for touched in call.org.recent.get(sobject.name, ())]
    recent = [
        render_record(shown, row, url=call.record_url(sobject.name, row["Id"]), sobject=sobject.name)
        for row in rows
        if row and not row.get("IsDeleted")
    ]
    return Reply(200, {"objectDescribe": summary, "recentItems": recent})


def object_describe(call: Call) -> Reply:
    """Answer the full describe of an object, or 304 when it has not changed since."""
    sobject = call.sobject()
    headers, unchanged = _conditions(call)
    if unchanged:
        return Reply(304, headers=headers)
    locked = call.locked_fields(sobject)
    shown = {
        name: replace(field, createable=False, updateable=False) if name in locked else field
        for field in call.visible_fields(sobject)
        for name in (field.name.lower(),)
    }
    seen = replace(sobject, fields=shown, record_types=call.record_types(sobject))
    return Reply(200, describe_object(seen, version=call.version), headers=headers)


def limits(call: Call) -> Reply:
    """Answer the limits of the org, to users who may view the setup."""
    if not call.org.rights.may(call.user_id, "ViewSetup"):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You need View Setup and Configuration to see the limits")
    usage = call.org.usage
    left = max(usage.daily_limit - usage.used, 0)
    body = {name: {"Max": most, "Remaining": most} for name, most in _LIMITS.items()}
    body |= call.org.jobs.limits()
    body["DailyApiRequests"] = {"Max": usage.daily_limit, "Remaining": left}
    return Reply(200, body)


def record_count(call: Call) -> Reply:
    """Answer how many records some objects have; unknown objects are left out."""
    wanted = call.request.parameters().get("sObjects")
    names = wanted.split(",") if wanted else [sobject.name for sobject in call.org.schema]
    found = [sobject for name in names if (sobject := call.org.schema.sobject(name.strip()))]
    counts = [{"count": call.org.storage.count(sobject), "name": sobject.name} for sobject in found]
    return Reply(200, {"sObjects": [entry for entry in counts if entry["count"]]})
