r"""What a search text means: words, phrases, wildcards and operators, and whether some text has them.

Words are compared whole and without regard to case, as a search index knows them; `*` stands for any
characters and `?` for one, not at the beginning of a word. Words side by side must all be there. AND NOT
binds closest, then AND, then OR.
Invariant: a reserved character without a backslash is refused, inside quotes too.
Source: SOQL and SOSL Reference, "FIND {SearchQuery}" [D].
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Final

from sfsync.emulator.sosl.errors import SoslError

_RESERVED: Final = frozenset("&|!{}[]^~:'+-")
_LEAST_CHARS: Final = 2
_MOST_CHARS: Final = 4_000
_WORD: Final = re.compile(r"[^\W_]+")
_WILD_WORD: Final = re.compile(r"[^\W_][^\W_*?]*(?:[*?]+[^\W_]*)*")

Words = Sequence[str]
Term = Callable[[Sequence[Words]], bool]
"""Says whether the fields of a record, each as its words, have what is searched for."""


def words_of(text: str) -> list[str]:
    """Return a text as the search index knows it: its words in lower case."""
    return _WORD.findall(text.casefold())


def read_text(text: str) -> Term:
    """Return what the text between the braces of FIND means.

    Raises:
        SoslError: reserved characters, unbalanced quotes or parentheses, less than two characters.
    """
    tokens = _tokens(text)
    _refuse_length(text)
    reader = _Reader(tokens)
    try:
        term = reader.any_of()
    except RecursionError:
        raise SoslError("the search is too complicated") from None
    if reader.peek() is not None:
        raise SoslError(f"unexpected token: '{reader.peek()}'")
    return term


def read_plain_text(text: str) -> Term:
    """Return what the `q` of a parameterised search means: all its words, with wildcards but no operators.

    Raises:
        SoslError: less than two characters.
    """
    _refuse_length(text)
    return _all_of([_phrase(part) for part in text.split()])


def _refuse_length(text: str) -> None:
    letters = "".join(_WORD.findall(text))
    if len(letters) < _LEAST_CHARS:
        raise SoslError(f"search term must be longer than one character: {text}")
    if len(text) > _MOST_CHARS:
        raise SoslError(f"search term must not be longer than {_MOST_CHARS} characters")


def _tokens(text: str) -> list[str]:
    """Split into parentheses, quoted phrases (with their quotes) and other runs; escapes are taken off."""
    tokens: list[str] = []
    run = ""
    is_quoted = False
    characters = iter(text)
    for character in characters:
        if character == "\\":
            run += _escaped(next(characters, ""))
        elif character in _RESERVED:
            raise SoslError(f"unexpected token: '{character}'")
        elif character == '"':
            tokens += [f'"{run}'] if is_quoted else [run]
            run, is_quoted = "", not is_quoted
        elif not is_quoted and (character.isspace() or character in "()"):
            tokens += [run, character.strip()]
            run = ""
        else:
            run += character
    if is_quoted:
        raise SoslError("unexpected token: '\"'")
    return [token for token in [*tokens, run] if token]


def _escaped(character: str) -> str:
    """Return what stands for an escaped character: in the index every reserved one only parts words."""
    if not character:
        raise SoslError("unexpected token: '\\'")
    return character if character.isalnum() else "_"


@dataclass(slots=True)
class _Reader:
    tokens: list[str]
    at: int = 0

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, *words: str) -> bool:
        ahead = [token.upper() for token in self.tokens[self.at : self.at + len(words)]]
        if ahead != list(words):
            return False
        self.at += len(words)
        return True

    def any_of(self) -> Term:
        choices = [self._all_of()]
        while self._take("OR"):
            choices.append(self._all_of())
        return choices[0] if len(choices) == 1 else lambda fields: any(term(fields) for term in choices)

    def _all_of(self) -> Term:
        parts = [self._without()]
        while self.peek() not in {None, ")"} and (self.peek() or "").upper() != "OR":
            self._take("AND")
            parts.append(self._without())
        return _all_of(parts)

    def _without(self) -> Term:
        term = self._unit()
        while self._take("AND", "NOT"):
            term = _but_not(term, self._unit())
        return term

    def _unit(self) -> Term:
        token = self.peek()
        if token is None or token.upper() in {")", "AND", "OR", "NOT"}:
            raise SoslError(f"unexpected token: '{token or '<EOF>'}'")
        self.at += 1
        if token != "(":
            return _phrase(token)
        term = self.any_of()
        if not self._take(")"):
            raise SoslError("unexpected token: '<EOF>'")
        return term


def _all_of(parts: Sequence[Term]) -> Term:
    return parts[0] if len(parts) == 1 else lambda fields: all(term(fields) for term in parts)


def _but_not(wanted: Term, unwanted: Term) -> Term:
    return lambda fields: wanted(fields) and not unwanted(fields)


def _phrase(token: str) -> Term:
    """Return the term of words that stand side by side; an address such as a@b.example is such a phrase."""
    patterns = [_pattern(word) for word in _WILD_WORD.findall(token.casefold())]

    def matches(fields: Sequence[Words]) -> bool:
        return any(
            all(pattern.fullmatch(word) for pattern, word in zip(patterns, words[start:], strict=False))
            for words in fields
            for start in range(len(words) - len(patterns) + 1)
        )

    return matches if patterns else lambda _: True


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(translate(word))
