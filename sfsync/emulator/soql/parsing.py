"""Turns SOQL text into a Query, or says at which word it stops being SOQL.

The grammar is soql.lark; lark's LALR parser is built on first use and kept for the process, and the
statements parsed last are kept too. Nothing here knows a schema.
Invariant: every failure is a QueryFault with MALFORMED_QUERY.
"""

import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any, Final

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from sfsync.emulator.soql.errors import QueryFault, malformed
from sfsync.emulator.soql.literals import decode_list, decode_string, decode_word
from sfsync.emulator.soql.statement import (
    AllFields,
    Call,
    Chain,
    Children,
    Comparison,
    Condition,
    Literal,
    Negation,
    Path,
    Query,
    Selected,
    Selection,
    Sorting,
)

# Source: Salesforce limits quick reference, SOQL and SOSL limits [D].
_MAX_STATEMENT_CHARS: Final = 100_000
_MODES: Final = frozenset({"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"})
_MISSPELT_FROM: Final = re.compile(
    r"select\s(?:(?!\bfrom\b)[\s\S])*?[\w.)]\s+(?!select\b)([a-z]\w*)\s+$", re.IGNORECASE
)
_COMPARISON: Final = re.compile(r"([\w.]+)\s*(!=|<>|<=|>=|=|<|>)\s*([\s\S]+)")
_LOOK_BACK_CHARS: Final = 200
# More digits would not fit SQLite's integers.
_MAX_COUNT_DIGITS: Final = 18
# Longer statements carry lists of keys and rarely come twice; kept, they would cost megabytes.
_MAX_KEPT_CHARS: Final = 2_000
_TYPEOF: Final = re.compile(r"(?:\bselect|,)\s*typeof\s", re.IGNORECASE)


def parse_query(text: str) -> Query:
    """Parse one statement.

    Raises:
        QueryFault: MALFORMED_QUERY; not SOQL, not played, or longer than 100,000 characters.
    """
    if not text.strip():
        raise malformed("SOQL statements cannot be empty or null")
    if len(text) > _MAX_STATEMENT_CHARS:
        raise malformed(f"SOQL statements cannot be longer than {_MAX_STATEMENT_CHARS} characters.")
    return _parse_kept(text) if len(text) <= _MAX_KEPT_CHARS else _parse(text)


def _parse(text: str) -> Query:
    try:
        query: Query = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise _explain(error, text) from None
    return query


