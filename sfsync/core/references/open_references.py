"""References that a person has to settle, as values: what they say, and what they may mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Described:
    """One candidate in words: its id, its name, and what tells it from the others."""

    record_id: str
    name: str
    telling: str = ""

    @property
    def words(self) -> str:
        """The candidate as a message lists it."""
        said = ", ".join(each for each in (self.name, self.telling) if each)
        return f"{self.record_id} ({said})" if said else self.record_id


@dataclass(frozen=True, slots=True)
class OpenReference:
    """A reference that a person has to settle: none of the records, or several, are what it says.

    `field` is the strategy and `value` the text that it was looked up by, as a picks file names them.
    """

    sobject: str
    field: str
    value: str
    candidates: tuple[Described, ...] = ()
