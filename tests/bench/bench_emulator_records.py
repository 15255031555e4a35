"""How fast the emulator starts, saves records through sObject Collections, and answers indexed queries.

Server and client share one process and so one core; bodies are encoded before the clock starts. Saves are
told per second on the clock and per second of processor time, which other work on the machine disturbs less.
Prints a table and one line of JSON. Run by `make bench`; not collected by pytest.
"""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from sfsync.emulator.server import RunningEmulator, running

ORG_FILE = Path(__file__).parents[2] / "config" / "emulator" / "org.toml"
RECORDS = 100_000
CHUNK = 200
UPDATED = 10_000
QUERIES = 200
DATA = "/services/data/v66.0"


@dataclass
class Session:
    """One kept connection to a running emulator."""

    emulator: RunningEmulator

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.emulator.instance_url).netloc, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {self.emulator.access_token}",
            "Content-Type": "application/json",
        }

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send a request and return the body of the answer."""
        self.connection.request(method, DATA + path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text[:500]
        return text


def bodies(rows: Iterator[dict[str, object]], sobject: str) -> list[bytes]:
    """Return the request bodies of a stream of records, 200 a body."""
    records = [{"attributes": {"type": sobject}, **row} for row in rows]
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    return [json.dumps({"allOrNone": False, "records": chunk}).encode() for chunk in chunks]


def deals(account: str) -> Iterator[dict[str, object]]:
    """Yield the deals to save."""
    for number in range(RECORDS):
        yield {
            "Name": f"Deal {number}",
            "StageName": "Prospecting",
            "CloseDate": "2026-12-31",
            "Amount": number + 0.25,
            "AccountId": account,
            "Sfsync_Key__c": f"BENCH-{number}",
        }


def sent(session: Session, method: str, payloads: list[bytes]) -> tuple[dict[str, float], list[str]]:
    """Send bodies to the collections resource; return the rows per second and the ids of the rows."""
    clock, processor = time.perf_counter(), time.process_time()
    answers = [session.send(method, "/composite/sobjects", body) for body in payloads]
    spent = {"per_s": time.perf_counter() - clock, "per_cpu_s": time.process_time() - processor}
    rows = [row for answer in answers for row in json.loads(answer)]
    assert all(row["success"] for row in rows)
    return {name: len(rows) / seconds for name, seconds in spent.items()}, [row["id"] for row in rows]


def slowest_query_ms(session: Session) -> tuple[float, float]:
    """Return the median and the slowest time of queries by an indexed key, in milliseconds."""
    times = []
    for number in range(0, RECORDS, RECORDS // QUERIES):
        soql = f"SELECT Id, Name, Amount FROM Opportunity WHERE Sfsync_Key__c = 'BENCH-{number}'"
        started = time.perf_counter()
        answer = session.send("GET", "/query?q=" + quote(soql))
        times.append((time.perf_counter() - started) * 1000)
        assert json.loads(answer)["totalSize"] == 1
    return sorted(times)[len(times) // 2], max(times)


def figures() -> dict[str, float]:
    """Return every figure by name."""
    started = time.perf_counter()
    with running(ORG_FILE) as emulator:
        start_s = time.perf_counter() - started
        session = Session(emulator)
        account = json.loads(session.send("GET", "/query?q=SELECT+Id+FROM+Account+LIMIT+1"))["records"][0][
            "Id"
        ]
        contact = json.loads(session.send("GET", "/query?q=SELECT+Id+FROM+Contact+LIMIT+1"))["records"][0][
            "Id"
        ]
        inserts, ids = sent(session, "POST", bodies(deals(account), "Opportunity"))
        roles = ({"OpportunityId": deal, "ContactId": contact, "Role": "Evaluator"} for deal in ids[:UPDATED])
        role_inserts, _ = sent(session, "POST", bodies(roles, "OpportunityContactRole"))
        changes = ({"Id": deal, "Amount": 7, "StageName": "Closed Won"} for deal in ids[:UPDATED])
        updates, _ = sent(session, "PATCH", bodies(changes, "Opportunity"))
        median_ms, slowest_ms = slowest_query_ms(session)
    saves = {"deal_inserts": inserts, "role_inserts": role_inserts, "deal_updates": updates}
    return {
        "start_s": start_s,
        **{f"{what}_{per}": rate for what, rates in saves.items() for per, rate in rates.items()},
        "query_by_key_median_ms": median_ms,
        "query_by_key_slowest_ms": slowest_ms,
    }


def main() -> None:
    """Print the figures as a table, then as one line of JSON."""
    measured = figures()
    for name, value in measured.items():
        print(f"{name:<26}{value:>12,.2f}")
    print(json.dumps({"bench": "emulator_records", "records": RECORDS, **measured}))


if __name__ == "__main__":
    main()
