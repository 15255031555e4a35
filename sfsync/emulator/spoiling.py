"""How a good answer is spoiled on its way out: lists reshaped, encodings that lie, JSON cut short.

Pure: an answer in, an answer out. Which answers are spoiled is the scripts' part (`faults.py`).
Source: the failure model of the product, network fault N10.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sfsync.emulator.soap.xml_writing import with_results
from sfsync.emulator.wire.messages import Reply, encoded

SHAPES: Final[dict[str, Callable[[list[object]], list[object]]]] = {
    "fewer": lambda rows: rows[:-1],
    "more": lambda rows: [*rows, *rows[-1:]],
    "reversed": lambda rows: rows[::-1],
    "rotated": lambda rows: [*rows[1:], *rows[:1]],
    "empty": lambda _: [],
}


def reshaped(body: object, how: str, depth: int) -> object:
    """Return the body with its lists reshaped, after so many lists on the way in; of SOAP, the results."""
    if isinstance(body, bytes) and body.startswith(b"<?xml"):
        return with_results(body, SHAPES[how])
    if isinstance(body, list) and depth:
        return [reshaped(part, how, depth - 1) for part in body]
    if isinstance(body, list):
        return SHAPES[how](body)
    if isinstance(body, dict):
        return {key: reshaped(part, how, depth) for key, part in body.items()}
    return body


def spoiled(reply: Reply, how: str) -> Reply:
    """Return the answer in a form that contradicts itself: `gzip`, `type` or `json`."""
    body = encoded(reply, pretty=False)
    match how:
        case "gzip":
            return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})
        case "type":
            return replace(reply, body=body, content_type="text/html;charset=UTF-8")
        case _:
            return replace(reply, body=body[: len(body) // 2])
