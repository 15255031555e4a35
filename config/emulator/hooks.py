"""Ready-made automation for rehearsals; `automated.toml` beside this file names them.

Each function is a trigger or a validation rule of the played org. How they are written stands in
`sfsync/emulator/org/hooks.py` and in docs/emulator-hooks.md.
"""

from sfsync.emulator.org.hooks import Event

ROLE = "OpportunityContactRole"


def add_role(event: Event) -> None:
    """After a deal was inserted: give it a role for the oldest contact of its account."""
    contacts = (
        event.records.find("Contact", AccountId=event.row["AccountId"]) if event.row["AccountId"] else []
    )
    if contacts:
        deal = event.row["Id"]
        event.records.insert(ROLE, OpportunityId=deal, ContactId=contacts[0]["Id"], Role="Influencer")


def change_primary(event: Event) -> None:
    """After a role was inserted: make it the primary one, whoever was before."""
    if not event.row["IsPrimary"]:
        event.records.update(event.row["Id"], IsPrimary=True)


def keep_one_role(event: Event) -> None:
    """Before a role is inserted: refuse a second role of the same contact on the deal."""
    same = {"OpportunityId": event.row["OpportunityId"], "ContactId": event.row["ContactId"]}
    if event.records.find(ROLE, **same):
        event.refuse("This contact already has a role on the opportunity.", "ContactId")


def tidy_name(event: Event) -> None:
    """Before a deal is saved: collapse the blanks of its name, so that it differs from what was sent."""
    if event.row["Name"]:
        event.row["Name"] = " ".join(event.row["Name"].split())


def round_amount(event: Event) -> None:
    """Before a deal is saved: round its amount to whole units."""
    if event.row["Amount"] is not None:
        event.row["Amount"] = float(round(event.row["Amount"]))


def fail_on_request(event: Event) -> None:
    """Before a record is saved or deleted: break down when its name says so, as a trigger with a bug does."""
    if "fail the trigger" in str(event.row["Name"]).lower():
        raise RuntimeError("System.NullPointerException: Attempt to de-reference a null object")


def keep_won_deals(event: Event) -> None:
    """Before a deal is deleted: refuse when it is won."""
    if event.row["IsWon"]:
        event.refuse("A won opportunity cannot be deleted.")


def closed_deals_have_an_amount(event: Event) -> str | None:
    """Validate: a won deal needs an amount."""
    if event.row["IsWon"] and not event.row["Amount"]:
        return "A won opportunity needs an amount."
    return None
