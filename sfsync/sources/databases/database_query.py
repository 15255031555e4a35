"""Reads a query as text, before a database sees it: one statement that reads, and where `:since` stands in it.

Quotes, comments and dollar quotes are passed over; whatever else a statement may be is the database's own question.
A statement that is not understood here is refused rather than sent.
Source: PostgreSQL, "Lexical Structure"; SQLite, "SQL As Understood By SQLite".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<quoted> (?<!\w)[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
        | (?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$ )
    | (?P<cast> :: )
    | (?P<bind> :(?P<name>[A-Za-z_]\w*) )
    | (?P<end> ; )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_READS: Final = frozenset({"select", "with", "values", "table"})
SINCE: Final = "since"


class BadQuery(Exception):
    """Why a text is no query that can be read."""


@dataclass(frozen=True, slots=True)
class Query:
    """One statement that reads: pieces of its text between which `:since` stands, and which are quoted."""

    pieces: tuple[str, ...]

    @property
    def has_since(self) -> bool:
        """Whether the query asks for the watermark."""
        return len(self.pieces) > 1

    def named(self) -> str:
        """The text with `:since`, as SQLite takes it."""
        return f":{SINCE}".join(self.pieces)

    def formatted(self) -> str:
        """The text with `%(since)s`, as psycopg takes it."""
        return f"%({SINCE})s".join(each.replace("%", "%%") for each in self.pieces)


def read_query(text: str) -> Query:
    """The query of a file's text.

    Raises:
        BadQuery: the text is empty or more than one statement, does not begin with a word that reads, or has
            another parameter.
    """
    pieces, words, is_over = [""], "", False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "end":
            is_over = True
            continue
        if is_over and kind not in ("space", "comment"):
            raise BadQuery("holds more than one statement")
        if kind in ("word", "quoted", "bind") and not words:
            words = token[0].lower()
        if kind == "bind":
            if token["name"].lower() != SINCE:
                raise BadQuery(f"has the parameter {token[0]}; only :since can be filled in")
            pieces.append("")
        elif not is_over:
            pieces[-1] += token[0]
    if not words:
        raise BadQuery("holds no statement")
    if words not in _READS:
        raise BadQuery(f"begins with {words[:20].upper()}; a query is one SELECT, or WITH ... SELECT")
    return Query(tuple(pieces))
