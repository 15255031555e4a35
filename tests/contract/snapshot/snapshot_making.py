"""Takes snapshots of emulated orgs with the product's own gateway, and makes rich and broken ones."""

from __future__ import annotations

import copy
import json
import threading
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sfsync.core.events import ignore_events
from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.orgs.snapshot import dump_snapshot
from sfsync.emulator.org.definition import OrgDefinition
from sfsync.emulator.server import RunningEmulator, running
from sfsync.engine.snapshotting import take_snapshot
from sfsync.salesforce.gateway import SalesforceGateway

ORG_FILE = Path(__file__).parents[3] / "config" / "emulator" / "org.toml"
RICH: dict[str, Any] = {
    "organization": {"name": "Rich", "sandbox": False, "fiscal_year_start_month": 4},
    "users": [{"username": "it@rich.example", "last_name": "IT", "api_user": True}],
    "stages": [
        {"name": "Open", "probability": 10, "forecast_category": "Pipeline"},
        {"name": "Late", "label": "Delayed", "probability": 20, "forecast_category": "BestCase"},
        {"name": "Old", "probability": 5, "forecast_category": "Pipeline", "active": False},
        {
            "name": "Won",
            "probability": 100,
            "forecast_category": "Closed",
            "closed": True,
            "won": True,
        },
    ],
    "contact_roles": ["Sponsor"],
    "restricted": ["Opportunity.LeadSource"],
    "objects": [
        {"name": "Region__c", "label": "Region", "key_prefix": "a01"},
        {"name": "Country__c", "label": "Country", "key_prefix": "a02"},
    ],
    "fields": [
        {"object": "Region__c", "name": "Country__c", "type": "MasterDetail", "reference_to": "Country__c"},
        {
            "object": "Opportunity",
            "name": "ns__Region__c",
            "type": "Lookup",
            "reference_to": "Region__c",
            "child_relationship": "ns__Deals__r",
        },
        {
            "object": "Opportunity",
            "name": "ns__Key__c",
            "type": "Text",
            "length": 40,
            "external_id": True,
            "unique": True,
        },
        {
            "object": "Opportunity",
            "name": "Kind__c",
            "type": "Picklist",
            "values": ["A", "B"],
            "restricted": True,
        },
        {"object": "Opportunity", "name": "Tags__c", "type": "MultiselectPicklist", "values": ["X", "Y"]},
        {"object": "Opportunity", "name": "Secret__c", "type": "Text", "length": 10},
        {"object": "Opportunity", "name": "Locked__c", "type": "Number", "precision": 6, "scale": 2},
        {"object": "Account", "name": "Needed__c", "type": "Checkbox", "default": True},
        {"object": "Account", "name": "Since__c", "type": "Date", "required": True},
    ],
    "record_types": [
        {"object": "Opportunity", "developer_name": "Retail", "stages": ["Open", "Won"], "default": True},
        {"object": "Opportunity", "developer_name": "Bulk", "stages": ["Open", "Late", "Won"]},
        {"object": "Opportunity", "developer_name": "Gone", "active": False, "available": False},
        {"object": "Account", "developer_name": "Shop"},
    ],
    "field_permissions": [
        {"object": "Opportunity", "field": "Secret__c", "user": "it@rich.example", "read": False},
        {"object": "Opportunity", "field": "Locked__c", "user": "it@rich.example", "edit": False},
        {"object": "Opportunity", "field": "NextStep", "user": "it@rich.example", "read": False},
    ],
}
"""An org with all that a snapshot has to carry."""

Org = dict[str, Any] | Path | OrgDefinition


def taken(emulator: RunningEmulator, *, also: Iterable[str] = ()) -> bytes:
    """The text of a snapshot of a running emulator."""
    profile = OrgProfile(
        "test",
        Login.TOKEN,
        instance_url=emulator.instance_url,
        access_token=SecretStr(emulator.access_token),
        loopback=True,
    )
    gateway = SalesforceGateway(
        profile,
        clock=lambda: datetime(2026, 9, 1, tzinfo=UTC),
        listener=ignore_events,
        stop=threading.Event(),
    )
    try:
        snapshot = take_snapshot(gateway, also=also, api_version="66.0", listener=ignore_events)
        return dump_snapshot(snapshot)
    finally:
        gateway.close()


def snapshot_of(org: Org, *, also: Iterable[str] = ()) -> bytes:
    """The text of a snapshot of an org that is served for it."""
    with running(org) as emulator:
        return taken(emulator, also=also)


def shipped() -> dict[str, Any]:
    """A snapshot of the shipped org, to be changed by a test."""
    if not _SHIPPED:
        _SHIPPED.update(json.loads(snapshot_of(ORG_FILE)))
    return copy.deepcopy(_SHIPPED)


_SHIPPED: dict[str, Any] = {}


def shipped_org_file() -> dict[str, Any]:
    """The shipped org file as a document."""
    return tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))


def opportunity(document: dict[str, Any]) -> dict[str, Any]:
    """The object of a snapshot that most tests change."""
    found: dict[str, Any] = document["objects"]["Opportunity"]
    return found
