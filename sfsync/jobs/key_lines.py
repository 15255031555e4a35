"""Finds the line on which a key of a TOML file stands.

The parser of the standard library gives data without places, so the text is walked once more when there is
a mistake to show. The text is valid TOML by then; keys inside inline tables share the line of their table.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Final

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER: Final = re.compile(rf"[ \t]*\[\[?[ \t]*({_KEY})[ \t]*\]\]?[^\n]*")
_ASSIGNMENT: Final = re.compile(rf"[ \t]*({_KEY})[ \t]*=")
_REST: Final = re.compile(r"[^\n]*")
_STRINGS: Final = (
    r'"{3}(?:\\.|[^\\])*?"{3,5}',
    r"'{3}.*?'{3,5}",
    r'"(?:\\.|[^"\\\n])*"',
    r"'[^'\n]*'",
)
_TOKEN: Final = re.compile("|".join((*_STRINGS, r"#[^\n]*", r"[\[\]{}\n]", r"[^\"'#\[\]{}\n]+")), re.DOTALL)

Path = tuple[str, ...]


def key_lines(text: str) -> Mapping[Path, int]:
    """The line of every key and table, by its path; line 1 is the top.

    What stands in an array of tables has two paths, with the places of its tables (from 0) and without.
    """
    lines: dict[Path, int] = {}
    places: dict[Path, int] = {}
    table: Path = ()
    offset, line = 0, 1
    while offset < len(text):
        end = _statement_end(text, offset)
        if header := _HEADER.match(text, offset):
            table = _path(header[1])
            if header[0].lstrip().startswith("[["):
                array = (*_placed(table[:-1], places), table[-1])
                places[array] = places.get(array, -1) + 1
            _note(lines, table, line)
            _note(lines, _placed(table, places), line)
        elif assignment := _ASSIGNMENT.match(text, offset):
            end = _value_end(text, assignment.end())
            path = table + _path(assignment[1])
            _note(lines, path, line)
            _note(lines, _placed(path, places), line)
        line += text.count("\n", offset, end + 1)
        offset = end + 1
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table around it; 1 when there is none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def _note(lines: dict[Path, int], path: Path, line: int) -> None:
    for length in range(1, len(path)):
        lines.setdefault(path[:length], line)
    lines[path] = line


def _placed(path: Path, places: Mapping[Path, int]) -> Path:
    """The path with the place of the latest table of each array on its way."""
    placed: Path = ()
    for part in path:
        placed = (*placed, part)
        if placed in places:
            placed = (*placed, str(places[placed]))
    return placed


def _path(key: str) -> Path:
    """The parts of a dotted key, unquoted by the parser itself."""
    parts: list[str] = []
    table: object = tomllib.loads(f"{key} = 0")
    while isinstance(table, dict):
        name, table = next(iter(table.items()))
        parts.append(name)
    return tuple(parts)


def _statement_end(text: str, offset: int) -> int:
    rest = _REST.match(text, offset)
    return rest.end() if rest else len(text)


def _value_end(text: str, offset: int) -> int:
    """The offset of the line end behind a value, which may span lines."""
    depth = 0
    while token := _TOKEN.match(text, offset):
        if token[0] == "\n" and depth == 0:
            return offset
        depth += (token[0] in "[{") - (token[0] in "]}")
        offset = token.end()
    return len(text)
