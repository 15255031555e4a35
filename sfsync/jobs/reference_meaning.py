"""Checks what a rule says about its reference: by what it is looked up, and what is done without a hit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from sfsync.core.references.strategies import is_strategy
from sfsync.core.sobject import is_api_name
from sfsync.jobs.mistakes import Mistake, Path, shown

_TAKES_DEALS_ACCOUNT: Final = "contactid"
_OF_REFERENCES: Final = ("account", "missing", "inactive", "inactive_default")


def reference_mistakes(path: Path, rule: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with what a rule says about its reference."""
    match = rule.get("match")
    yield from match_mistakes(path, match)
    names = [each for each in _names(match) if isinstance(each, str)]
    compares_account = any("+" in each for each in names)
    if compares_account and "account" not in rule and path[-1].lower() != _TAKES_DEALS_ACCOUNT:
        yield Mistake(
            (*path, "match"), 'compares the account; name the column that says it: account = "COLUMN"'
        )
    if "account" in rule and not compares_account:
        yield Mistake((*path, "account"), 'means nothing without match = "Name + Account.Name"')
    if "inactive" in rule and "inactive_default" in rule:
        yield Mistake(
            (*path, "inactive"), "and inactive_default both say what becomes of one who left; give one"
        )
    for key in _OF_REFERENCES:
        if key in rule and "format" in rule:
            yield Mistake((*path, key), "is for references, format is for dates; give one")


def lead_match_mistakes(path: Path, match: object) -> Iterator[Mistake]:
    """What is wrong with how leads are looked up; a lead belongs to no account."""
    yield from match_mistakes(path, match)
    for name in _names(match):
        if isinstance(name, str) and "+" in name:
            yield Mistake((*path, "match"), f"= {shown(name)} compares the account, and a lead has none")


def _names(match: object) -> Iterable[object]:
    return [match] if isinstance(match, str) else match if isinstance(match, list) else ()


def match_mistakes(path: Path, match: object) -> Iterator[Mistake]:
    """What is wrong with the strategies of a `match`, each for itself."""
    seen: set[str] = set()
    for name in _names(match):
        if not isinstance(name, str) or not name:
            continue
        if "+" in name and not is_strategy(name):
            example = "an example is Name + Account.Name"
            yield Mistake((*path, "match"), f"= {shown(name)} is no field and an account; {example}")
        elif "+" not in name and not is_api_name(name):
            yield Mistake((*path, "match"), f"= {shown(name)} is no API name of a field")
        if name.lower() in seen:
            yield Mistake((*path, "match"), f'names "{name}" twice')
        seen.add(name.lower())
