"""The page of a record: a deal with its stage path and its contact roles, an account, a contact."""

from typing import Final

from sfsync.emulator.pages.html import Html, facts, page, table, tag
from sfsync.emulator.pages.looking import Look, Row, money, of, record_link

_DEAL: Final = (
    *(
        "Id",
        "Name",
        "StageName",
        "CloseDate",
        "Amount",
        "Probability",
        "ForecastCategoryName",
        "ExpectedRevenue",
    ),
    *("NextStep", "Type", "LeadSource", "Description", "RecordTypeId", "RecordType.Name", "Account.Id"),
    *("Account.Name", "Owner.Name", "CreatedDate", "LastModifiedDate", "LastModifiedBy.Name"),
)
_ACCOUNT: Final = ("Id", "Name", "Industry", "Phone", "Website", "BillingCountry", "Owner.Name")
_CONTACT: Final = ("Id", "Name", "Title", "Email", "Phone", "Account.Id", "Account.Name")
_ROLE: Final = (
    *("Role", "IsPrimary", "Contact.Id", "Contact.Name", "Contact.Title", "Contact.Account.Id"),
    "Contact.Account.Name",
)
_ROLE_OF_CONTACT: Final = ("Role", "IsPrimary", "Opportunity.Id", "Opportunity.Name", "Opportunity.StageName")
_PRIMARY_FIRST: Final = "IsPrimary DESC, Contact.Name"


def opportunity_page(look: Look, record_id: str) -> bytes | None:
    """A deal: where it stands, what it is worth, and with whom one deals."""
    deal = look.record("Opportunity", record_id, *_DEAL)
    if deal is None:
        return None
    roles = look.related("OpportunityContactRole", "OpportunityId", deal["Id"], _ROLE, order=_PRIMARY_FIRST)
    told = (
        ("Account", record_link("Account", of(deal, "Account", "Id"), of(deal, "Account", "Name"))),
        ("Owner", of(deal, "Owner", "Name")),
        ("Close date", deal["CloseDate"]),
        ("Amount", money(deal["Amount"])),
        ("Probability", f"{deal['Probability']} %"),
        ("Expected revenue", money(deal["ExpectedRevenue"])),
        ("Forecast category", deal["ForecastCategoryName"]),
        ("Record type", of(deal, "RecordType", "Name")),
        ("Type", deal["Type"]),
        ("Lead source", deal["LeadSource"]),
        ("Next step", deal["NextStep"]),
        ("Description", deal["Description"]),
        ("Id", deal["Id"]),
        ("Created", deal["CreatedDate"]),
        ("Last modified", f"{deal['LastModifiedDate']} by {of(deal, 'LastModifiedBy', 'Name')}"),
    )
    return page(
        deal["Name"],
        look.name,
        stage_path(look, deal),
        facts(told),
        tag("h2", "Contact roles"),
        table(
            "Contact roles", ("Contact", "Title", "Account", "Role", "Primary"), [_role(row) for row in roles]
        ),
    )


def stage_path(look: Look, deal: Row) -> Html:
    """The stages of the deal's sales process in their order; the one that it is in is marked."""
    process = look.org.schema.sobject("Opportunity")
    types = {each.id: each.stages for each in process.record_types} if process else {}
    offered = types.get(str(deal.get("RecordTypeId"))) or tuple(look.org.stages)
    now = deal["StageName"]
    names = [name for name in look.org.stages if name in offered or name == now]
    place = names.index(now) if now in names else len(names)
    stages = [*names, *([now] if now not in names else [])]
    steps = [
        tag("li", name, aria_current="step")
        if name == now
        else tag("li", name, class_="done" if number < place else "ahead")
        for number, name in enumerate(stages)
    ]
    return tag("ol", *steps, class_="path", aria_label="Stage path")


def _role(row: Row) -> tuple[object, ...]:
    contact = row.get("Contact") or {}
    account = record_link("Account", of(contact, "Account", "Id"), of(contact, "Account", "Name"))
    name = record_link("Contact", contact.get("Id"), contact.get("Name"))
    return name, contact.get("Title"), account, row["Role"], "primary" if row["IsPrimary"] else ""


def account_page(look: Look, record_id: str) -> bytes | None:
    """An account with its deals and its contacts."""
    account = look.record(
        "Account", record_id, "Id, Name, Industry, Phone, Website, BillingCountry, Owner.Name"
    )
    if account is None:
        return None
    where = f"WHERE AccountId = '{account['Id']}'"
    deals, total = look.listed("Id, Name, StageName, CloseDate, Amount", f"FROM Opportunity {where}")
    contacts = look.related(
        "Contact", "AccountId", account["Id"], ("Id", "Name", "Title", "Email"), order="Name, Id"
    )
    told = (
        ("Industry", account["Industry"]),
        ("Phone", account["Phone"]),
        ("Website", account["Website"]),
        ("Country", account["BillingCountry"]),
        ("Owner", of(account, "Owner", "Name")),
        ("Id", account["Id"]),
    )
    lines = [
        (
            record_link("Opportunity", row["Id"], row["Name"]),
            row["StageName"],
            row["CloseDate"],
            money(row["Amount"]),
        )
        for row in deals
    ]
    people = [
        (record_link("Contact", row["Id"], row["Name"]), row["Title"], row["Email"]) for row in contacts
    ]
    return page(
        account["Name"],
        look.name,
        facts(told),
        tag("h2", "Opportunities"),
        table("Opportunities", ("Deal", "Stage", "Close date", "Amount"), lines, numbers=(3,)),
        look.pages(total),
        tag("h2", "Contacts"),
        table("Contacts", ("Contact", "Title", "E-mail"), people),
    )


def contact_page(look: Look, record_id: str) -> bytes | None:
    """A contact with the deals in which it has a role."""
    contact = look.record("Contact", record_id, *_CONTACT)
    if contact is None:
        return None
    roles = look.related(
        "OpportunityContactRole", "ContactId", contact["Id"], _ROLE_OF_CONTACT, order="Opportunity.Name, Id"
    )
    told = (
        ("Account", record_link("Account", of(contact, "Account", "Id"), of(contact, "Account", "Name"))),
        ("Title", contact["Title"]),
        ("E-mail", contact["Email"]),
        ("Phone", contact["Phone"]),
        ("Id", contact["Id"]),
    )
    lines = [
        (
            record_link("Opportunity", of(row, "Opportunity", "Id"), of(row, "Opportunity", "Name")),
            of(row, "Opportunity", "StageName"),
            row["Role"],
            "primary" if row["IsPrimary"] else "",
        )
        for row in roles
    ]
    return page(
        contact["Name"],
        look.name,
        facts(told),
        tag("h2", "Roles in deals"),
        table("Roles in deals", ("Deal", "Stage", "Role", "Primary"), lines),
    )
