"""What an answer repeats of our secrets is taken out of it."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from sfsync.salesforce.repeated_secrets import without

SECRET = "s3cr\"et & <é> \\ it's+self"


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        escape(SECRET),
        escape(SECRET, quote=False),
        json.dumps(escape(SECRET, quote=False), ensure_ascii=False)[1:-1],
        quote(SECRET, safe=""),
        quote_plus(SECRET),
    ],
)
def test_a_secret_is_taken_out_in_every_spelling(spelled: str) -> None:
    """Plain, and as JSON, XML and a URL must spell it."""
    assert without(f"<{spelled}>".encode(), [SECRET.encode()]) == b"<(secret)>"


def test_a_text_without_a_secret_stays_as_it_is() -> None:
    """A secret that is too short to be told from other texts takes nothing out."""
    body = b"id 12345, and so on"
    assert without(body, [b"", b"12345", b"another one"]) is body
