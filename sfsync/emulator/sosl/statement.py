"""Reads a SOSL statement: FIND, IN, RETURNING and LIMIT; everything else is refused.

A part of RETURNING such as `Account(Id, Name WHERE ... ORDER BY ... LIMIT 5)` becomes the SOQL statement
that fetches it; whether its names exist is for the SOQL engine to say.
Source: SOQL and SOSL Reference, "SOSL Syntax" [D].
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sfsync.emulator.sosl.errors import SoslError
from sfsync.emulator.sosl.terms import Term, read_text

MOST_ROWS: Final = 2_000
GROUPS: Final = frozenset({"ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"})
_FIND: Final = re.compile(r"\s*FIND\s*\{((?:[^\\{}]|\\.)*)\}", re.IGNORECASE | re.DOTALL)
_IN: Final = re.compile(r"\s+IN\s+(\w+)\s+FIELDS(?!\w)", re.IGNORECASE)
_RETURNING: Final = re.compile(r"\s+RETURNING\s+", re.IGNORECASE)
_NAME: Final = re.compile(r"\s*([A-Za-z]\w*)\s*")
_COMMA: Final = re.compile(r"\s*,")
_LIMIT: Final = re.compile(r"\s+LIMIT\s+(\d{1,9})(?!\w)", re.IGNORECASE)
_CLAUSES: Final = re.compile(r"\s(?:USING|WHERE|ORDER\s+BY|LIMIT|OFFSET)\s", re.IGNORECASE)
_STRING_OR_PARENTHESIS: Final = re.compile(r"'(?:[^'\\]|\\.)*'|[()]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object of the answer: its records' fields, and how they are filtered, sorted and cut."""

    sobject: str
    fields: str = "Id"
    clauses: str = ""

    @property
    def soql(self) -> str:
        """The statement that fetches the records."""
        return f"SELECT {self.fields} FROM {self.sobject} {self.clauses}".rstrip()  # noqa: S608 - SOQL, read by the engine


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, in which fields, and what is answered; no `wanted` means every object's ids."""

    term: Term
    group: str = "ALL"
    wanted: tuple[Wanted, ...] = ()
    limit: int = MOST_ROWS


def read_search(text: str) -> Search:
    """Read a SOSL statement.

    Raises:
        SoslError: it is none, or says something that is not played.
    """
    find = _FIND.match(text)
    if find is None:
        raise SoslError("a search must begin with FIND {...}")
    at, group = find.end(), "ALL"
    if said := _IN.match(text, at):
        at, group = said.end(), said[1].upper()
        if group not in GROUPS:
            raise SoslError(f"unexpected token: '{said[1]}'")
    wanted: list[Wanted] = []
    if returning := _RETURNING.match(text, at):
        at = returning.end()
        for part, end in _parts(text, at):
            wanted.append(part)
            at = end
    limit = MOST_ROWS
    if said := _LIMIT.match(text, at):
        at, limit = said.end(), min(int(said[1]), MOST_ROWS)
    if rest := text[at:].strip():
        raise SoslError(f"unexpected token: '{rest.split()[0]}'")
    return Search(read_text(find[1]), group, tuple(wanted), limit)


def _parts(text: str, at: int) -> Iterator[tuple[Wanted, int]]:
    while True:
        name = _NAME.match(text, at)
        if name is None:
            raise SoslError("unexpected token after RETURNING")
        at, part = name.end(1), Wanted(name[1])
        if text[name.end() : name.end() + 1] == "(":
            at = _closing(text, name.end())
            part = _wanted(name[1], text[name.end() + 1 : at - 1])
        yield part, at
        comma = _COMMA.match(text, at)
        if comma is None:
            return
        at = comma.end()


def _closing(text: str, opening: int) -> int:
    depth = 0
    for match in _STRING_OR_PARENTHESIS.finditer(text, opening):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    raise SoslError("unexpected token: '<EOF>'")


def _wanted(sobject: str, inside: str) -> Wanted:
    clause = _CLAUSES.search(f" {inside}")
    fields = inside[: max(clause.start() - 1, 0)] if clause else inside
    if not fields.strip():
        raise SoslError(f"RETURNING {sobject}() names no field")
    return Wanted(sobject, fields.strip(), inside[len(fields) :].strip())
