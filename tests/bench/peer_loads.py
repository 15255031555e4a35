"""The peers: other ways to bring the same rows, run in an environment of their own.

    .bench-venv/bin/python peer_loads.py NAME FOLDER URL TOKEN [LIMIT]

loop: a loop of simple-salesforce creates, `LIMIT` records of it. collections: serial collections of 200 through its
`restful`. bulk2: its `bulk2` helper. cumulusci: the task load_dataset over collections. Each resolves accounts and
contacts by one query each where it has to. Prints what it did as JSON; the time is taken outside.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

_COLUMNS: Final = {
    "deal_id": "Sfsync_Key__c",
    "name": "Name",
    "account": "AccountId",
    "stage": "StageName",
    "close_date": "CloseDate",
    "amount": "Amount",
    "type": "Type",
    "source": "LeadSource",
    "next_step": "NextStep",
    "description": "Description",
}
_ROWS: Final = 200


class PlainAdapter(HTTPAdapter):
    """Sends what is meant for https to a loopback server that speaks http: the peers know https alone."""

    def send(self, request: Any, *rest: Any, **options: Any) -> Any:
        """Sends a request in plain."""
        if request.url.startswith("https://127.0.0.1"):
            request.url = "http" + request.url.removeprefix("https")
        return super().send(request, *rest, **options)


def connected(url: str, token: str) -> Any:
    """A simple-salesforce client of the stub."""
    from simple_salesforce import Salesforce

    session = requests.Session()
    session.trust_env = False
    session.mount("https://127.0.0.1", PlainAdapter())
    return Salesforce(instance_url=url, session_id=token, version="66.0", session=session)


def ids_of(sf: Any, sobject: str, field: str) -> dict[str, str]:
    """The ids of an sObject's records by a field."""
    found = sf.query_all(f"SELECT Id, {field} FROM {sobject}")
    return {each[field]: each["Id"] for each in found["records"]}


def deals_of(folder: Path, accounts: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The deals as fields of an Opportunity."""
    with (folder / "deals.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            body: dict[str, Any] = {_COLUMNS[name]: value or None for name, value in row.items()}
            yield body | {"AccountId": accounts[row["account"]], "Amount": float(row["amount"])}


def roles_of(folder: Path, contacts: dict[str, str], deals: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The roles as fields of an OpportunityContactRole."""
    with (folder / "roles.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            deal, contact = deals[row["deal_id"]], contacts[row["contact"]]
            yield {"OpportunityId": deal, "ContactId": contact, "Role": row["role"]}


def loop(folder: Path, url: str, token: str, limit: int) -> dict[str, Any]:
    """One create after the other; a third of the records are deals."""
    sf = connected(url, token)
    accounts, contacts = ids_of(sf, "Account", "Sfsync_Key__c"), ids_of(sf, "Contact", "Email")
    begun, cpu = time.time(), time.process_time()
    deals = {}
    for each in itertools.islice(deals_of(folder, accounts), limit // 3):
        deals[each["Sfsync_Key__c"]] = sf.Opportunity.create(each)["id"]
    count = len(deals)
    for each in itertools.islice(roles_of(folder, contacts, deals), limit - count):
        sf.OpportunityContactRole.create(each)
        count += 1
    return {"records": count, "begun": begun, "cpu_before_s": cpu}


def collections(folder: Path, url: str, token: str, _: int) -> dict[str, Any]:
    """Collections of 200, one after the other."""
    sf = connected(url, token)
    accounts, contacts = ids_of(sf, "Account", "Sfsync_Key__c"), ids_of(sf, "Contact", "Email")
    deals: dict[str, str] = {}
    for rows, ids in _sent(sf, "Opportunity", deals_of(folder, accounts)):
        deals.update(zip((row["Sfsync_Key__c"] for row in rows), ids, strict=True))
    roles = roles_of(folder, contacts, deals)
    count = sum(len(ids) for _, ids in _sent(sf, "OpportunityContactRole", roles))
    return {"records": len(deals) + count}


def _sent(
    sf: Any, sobject: str, source: Iterator[dict[str, Any]]
) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
    while rows := list(itertools.islice(source, _ROWS)):
        records = [{"attributes": {"type": sobject}, **row} for row in rows]
        done = sf.restful("composite/sobjects", method="POST", json={"allOrNone": False, "records": records})
        yield rows, [each["id"] for each in done]


def bulk2(folder: Path, url: str, token: str, _: int) -> dict[str, Any]:
    """The helper of simple-salesforce: one job for the deals, their ids from its results, one job for the roles."""
    sf = connected(url, token)
    accounts, contacts = ids_of(sf, "Account", "Sfsync_Key__c"), ids_of(sf, "Contact", "Email")
    path = folder / "peer.csv"
    _write(path, deals_of(folder, accounts))
    done = sf.bulk2.Opportunity.insert(str(path), wait=1)
    deals = {
        row["Sfsync_Key__c"]: row["sf__Id"]
        for job in done
        for row in csv.DictReader(
            sf.bulk2.Opportunity.get_successful_records(job["job_id"]).splitlines(keepends=True)
        )
    }
    _write(path, roles_of(folder, contacts, deals))
    done = sf.bulk2.OpportunityContactRole.insert(str(path), wait=1)
    return {"records": len(deals) + sum(int(job["numberRecordsProcessed"]) for job in done)}


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(first), lineterminator="\n")
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


def cumulusci(folder: Path, url: str, token: str, _: int) -> dict[str, Any]:
    """CumulusCI's load_dataset from a SQLite file, which is made before."""
    from peer_cumulusci import load

    return load(folder, url, token)


PEERS: Final[dict[str, Callable[[Path, str, str, int], dict[str, Any]]]] = {
    "loop": loop,
    "collections": collections,
    "bulk2": bulk2,
    "cumulusci": cumulusci,
}


def main() -> None:
    """Load by one peer."""
    name, folder, url, token, *limit = sys.argv[1:]
    found = PEERS[name](Path(folder), url, token, int(limit[0]) if limit else 0)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
