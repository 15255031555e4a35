"""The marked lines of a suggested job as questions, one at a time, and the job text with an answer in its place.

A question has the evidence that stands beside the line. It has no default: what is proven is not asked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sfsync.core.suggesting.job_text import text_of
from sfsync.core.suggesting.undecided import BETWEEN, MARK

_MARKED: Final = re.compile(r'"DECIDE: (?:[^"\\]|\\.)*"')
_TABLE: Final = re.compile(r"\[(?P<name>.+)\]\s*(?:#.*)?")


class Asks(StrEnum):
    """What an answer changes: how the file is read, its key or the field for it, a column, or the line alone."""

    ENCODING = "encoding"
    KEY = "key"
    KEY_FIELD = "key field"
    COLUMN = "column"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person has to decide. `place` tells it apart; `choices` are empty where anything can be written."""

    place: str
    about: str
    asks: Asks
    choices: tuple[str, ...] = ()
    advice: str = ""
    evidence: tuple[str, ...] = ()


def first_question(text: str) -> Question | None:
    """The first marked line of a job text as a question; None when all is decided."""
    table, above = "", list[str]()
    for line in text.splitlines():
        header = _TABLE.fullmatch(line)
        if line.startswith("#"):
            above.append(line.removeprefix("#").strip())
            continue
        if header is not None and not _MARKED.search(line):
            table = header["name"]
            above = []
            continue
        found = _MARKED.search(line)
        if found is not None:
            return _question(table, line, found, above)
        above = []
    return None


def with_answer(text: str, question: Question, answer: str) -> str:
    """The job text with the answer in the place of the question's mark."""
    marked = _MARKED.search
    lines, table = text.splitlines(), ""
    for number, line in enumerate(lines):
        header = _TABLE.fullmatch(line)
        found = None if line.startswith("#") else marked(line)
        if header is not None and found is None:
            table = header["name"]
        elif found is not None and _place(table, line, found) == question.place:
            lines[number] = line[: found.start()] + text_of(answer) + line[found.end() :]
            break
    return "\n".join(lines) + "\n"


def answer_of(question: Question, typed: str) -> str | None:
    """What a typed line means: the number of a choice, or the choice itself; None when it is no answer."""
    said = typed.strip()
    if not said:
        return None
    if not question.choices or said in question.choices:
        return said
    if said.isdecimal() and 1 <= int(said) <= len(question.choices):
        return question.choices[int(said) - 1]
    return said if question.asks is Asks.ENCODING and not said.isdecimal() else None


def _place(table: str, line: str, found: re.Match[str]) -> str:
    return f"{table}\n{line[: found.start()]}\n{found[0] if not line[: found.start()].strip() else ''}"


def _question(table: str, line: str, found: re.Match[str], above: list[str]) -> Question:
    said = json.loads(found[0]).removeprefix(MARK)
    before = line[: found.start()]
    behind = line[found.end() :].partition("#")[2].strip()
    evidence = tuple(each for each in (*above, behind) if each)
    place = _place(table, line, found)
    if not before.strip():
        return Question(place, f'the column "{said}"', Asks.COLUMN, (), said, evidence)
    key = before.partition(" = ")[0].strip()
    choices = tuple(said.split(BETWEEN)) if BETWEEN in said else ()
    inner = re.findall(r"(numbers|format) = $", before)
    what = {"numbers": "how the numbers are written of ", "format": "how the dates are written of "}
    about = f"{what[inner[0]]}{key}" if inner else _about(table, key)
    return Question(place, about, _asks(table, key, choices), choices, "" if choices else said, evidence)


def _asks(table: str, key: str, choices: tuple[str, ...]) -> Asks:
    if key == "encoding":
        return Asks.ENCODING
    if key == "key" and table == "opportunities":
        return Asks.KEY_FIELD
    is_key = key == "row_key" or (table == "opportunities.fields" and key.endswith("__c") and bool(choices))
    return Asks.KEY if is_key else Asks.VALUE


def _about(table: str, key: str) -> str:
    if table.endswith(".map"):
        return f"what {key} is as {table.split('.')[-2]}"
    if key == "key":
        return "which field of the org holds the key"
    return {"encoding": "how the file is encoded", "row_key": "which column tells the deals apart"}.get(
        key, key
    )
