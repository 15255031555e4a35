"""Which values a record type offers: asked of the org when a row needs it, once for each record type in use.

Only the UI API tells. A user without it is no reason to stop: planning goes on without, and a note says so.
Source: User Interface API Developer Guide, "Get Values for All Picklist Fields of a Record Type".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sfsync.core.reports.results import Problem, Stage
from sfsync.errors import AccessError, ConfigError

Offer = Mapping[str, list[str]]
"""Picklist field -> the API values that a record type offers for it."""


class Picklists(Protocol):
    """The part of an org that tells which values a record type offers."""

    def picklist_document(self, sobject: str, record_type_id: str) -> Mapping[str, Any] | str:
        """The picklist values that a record type offers, as the UI API gives them; or the code of a refusal."""
        ...


@dataclass(slots=True)
class OfferedValues:
    """What record types offer, as far as it was asked for; `notes` names those that the org does not tell of."""

    org: Picklists
    notes: list[Problem] = field(default_factory=list)
    _known: dict[tuple[str, str], Offer] = field(default_factory=dict)

    def of(self, sobject: str, record_type_id: str) -> Offer:
        """The values of a record type by field; empty when the org does not tell."""
        place = (sobject, record_type_id)
        if place not in self._known:
            self._known[place] = self._asked(*place)
        return self._known[place]

    def _asked(self, sobject: str, record_type_id: str) -> Offer:
        try:
            answer = self.org.picklist_document(sobject, record_type_id)
        except (AccessError, ConfigError) as refused:
            answer = refused.code
        offer = _parsed(answer) if not isinstance(answer, str) else None
        if offer is not None:
            return offer
        why = answer if isinstance(answer, str) else "UNREADABLE"
        message = (
            f"the org does not tell which values record type {record_type_id} of {sobject} offers ({why});"
            " the rows were checked without"
        )
        hint = "Let the user use the UI API, or check the job with a snapshot that has the record type."
        self.notes.append(Problem("RECORD_TYPE_VALUES_UNKNOWN", Stage.PLAN, message, hint))
        return {}


def _parsed(document: Mapping[str, Any]) -> Offer | None:
    try:
        return {
            name: [str(value["value"]) for value in each["values"]]
            for name, each in document["picklistFieldValues"].items()
        }
    except (AttributeError, KeyError, TypeError):
        return None
