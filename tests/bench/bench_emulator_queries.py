"""How fast the emulator answers queries on an org of 100,000 deals and 100,000 roles, over loopback HTTP.

Run as a script: prints a table and, as its last line, the same numbers as one JSON document. What is read by
an indexed key, and the reading of a statement itself, should stay within 10 ms.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from sfsync.emulator.org.definition import load_definition
from sfsync.emulator.org.ids import in_base62, with_checksum
from sfsync.emulator.org.org import Org
from sfsync.emulator.server import build, started
from sfsync.emulator.soql.parsing import parse_query

ORG_FILE = Path(__file__).parents[2] / "config" / "emulator" / "org.toml"
ROWS = 100_000
REPEATS = 15
CHANGED_LAST = 100


def record_id(org: Org, prefix: str, number: int) -> str:
    """Return the id of a benchmark record; its numbers are beyond those the org gives out."""
    return with_checksum(f"{prefix}{org.pod}{in_base62(62**6 + number, 7)}")


def fill(org: Org) -> None:
    """Store the deals and roles, the last few changed later than the others."""
    run = org.storage.connection.execute
    run("BEGIN")
    for number in range(ROWS):
        moment = f"2026-0{2 if number >= ROWS - CHANGED_LAST else 1}-01T00:00:00.000Z"
        deal, contact = record_id(org, "006", number), record_id(org, "003", number % 5_000)
        shared = {"IsDeleted": 0, "CreatedDate": moment, "LastModifiedDate": moment, "SystemModstamp": moment}
        row = {**org.templates["Opportunity"], **shared, "Id": deal, "Name": f"Deal {number}"}
        row |= {"StageName": "Prospecting", "CloseDate": "2026-12-31", "Sfsync_Key__c": f"KEY-{number:06d}"}
        org.storage.insert("Opportunity", row)
        role = {"Id": record_id(org, "00K", number), "OpportunityId": deal, "ContactId": contact}
        org.storage.insert(
            "OpportunityContactRole", {**org.templates["OpportunityContactRole"], **shared, **role}
        )
    run("COMMIT")


def quoted(values: list[str]) -> str:
    """Return values as the items of IN."""
    return ", ".join(f"'{value}'" for value in values)


def look_ups(org: Org) -> dict[str, tuple[str, int]]:
    """Return the statements by name, each with how many records it must find."""
    keys = [f"KEY-{number * 197 % ROWS:06d}" for number in range(500)]
    deals = [record_id(org, "006", number * 491 % ROWS) for number in range(200)]
    fields = "SELECT Id, Name, StageName, Sfsync_Key__c FROM Opportunity"
    roles = "SELECT Id, OpportunityId, ContactId, Role, IsPrimary FROM OpportunityContactRole"
    nested = "(SELECT Id, Role FROM OpportunityContactRoles)"
    return {
        "one key": (f"{fields} WHERE Sfsync_Key__c = 'KEY-077777'", 1),
        "500 keys": (f"{fields} WHERE Sfsync_Key__c IN ({quoted(keys)})", 500),
        "200 ids": (f"{fields} WHERE Id IN ({quoted(deals)})", 200),
        "roles of 200 deals": (f"{roles} WHERE OpportunityId IN ({quoted(deals)})", 200),
        "200 deals with roles": (
            f"SELECT Id, {nested} FROM Opportunity WHERE Id IN ({quoted(deals)})",
            200,
        ),
        "changed since": (
            f"{fields} WHERE SystemModstamp >= 2026-02-01T00:00:00Z",
            CHANGED_LAST + 1,
        ),  # and the seeded deal
        "next 200 by id": (f"{fields} WHERE Id > '{deals[0]}' ORDER BY Id LIMIT 200", 200),
        "count of all": ("SELECT COUNT() FROM Opportunity WHERE StageName = 'Prospecting'", ROWS + 1),
    }


def median_ms(work: Callable[[], object]) -> float:
    """Return the median time of some repeats, in milliseconds, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return round(statistics.median(times) * 1000, 2)


def list_of_keys(number: int) -> str:
    """Return a statement of 15 KB that is one list."""
    keys = [f"KEY-{number:03d}-{n:06d}" for n in range(825)]
    return f"SELECT Id FROM Opportunity WHERE Sfsync_Key__c IN ({quoted(keys)})"


def chain_of_conditions(number: int) -> str:
    """Return a statement of 15 KB that is one chain of comparisons."""
    conditions = [f"(AccountId = null AND Name = 'N{number:03d}-{n:04d}')" for n in range(300)]
    return f"SELECT Id FROM Opportunity WHERE {' OR '.join(conditions)}"


def parse_ms(make: Callable[[int], str]) -> float:
    """Return the time to parse such statements, none of them seen before, in milliseconds."""
    statements = iter([make(number) for number in range(REPEATS + 1)])
    return median_ms(lambda: parse_query(next(statements)))


def measure() -> dict[str, float]:
    """Return the medians by name, in milliseconds."""
    emulator = build(load_definition(ORG_FILE))
    fill(emulator.org)
    server, offered = started(emulator)
    found = {
        "parse 15 KB, a list": parse_ms(list_of_keys),
        "parse 15 KB, a chain": parse_ms(chain_of_conditions),
    }
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {offered.access_token}"
        url = f"{offered.instance_url}/services/data/v66.0/query"
        for name, (soql, size) in look_ups(emulator.org).items():
            answer = http.get(url, params={"q": soql}, timeout=60)
            if answer.status_code != 200 or answer.json()["totalSize"] != size:
                raise SystemExit(f"{name}: {answer.status_code} {answer.text[:300]}")
            found[name] = median_ms(lambda soql=soql: http.get(url, params={"q": soql}, timeout=60).content)
    server.stop()
    return found


def main() -> None:
    """Measure, and print a table and one JSON line."""
    found = measure()
    for name, value in found.items():
        sys.stdout.write(f"{name:<24}{value:>10.2f} ms\n")
    sys.stdout.write(json.dumps({"benchmark": "emulator_queries", "rows": ROWS, "median_ms": found}) + "\n")


if __name__ == "__main__":
    main()
