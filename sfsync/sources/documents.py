"""Finds the JSON documents of a file, each with its own text and the line where it begins.

JSON Lines are read line by line, so a broken line is one broken row. In an array a broken document hides
where the next one begins, so the whole file is refused there.
Invariants: numbers are exact decimals; a key that occurs twice in one object, NaN and Infinity make the
document unreadable, they are never settled by taking the last. Source: RFC 8259.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sfsync.errors import SourceError
from sfsync.sources.cells import FLATTER, BadRow
from sfsync.sources.text.text_file import TextFile

MAX_FILE_CHARS: Final = 256_000_000
"""The longest file that is read as one JSON value; JSON Lines have no such limit."""

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_AS_LINES: Final = "Write it as JSON Lines, one document a line."


@dataclass(frozen=True, slots=True)
class Document:
    """One document: where it begins, its text, and its value or why there is none."""

    line: int
    ordinal: int
    raw: str
    value: Any
    fault: BadRow | None = None

    def members(self) -> dict[str, Any]:
        """The document's members.

        Raises:
            BadRow: it is broken, or no object.
        """
        if self.fault is not None:
            raise self.fault
        if not isinstance(self.value, dict):
            raise BadRow("NOT_AN_OBJECT", "the document is no object", 'Write each row as {"column": value}.')
        return self.value


class _Decoder:
    """The strict JSON decoder; what it can read but must not accept is left as the fault."""

    def __init__(self) -> None:
        self._fault: BadRow | None = None
        self._json = json.JSONDecoder(
            object_pairs_hook=self._members,
            parse_float=self._number,
            parse_int=self._number,
            parse_constant=self._constant,
        )

    def decode(self, text: str, offset: int) -> tuple[Any, int, BadRow | None]:
        """The value at the offset, the offset behind it, and what is wrong with it.

        Raises:
            ValueError: there is no JSON value.
            RecursionError: it is nested too deep.
        """
        self._fault = None
        value, end = self._json.raw_decode(text, offset)
        return value, end, self._fault

    def _members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
            self._note("REPEATED_KEY", f'"{twice}" occurs twice in one object', "Take one of the two out.")
        return members

    def _number(self, text: str) -> Decimal:
        try:
            return Decimal(text)
        except InvalidOperation:
            return self._constant(text[:40])

    def _constant(self, text: str) -> Decimal:
        self._note("NOT_A_NUMBER", f"{text} is no number", "Write the number out, or null.")
        return Decimal(0)

    def _note(self, code: str, message: str, hint: str) -> None:
        self._fault = self._fault or BadRow(code, message, hint)


def line_documents(file: TextFile) -> Iterator[Document]:
    """The documents of a JSON Lines file; blank lines are none.

    Raises:
        SourceError: the file cannot be read on.
    """
    decoder = _Decoder()
    ordinal = 0
    for number, line in enumerate(file.lines(), start=1):
        text = line.strip(" \t\r\n")
        if text:
            ordinal += 1
            value, fault = _line_value(decoder, text)
            yield Document(number, ordinal, text, value, fault)


def _line_value(decoder: _Decoder, text: str) -> tuple[Any, BadRow | None]:
    try:
        value, end, fault = decoder.decode(text, 0)
    except json.JSONDecodeError as error:
        message = f"the line is not JSON: {error.msg} at character {error.colno}"
        return None, BadRow("BAD_JSON", message, "Write one complete document on each line.")
    except RecursionError:
        return None, BadRow("TOO_DEEP", "the document is nested too deep", FLATTER)
    if end != len(text):
        message = f"the line is not JSON: something follows the document at character {end + 1}"
        return None, BadRow("BAD_JSON", message, "Write one complete document on each line.")
    return value, fault


def array_documents(file: TextFile, name: str) -> Iterator[Document]:
    """The documents of an array, or of the array that an object at the top holds under `name`.

    Raises:
        SourceError: the file is no such JSON, or cannot be read.
    """
    walk = _Walk(file, file.text(max_chars=MAX_FILE_CHARS))
    if walk.is_at_end():
        return
    is_wrapped = walk.peek() == "{"
    if is_wrapped:
        walk.go_to_member(name)
    yield from walk.elements()
    if not is_wrapped:
        walk.refuse_rest()


class _Walk:
    """One way through a JSON text, element by element."""

    def __init__(self, file: TextFile, text: str) -> None:
        self._file = file
        self._text = text
        self._decoder = _Decoder()
        self._counted = (0, 1)
        self.offset = 0

    def is_at_end(self) -> bool:
        """Whether only blanks are left."""
        return self.peek() == ""

    def peek(self) -> str:
        """The next character that is no blank; the walk stands on it then."""
        found = _BLANKS.match(self._text, self.offset)
        assert found is not None  # the pattern matches nothing as well
        self.offset = found.end()
        return self._text[self.offset : self.offset + 1]

    def go_to_member(self, name: str) -> None:
        """Goes to the value of a member of the object that begins here."""
        self._expect("{")
        places: dict[str, int] = {}
        is_open = self.peek() != "}"
        while is_open:
            if self.peek() != '"':
                raise self._error("this is not JSON: the name of a member in quotes is missing")
            key, _ = self._value()
            self._expect(":")
            self.peek()
            if key in places:
                raise self._error(f'"{key}" occurs twice')
            places[str(key)] = self.offset
            self._value()
            is_open = self.peek() == ","
            self.offset += is_open
        self._expect("}")
        self.refuse_rest()
        if name not in places:
            raise self._error(f'there is no "{name}" in the object', hint="Write an array of objects.")
        self.offset = places[name]

    def elements(self) -> Iterator[Document]:
        """The elements of the array that begins here."""
        self._expect("[")
        ordinal = 0
        is_open = self.peek() != "]"
        while is_open:
            ordinal += 1
            self.peek()
            start, line = self.offset, self._line()
            value, fault = self._value()
            yield Document(line, ordinal, self._text[start : self.offset], value, fault)
            is_open = self.peek() == ","
            self.offset += is_open
        self._expect("]")

    def refuse_rest(self) -> None:
        """Refuses text behind the end."""
        if not self.is_at_end():
            raise self._error("something follows the end", hint=_AS_LINES)

    def _value(self) -> tuple[Any, BadRow | None]:
        self.peek()
        try:
            value, self.offset, fault = self._decoder.decode(self._text, self.offset)
        except json.JSONDecodeError as error:
            self.offset = error.pos
            raise self._error(f"this is not JSON: {error.msg}") from None
        except RecursionError:
            raise self._error("the document is nested too deep") from None
        return value, fault

    def _expect(self, char: str) -> None:
        if self.peek() != char:
            raise self._error(f'this is not JSON as it should be: "{char}" is missing')
        self.offset += 1

    def _line(self) -> int:
        """The line of the offset; the walk mostly goes on, so lines are counted once."""
        offset, line = self._counted
        if offset > self.offset:
            offset, line = 0, 1
        line += self._text.count("\n", offset, self.offset)
        self._counted = (self.offset, line)
        return line

    def _error(self, message: str, *, hint: str = "") -> SourceError:
        line = self._line()
        column = self.offset - self._text.rfind("\n", 0, self.offset)
        return self._file.error("BAD_JSON", f"character {column}: {message}", line, hint=hint or _AS_LINES)
