"""An org with the object for receipts, as `sfsync org setup` describes it, and a job on deals that exist there."""

from __future__ import annotations

import tomllib
from typing import Any

from main_job_bench import ALAN, LEUNG, ORG_FILE, Bench, deal, role

RECEIPT = "Sfsync_Receipt__c"
RECEIPT_OBJECT = {"name": RECEIPT, "label": "Sfsync Receipt", "key_prefix": "a0r"}
RECEIPT_FIELDS = (
    {
        "object": RECEIPT,
        "name": "Token__c",
        "type": "Text",
        "length": 40,
        "external_id": True,
        "unique": True,
        "case_sensitive": True,
    },
    {"object": RECEIPT, "name": "Record_Id__c", "type": "Text", "length": 18},
)


def org_with_receipts() -> dict[str, Any]:
    """The example org's definition, with the receipt object."""
    document = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    document["objects"].append(RECEIPT_OBJECT)
    document["fields"].extend(RECEIPT_FIELDS)
    return document


KEYS = ("D-1", "D-2", "D-3")


def put_deals_without_roles(bench: Bench) -> None:
    """Brings three deals to the org, so that their roles go to deals that exist."""
    bench.write_job([deal(key) for key in KEYS], [role("D-1", name="None")])
    assert bench.run().exit_code == 0


def ask_for_roles(bench: Bench) -> None:
    """Makes the job ask for two roles on each of those deals, one of them primary."""
    roles = [role(key, LEUNG, "Evaluator") for key in KEYS]
    roles += [role(key, ALAN, "Decision Maker", "true") for key in KEYS]
    bench.write_job([deal(key) for key in KEYS], roles)


def receipts(bench: Bench) -> list[str | None]:
    """What the receipts in the org hold, in the order in which they were made."""
    return [row["Record_Id__c"] for row in bench.emulator.org.storage.select(RECEIPT, "1 = 1")]
