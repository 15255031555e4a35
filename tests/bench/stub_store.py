"""Keeps what was sent to the stub, as little as a true answer needs: bodies in a file, places and times in arrays.

A record is a number; its id is made of it, so no id is stored. Times are one a call. Unique keys are kept in a
dictionary each, because a key that comes twice must be refused: that is what makes a create safe to repeat.
Roles of a deal are a chain of numbers. Nothing is ever taken out of the file; an update appends.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

Body = dict[str, Any]

_CHECKSUMS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SEARCHED: Final = {"Account": ("Name",), "Contact": ("Name", "Email")}
"""Fields of small objects that records are found by."""


class DuplicateError(Exception):
    """A unique value that another record has."""

    def __init__(self, field: str, record_id: str) -> None:
        super().__init__(f"duplicate value found: {field} duplicates value on record with id: {record_id}")


class Clock:
    """The org's clock: this machine's, so many seconds ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.ahead_s


class Table:
    """The records of one sObject."""

    def __init__(self, name: str, describe: Mapping[str, Any]) -> None:
        self.name = name
        self.kinds = {each["name"].lower(): (each["name"], each["type"]) for each in describe["fields"]}
        self.fields = frozenset(each["name"] for each in describe["fields"])
        prefix = str(describe["keyPrefix"])
        self._head = f"{prefix}b"
        self._tail = _checksum(prefix)
        self._url = f"/services/data/v66.0/sobjects/{name}/"
        self.guard = threading.Lock()
        self.keys: dict[str, dict[str, int]] = {
            each["name"]: {} for each in describe["fields"] if each["unique"] and each["externalId"]
        }
        self._found: dict[str, dict[str, list[int]]] = {field: {} for field in _SEARCHED.get(name, ())}
        self._parent = "OpportunityId" if name == "OpportunityContactRole" else None
        self._heads, self._next = array("q"), array("q")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the table
        self._end = 0
        self._places, self._sizes = array("Q"), array("L")
        self.created, self.modified = array("d"), array("d")
        self.is_deleted = bytearray()
        self._moves, self._movers = array("d"), array("Q")

    def __len__(self) -> int:
        return len(self._places)

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    def id_of(self, number: int) -> str:
        """The id of a record."""
        return f"{self._head}{number + 1:011d}{self._tail}"

    def attributes(self, record_id: str) -> dict[str, str]:
        """What stands before the fields of a record in an answer."""
        return {"type": self.name, "url": self._url + record_id}

    def number_of(self, record_id: Any) -> int | None:
        """The record of an id that is there, deleted or not."""
        if not isinstance(record_id, str) or not record_id.startswith(self._head):
            return None
        digits = record_id[4:15]
        number = int(digits) - 1 if digits.isdigit() else -1
        return number if 0 <= number < len(self._places) else None

    def check(self, body: Body, own: int | None = None) -> None:
        """Refuses a body whose unique value another record has."""
        for field, numbers in self.keys.items():
            value = body.get(field)
            number = numbers.get(value) if value is not None else None
            if number is not None and number != own:
                raise DuplicateError(field, self.id_of(number))

    def insert(self, bodies: Sequence[Body], now: float) -> range:
        """Saves new records, which were checked; the caller holds the guard."""
        first = len(self._places)
        chunks = [orjson.dumps(each) for each in bodies]
        self._append(chunks)
        for number, body in enumerate(bodies, start=first):
            self._index(number, body)
        count = len(bodies)
        self.created.extend([now] * count)
        self.modified.extend([now] * count)
        self.is_deleted.extend(bytes(count))
        self._moves.extend([now] * count)
        self._movers.extend(range(first, first + count))
        return range(first, first + count)

    def update(self, number: int, changes: Body, now: float) -> bool:
        """Saves new values of a record, which were checked; whether any of them is another than before."""
        body = self.body(number)
        is_new = any(body.get(name) != value for name, value in changes.items())
        chunk = orjson.dumps(body | changes)
        place = self._end
        os.pwrite(self._file.fileno(), chunk, place)
        self._end += len(chunk)
        self._places[number], self._sizes[number] = place, len(chunk)
        for field, numbers in self.keys.items():
            if changes.get(field) is not None:
                numbers[changes[field]] = number
        self._touch(number, now)
        return is_new

    def delete(self, number: int, now: float) -> None:
        """Moves a record to the bin; its unique values are free again."""
        body = self.body(number)
        for field, numbers in self.keys.items():
            numbers.pop(body.get(field, ""), None)
        self.is_deleted[number] = 1
        self._touch(number, now)

    def body(self, number: int) -> Body:
        """What is saved of a record."""
        body: Body = orjson.loads(os.pread(self._file.fileno(), self._sizes[number], self._places[number]))
        return body

    def found(self, field: str, values: Iterable[Any]) -> Iterator[int] | None:
        """The records with one of these values, or None where this field is no way to find any."""
        if field == "Id":
            return (number for each in values if (number := self.number_of(each)) is not None)
        if field in self.keys:
            numbers = self.keys[field]
            return (numbers[each] for each in values if each in numbers)
        if field in self._found:
            lists = self._found[field]
            return (each for value in values for each in lists.get(str(value).casefold(), ()))
        if field == self._parent:
            return self._children(values)
        return None

    def since(self, moment: float) -> list[int]:
        """The records that were saved at that time or later, each once."""
        return sorted(set(self._movers[bisect_left(self._moves, moment) :]))

    def _append(self, chunks: Sequence[bytes]) -> None:
        os.pwrite(self._file.fileno(), b"".join(chunks), self._end)
        for chunk in chunks:
            self._places.append(self._end)
            self._sizes.append(len(chunk))
            self._end += len(chunk)

    def _touch(self, number: int, now: float) -> None:
        self.modified[number] = now
        self._moves.append(max(now, self._moves[-1] if self._moves else now))
        self._movers.append(number)

    def _index(self, number: int, body: Body) -> None:
        for field, numbers in self.keys.items():
            value = body.get(field)
            if value is not None:
                numbers[value] = number
        for field, lists in self._found.items():
            value = body.get(field)
            if value is not None:
                lists.setdefault(str(value).casefold(), []).append(number)
        if self._parent is not None:
            deal = int(body[self._parent][4:15]) - 1
            if deal >= len(self._heads):
                self._heads.extend([-1] * (deal + 1 - len(self._heads) + 1024))
            self._next.append(self._heads[deal])
            self._heads[deal] = number

    def _children(self, values: Iterable[Any]) -> Iterator[int]:
        for each in values:
            deal = int(each[4:15]) - 1 if each[4:15].isdigit() else -1
            number = self._heads[deal] if 0 <= deal < len(self._heads) else -1
            chain = []
            while number >= 0:
                chain.append(number)
                number = self._next[number]
            yield from reversed(chain)


def _checksum(prefix: str) -> str:
    """The last three characters of an id whose only capitals are in its prefix."""
    return _CHECKSUMS[sum(1 << place for place, char in enumerate(prefix) if char.isupper())] + "AA"


class Store:
    """The tables of an org, made from its describes."""

    def __init__(self, org: Mapping[str, Any]) -> None:
        self._org = org
        self.tables: dict[str, Table] = {}
        self.clock = Clock()
        self.clear()

    def close(self) -> None:
        """Gives the files back."""
        for table in self.tables.values():
            table.close()

    def clear(self) -> None:
        """Forgets every record but the accounts and contacts that belong to the org."""
        self.close()
        self.clock.ahead_s = 0.0
        self.tables = {name: Table(name, each) for name, each in self._org["describes"].items()}
        accounts, contacts = self.tables["Account"], self.tables["Contact"]
        created = float(self._org["created"])
        accounts.insert(self._org["accounts"], created)
        filled = [
            {
                **each,
                "AccountId": accounts.id_of(each["AccountId"]) if each["AccountId"] is not None else None,
            }
            for each in self._org["contacts"]
        ]
        contacts.insert(filled, created)
