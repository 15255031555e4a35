"""Receipts: what makes a write without a key safe to repeat, wherever the org has the object for them.

A receipt is a record with a token that the org keeps unique. It is inserted in the same all-or-nothing graph
as the rows it stands for, so a second delivery of that graph, however late, fails on the token and takes its
rows down. The token is in the journal before the graph leaves, and stays the unit's until it is burned.
A token can also be *burned*: inserted alone. Then its graph can never commit any more, and what nobody could
say of is known: either the burned receipt is there, and nothing was saved, or the graph's own, and all was.
Source: REST API Developer Guide, "Composite Graph"; Object Reference, unique custom fields.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.values import Value
from sfsync.core.writes import Graph, GraphCall, Receipt, WriteCall

RECEIPT: Final = "Sfsync_Receipt__c"
TOKEN: Final = "Token__c"
RECORD: Final = "Record_Id__c"
BURNED: Final = "burned"
"""What `RECORD` holds in a receipt that was burned."""

TOKEN_LENGTH: Final = 40
RECORD_LENGTH: Final = 18


def can_keep_receipts(describe: SObjectDescribe) -> bool:
    """Whether the org's receipt object has the two fields that a receipt needs, and this user may fill them."""
    token, record = describe.field(TOKEN), describe.field(RECORD)
    if token is None or record is None or not describe.createable or not describe.updateable:
        return False
    has_room = token.length >= TOKEN_LENGTH and record.length >= RECORD_LENGTH
    return has_room and token.is_key and token.filterable and record.createable and record.updateable


def new_token(attempt_id: str, unit_id: str) -> str:
    """A token for a unit that is first sent in that attempt: 40 hexadecimal digits, of no other unit or attempt."""
    text = f"{attempt_id}\n{unit_id}".encode()
    return hashlib.blake2b(text, digest_size=TOKEN_LENGTH // 2).hexdigest()


def receipts_of(call: WriteCall) -> list[Receipt]:
    """The receipts of all graphs of a call; collections have none."""
    if not isinstance(call, GraphCall):
        return []
    return [receipt for graph in call.graphs for receipt in graph.receipts]


def with_tokens(call: GraphCall, tokens: Mapping[str, str]) -> GraphCall:
    """The call with its receipts' tokens, given by unit id."""
    return replace(call, graphs=tuple(_with_tokens(graph, tokens) for graph in call.graphs))


def _with_tokens(graph: Graph, tokens: Mapping[str, str]) -> Graph:
    receipts = tuple(replace(each, token=tokens[each.unit_id]) for each in graph.receipts)
    return replace(graph, receipts=receipts)


def burned(token: str) -> Mapping[str, Value]:
    """The values of a receipt that keeps its graph from ever committing."""
    return {TOKEN: token, RECORD: BURNED}
