"""Rules and triggers that the org files of the tests name."""

from sfsync.emulator.org.hooks import Event

seen: list[str] = []


def needs_amount(event: Event) -> str | None:
    """Refuse a deal without an amount."""
    return None if event.row["Amount"] else "Amount is needed"


def shout(event: Event) -> None:
    """Rewrite the name, or fail."""
    if event.row["Name"] == "boom":
        raise RuntimeError("boom")
    event.row["Name"] = event.row["Name"].upper()


def remember(event: Event) -> None:
    """Note what it was told; refuse names that say so."""
    seen.append(f"{event.moment} {event.op} {event.row['Name']}")
    if event.row["Name"] == f"no {seen.count(seen[-1])}":
        event.refuse("not this one", "Name")


def again(event: Event) -> None:
    """Write to its own record without end."""
    event.records.update(event.row["Id"], NextStep=f"{event.row['NextStep'] or ''}x")


def take_contact(event: Event) -> None:
    """Add a role without a contact, which is refused."""
    event.records.insert("OpportunityContactRole", OpportunityId=event.row["Id"])


def take_named_contact(event: Event) -> None:
    """Add a role for the contact whose id stands in the next step."""
    event.records.insert(
        "OpportunityContactRole", OpportunityId=event.row["Id"], ContactId=event.row["NextStep"]
    )


def write_nonsense(event: Event) -> None:
    """Write a text that is longer than its field."""
    event.row["NextStep"] = "x" * 256


def needs_title(event: Event) -> str | None:
    """Refuse a contact without a title."""
    return None if event.row["Title"] else "Title is needed"


def needs_site(event: Event) -> str | None:
    """Refuse an account without a site."""
    return None if event.row["Site"] else "Site is needed"


def win(event: Event) -> None:
    """Write to a field that only the platform writes."""
    event.row["IsWon"] = 1


def win_later(event: Event) -> None:
    """Write to a field that only the platform writes, in a statement of its own."""
    event.records.update(event.row["Id"], IsWon=True)
