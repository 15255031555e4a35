"""What people do to the org while a client works: edits, deletions, merges, rights and values taken away.

Each kind is a small function over a JSON table, reached from a fault script (`change_org`, at the n-th call)
and from the control resource (at once). Records change through the ordinary save rules, in a unit of work
of their own, and stand in the audit under request 0: nobody's call. `@Opportunity` in a table stands for the
deal that the struck call committed first.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from sfsync.emulator.audit import Audit
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.rights import Rights
from sfsync.emulator.org.schema import Field, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.org.work import Change, Work
from sfsync.emulator.rules.deleting import delete
from sfsync.emulator.rules.saving import Outcome, insert, update
from sfsync.emulator.switches import Switches
from sfsync.emulator.wire.messages import Request

Table = dict[str, Any]
_VERSION: Final = "66.0"


def change_org(
    org: Org,
    audit: Audit,
    table: Table,
    *,
    number: int = 0,
    committed: Iterable[Change] = (),
    by: str = "",
) -> Table:
    """Make one change, as the call of that number meets it, and return what was done.

    `by` is the id of the user who does it, else the user of the API.

    Raises: ValueError for an unknown kind, an unknown record or a change that the rules refuse; KeyError for
    a missing entry.
    """
    kind = _KINDS.get(str(table.get("what")))
    if kind is None:
        raise ValueError(f"what is one of {', '.join(_KINDS)}")
    ids: dict[str, str] = {}
    for change in committed:
        ids.setdefault(f"@{change.sobject}", change.id)
    work = Work(
        org.storage,
        before_commit=lambda: None,
        after_commit=lambda changes: audit.committed(changes, request=0),
        ended=lambda: None if number else org.locks.release(0),
    )
    call = Call(
        org, Request("POST", "/"), work, number=number, user_id=by or org.api_user_id, version=_VERSION
    )
    try:
        with work.unit():
            return kind(call, _filled(table, ids))
    except ApiError as refused:
        raise ValueError(str(refused)) from None


def _filled(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(part, ids) for name, part in value.items()}
    return ids.get(value, value) if isinstance(value, str) else value


def _sobject(call: Call, table: Table) -> SObject:
    found = call.org.schema.sobject(str(table["object"]))
    if found is None:
        raise ValueError(f"this org has no object {table['object']!r}")
    return found


def _field(sobject: SObject, table: Table) -> Field:
    found = sobject.field_named(str(table["field"]))
    if found is None:
        raise ValueError(f"{sobject.name} has no field {table['field']!r}")
    return found


def _row(call: Call, sobject: SObject, given: object) -> Row:
    row = call.org.storage.get(sobject.name, normalised(str(given)) or "")
    if row is None:
        raise ValueError(f"no {sobject.name} has the id {given!r}")
    return row


def _done(outcome: Outcome) -> Table:
    if outcome.errors:
        raise ValueError(f"refused: {outcome.errors[0].code}: {outcome.errors[0].message}")
    return {"id": outcome.id}


def _create(call: Call, table: Table) -> Table:
    return _done(insert(call, call.draft(_sobject(call, table), table["values"], creating=True)))


def _edit(call: Call, table: Table) -> Table:
    sobject = _sobject(call, table)
    row = _row(call, sobject, table["id"])
    return _done(update(call, call.draft(sobject, table["values"], creating=False), row["Id"]))


def _delete(call: Call, table: Table) -> Table:
    sobject = _sobject(call, table)
    return _done(delete(call, sobject, _row(call, sobject, table["id"])["Id"]))


def _undelete(call: Call, table: Table) -> Table:
    """Take a record out of the recycle bin, with what had gone there because of it."""
    sobject = _sobject(call, table)
    row = _row(call, sobject, table["id"])
    _revive(call, sobject, row["Id"])
    for child in sobject.children:
        shape = call.org.schema[child.child]
        if child.cascade_delete and shape.has_recycle_bin:
            for dependent in call.org.storage.select(child.child, f'"{child.field}" = ?', row["Id"]):
                _revive(call, shape, dependent["Id"])
    return {"id": row["Id"]}


def _revive(call: Call, sobject: SObject, record_id: str) -> None:
    call.org.storage.update(sobject.name, record_id, {"IsDeleted": 0, "SystemModstamp": call.now_stamp})
    call.work.note(sobject.name, record_id, "undelete")


def _merge(call: Call, table: Table) -> Table:
    """Merge the record `loser` into `id`: its children move, it is deleted and names its master.

    Source: SOAP API Developer Guide, merge() [D].
    """
    sobject = _sobject(call, table)
    if "masterrecordid" not in sobject.fields:
        raise ValueError(f"{sobject.name} cannot be merged")
    kept, loser = (_row(call, sobject, table[name])["Id"] for name in ("id", "loser"))
    for child in sobject.children:
        for row in call.org.storage.select(child.child, f'"{child.field}" = ?', loser):
            call.org.storage.update(child.child, row["Id"], {child.field: kept})
            call.work.note(child.child, row["Id"], "update")
    _done(delete(call, sobject, loser))
    call.org.storage.update(sobject.name, loser, {"MasterRecordId": kept})
    return {"id": kept}


def _deny(call: Call, table: Table, right: str) -> Table:
    sobject = _sobject(call, table)
    field = _field(sobject, table)
    users = [row["Username"] for row in call.org.storage.select("User", "1")]
    denied = [{"object": sobject.name, "field": field.name, "user": user, right: False} for user in users]
    org = call.org
    org.definition = replace(org.definition, field_permissions=(*org.definition.field_permissions, *denied))
    org.rights = Rights(org.definition, org.storage)
    return {"field": field.name}


def _hide_field(call: Call, table: Table) -> Table:
    return _deny(call, table, "read")


def _lock_field(call: Call, table: Table) -> Table:
    return _deny(call, table, "edit")


def _drop_value(call: Call, table: Table) -> Table:
    """Deactivate a picklist value and restrict the field to the others."""
    sobject = _sobject(call, table)
    field = _field(sobject, table)
    left = tuple(
        replace(item, active=item.active and item.value != table["value"]) for item in field.picklist
    )
    if left == field.picklist:
        raise ValueError(f"{field.name} has no active value {table['value']!r}")
    changed = replace(field, picklist=left, restricted=True)
    call.org.schema.put(replace(sobject, fields={**sobject.fields, field.name.lower(): changed}))
    return {"field": field.name}


def _drop_record_type(call: Call, table: Table) -> Table:
    sobject = _sobject(call, table)
    left = tuple(
        replace(kind, active=kind.active and kind.developer_name != table["developer_name"])
        for kind in sobject.record_types
    )
    if left == sobject.record_types:
        raise ValueError(f"{sobject.name} has no active record type {table['developer_name']!r}")
    call.org.schema.put(replace(sobject, record_types=left))
    return {"object": sobject.name}


def _deactivate_user(call: Call, table: Table) -> Table:
    users = call.org.schema["User"]
    found = call.org.storage.find(users, users.fields["username"], table["username"])
    if not found:
        raise ValueError(f"no user is called {table['username']!r}")
    call.org.storage.update("User", found[0], {"IsActive": 0})
    return {"id": found[0]}


def _swap_org(call: Call, table: Table) -> Table:
    """Put another org behind the address: a refreshed sandbox, or production in place of it."""
    old, new = call.org.id, call.org.new_organization_id()
    changes = {"Id": new, "IsSandbox": int(table.get("sandbox", True))}
    call.org.storage.update("Organization", old, changes)
    call.org.id = new
    return {"id": new}


def _set_switches(call: Call, table: Table) -> Table:
    values: Table = table["values"]
    chosen = Switches.from_table(values)
    call.org.switches = replace(call.org.switches, **{name: getattr(chosen, name) for name in values})
    return {"switches": values}


def _set_usage(call: Call, table: Table) -> Table:
    """Set the calls used and the limits; a `long_limit` of 0 is an org whose long calls are all taken."""
    usage = call.org.usage
    usage.used = int(table.get("used", usage.used))
    usage.daily_limit = int(table.get("daily_limit", usage.daily_limit))
    usage.long_limit = int(table.get("long_limit", usage.long_limit))
    return {"used": usage.used, "daily_limit": usage.daily_limit, "long_limit": usage.long_limit}


def _expire_cursors(call: Call, _: Table) -> Table:
    call.org.cursors.expire_all()
    return {}


_KINDS: Final[dict[str, Callable[[Call, Table], Table]]] = {
    "create": _create,
    "edit": _edit,
    "delete": _delete,
    "undelete": _undelete,
    "merge": _merge,
    "hide_field": _hide_field,
    "lock_field": _lock_field,
    "drop_value": _drop_value,
    "drop_record_type": _drop_record_type,
    "deactivate_user": _deactivate_user,
    "swap_org": _swap_org,
    "switches": _set_switches,
    "usage": _set_usage,
    "expire_cursors": _expire_cursors,
}
