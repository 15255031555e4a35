"""Reads what a page shows: queries as the API's user, of records that are not deleted, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.org.ids import normalised
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.work import Work
from sfsync.emulator.pages.html import Html, joined, link, tag
from sfsync.emulator.rest.querying import run_soql
from sfsync.emulator.wire.messages import Request

ROWS: Final = 50
"""Rows of a list on one page."""

_VERSION: Final = "68.0"

Row = dict[str, Any]


def org_name(org: Org) -> str:
    """What an org is called."""
    return str(org.definition.organization.get("name", "Org"))


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a page: the org, and the request with the number of the list's page."""

    org: Org
    request: Request

    @property
    def name(self) -> str:
        """What the org is called."""
        return org_name(self.org)

    @property
    def number(self) -> int:
        """Which page of a list is asked for, from 1 on."""
        asked = self.request.parameters().get("page", "1")
        return int(asked) if asked.isdecimal() and 0 < int(asked) < 100_000 else 1

    def rows(self, soql: str) -> list[Row]:
        """The records of a query; none where the org does not know what it asks for."""
        work = Work(
            self.org.storage, before_commit=lambda: None, after_commit=lambda _: None, ended=lambda: None
        )
        call = Call(self.org, Request("GET", "/"), work, user_id=self.org.api_user_id, version=_VERSION)
        try:
            return [dict(record) for record in run_soql(call, soql).records]
        except ApiError:
            return []

    def record(self, sobject: str, record_id: str, *fields: str) -> Row | None:
        """One record; None where there is none of that id."""
        full = normalised(record_id)
        rows = self.related(sobject, "Id", full, fields, order="Id") if full else []
        return rows[0] if rows else None

    def related(
        self, sobject: str, reference: str, record_id: str, fields: Sequence[str], *, order: str
    ) -> list[Row]:
        """The first two hundred records that refer to one; the id is one that was read or has the form of one."""
        where = f"WHERE {reference} = '{record_id}' ORDER BY {order} LIMIT 200"
        return self.rows(" ".join(("SELECT", ", ".join(fields), "FROM", sobject, where)))

    def count(self, tail: str) -> int:
        """How many records a query without its SELECT finds."""
        found = self.rows(f"SELECT COUNT(Id) n {tail}")
        return int(found[0]["n"]) if found else 0

    def listed(self, select: str, tail: str) -> tuple[list[Row], int]:
        """The rows of the list's page, and how many there are in all; `tail` begins with FROM, without an order."""
        order = f"ORDER BY Name, Id LIMIT {ROWS} OFFSET {(self.number - 1) * ROWS}"
        return self.rows(f"SELECT {select} {tail} {order}"), self.count(tail)

    def pages(self, total: int) -> Html:
        """Links to the pages of a list."""
        last = -(-total // ROWS)
        if last <= 1:
            return Html("")
        parts: list[object] = [f"Page {self.number} of {last:,} ({total:,} in all) "]
        if self.number > 1:
            parts.append(link(f"?page={self.number - 1}", "previous"))
        if self.number < last:
            parts += [" ", link(f"?page={self.number + 1}", "next")]
        return tag("p", joined(parts))


def record_link(sobject: str, record_id: object, name: object) -> Html:
    """A link to a record's page; nothing where there is no record."""
    return link(f"/lightning/r/{sobject}/{record_id}/view", name) if record_id else Html("")


def of(row: Row, relation: str, field: str) -> Any:
    """A field of a record that the row refers to."""
    parent = row.get(relation)
    return parent.get(field) if isinstance(parent, dict) else None


def money(value: object) -> str:
    """An amount in digits that can be read; "" where there is none."""
    return "" if value is None else f"{float(str(value)):,.2f}"
