"""Parents that are in no file and no org yet, and are made for the rows that name them: which, and with what.

Rows that name a parent alike mean one parent: names and e-mail addresses are compared as the org's queries do,
without letter case. The first row says what else the parent has; rows that say otherwise are a problem, for
nobody can tell which of them is right.
Source: SOQL and SOSL Reference (text comparison ignores case); Object Reference, Account and Contact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from sfsync.core.job import FieldRule, Job, Missing, Section
from sfsync.core.models import Reference
from sfsync.core.plans.plan import Change
from sfsync.core.reading.checks import Invalid
from sfsync.core.reading.declared_values import NotAsDeclared, declared_value
from sfsync.core.reading.mapping import as_text, put_right
from sfsync.core.reading.rows import Cell
from sfsync.core.references.strategies import fitting
from sfsync.core.reports.results import RowRef
from sfsync.core.sobject import ACCOUNT, CONTACT
from sfsync.core.values import clean_key, trimmed

STANDARD_PARENTS: Final = {
    "accountid": ACCOUNT,
    "parentid": ACCOUNT,
    "contactid": CONTACT,
    "reportstoid": CONTACT,
}
"""What the standard reference fields of the rows point at, by the field's name in lower case."""

MAKEABLE: Final = (ACCOUNT, CONTACT)
"""The sObjects whose records are made for rows that refer to them."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one row says of a parent that may have to be made.

    `key` is None where the text that names the parent is its key, or the parent has none. `texts` are as `values`
    reads them, whatever locale the cells are written in; `unreadable` says of which fields the cell is none of it.
    """

    rule: FieldRule
    texts: Mapping[str, str]
    key: str | None = None
    unreadable: Mapping[str, Invalid] = field(default_factory=dict)


def told_parents(section: Section, cells: Mapping[str, Cell]) -> dict[str, Told]:
    """What a row says of the parents that its section makes, by the field that refers to them."""
    right = put_right(section, cells)
    return {rule.field: _told(rule, right) for rule in section.rules if rule.missing is Missing.CREATE}


def _told(rule: FieldRule, cells: Mapping[str, Cell]) -> Told:
    texts: dict[str, str] = {}
    unreadable: dict[str, Invalid] = {}
    for name, each in rule.create.items():
        try:
            texts[name] = _plain(rule.create_rules.get(name), cells.get(each))
        except NotAsDeclared as error:
            message = f"the new parent cannot be made: {name}: {error}"
            unreadable[name] = Invalid(error.code, message, error.hint)
    column = rule.create_key.column if rule.create_key else None
    is_apart = column is not None and column != rule.column
    key = clean_key(as_text(cells.get(column or ""))) if is_apart else None
    return Told(rule, texts, key, unreadable)


def _plain(rule: FieldRule | None, cell: Cell) -> str:
    """A cell's text, numbers and dates as they are written without any declaration."""
    text = trimmed(as_text(cell))
    if rule is None or text == "":
        return text
    value = declared_value(rule, text, cell if isinstance(cell, Decimal | date) else None)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def columns_for_parents(rule: FieldRule) -> list[str]:
    """The columns that a rule reads besides its own, to make parents."""
    key = rule.create_key.column if rule.create_key else None
    return [*rule.create.values(), *((key,) if key else ())]


@dataclass(frozen=True, slots=True)
class Identity:
    """By what rows mean the same parent: a field of the parent and its compared value."""

    sobject: str
    field: str
    compared: str

    @property
    def row_key(self) -> str:
        """How the journal knows a parent without a key of its own."""
        return f"{self.field}={self.compared}"


def identity(sobject: str, reference: Reference) -> Identity | None:
    """Which parent a reference names; None when it names none that could be made, such as a bare record id.

    A name and its account name none: a parent that is made has no account, and would not be found by both again.
    """
    return _named(sobject, found_by(sobject, reference))


def found_by(sobject: str, reference: Reference) -> tuple[tuple[str, str], ...]:
    """The fields that name a parent, each with the text that is looked up in it, in the order of `match`."""
    fit = fitting(sobject, reference)
    text = clean_key(reference.value)
    return tuple((each.field, text) for each in fit if not each.account and each.field.lower() != "id")


def remembered_as(change: Change) -> str | None:
    """How the journal knows a made parent by the text that names it, where its key is of that text too.

    One whose key is told apart is known by that key alone: the next of its name may be another.
    """
    named = _named(change.sobject, change.found_by)
    is_named = named is not None and clean_key(change.key).casefold() == named.compared
    return named.row_key if named is not None and is_named else None


def _named(sobject: str, places: Sequence[tuple[str, str]]) -> Identity | None:
    if not places:
        return None
    name, text = next((each for each in places if each[0].lower() == "name"), places[0])
    return Identity(sobject, name, text.casefold())


