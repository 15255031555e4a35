"""A deal of the org whose primary contact is Leung, and the job that makes Alan the primary contact instead."""

from __future__ import annotations

from main_job_bench import ALAN, LEUNG, Bench, deal

DEAL = "DEAL-1003"
ROW = deal(DEAL, deal="Get Cloudy - 20 Running Shoes", close_date="2026-12-18", amount="1780.00")
MOVED = [(ALAN, "Decision Maker", True), (LEUNG, "Evaluator", False)]
BEFORE = [(LEUNG, "Evaluator", True)]


def leung_is_primary(bench: Bench, *, alan_has_a_role: bool = False) -> None:
    """The deal's one primary contact is Leung; Alan may have a role already."""
    held = bench.find("OpportunityContactRole", Role="Evaluator")
    bench.change("OpportunityContactRole", held, IsPrimary=True)
    if alan_has_a_role:
        bench.create(
            "OpportunityContactRole",
            OpportunityId=bench.find("Opportunity", Sfsync_Key__c=DEAL),
            ContactId=bench.find("Contact", Email=ALAN),
            Role="Decision Maker",
        )
