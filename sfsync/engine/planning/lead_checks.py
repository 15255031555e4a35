"""Whether deals can come out of leads in an org: what describe and lead statuses tell before any lead is read.

No describe tells the permission to convert leads; that, and each lead, stays unchecked until a plan is applied.
Source: SOAP API Developer Guide, convertLead (permission Convert Leads; LeadStatus with IsConverted).
"""

from __future__ import annotations

from collections.abc import Sequence

from sfsync.core.deals.lead_rule import LeadRule
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.wording import listed
from sfsync.engine.planning.lead_planning import status_of
from sfsync.errors import ConfigError

UNCHECKED = "whether the user has the permission Convert Leads, and whether each lead is there and open"
"""What only a conversion tells."""


def lead_note(rule: LeadRule, describe: SObjectDescribe, statuses: Sequence[str]) -> Problem:
    """What will become of leads, or why this user can convert none.

    Raises:
        ConfigError: the job names fields that leads do not have, or a status that does not stand for converted.
    """
    unknown = [each for each in rule.match if describe.field(each) is None]
    if unknown:
        raise ConfigError(
            f"opportunities.lead.match: Lead has no field {listed(unknown)} for this user",
            code="UNKNOWN_FIELD",
            hint="Correct the name, or let the user see the field.",
        )
    status = status_of(rule, statuses)
    field = describe.field("Status")
    if field is None or not field.updateable:
        message = "this user may not edit leads, so none can be converted"
        return Problem("LEADS_READ_ONLY", Stage.MAP, message, "Give it Edit on Lead and Convert Leads.")
    message = f"rows that name a lead come out of it: the lead is converted to {status}, once and for good"
    return Problem("LEADS", Stage.MAP, message)
