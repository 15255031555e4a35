"""Rules and triggers that the org files of the tests name."""

from typing import Any


def needs_amount(row: dict[str, Any], before: dict[str, Any] | None) -> str | None:
    """Refuse a deal without an amount."""
    return None if row["Amount"] else "Amount is needed"


def shout(row: dict[str, Any], before: dict[str, Any] | None) -> None:
    """Rewrite the name, or fail."""
    if row["Name"] == "boom":
        raise RuntimeError("boom")
    row["Name"] = row["Name"].upper()
