"""The least that a client must do, without any guarantee, as a program of its own.

    floor_passes.py NAME FOLDER [URL TOKEN]

csv: a pass of the csv module over both files. pydantic: the same rows through two plain models. graphs,
collections, bulk: rows as they are into bodies, sent by one session, answers parsed; no check, no plan, no journal,
no retry. journalled: the graphs with a journal, two durable commits a call. What a pass
took is printed as JSON: CPU without imports, wall, records, calls.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

_API: Final = "/services/data/v66.0"
_FIELDS: Final = (
    *("Sfsync_Key__c", "Name", "AccountId", "StageName", "CloseDate", "Amount", "Type", "LeadSource"),
    *("NextStep", "Description"),
)
_DEALS_A_CALL: Final = 166
_ROWS_A_COLLECTION: Final = 200
_ACCOUNT, _CONTACT = "001b{:011d}AAA", "003b{:011d}AAA"


def rows(folder: Path, name: str) -> Iterator[list[str]]:
    """The rows of a file below its header."""
    with (folder / name).open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        yield from reader


def csv_pass(folder: Path, _: Any) -> dict[str, int]:
    """Every row read, nothing kept."""
    return {"records": sum(1 for name in ("deals.csv", "roles.csv") for _ in rows(folder, name)), "calls": 0}


@cache
def models() -> dict[str, Any]:
    """A model for each file, as plain as a model with limits can be."""
    from datetime import date

    from pydantic import BaseModel, Field

    class Deal(BaseModel):
        deal_id: str = Field(min_length=1, max_length=255)
        name: str = Field(min_length=1, max_length=120)
        account: str = Field(max_length=255)
        stage: str = Field(max_length=255)
        close_date: date
        amount: Decimal = Field(max_digits=18, decimal_places=2)
        type: str = Field(max_length=255)
        source: str = Field(max_length=255)
        next_step: str = Field(max_length=255)
        description: str = Field(max_length=32_000)

    class Role(BaseModel):
        deal_id: str = Field(min_length=1, max_length=255)
        contact: str = Field(max_length=80)
        role: str = Field(max_length=255)

    Deal.model_rebuild(_types_namespace={"date": date, "Decimal": Decimal})
    return {"deals.csv": Deal, "roles.csv": Role}


def pydantic_pass(folder: Path, _: Any) -> dict[str, int]:
    """Every row read and validated by a model."""
    count = 0
    for name, model in models().items():
        names = tuple(model.model_fields)
        for row in rows(folder, name):
            model.model_validate(dict(zip(names, row, strict=True)))
            count += 1
    return {"records": count, "calls": 0}


class Sender:
    """One session that sends bodies and parses answers."""

    def __init__(self, url: str, token: str) -> None:
        import requests

        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"})
        self.calls = 0

    def json(self, method: str, path: str, document: Any = None) -> Any:
        """A request with a JSON body, and its answer."""
        import orjson

        body = None if document is None else orjson.dumps(document)
        answer = self.raw(method, path, body, "application/json")
        return orjson.loads(answer) if answer else None

    def raw(self, method: str, path: str, body: Any, media: str) -> bytes:
        """A request with any body, and the bytes of its answer."""
        self.calls += 1
        answer = self._session.request(
            method, self._url + _API + path, data=body, headers={"Content-Type": media}
        )
        answer.raise_for_status()
        return answer.content


def graphs_pass(folder: Path, sender: Any) -> dict[str, int]:
    """Deals with their roles in composite graphs of 498 nodes."""
    deals, roles = rows(folder, "deals.csv"), rows(folder, "roles.csv")
    count = 0
    while some := list(itertools.islice(deals, _DEALS_A_CALL)):
        graphs = []
        for start in range(0, len(some), 3):
            nodes = []
            for place, deal in enumerate(some[start : start + 3]):
                nodes.append(_node("Opportunity", f"d{place}", _deal(deal)))
                nodes += [
                    _node("OpportunityContactRole", f"d{place}r{n}", _role(role, f"@{{d{place}.id}}"))
                    for n, role in enumerate(itertools.islice(roles, 2))
                ]
            graphs.append({"graphId": f"g{start}", "compositeRequest": nodes})
            count += len(nodes)
        answer = sender.json("POST", "/composite/graph", {"graphs": graphs})
        if not all(each["isSuccessful"] for each in answer["graphs"]):
            raise SystemExit("a graph was refused")
    return {"records": count, "calls": sender.calls}


def journalled_pass(folder: Path, sender: Any) -> dict[str, int]:
    """The same, with every record's intent and outcome in SQLite: two commits a call, synchronous=FULL."""
    path = folder / "floor.sqlite"
    path.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE records (name TEXT PRIMARY KEY, call INTEGER, id TEXT) WITHOUT ROWID")
        return graphs_pass(folder, _Journalled(sender, db))