def called(named: Identity, values: Mapping[str, object]) -> str:
    """What a parent with these values has in the field that names it, as it is compared; "" where nothing is said.

    The org makes a contact's name of its parts. Source: Object Reference, Contact.
    """
    whole = values.get(named.field)
    if not whole and named.sobject == CONTACT and named.field.lower() == "name":
        whole = " ".join(str(values[each]) for each in ("FirstName", "LastName") if values.get(each))
    return clean_key(str(whole or "")).casefold()


@dataclass(frozen=True, slots=True)
class Naming:
    """One row that names a parent: where it stands, its reference, and what it says of the parent."""

    ref: RowRef
    reference: Reference
    told: Told


@dataclass(frozen=True, slots=True)
class Agreed:
    """What all rows say together of one parent: its fields' texts, its key, and the rows that say otherwise.

    `against` is keyed by the place of the row among those that name the parent.
    """

    texts: Mapping[str, str]
    key: str
    against: Mapping[int, Invalid]


def agreed(named: Identity, namings: Sequence[Naming]) -> Agreed:
    """What the rows say of the parent that they name: of each field the first word, where a row has one.

    The text that names the parent may be its key as well. Of several spellings the most frequent is, so that the
    key does not hang on the order of the rows.
    """
    said: dict[str, tuple[str, int]] = {}
    against: dict[int, Invalid] = {}
    for place, naming in enumerate(namings):
        for why in naming.told.unreadable.values():
            against.setdefault(place, why)
        for name, text in (*naming.told.texts.items(), (_KEY, naming.told.key or "")):
            if text == "":
                continue
            before, line = said.setdefault(name, (text, naming.ref.line))
            if before != text and not _is_naming(naming.told.rule, name):
                against.setdefault(place, _disagrees(naming, name, text, before=before, line=line))
    key, _ = said.pop(_KEY, ("", 0))
    if all(each.told.key is None for each in namings):
        spelled = Counter(clean_key(each.reference.value) for each in namings)
        key = max(spelled, key=lambda each: (spelled[each], each))
    own = {name: text for name, (text, _) in said.items()}
    return Agreed(_named_texts(named, namings[0]) | own, key, against)


def _is_naming(rule: FieldRule, name: str) -> bool:
    """Whether a field is given the very text that names the parent, which rows may spell in several ways."""
    return rule.column is not None and rule.create.get(name) == rule.column


_KEY: Final = "its key"


def _disagrees(naming: Naming, name: str, text: str, *, before: str, line: int) -> Invalid:
    here = naming.ref.line
    message = f'{name} of "{naming.reference.value}" is "{text}" in line {here} and "{before}" in line {line}'
    hint = "Make the lines agree: one record is made for all of them, and nobody can tell which is right."
    return Invalid("PARENT_DISAGREES", message, hint)


def _named_texts(named: Identity, first: Naming) -> dict[str, str]:
    """What the text that names the parent fills: the field it is looked up by, for people first and last name."""
    value = first.reference.value
    if named.sobject != CONTACT or named.field.lower() != "name":
        return {named.field: value}
    if any(each.lower() == "lastname" for each in first.told.rule.create):
        return {}
    before, _, last = value.rpartition(" ")
    return {"FirstName": before.strip(), "LastName": last} if before.strip() else {"LastName": last}


def grouped(namings: Iterable[tuple[str, Naming]]) -> dict[Identity, list[Naming]]:
    """The rows by the parent that they name, in their order; (sObject, row) pairs come in."""
    groups: dict[Identity, list[Naming]] = {}
    for sobject, naming in namings:
        named = identity(sobject, naming.reference)
        if named is not None:
            groups.setdefault(named, []).append(naming)
    return groups


def made_parents(job: Job) -> dict[str, str | None]:
    """The sObjects of which a job may make parents, with their key field, as far as the job alone can tell."""
    keys = {each.sobject: each.key for each in job.sections.values()}
    made: dict[str, str | None] = {}
    for rule in making_rules(job.sections.values()):
        named = STANDARD_PARENTS.get(rule.field.lower())
        for sobject in (named,) if named else MAKEABLE:
            own = rule.create_key.field if rule.create_key else ""
            made[sobject] = own or keys.get(sobject)
    return made


def makes_without_key(job: Job) -> list[str]:
    """The sObjects of which a job may make parents without a key."""
    return sorted(sobject for sobject, key in made_parents(job).items() if key is None)


def making_rules(sections: Iterable[Section]) -> Sequence[FieldRule]:
    """The rules that make parents."""
    return [rule for each in sections for rule in each.rules if rule.missing is Missing.CREATE]
