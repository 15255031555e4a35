"""The standard fields and stages of deals and contact roles, for a suggestion that is made without any org.

What an org has beyond them, or has taken away, is told by sfsync check against it.
Source: Object Reference, Opportunity and OpportunityContactRole; "Opportunity stages", the standard ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sfsync.core.deals.stages import StageCatalogue, StageInfo
from sfsync.core.orgs.describe import SObjectDescribe, parse_describe
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY

_DEAL: Final = (
    *(
        ("Name", "Opportunity Name", "string"),
        ("StageName", "Stage", "picklist"),
        ("CloseDate", "Close Date", "date"),
    ),
    *(
        ("Amount", "Amount", "currency"),
        ("Probability", "Probability (%)", "percent"),
        ("Type", "Type", "picklist"),
    ),
    *(("NextStep", "Next Step", "string"), ("Description", "Description", "textarea")),
    *(("LeadSource", "Lead Source", "picklist"), ("TotalOpportunityQuantity", "Quantity", "double")),
    *(
        ("AccountId", "Account ID", "Account"),
        ("OwnerId", "Owner ID", "User"),
        ("CampaignId", "Campaign ID", "Campaign"),
    ),
    *(("RecordTypeId", "Record Type ID", "RecordType"), ("ContactId", "Contact ID", "Contact")),
)
_ROLE: Final = (
    *(("OpportunityId", "Opportunity ID", "Opportunity"), ("ContactId", "Contact ID", "Contact")),
    *(("Role", "Role", "picklist"), ("IsPrimary", "Primary", "boolean")),
)
_STAGES: Final = (
    *(("Prospecting", 10), ("Qualification", 10), ("Needs Analysis", 20), ("Value Proposition", 50)),
    *(("Id. Decision Makers", 60), ("Perception Analysis", 70), ("Proposal/Price Quote", 75)),
    *(("Negotiation/Review", 90), ("Closed Won", 100), ("Closed Lost", 0)),
)


def standard_describe(sobject: str) -> SObjectDescribe:
    """The standard fields of deals or contact roles; none of another sObject."""
    table = {OPPORTUNITY: _DEAL, CONTACT_ROLE: _ROLE}.get(sobject, ())
    fields = [_field(*each) for each in table]
    return parse_describe({"name": sobject, "fields": fields})


def standard_stages() -> StageCatalogue:
    """The stages that a new org has."""
    return StageCatalogue({name: _stage(name, percent) for name, percent in _STAGES})


def _stage(name: str, percent: int) -> StageInfo:
    return StageInfo(
        name,
        name,
        Decimal(percent),
        forecast_category="",
        is_active=True,
        is_closed=name.startswith("Closed"),
        is_won=name == "Closed Won",
    )


def _field(name: str, label: str, kind: str) -> dict[str, object]:
    is_reference = kind[0].isupper()
    own: dict[str, object] = {"name": name, "label": label, "createable": True, "updateable": True}
    own["type"] = "reference" if is_reference else kind
    return own | ({"referenceTo": [kind], "relationshipName": name[:-2]} if is_reference else {})
