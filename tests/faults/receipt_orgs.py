"""Jobs on deals that exist already, in an org that has the object for receipts."""

from __future__ import annotations

from main_job_bench import ALAN, LEUNG, RECEIPT, Bench, deal, role

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
