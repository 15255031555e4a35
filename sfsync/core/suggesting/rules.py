"""Rules for the columns of a file: from its headers, or laid over those of a preset that its header fits.

A header counts as the field's name or label, without case and punctuation, or as a common word; a name that is only
near is told. What a field's own values must be (stages, restricted picklists, roles) gets a total map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import FieldRule
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.reading.headers import COMMON_WORDS, match_headers
from sfsync.core.suggesting.column_account import ColumnFacts, Word
from sfsync.core.suggesting.suggestion import OpenColumn, RuleGuess
from sfsync.core.suggesting.undecided import Decision
from sfsync.core.suggesting.value_forms import dates_of, numbers_of
from sfsync.core.suggesting.words import stage_words, word_guesses
from sfsync.core.wording import nearest

_STAGE: Final = "StageName"
_MAPPED: Final = frozenset({_STAGE, "Role"})


@dataclass(frozen=True, slots=True)
class OrgWords:
    """What an org, a snapshot, or the standard without either says: fields of an sObject, and stages."""

    describe: SObjectDescribe
    stages: StageCatalogue

    def offered(self, field: Field) -> Sequence[str]:
        """The values that the field takes, where a map for them is wanted."""
        if field.name == _STAGE:
            return self.stages.active()
        return field.picklist if field.name in _MAPPED or field.restricted_picklist else ()


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A preset's rule with the columns of the file, and its words."""

    field: str
    columns: tuple[str, ...]
    words: Mapping[str, str]
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeaderGuess:
    """The rules for a header, the columns that cannot be written, and those that nobody knows."""

    rules: tuple[RuleGuess, ...]
    left_out: tuple[OpenColumn, ...]
    unknown: tuple[OpenColumn, ...]


def rules_of_header(
    facts: Mapping[str, ColumnFacts], org: OrgWords, *, keys: Mapping[str, str], fixed: Mapping[str, str]
) -> HeaderGuess:
    """Rules for the columns that are recognised; `keys` and `fixed` are those of `match_headers`."""
    matched = match_headers(list(facts), org.describe, fixed=fixed, ignore=(), keys=keys)
    rules: list[RuleGuess] = []
    left_out: list[OpenColumn] = []
    for rule in matched.rules:
        field = org.describe.field(rule.field)
        assert field is not None
        if field.createable or field.updateable:
            rules.append(_rule(rule, field, facts[rule.column or ""], org))
        else:
            left_out.append(OpenColumn(rule.column or "", f"{field.name} cannot be written"))
    taken = {each.field: each.columns[0] for each in rules}
    unknown = [
        OpenColumn(column, _why_unknown(repeats, column, taken, org.describe))
        for column, repeats in matched.unmatched.items()
    ]
    return HeaderGuess(tuple(rules), tuple(left_out), tuple(unknown))


def overlays(rules: Iterable[KnownRule], facts: Mapping[str, ColumnFacts], org: OrgWords) -> list[RuleGuess]:
    """What the file asks for beyond the rules of its preset: forms of numbers and dates, and further words."""
    found = []
    for rule in rules:
        field = org.describe.field(rule.field)
        columns = [facts[each] for each in rule.columns if each in facts]
        if field is None or not columns:
            continue
        whole, words, notes = _words(field, columns, org, rule.words)
        if words is not None:
            words = tuple(each for each in words if rule.words.get(each.word.text) != each.becomes.value)
            words = tuple(each for each in words if each.becomes.value != "(blank)")
        guess = RuleGuess(
            rule.field,
            rule.columns,
            f"preset: {' or '.join(rule.columns)}",
            rule.match,
            numbers_of(field, columns),
            dates_of(field, columns),
            words or None,
            whole,
            is_overlay=True,
            notes=notes,
        )
        found.append(guess)
    return found


def missing_rules(found: Iterable[str], wanted: Sequence[str], columns: Sequence[str]) -> list[RuleGuess]:
    """Open rules for fields that a record needs and that no column was found for."""
    there = {each.lower() for each in found}
    advice = 'write the column that holds it, or { constant = "..." } without the quotes around it'
    return [
        RuleGuess(
            each,
            whole=Decision("", (), advice, f"no column is {each}; columns are {', '.join(columns)}"[:300]),
        )
        for each in wanted
        if each.lower() not in there
    ]


def _rule(rule: FieldRule, field: Field, facts: ColumnFacts, org: OrgWords) -> RuleGuess:
    whole, words, notes = _words(field, [facts], org, {})
    if words is not None and all(each.word.text == each.becomes.value for each in words):
        values = "value" if len(words) == 1 else "values"
        notes = (*notes, f"its {len(words)} {values} are in the org") if words else notes
        words = None
    return RuleGuess(
        rule.field,
        (facts.column,),
        f'column "{facts.column}" {_how(facts.column, field, org.describe)}',
        rule.match,
        numbers_of(field, [facts]),
        dates_of(field, [facts]),
        words,
        whole,
        notes=notes,
    )


def _words(
    field: Field, columns: Sequence[ColumnFacts], org: OrgWords, said: Mapping[str, str]
) -> tuple[Decision | None, tuple | None, tuple[str, ...]]:  # type: ignore[type-arg]
    """An open rule where there are too many words, else the guesses, None where none are wanted; and notes."""
    offered = org.offered(field)
    if not offered:
        return None, None, ()
    lists = [each.words for each in columns]
    if any(each is None for each in lists):
        names = " or ".join(each.column for each in columns)
        advice = f"{names} holds more different words than a picklist; name another column"
        return Decision("", (), advice, advice), None, ()
    common = stage_words(org.stages) if field.name == _STAGE else {}
    words: dict[str, Word] = {word.text: word for each in lists for word in each or ()}
    blanks = sum(each.blank for each in columns) if field.name == _STAGE and len(columns) == 1 else 0
    notes = (f"{blanks} rows have none, and a new deal needs one",) if blanks else ()
    return None, tuple(word_guesses(words.values(), offered, said=said, common=common)), notes


def _how(column: str, field: Field, describe: SObjectDescribe) -> str:
    if column == field.name:
        return "is the field's name"
    plain = _plain(column)
    if plain == _plain(field.name):
        return "is the field's name but for case and punctuation"
    if COMMON_WORDS.get(describe.name, {}).get(plain) == field.name:
        return "is a common word for it"
    return "is its label" if plain == _plain(field.label) else "was named for it"


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _why_unknown(repeats: str, column: str, taken: Mapping[str, str], describe: SObjectDescribe) -> str:
    if repeats in taken:
        return f'{repeats} is column "{taken[repeats]}" already'
    names = {each.label: each.name for each in describe.fields.values() if each.createable}
    near = dict.fromkeys(names[each] for each in nearest(column, names, most=2))
    return f"no field is called so; perhaps {' or '.join(near)}?" if near else "no field is called so"
