"""What a change of a contact role is called in a plan: whom it is about, and what its fields do not say."""

from __future__ import annotations

from collections.abc import Iterable

from sfsync.core.plans.plan import NEW, Action, Change
from sfsync.core.values import shown
from sfsync.report.safe_text import shortened


def role_title(role: Change, of_deal: Iterable[Change], *, is_undo: bool) -> str:
    """`contact Ada Lovelace as Decision Maker, primary`; an update says the rest in its fields.

    `of_deal` are the changes of all roles of the deal.
    """
    if role.action is Action.DELETE and is_undo:
        return f"contact {role.label} is deleted: the run had added it"
    if role.action is Action.DELETE:
        return f"{role.label} is deleted: the source does not have it"
    if role.row is None and is_undo:
        return _undone_title(role)
    if role.row is None:
        return f"the primary contact until now ({role.record_id or role.key})"
    is_new = role.action in NEW
    becomes_primary = role.values.get("IsPrimary") is True or _arrives_primary(role, of_deal)
    as_role = f" as {shown(role.values['Role'])}" if is_new and role.values.get("Role") else ""
    because = f": {role.because}" if role.because else ""
    primary = f", primary{because}" if becomes_primary and (is_new or because) else ""
    other = f", of another account: {shortened(role.other_account, most=80)}" if role.other_account else ""
    with_lead = " (the role that comes with the lead)" if role.action is Action.CONVERT else ""
    return f"contact {role.label}{as_role}{primary}{other}{with_lead}"


def _arrives_primary(role: Change, of_deal: Iterable[Change]) -> bool:
    """Whether a role comes with its lead, which makes it primary, and no row takes the flag from it."""
    is_left = role.action is Action.CONVERT and role.values.get("IsPrimary") is not False
    return is_left and not any(each.values.get("IsPrimary") is True for each in of_deal)


def _undone_title(role: Change) -> str:
    """A role that no row of the run asks for, and that the run deleted or took the flag from or gave it to."""
    is_primary = role.values.get("IsPrimary") is True
    if role.action is Action.CREATE:
        return f"{role.label}{', primary,' if is_primary else ''} is put back: the run had deleted it"
    if is_primary:
        return f"the primary contact before the run ({role.record_id})"
    return f"another role of the contact whom the run made primary ({role.record_id})"
