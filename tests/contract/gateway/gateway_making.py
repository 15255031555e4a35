"""Gateways, profiles and write calls as the contract tests of the gateway need them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from sfsync.core.events import Event
from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.writes import CollectionCall, Graph, GraphCall, Node, NodeRef, Route
from sfsync.salesforce.gateway import SalesforceGateway
from sfsync.salesforce.retrying import RetryPolicy

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
TOKEN = "00D000000000001!CANARY.token"
SECRET = "CANARY-secret"
DEAL_ID = "006000000000001AAA"
ROLE_ID = "00K000000000001EAA"
CONTACT_ID = "003000000000001AAA"
QUICK = RetryPolicy(first_wait_s=0.0, max_wait_s=0.0, deadline_s=20.0)


class RecordingEvent(threading.Event):
    """A stop event that notes how long it was waited on, and waits not at all.

    `sets_at_wait` is the number of the wait during which a signal comes.
    """

    sets_at_wait = 0

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Notes the wait and returns at once."""
        self.waits.append(timeout or 0.0)
        if len(self.waits) == self.sets_at_wait:
            self.set()
        return self.is_set()


class Bench:
    """A gateway with what it announced and how long it would have slept."""

    def __init__(self, profile: OrgProfile, policy: RetryPolicy = QUICK, *, threads: int = 1) -> None:
        self.events: list[Event] = []
        self.stop = RecordingEvent()
        self.gateway = SalesforceGateway(
            profile,
            clock=lambda: NOW,
            listener=self.events.append,
            stop=self.stop,
            policy=policy,
            threads=threads,
        )


def token_profile(url: str, **changes: Any) -> OrgProfile:
    """A profile with a token of its own."""
    settings = {"instance_url": url, "access_token": SecretStr(TOKEN), "loopback": True} | changes
    return OrgProfile("test", Login.TOKEN, **settings)


def client_profile(url: str, **changes: Any) -> OrgProfile:
    """A profile that logs in by client credentials."""
    settings = {
        "login_url": url,
        "client_id": SecretStr("client"),
        "client_secret": SecretStr(SECRET),
        "loopback": True,
    } | changes
    return OrgProfile("test", Login.CLIENT_CREDENTIALS, **settings)


def deal_graph(key: str = "DEAL-1", *, with_role: bool = False) -> Graph:
    """A new deal with its key, and perhaps a role of it."""
    deal = Node("deal", f"Opportunity:{key}", "Opportunity", None, {"Name": "Shoes", "Key__c": key})
    role = Node(
        "role",
        f"OpportunityContactRole:{key}",
        "OpportunityContactRole",
        None,
        {"OpportunityId": NodeRef("deal"), "ContactId": CONTACT_ID},
    )
    return Graph(f"g_{key.replace('-', '_')}", (deal, role) if with_role else (deal,))


def create_call(route: Route = Route.KEY_FENCE) -> GraphCall:
    """A call that creates one deal."""
    return GraphCall((deal_graph(),), route)


def update_call(*ids: str) -> CollectionCall:
    """A call that updates deals by id."""
    rows = tuple(
        Node(f"u{place}", f"Opportunity:{place}", "Opportunity", each, {"Amount": Decimal("10.50")})
        for place, each in enumerate(ids or (DEAL_ID,))
    )
    return CollectionCall((rows,), Route.BY_ID)


def graph_answer(*, graph_id: str = "g_DEAL_1", record_id: str = DEAL_ID) -> dict[str, Any]:
    """The platform's answer to `create_call`."""
    node = {
        "body": {"id": record_id, "success": True, "errors": []},
        "httpHeaders": {"Location": f"/services/data/v66.0/sobjects/Opportunity/{record_id}"},
        "httpStatusCode": 201,
        "referenceId": "deal",
    }
    graph = {"graphId": graph_id, "graphResponse": {"compositeResponse": [node]}, "isSuccessful": True}
    return {"graphs": [graph]}


def token_answer(url: str, token: str = TOKEN) -> dict[str, Any]:
    """The answer of a token endpoint."""
    return {"access_token": token, "instance_url": url, "token_type": "Bearer", "issued_at": "1719846000000"}
