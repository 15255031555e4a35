"""What makes creates safe to repeat, in words: what each route rests on, and what would make it better.

One place for these words, so that a plan, a check and the documentation cannot disagree. The reasons are those
of the routes themselves (`core.sending.routes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.job import Section
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.sending.receipts import RECEIPT
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.writes import Route

SAFE_BECAUSE: Final[Mapping[Route, str]] = {
    Route.KEY_FENCE: "safe to repeat: the org refuses a second record with the same key",
    Route.RECEIPT_FENCE: "safe to repeat: the org refuses a second request with the same receipt",
    Route.JOB_FENCE: "safe with one journal and one run at a time: the org lists what became of every row",
    Route.AT_MOST_ONCE: "sent once; a lost answer is looked up in the org or left for you, not sent again blindly",
}
"""One line for each route, as a plan shows it."""

UPDATED_STRICTLY: Final = "by id, on the condition that nobody has written to the record since it was read"
UPDATED_FAST: Final = (
    "by id: the same values twice are the same values; an edit made meanwhile is overwritten"
)
ROLES_CHANGED: Final = "by id: the same values twice are the same values; read again right before they go"
DELETED_BY_ID: Final = "by id: what is gone is done, and what is there may be deleted again"
CONVERTED_BY_ID: Final = "by id: the platform converts a lead once and refuses a second time"
"""One line for each kind of write that is no create."""

RESTS_ON: Final[Mapping[Route, tuple[str, ...]]] = {
    Route.KEY_FENCE: (
        "the org keeps the key unique; nobody clears or edits it in the org, or undeletes an old record with it",
    ),
    Route.RECEIPT_FENCE: (
        f"the org keeps the tokens in {RECEIPT} unique, and no receipt is deleted while an answer is out",
    ),
    Route.JOB_FENCE: (
        "this journal is kept and no other one is used",
        "no other program loads the same kind of record for this job at the same time",
        "the platform does not repeat rows of a bulk job by itself",
    ),
    Route.AT_MOST_ONCE: (
        "nothing in the org tells a repeated row from a new one, so a row whose answer is lost waits for a person",
    ),
}
"""What must be so for a route to keep its word; it holds at any delay, whoever sends again."""

KEYLESS: Final = "rows are known again by this journal alone: keep it, and back it up with the state folder"

MADE_KEYLESS: Final = "those made for rows are known again by what the rows match, else by this journal"


@dataclass(frozen=True, slots=True)
class Guarantee:
    """By which route an sObject's creates go, on what that rests, and what in the org would make it better."""

    route: Route
    rests_on: tuple[str, ...]
    better: tuple[str, ...]


def guarantee_of(section: Section, describe: SObjectDescribe, route: Route) -> Guarantee:
    """The guarantee of one section's creates; of contact roles, of those on deals that exist."""
    rests_on = RESTS_ON[route]
    if section.row_key is not None:
        rests_on = (*rests_on, KEYLESS)
    if section.sobject == CONTACT_ROLE:
        rests_on = ("a role of a new deal goes in one request with it, and by its route", *rests_on)
    return Guarantee(route, rests_on, tuple(_better(section, describe, route)))


def _better(section: Section, describe: SObjectDescribe, route: Route) -> Iterator[str]:
    if section.key is not None:
        yield from _better_key(section, describe, section.key)
    elif section.row_key is not None:
        yield from _missing_key(section, describe)
    if route in (Route.JOB_FENCE, Route.AT_MOST_ONCE):
        yield (
            f"let an administrator add the object {RECEIPT} (sfsync org setup writes it, ready to deploy): then"
            " these creates go behind receipts"
        )
    if describe.deletable and section.sobject != CONTACT_ROLE:
        yield (
            f"this user may delete records of {describe.label}, which no run does, only sfsync undo: where undo is"
            " not wanted, take the right away"
        )


def _better_key(section: Section, describe: SObjectDescribe, key: str) -> Iterator[str]:
    field = describe.field(key)
    if field is not None and not field.case_sensitive and field.type == "string":
        yield (
            f"{section.sobject}.{key} does not tell upper from lower case: set its Unique to treat ABC and abc as"
            " different values, or rows whose keys differ in case alone are refused"
        )


def _missing_key(section: Section, describe: SObjectDescribe) -> Iterator[str]:
    named = [each.name for each in describe.key_fields()]
    if named:
        yield f'the org has {" and ".join(named)} for keys: write key = "{named[0]}" in place of row_key'
        return
    lesser = [each.name for each in describe.fields.values() if each.external_id and not each.unique]
    if lesser:
        yield f"{section.sobject}.{lesser[0]} is an External ID, not Unique: make it Unique, and it can be the key"
    yield (
        f"add a key field to {section.sobject}: Text(255), External ID, Unique, case sensitive (sfsync org setup"
        " writes it, ready to deploy)"
    )
