"""Fills a fresh org: the organization, users, stages and record types, then the seed records of the org
file.

System rows are written directly, seed records go through the ordinary save order, so that a seed can
never be in a state that the platform would not allow. Seeds name each other by local names:
`"@get_cloudy"`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import ApiError, UncoercibleError
from sfsync.emulator.org.definition import DefinitionError, Table
from sfsync.emulator.org.from_snapshot import setup_rows
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.drafting import read_draft
from sfsync.emulator.rules.saving import insert

if TYPE_CHECKING:
    from sfsync.emulator.call import Call
    from sfsync.emulator.org.org import Org

_DEFAULT_USER: Final[Table] = {
    "local": "integration",
    "username": "integration@cloudkicks.example",
    "first_name": "Integration",
    "last_name": "User",
    "email": "integration@cloudkicks.example",
    "api_user": True,
}
_LEAD_STATUSES: Final = (
    ("Open - Not Contacted", True, False),
    ("Working - Contacted", False, False),
    ("Closed - Converted", False, True),
    ("Closed - Not Converted", False, False),
)
# Users live in GMT: the date literals of SOQL count days in the time zone of the user, which are then days in UTC.
_LOCALE: Final[Row] = {
    "TimeZoneSidKey": "GMT",
    "LocaleSidKey": "en_US",
    "LanguageLocaleKey": "en_US",
}


def seed(org: "Org", *, now: str, call_as: "Callable[[str], Call]") -> None:
    """Fill the org if it is fresh, and find its API user.

    Raises: DefinitionError when a seed record is refused.
    """
    users = org.definition.users or (_DEFAULT_USER,)
    api_user = next((user for user in users if user.get("api_user")), users[0])
    if org.storage.last_id("Organization"):
        _add_missing(org, users, now=now)
        org.api_user_id = org.storage.find(
            org.schema["User"], org.schema["User"].fields["username"], api_user["username"]
        )[0]
        return
    locals_: dict[str, str] = {
        user.get("local", user["username"]): org.next_id(org.schema["User"]) for user in users
    }
    locals_ |= {
        queue.get("local", queue["name"]): org.next_id(org.schema["Group"]) for queue in org.definition.queues
    }
    org.api_user_id = locals_[api_user.get("local", api_user["username"])]
    stamps = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
    by = {"CreatedById": org.api_user_id, "LastModifiedById": org.api_user_id}
    call = call_as(org.api_user_id)
    with call.work.unit():
        for sobject, row in _system_rows(org, users, locals_):
            org.storage.insert(sobject, {**org.templates[sobject], **row, **stamps, **by})
        for number, table in enumerate(org.definition.records, start=1):
            locals_.setdefault(table.get("local", f"record {number}"), _save(call, table, locals_))
        org.storage.restamp(now)


def _add_missing(org: "Org", users: tuple[Table, ...], *, now: str) -> None:
    """Add the users and record types that the org file gained since the database was made."""
    missing = [row for row in _record_types(org) if org.storage.get(row[0], row[1]["Id"]) is None]
    shape = org.schema["User"]
    missing += [
        ("User", _user(user, org.next_id(shape)))
        for user in users
        if not org.storage.find(shape, shape.fields["username"], user["username"])
    ]
    stamps = {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
    for sobject, row in missing:
        org.storage.insert(sobject, {**org.templates[sobject], **row, **stamps})


def _system_rows(org: "Org", users: tuple[Table, ...], locals_: dict[str, str]) -> list[tuple[str, Row]]:
    rows: list[tuple[str, Row]] = [("Organization", _organization(org))]
    rows += [("User", _user(user, locals_[user.get("local", user["username"])])) for user in users]
    rows += [
        ("Group", _queue(queue, locals_[queue.get("local", queue["name"])]))
        for queue in org.definition.queues
    ]
    for order, stage in enumerate(org.stages.values(), start=1):
        row: Row = {
            "Id": org.next_id(org.schema["OpportunityStage"]),
            "MasterLabel": stage.label or stage.name,
            "ApiName": stage.name,
            "IsActive": int(stage.active),
            "SortOrder": order,
            "IsClosed": int(stage.closed),
            "IsWon": int(stage.won),
            "ForecastCategory": stage.category,
            "ForecastCategoryName": stage.category_name,
            "DefaultProbability": float(stage.probability),
        }
        rows.append(("OpportunityStage", row))
    if org.definition.snapshot:
        return rows + setup_rows(org, org.definition.snapshot) + _record_types(org)
    for order, (name, default, converted) in enumerate(_LEAD_STATUSES, start=1):
        row = {"MasterLabel": name, "ApiName": name, "SortOrder": order}
        row |= {
            "Id": org.next_id(org.schema["LeadStatus"]),
            "IsDefault": int(default),
            "IsConverted": int(converted),
        }
        rows.append(("LeadStatus", row))
    return rows + _record_types(org) + _currencies(org)


def _currencies(org: "Org") -> list[tuple[str, Row]]:
    return [
        (
            "CurrencyType",
            {
                "Id": org.next_id(org.schema["CurrencyType"]),
                "IsoCode": code,
                "ConversionRate": rate,
                "DecimalPlaces": 2,
                "IsActive": 1,
                "IsCorporate": int(order == 0),
            },
        )
        for order, (code, rate) in enumerate(org.currencies.items())
    ]


def _organization(org: "Org") -> Row:
    table = org.definition.organization
    name = str(table.get("name", "Cloud Kicks (sfsync emulator)"))
    return {
        "Id": org.id,
        "Name": name if "emulator" in name else f"{name} (sfsync emulator)",
        "Country": "US",
        "InstanceName": "EMU1",
        "IsSandbox": int(table.get("sandbox", True)),
        "IsReadOnly": 0,
        "OrganizationType": "Developer Edition",
        "FiscalYearStartMonth": org.fiscal_year_start,
        "UsesStartDateAsFiscalYearName": int(org.fiscal_year_named_by_start),
        "DefaultLocaleSidKey": "en_US",
        **{name: value for name, value in _LOCALE.items() if name != "LocaleSidKey"},
    }


def _user(user: Table, record_id: str) -> Row:
    first, last = user.get("first_name"), user["last_name"]
    return {
        "Id": record_id,
        "Username": user["username"],
        "FirstName": first,
        "LastName": last,
        "Name": f"{first} {last}" if first else last,
        "Email": user.get("email", user["username"]),
        "Alias": user.get("alias", str(last)[:8].lower()),
        "FederationIdentifier": user.get("federation_id"),
        "IsActive": int(user.get("active", True)),
        "UserType": "Standard",
        **_LOCALE,
    }


def _queue(queue: Table, record_id: str) -> Row:
    return {
        "Id": record_id,
        "Name": queue["name"],
        "DeveloperName": queue.get("developer_name", queue["name"].replace(" ", "_")),
        "Type": "Queue",
        "Email": queue.get("email"),
    }


def _record_types(org: "Org") -> list[tuple[str, Row]]:
    return [
        (
            "RecordType",
            {
                "Id": kind.id,
                "Name": kind.name,
                "DeveloperName": kind.developer_name,
                "NamespacePrefix": kind.namespace,
                "SobjectType": sobject.name,
                "IsActive": int(kind.active),
            },
        )
        for sobject in org.schema
        for kind in sobject.record_types
    ]


def _save(call: "Call", table: Table, locals_: dict[str, str]) -> str:
    sobject = call.org.schema.sobject(table["object"])
    if sobject is None:
        raise DefinitionError(f"seed record: no object {table['object']!r} in this org")
    where = f"seed record {table.get('local', table['values'])}"
    record = {name: _local(value, locals_, where=where) for name, value in table["values"].items()}
    standard = sobject.name == "Pricebook2" and bool(record.pop("IsStandard", False))
    try:
        outcome = insert(call, read_draft(call, sobject, record, creating=True))
    except (ApiError, UncoercibleError) as problem:
        raise DefinitionError(f"{where}: {problem}") from None
    if outcome.id is None:
        raise DefinitionError(f"{where}: {outcome.errors[0].code}: {outcome.errors[0].message}")
    if standard:
        call.org.storage.update("Pricebook2", outcome.id, {"IsStandard": 1})
    if table.get("approval_locked"):
        call.org.storage.set_approval_lock(outcome.id, locked=True)
    return outcome.id


def _local(value: Any, locals_: dict[str, str], *, where: str) -> Any:
    if isinstance(value, str) and value.startswith("@"):
        if value[1:] not in locals_:
            raise DefinitionError(f"{where}: no local name {value} above it")
        return locals_[value[1:]]
    return value.isoformat() if hasattr(value, "isoformat") else value
