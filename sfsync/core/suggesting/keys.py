"""Which column tells the rows apart: decided where one column alone does and its name says so, else a choice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.suggesting.undecided import Decision

_KEY_WORDS: Final = frozenset(
    (
        *(
            "id",
            "key",
            "nr",
            "no",
            "number",
            "dealid",
            "dealkey",
            "dealno",
            "dealnumber",
            "dealnr",
            "recordid",
        ),
        *("externalid", "opportunityid", "opportunitykey", "crmid", "dealcode", "datensatzid"),
    )
)
"""Folded headers that are names of keys and of nothing else."""

_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often the values of a column repeat: different values, rows beyond the first, lines of the first two."""

    column: str
    distinct: int
    repeated: int
    lines: tuple[int, int] | None
    blank: int

    @property
    def is_key(self) -> bool:
        """Whether the column is unique and never empty."""
        return self.repeated == 0 and self.blank == 0 and self.distinct > 0

    @property
    def sentence(self) -> str:
        """The count for a person."""
        if self.is_key:
            return f"{self.distinct:,} values, all different, none empty"
        said = [f"{self.distinct:,} different values"]
        if self.lines:
            said.append(f"{self.repeated:,} repeated, first in lines {self.lines[0]} and {self.lines[1]}")
        if self.blank:
            said.append(f"{self.blank:,} empty")
        return ", ".join(said)


def key_column(
    repeats: Sequence[Repeats],
    describe: SObjectDescribe,
    *,
    wanted: str | None,
    by_preset: str | None,
    unlikely: Collection[str] = (),
) -> Decision:
    """The key column: the one that was named, that the preset names, or that alone is unique and named like a key.

    `unlikely` are columns that are something else for sure, such as amounts, which may be unique by chance.
    """
    by_name = {each.column: each for each in repeats}
    if wanted is not None:
        return Decision(wanted, why=f"as --key says: {by_name[wanted].sentence}")
    candidates = [each.column for each in repeats if each.is_key and each.column not in unlikely]
    if by_preset in candidates:
        return Decision(by_preset or "", why=f"the preset's key: {by_name[by_preset or ''].sentence}")
    own = [each for each in candidates if _is_key_field(each, describe)]
    named = own or [each for each in candidates if _plain(each) in _KEY_WORDS]
    if len(named) == 1:
        return Decision(named[0], why=by_name[named[0]].sentence)
    almost = sorted(repeats, key=lambda each: each.repeated + each.blank)
    called = [each.column for each in almost if _plain(each.column) in _KEY_WORDS]
    near = list(dict.fromkeys((*called, *(candidates or (each.column for each in almost[:3])))))[:_MOST]
    why = "; ".join(f"{each}: {by_name[each].sentence}" for each in near[:5])
    said = why if candidates else f"no column is unique and filled: {why}"
    advice = (
        f"{near[0]} if it tells the deals apart" if near else "name the column that tells the deals apart"
    )
    return Decision("", tuple(near), advice, said)


def key_field(column: str, describe: SObjectDescribe, *, is_org: bool) -> Decision:
    """The org's field for the key; a value of "row_key" where it has none."""
    if not is_org:
        place = f'add FIELD = "{column or "COLUMN"}" to the fields'
        advice = (
            f"write the org's field for the key (External ID, Unique; suggest -o ORG finds it), and {place}"
        )
        return Decision("", (), advice, "no org and no snapshot was given")
    own = describe.field(column) if column else None
    if own is not None and own.is_key:
        return Decision(own.name, why="the column is named so")
    fields = [each.name for each in describe.key_fields()]
    if not fields:
        return Decision("row_key", why="the org has no field that is External ID and Unique")
    if len(fields) == 1:
        return Decision(fields[0], why="the org's only field that is External ID and Unique")
    return Decision("", tuple(fields), "", "several fields of the org are External ID and Unique")


def _is_key_field(column: str, describe: SObjectDescribe) -> bool:
    field = describe.field(column)
    return field is not None and field.is_key


def _plain(header: str) -> str:
    return "".join(char for char in header.casefold() if char.isalnum())
