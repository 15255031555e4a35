"""The start page and the pipeline: the deals by stage, with what they are worth."""

from typing import Final

from sfsync.emulator.pages.html import link, page, table, tag
from sfsync.emulator.pages.looking import Look, Row, money, of, record_link

_COUNTED: Final = (
    ("Accounts", "FROM Account"),
    ("Contacts", "FROM Contact"),
    ("Leads", "FROM Lead"),
    ("Opportunities", "FROM Opportunity"),
    ("Contact roles", "FROM OpportunityContactRole"),
)


def start_page(look: Look) -> bytes:
    """Where a look begins: what the org holds, and the deals that were written last."""
    counts = [(name, f"{look.count(tail):,}") for name, tail in _COUNTED]
    newest = look.rows(
        "SELECT Id, Name, StageName, Amount, Account.Id, Account.Name, LastModifiedDate FROM Opportunity"
        " ORDER BY LastModifiedDate DESC, Id LIMIT 20"
    )
    parts = (
        table("Records", ("Object", "Records"), counts, numbers=(1,)),
        tag("p", link("/lightning/o/Opportunity/list", "The pipeline by stage")),
        tag("h2", "Deals written last"),
        table(
            "Deals",
            ("Deal", "Account", "Stage", "Amount", "Written"),
            [_written(row) for row in newest],
            numbers=(3,),
        ),
    )
    return page(look.name, look.name, *parts)


def pipeline_page(look: Look) -> bytes:
    """All deals by stage, and one page of them as a list."""
    sums = {
        row["StageName"]: row
        for row in look.rows(
            "SELECT StageName, COUNT(Id) n, SUM(Amount) amount, SUM(ExpectedRevenue) expected FROM Opportunity"
            " GROUP BY StageName"
        )
    }
    most = max((int(row["n"]) for row in sums.values()), default=1)
    names = [*look.org.stages, *(name for name in sums if name not in look.org.stages)]
    stages = [_stage(look, name, sums[name], most) for name in names if name in sums]
    rows, total = look.listed(
        "Id, Name, StageName, CloseDate, Amount, Account.Id, Account.Name, Owner.Name", "FROM Opportunity"
    )
    headers = ("Stage", "Probability", "Deals", "Share", "Amount", "Expected revenue")
    listed = [
        (
            record_link("Opportunity", row["Id"], row["Name"]),
            record_link("Account", of(row, "Account", "Id"), of(row, "Account", "Name")),
            row["StageName"],
            row["CloseDate"],
            money(row["Amount"]),
            of(row, "Owner", "Name"),
        )
        for row in rows
    ]
    return page(
        "Pipeline",
        look.name,
        tag("h2", "By stage"),
        table("Deals by stage", headers, stages, numbers=(1, 2, 4, 5)),
        tag("h2", "All deals"),
        table("Deals", ("Deal", "Account", "Stage", "Close date", "Amount", "Owner"), listed, numbers=(4,)),
        look.pages(total),
    )


def _stage(look: Look, name: str, row: Row, most: int) -> tuple[object, ...]:
    stage = look.org.stages.get(name)
    count = int(row["n"])
    bar = tag("meter", f"{count}", value=str(count), max=str(most), aria_label=f"{count} deals in {name}")
    probability = f"{stage.probability} %" if stage else ""
    return name, probability, f"{count:,}", bar, money(row["amount"]), money(row["expected"])


def _written(row: Row) -> tuple[object, ...]:
    account = record_link("Account", of(row, "Account", "Id"), of(row, "Account", "Name"))
    deal = record_link("Opportunity", row["Id"], row["Name"])
    return deal, account, row["StageName"], money(row["Amount"]), row["LastModifiedDate"]