class _Journalled:
    """A sender of graphs that keeps a journal."""

    def __init__(self, sender: Sender, db: sqlite3.Connection) -> None:
        self._sender, self._db = sender, db

    @property
    def calls(self) -> int:
        return self._sender.calls

    def json(self, method: str, path: str, document: Any) -> Any:
        number = self._sender.calls + 1
        names = [
            [f"{number}.{graph['graphId']}.{node['referenceId']}" for node in graph["compositeRequest"]]
            for graph in document["graphs"]
        ]
        self._db.execute("BEGIN")
        intents = ((name, number) for some in names for name in some)
        self._db.executemany("INSERT INTO records (name, call) VALUES (?, ?)", intents)
        self._db.execute("COMMIT")
        answer = self._sender.json(method, path, document)
        self._db.execute("BEGIN")
        outcomes = (
            (node["body"]["id"], name)
            for some, graph in zip(names, answer["graphs"], strict=True)
            for name, node in zip(some, graph["graphResponse"]["compositeResponse"], strict=True)
        )
        self._db.executemany("UPDATE records SET id = ? WHERE name = ?", outcomes)
        self._db.execute("COMMIT")
        return answer


def collections_pass(folder: Path, sender: Any) -> dict[str, int]:
    """First the deals, then the roles, five collections of 200 a call."""
    ids: dict[str, str] = {}
    deals = rows(folder, "deals.csv")
    for some, found in _collections(sender, "Opportunity", deals, _deal):
        ids.update(zip((row[0] for row in some), found, strict=True))
    roles = rows(folder, "roles.csv")
    count = len(ids)
    for some, _ in _collections(sender, "OpportunityContactRole", roles, lambda row: _role(row, ids[row[0]])):
        count += len(some)
    return {"records": count, "calls": sender.calls}


def _collections(
    sender: Sender, sobject: str, source: Iterator[list[str]], body: Callable[[list[str]], dict[str, Any]]
) -> Iterator[tuple[list[list[str]], list[str]]]:
    while some := list(itertools.islice(source, 5 * _ROWS_A_COLLECTION)):
        parts = [
            some[start : start + _ROWS_A_COLLECTION] for start in range(0, len(some), _ROWS_A_COLLECTION)
        ]
        subrequests = [
            {
                "method": "POST",
                "url": f"{_API}/composite/sobjects",
                "referenceId": f"c{place}",
                "body": {
                    "allOrNone": False,
                    "records": [{"attributes": {"type": sobject}, **body(row)} for row in part],
                },
            }
            for place, part in enumerate(parts)
        ]
        answer = sender.json("POST", "/composite", {"allOrNone": False, "compositeRequest": subrequests})
        yield some, [row["id"] for part in answer["compositeResponse"] for row in part["body"]]


def bulk_pass(folder: Path, sender: Any) -> dict[str, int]:
    """One job for the deals, one for the roles, uploaded from files, results read."""
    ids: dict[str, str] = {}
    deals = ([row[0], *_deal(row).values()][1:] for row in rows(folder, "deals.csv"))
    for row in _job(sender, folder, "Opportunity", _FIELDS, deals):
        ids[row[2]] = row[0]
    names = ("OpportunityId", "ContactId", "Role")
    roles = (list(_role(row, ids[row[0]]).values()) for row in rows(folder, "roles.csv"))
    count = sum(1 for _ in _job(sender, folder, "OpportunityContactRole", names, roles))
    return {"records": len(ids) + count, "calls": sender.calls}


def _job(
    sender: Sender, folder: Path, sobject: str, names: Sequence[str], source: Iterable[Sequence[Any]]
) -> Iterator[list[str]]:
    path = folder / "upload.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(source)
    job = f"/jobs/ingest/{sender.json('POST', '/jobs/ingest', {'object': sobject, 'operation': 'insert'})['id']}"
    with path.open("rb") as body:
        sender.raw("PUT", f"{job}/batches", body, "text/csv; charset=UTF-8")
    sender.json("PATCH", job, {"state": "UploadComplete"})
    while sender.json("GET", job)["state"] != "JobComplete":
        time.sleep(0.2)
    text = sender.raw("GET", f"{job}/successfulResults", None, "text/csv").decode()
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader)
    return reader


def _node(sobject: str, ref: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "url": f"{_API}/sobjects/{sobject}", "referenceId": ref, "body": body}


def _deal(row: Sequence[str]) -> dict[str, Any]:
    key, name, account, stage, close, amount, kind, source, step, text = row
    account_id = _ACCOUNT.format(int(account[2:]) + 1)
    values = (key, name, account_id, stage, close, float(amount), kind, source, step or None, text)
    return dict(zip(_FIELDS, values, strict=True))


def _role(row: Sequence[str], deal: str) -> dict[str, Any]:
    return {"OpportunityId": deal, "ContactId": _CONTACT.format(int(row[1][7:11]) + 1), "Role": row[2]}


PASSES: Final[dict[str, Callable[[Path, Any], dict[str, int]]]] = {
    "csv": csv_pass,
    "pydantic": pydantic_pass,
    "graphs": graphs_pass,
    "journalled": journalled_pass,
    "collections": collections_pass,
    "bulk": bulk_pass,
}


def main() -> None:
    """Make one pass and print what it took."""
    name, folder, *org = sys.argv[1:]
    sender = Sender(*org) if org else None
    if name == "pydantic":
        models()  # what is made once is no part of the pass
    import orjson  # noqa: F401

    wall, cpu = time.perf_counter(), time.process_time()
    found = PASSES[name](Path(folder), sender)
    taken = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    sys.stdout.write(json.dumps(found | taken) + "\n")


if __name__ == "__main__":
    main()
