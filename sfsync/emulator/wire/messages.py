"""Requests and replies as values, independent of sockets.

A request may come from the wire or from inside a composite; in the second case its body is already a
value. JSON is read on first use, with the platform's words for what is wrong. Replies are encoded here,
pretty or compact, gzipped if wanted.
Source: REST API Developer Guide, Headers and Compression [D]; X-PrettyPrint layout recorded [R].
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sfsync.emulator.errors import ApiError
from sfsync.emulator.wire.json_reading import read_json

JSON_TYPE: Final = "application/json;charset=UTF-8"
TEXT_TYPE: Final = "text/html;charset=UTF-8"
_COMPRESSED_FROM_BYTES: Final = 1024


@dataclass(slots=True)
class Request:
    """One call: method, address, headers by lower-case name, and body."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    value: Any = None
    has_value: bool = False

    @property
    def path(self) -> str:
        """The path as sent, without the query and still percent-encoded."""
        return urlsplit(self.target).path

    def parameters(self) -> dict[str, str]:
        """Return the query parameters; the last one of a name wins."""
        query = urlsplit(self.target).query
        return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}

    def form(self) -> dict[str, str]:
        """Return the fields of a form-encoded body."""
        text = self.body.decode("utf-8", errors="replace")
        return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def json(self) -> Any:
        """Return the body as a JSON value.

        Raises: ApiError for a wrong content type or text that is not JSON.
        """
        if not self.has_value:
            kind = self.headers.get("content-type", "")
            if "json" not in kind.lower():
                raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type '{kind}' is not supported.")
            self.value = read_json(self.body)
            self.has_value = True
        return self.value

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises: ApiError when it is something else.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise ApiError(400, "JSON_PARSER_ERROR", "Unexpected parser error: a JSON object was expected")
        return value

    def text_for_positions(self) -> str:
        """Return the JSON text that line and column of an error refer to."""
        if self.body:
            return self.body.decode("utf-8", errors="replace")
        return json.dumps(self.value, ensure_ascii=False)


@dataclass(slots=True)
class Reply:
    """An answer: status, body (JSON value, bytes, or None for no body) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    @classmethod
    def of(cls, error: ApiError) -> "Reply":
        """Return the answer that an error stands for; a body of bytes is plain text."""
        if isinstance(error.body, bytes):
            return cls(error.status, error.body, content_type=TEXT_TYPE)
        return cls(error.status, error.body)


def encoded(reply: Reply, *, pretty: bool) -> bytes:
    """Return the body of a reply as bytes."""
    import orjson

    if reply.body is None:
        return b""
    if isinstance(reply.body, bytes):
        return reply.body
    if pretty:
        return _pretty(reply.body).encode("utf-8", errors="replace")
    return orjson.dumps(reply.body)


def _pretty(value: Any, depth: int = 0) -> str:
    """Return JSON laid out as X-PrettyPrint does: blanks around colons and inside brackets."""
    if isinstance(value, dict) and value:
        inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
        parts = [f"{json.dumps(key)} : {_pretty(part, depth + 1)}" for key, part in value.items()]
        return "{" + inner + f",{inner}".join(parts) + outer + "}"
    if isinstance(value, list | tuple) and value:
        return "[ " + ", ".join(_pretty(part, depth) for part in value) + " ]"
    if isinstance(value, dict | list | tuple):
        return "{ }" if isinstance(value, dict) else "[ ]"
    return json.dumps(value, ensure_ascii=False)


def compressed(body: bytes, accept_encoding: str) -> tuple[str, bytes] | None:
    """Return the encoding and the body in it if the client takes one and it is worthwhile, else None."""
    if len(body) < _COMPRESSED_FROM_BYTES:
        return None
    accepted = _accepted_codings(accept_encoding)
    if "gzip" in accepted:
        return "gzip", gzip.compress(body, compresslevel=1, mtime=0)
    if "deflate" in accepted:
        return "deflate", zlib.compress(body, level=1)
    return None


def _accepted_codings(header: str) -> set[str]:
    """Return the codings of an Accept-Encoding header that are not ruled out by a quality of zero."""
    accepted = set()
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if not any(_is_zero(parameter) for parameter in parameters):
            accepted.add(name)
    return accepted


def _is_zero(parameter: str) -> bool:
    name, _, quality = parameter.partition("=")
    return name.strip() == "q" and not quality.strip().strip("0.")
