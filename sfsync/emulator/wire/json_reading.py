"""JSON text to values, and errors that point at line and column as the platform's parser does.

The fast reader does the work; only when something is wrong is the text walked again to say where.
Source: JSON_PARSER_ERROR texts recorded [R]; reported [P] for syntax errors.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from sfsync.emulator.errors import ApiError, UncoercibleError

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_SHOWN: Final = 200


def read_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises: ApiError (JSON_PARSER_ERROR) with the place of the first mistake.
    """
    import orjson

    if not body.strip():
        message = "The HTTP entity body is required, but this request has no entity body."
        raise ApiError(400, "JSON_PARSER_ERROR", message)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise ApiError(400, "JSON_PARSER_ERROR", _syntax_message(problem)) from None


def _syntax_message(problem: json.JSONDecodeError) -> str:
    place = f"[line:{problem.lineno}, column:{problem.colno}]"
    if problem.pos >= len(problem.doc.rstrip()):
        return f"Unexpected end-of-input: expected close marker for OBJECT or ARRAY\n at {place}"
    char = problem.doc[problem.pos]
    return f"Unexpected character ('{char}' (code {ord(char)})): {problem.msg}\n at {place}"


def coercion_error(problem: UncoercibleError, text: str, path: Sequence[str | int]) -> ApiError:
    """Return the error of a value that does not fit its field, with its place in the text."""
    line, column = locate(text, [*path, problem.key])
    message = (
        f"Cannot deserialize instance of {problem.wanted} from {_token(problem.value)} or request may be "
        f"missing a required field at [line:{line}, column:{column}]"
    )
    return ApiError(400, "JSON_PARSER_ERROR", message)


def _token(value: object) -> str:
    if isinstance(value, bool):
        return f"VALUE_{str(value).upper()} value {str(value).lower()}"
    if isinstance(value, str):
        return f"VALUE_STRING value {value[:_SHOWN]}"
    if isinstance(value, int):
        return f"VALUE_NUMBER_INT value {value}"
    if isinstance(value, float):
        return f"VALUE_NUMBER_FLOAT value {value}"
    return "START_OBJECT value {" if isinstance(value, dict) else "START_ARRAY value ["


def locate(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Return line and column, from 1, of the value at a path of keys and indexes (keys in any case)."""
    try:
        offset = _offset(text, 0, path)
    except (ValueError, IndexError):
        offset = 0
    line_start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - line_start + 1


def _skip_blanks(text: str, offset: int) -> int:
    match = _BLANKS.match(text, offset)
    return match.end() if match else offset


def _offset(text: str, offset: int, path: Sequence[str | int]) -> int:
    offset = _skip_blanks(text, offset)
    if not path:
        return offset
    if text[offset] == "[" and isinstance(path[0], int):
        return _offset_in_array(text, offset + 1, path)
    if text[offset] == "{":
        return _offset_in_object(text, offset + 1, path)
    return offset


def _offset_in_array(text: str, offset: int, path: Sequence[str | int]) -> int:
    decoder = json.JSONDecoder()
    for _ in range(int(path[0])):
        _, offset = decoder.raw_decode(text, _skip_blanks(text, offset))
        offset = _skip_blanks(text, offset) + 1
    return _offset(text, offset, path[1:])


def _offset_in_object(text: str, offset: int, path: Sequence[str | int]) -> int:
    decoder = json.JSONDecoder()
    while True:
        key, offset = decoder.raw_decode(text, _skip_blanks(text, offset))
        offset = _skip_blanks(text, _skip_blanks(text, offset) + 1)
        if str(key).lower() == str(path[0]).lower():
            return _offset(text, offset, path[1:])
        _, offset = decoder.raw_decode(text, offset)
        offset = _skip_blanks(text, offset) + 1
