"""Takes out of an answer what it repeats of our secrets, in each spelling that its format may have asked for.

Messages about rows come with status 200 too, and like refusals they are reported. The session's token is taken
out of every answer; the profile's secrets only out of refusals, because a password that is a common word could
stand in a record too, whose values must be read as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Final
from urllib.parse import quote, quote_plus

_SHORTEST: Final = 6
"""Bytes; anything shorter would be found in texts that are none of it."""

_PUT_IN: Final = b"(secret)"


def without(body: bytes, secrets: Iterable[bytes]) -> bytes:
    """The body with `(secret)` wherever one of the secrets stood."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            for spelling in _spellings(secret.decode()):
                body = body.replace(spelling, _PUT_IN)
    return body


def longest_spelling(secrets: Iterable[bytes]) -> int:
    """How many bytes the longest spelling of one of the secrets has; 0 where none is looked for."""
    looked_for = [each.decode() for each in secrets if len(each) >= _SHORTEST]
    return max((len(_spellings(each)[0]) for each in looked_for), default=0)


def _spellings(secret: str) -> list[bytes]:
    """The secret plain, and as JSON, XML and a URL spell it; the longest first, because they hold each other."""
    spelled = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # XML is spelled with and without its quotes; then JSON may carry either.
    spelled |= {escape(secret), escape(secret, quote=False)}
    spelled |= {json.dumps(each, ensure_ascii=False)[1:-1] for each in tuple(spelled)}
    spelled |= {quote(secret, safe=""), quote_plus(secret)}
    return sorted((each.encode() for each in spelled), key=len, reverse=True)