_parse_kept = lru_cache(maxsize=512)(_parse)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = FilePath(__file__).with_name("soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, start="query", parser="lalr", transformer=_Builder())


def _explain(error: UnexpectedInput, text: str) -> QueryFault:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return _unexpected_word(str(error.token), offset=error.token.start_pos or 0, text=text)
    if not isinstance(error, UnexpectedCharacters):
        return malformed("unexpected token: '<EOF>'", offset=len(text))
    offset = error.pos_in_stream or 0
    word = re.match(r"\w+", text[offset : offset + 200])
    if word:
        return _unexpected_word(word[0], offset=offset, text=text)
    row, column = error.line, error.column
    if text[offset] == "'":
        return malformed(f"line {row}:{column} mismatched character '<EOF>' expecting '''")
    if text[offset] in "(),.=<>":
        return malformed(f"unexpected token: '{text[offset]}'", offset=offset)
    return malformed(f"line {row}:{column} no viable alternative at character '{text[offset]}'")


def _unexpected_word(word: str, *, offset: int, text: str) -> QueryFault:
    before = text[max(0, offset - _LOOK_BACK_CHARS) : offset]
    if word.upper() == "TYPEOF" or _TYPEOF.search(before):
        return malformed("TYPEOF is not played by this emulator", offset=offset)
    # "SELECT Id FORM Account": FORM could pass for an alias, but it is the word to point at.
    if misspelt := _MISSPELT_FROM.fullmatch(before):
        word, offset = misspelt[1], offset - len(before) + misspelt.start(1)
    shown = word if len(word) <= 80 else f"{word[:80]}..."
    return malformed(f"unexpected token: '{shown}'", offset=offset)


@v_args(inline=True)
class _Builder(Transformer[Token, Query]):
    """Builds statement values while lark parses; one method per rule of the grammar."""

    def query(self, selections: tuple[Selection, ...], source: Path, *clauses: Any) -> Query:
        alias, scope, where, _mode, group_by, having, order_by, limit, skip, _view, _all_rows = clauses
        return Query(
            selections=selections,
            source=source,
            alias=alias,
            scope=scope,
            where=where,
            group_by=group_by,
            having=having,
            order_by=order_by,
            limit=limit,
            offset=skip[0] if skip else None,
            offset_at=skip[1] if skip else 0,
        )

    def selections(self, *selections: Selection) -> tuple[Selection, ...]:
        return selections

    def selected(self, operand: Path | Call, alias: Token | None = None) -> Selected:
        return Selected(operand, str(alias) if alias else None)

    def all_fields(self, word: Token, kind: Token) -> AllFields:
        if kind.upper() not in {"ALL", "STANDARD", "CUSTOM"}:
            raise malformed(f"unexpected token: '{kind}'", offset=kind.start_pos)
        return AllFields(kind.upper(), word.start_pos or 0)

    def children(self, query: Query) -> Children:
        return Children(query)

    def path(self, *names: Token) -> Path:
        return Path(tuple(map(str, names)), names[0].start_pos or 0)

    def call(self, name: Token, argument: Path | None = None) -> Call:
        return Call(name.upper(), argument, name.start_pos or 0)

    def alias(self, name: Token | None = None) -> str | None:
        return str(name) if name else None

    def using(self, scope: Token | None = None) -> str | None:
        return scope.lower() if scope else None

    def where(self, condition: Condition | None = None) -> Condition | None:
        return condition

    having = where

    def mode(self, mode: Token | None = None) -> None:
        if mode and mode.upper() not in _MODES:
            raise malformed(f"unexpected token: '{mode}'", offset=mode.start_pos)

    def group(self, *operands: Path | Call) -> tuple[Path | Call, ...]:
        return operands

    def order(self, *sortings: Sorting) -> tuple[Sorting, ...]:
        return sortings

    def sorting(self, operand: Path | Call, *words: Token) -> Sorting:
        kinds = {word.type for word in words}
        return Sorting(operand, "DESC" in kinds, "LAST" in kinds)

    def limit(self, count: Token | None = None) -> int | None:
        return None if count is None else _whole(count)

    def skip(self, *words: Token) -> tuple[int, int] | None:
        return (_whole(words[1]), words[0].start_pos or 0) if words else None

    def all_rows(self, *words: Token) -> None:
        if words:  # Apex only; clients have queryAll
            raise malformed("ALL ROWS not allowed in this context", offset=words[0].start_pos)

    def view(self, *_purposes: Token) -> None:
        return None

    def all_of(self, *conditions: Condition) -> Chain:
        return Chain("AND", conditions)

    def any_of(self, *conditions: Condition) -> Chain:
        return Chain("OR", conditions)

    def negated(self, condition: Condition) -> Negation:
        return Negation(condition)

    def compared(self, operand: Path | Call, operator: Token, literal: Token) -> Comparison:
        verb = "!=" if operator == "<>" else operator.upper()
        return Comparison(operand, verb, _literal(literal, is_pattern=verb == "LIKE"))

    def compared_at_once(self, comparison: Token) -> Comparison:
        parts = _COMPARISON.fullmatch(comparison)
        assert parts, "the token is made of these parts"
        start = comparison.start_pos or 0
        path = Path(tuple(parts[1].split(".")), start)
        verb = "!=" if parts[2] == "<>" else parts[2]
        offset = start + parts.start(3)
        is_quoted = parts[3][0] == "'"
        decoded = (
            decode_string(parts[3], offset=offset) if is_quoted else decode_word(parts[3], offset=offset)
        )
        return Comparison(path, verb, Literal(decoded, offset))

    def listed(self, operand: Path | Call, operator: Token, items: Token) -> Comparison:
        return Comparison(
            operand, operator.type.replace("_", " "), decode_list(items, offset=items.start_pos or 0)
        )

    def joined(self, operand: Path | Call, operator: Token, query: Query) -> Comparison:
        return Comparison(operand, operator.type.replace("_", " "), query)

    def literal(self, token: Token) -> Token:
        return token


def _literal(token: Token, *, is_pattern: bool) -> Literal:
    offset = token.start_pos or 0
    if token.type == "STRING":
        return Literal(decode_string(token, offset=offset, is_pattern=is_pattern), offset)
    return Literal(decode_word(token, offset=offset), offset)


def _whole(token: Token) -> int:
    if not (token.isascii() and token.isdecimal()) or len(token) > _MAX_COUNT_DIGITS:
        raise malformed(f"unexpected token: '{token}'", offset=token.start_pos)
    return int(token)
