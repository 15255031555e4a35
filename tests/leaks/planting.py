"""Secrets and row values that can be told apart from everything else, and the search for them in bytes."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

SPECIAL = "+/=&%\"'\\<> é"
"""Characters that look different in every coding."""

SECRETS = (
    *("client secret", "client id", "password", "security token", "proxy password", "netrc password"),
    *("https proxy password", "all proxy password", "cookie in the environment", "cloud key", "database url"),
    *("echoed message", "echoed code", "echoed page", "echoed location", "echoed cookie", "echoed header"),
    *("echoed field", "echoed description", "echoed title", "echoed refresh token", "echoed signature"),
    *("name in an answer", "e-mail in an answer", "phone in an answer", "amount in an answer"),
    *("secret in a profile", "secret as a variable's name", "secret as a login", "secret as an address"),
    *("secret as a version", "secret as a path", "secret as a flag", "secret as a user", "secret in a job"),
    *(
        "secret in a fault",
        "secret in its cause",
        "secret in its context",
        "secret in a local",
        "secret in a note",
    ),
)
"""What must be nowhere."""

ROWS = ("deal name", "next step", "amount", "stage", "contact e-mail", "role", "account", "date", "bad cell")
"""Values of rows: only where rows belong."""


def planted(names: Iterable[str], seed: int) -> dict[str, str]:
    """A text for each name, with special characters inside; the same for the same seed."""
    made = random.Random(seed)
    texts = {}
    for name in names:
        letters = [made.choice(string.ascii_letters + string.digits) for _ in range(24)]
        letters.insert(12, made.choice(SPECIAL))
        texts[name] = "".join(letters)
    return texts


def forms(text: str) -> set[bytes]:
    """The text as it could be written: plain, quoted for URLs, CSV, JSON, Python and XML, in base64 and hex."""
    data = text.encode()
    whole = {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1]}
    whole |= {json.dumps(text, ensure_ascii=False)[1:-1], text.replace('"', '""')}
    whole |= {escape(text), escape(text, quote=False).replace('"', "&#34;").replace("'", "&#39;")}
    written = {each.encode() for each in whole} | {data.hex().encode()}
    for shift in range(3):
        # Base64 of a longer text that holds this one: the digits that depend on nothing else.
        coded = base64.b64encode(b"\0" * shift + data)
        inner = coded[(4 if shift else 0) : -4]
        written |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return {each for each in written if len(each) >= 8}


@dataclass(frozen=True)
class Hit:
    """A planted text that was found."""

    name: str
    place: str

    def __str__(self) -> str:
        return f"{self.name} in {self.place}"


@dataclass
class Search:
    """What is looked for, and how much was looked through."""

    secrets: Mapping[str, str]
    rows: Mapping[str, str]
    bytes_read: int = 0
    files: int = 0
    hits: list[Hit] = field(default_factory=list)

    def look(self, place: str, data: bytes, *, may_hold_rows: bool) -> None:
        """Searches one output."""
        self.bytes_read += len(data)
        self.files += 1
        wanted = dict(self.secrets) if may_hold_rows else {**self.secrets, **self.rows}
        self.hits += [
            Hit(name, place) for name, text in wanted.items() if any(form in data for form in forms(text))
        ]


PRIVATE = (
    *("rejects", "unprocessed", "successes", "plan", "run_results", "journal"),
    "report.html",  # the plan and the problems as the terminal has them, for a browser
    "picks.csv",  # the values of references that nothing settles: a person says what they mean
    "verify.csv",  # what was sent beside what the org holds: without the values nobody could judge it
    "adopt.csv",  # names, amounts and stages of rows and records: a person says which are the same
    "pulled",  # deals of the org, which are what was asked for
)
"""How the names of files begin that may hold values of rows; whatever a run writes is private all the same."""


def files_below(folder: Path) -> Iterator[Path]:
    """All files that a run has left, also hidden ones."""
    return (each for each in sorted(folder.rglob("*")) if each.is_file())
