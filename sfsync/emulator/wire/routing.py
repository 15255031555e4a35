"""A table of addresses: path patterns with names in braces, methods, and the functions that answer.

Segments are matched before they are decoded, so that a slash inside an external id value stays a value.
A trailing slash is ignored, fixed segments win over names, and fixed segments are compared without
regard to case.
Source: REST API Developer Guide, URI reference [D]; METHOD_NOT_ALLOWED text [P].
"""

from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import unquote

from sfsync.emulator.errors import ApiError, not_found

Target = TypeVar("Target", bound=Callable[..., object])


class RouteTable(Generic[Target]):
    """Finds who answers a path."""

    def __init__(self) -> None:
        self._routes: dict[int, list[tuple[tuple[str, ...], dict[str, Target]]]] = {}

    def add(self, method: str, pattern: str, target: Target) -> None:
        """Let a function answer a method on a pattern such as `/sobjects/{sobject}/{id}`."""
        parts = tuple(pattern.strip("/").split("/"))
        routes = self._routes.setdefault(len(parts), [])
        for known, methods in routes:
            if known == parts:
                methods[method] = target
                return
        routes.append((parts, {method: target}))
        routes.sort(key=lambda route: [part.startswith("{") for part in route[0]])

    def find(self, method: str, path: str) -> tuple[Target, dict[str, str]]:
        """Return the function for a call and the values of the names in its path.

        Raises: ApiError 404 for an unknown path, 405 for a method it does not take.
        """
        segments = path.strip("/").split("/")
        for parts, methods in self._routes.get(len(segments), ()):
            values = _match(parts, segments)
            if values is None:
                continue
            target = methods.get("GET" if method == "HEAD" else method)
            if target is None:
                raise _not_allowed(method, methods)
            return target, values
        raise not_found()


def _match(parts: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{"):
            values[part[1:-1]] = unquote(segment)
        elif part.lower() != segment.lower():
            return None
    return values if all(values.values()) else None


def _not_allowed(method: str, methods: dict[str, Target]) -> ApiError:
    allowed = ",".join((["HEAD"] if "GET" in methods else []) + sorted(methods))
    message = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return ApiError(405, "METHOD_NOT_ALLOWED", message)
