"""What a snapshot of an org is taken from; `salesforce/` implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sfsync.core.ports import Lookup, Record


class OrgMetadata(Protocol):
    """What a snapshot is taken from; raises as `core.ports.OrgSchema` does."""

    def describe_document(self, sobject: str) -> Mapping[str, Any]:
        """The describe answer of an sObject as the org gives it.

        Raises:
            ConfigError: there is no such sObject for this user.
        """
        ...

    def picklist_document(self, sobject: str, record_type_id: str) -> Mapping[str, Any] | str:
        """The picklist values that a record type offers, as the UI API gives them; or the code of a refusal."""
        ...

    def fetch(self, lookups: Sequence[Lookup]) -> list[list[Record]]:
        """The records of each lookup; asked for setup objects only."""
        ...
