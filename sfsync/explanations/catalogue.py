"""The catalogue of codes: what each means, what it did to the data, the next step, and who can take it.

It is data, one file in groups/ for each part of the way from a file to the org, so that words can be corrected
without touching code. A code of sfsync is its own; a code of Salesforce is the platform's word, passed on as it is,
with the place where the platform documents it. A name that ends in * stands for all codes that begin like it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "groups"

EFFECTS: Final = {
    "nothing": "Nothing was sent; the org is as it was.",
    "row": "This row was not written; the other rows go on.",
    "note": "None: the rows are written as planned.",
    "adoption": "The record was not touched and got no key; the other lines of the file go on.",
}
"""Effects that many codes have, by the word that the files use for them."""

RETRIES: Final = {
    "corrected": "Not as it is: it ends the same way until the cause is corrected.",
    "none": "Nothing is left to be tried again.",
}
"""What a second try brings, where many codes have it in common."""

PEOPLE: Final = {
    "sales": "the person who looks after the deals",
    "engineer": "the engineer who looks after the job",
    "admin": "the Salesforce admin",
    "anyone": "nobody in particular",
}
"""Who can mend it, by the word that the files use."""

MOST_NEAR: Final = 6


@dataclass(frozen=True, slots=True)
class Explanation:
    """One code in words. `exits` are the exit codes that a command can end with by it, none for a problem of a row.

    `source` says where Salesforce documents it, "" for what sfsync decides itself.
    """

    code: str
    title: str
    causes: tuple[str, ...]
    effect: str
    steps: tuple[str, ...]
    who: tuple[str, ...]
    retry: str
    exits: tuple[int, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Group:
    """The codes of one part of the way; `is_platform` says that they are words of Salesforce."""

    title: str
    is_platform: bool
    explanations: tuple[Explanation, ...]


@cache
def groups() -> tuple[Group, ...]:
    """All groups in the order in which a row meets them, Salesforce's own last."""
    return tuple(_group(path) for path in sorted(FOLDER.glob("*.toml")))


def explanation(code: str) -> Explanation | None:
    """What a code means; capitals do not count. A code that begins like a name with * is explained by it."""
    known = _by_code()
    wanted = code.strip().casefold()
    if wanted in known:
        return known[wanted]
    return next((each for name, each in known.items() if _stands_for(name, wanted)), None)


def title_of(code: str) -> str:
    """The title of a code, as it goes on in a sentence; "" where the code is in no group."""
    found = explanation(code)
    return _lowered(found.title) if found else ""


def nearest_codes(code: str) -> tuple[str, ...]:
    """The codes most like a word that is none, best first; one that is part of a code counts."""
    known = {name: each.code for name, each in _by_code().items()}
    wanted = code.strip().casefold().replace(" ", "_").replace("-", "_")
    close = get_close_matches(wanted, known, n=3, cutoff=0.7)
    within = [name for name in known if len(wanted) > 2 and wanted in name.split("_")]
    return tuple(known[name] for name in dict.fromkeys([*within, *close]))[:MOST_NEAR]


@cache
def _by_code() -> dict[str, Explanation]:
    return {each.code.casefold(): each for group in groups() for each in group.explanations}


def _stands_for(name: str, wanted: str) -> bool:
    return name.endswith("*") and wanted.startswith(name.removesuffix("*"))


def _group(path: Path) -> Group:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    entries = tuple(_entry(code, {**table, **entry}) for code, entry in table["codes"].items())
    return Group(table["title"], table.get("origin") == "salesforce", entries)


def _entry(code: str, said: Mapping[str, Any]) -> Explanation:
    """An entry, where it is silent with what its file says for all."""
    return Explanation(
        code=code,
        title=said["title"],
        causes=_several(said["cause"]),
        effect=EFFECTS.get(said["effect"], said["effect"]),
        steps=_several(said["next"]),
        who=tuple(PEOPLE[each] for each in _several(said["who"])),
        retry=RETRIES.get(said["retry"], said["retry"]),
        exits=tuple(said.get("exits", ())),
        source=said.get("source", ""),
    )


def _several(said: str | Sequence[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def _lowered(title: str) -> str:
    """A title inside of a sentence: its first letter small, but for names such as API."""
    begins_a_name = title.startswith(("API", "Apex", "Salesforce", "SFSYNC"))
    return title if begins_a_name else title[:1].lower() + title[1:]
