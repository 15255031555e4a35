"""Rules and triggers for the org files of the lead conversion tests."""

from sfsync.emulator.org.hooks import Event


def refuse_deals(event: Event) -> str:
    """Refuse every deal."""
    return "no deals today"


def shout(event: Event) -> None:
    """Rewrite the name of an account."""
    event.row["Name"] = event.row["Name"].upper()


def mark_undeleted(event: Event) -> None:
    """Leave a mark on a deal that came back."""
    event.records.update(event.row["Id"], NextStep="it is back")
