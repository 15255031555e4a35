"""Which rows refer to a record whose own rows are touched: what becomes of it may change what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sfsync.core.job import FieldRule, Section
from sfsync.core.models import Reference
from sfsync.core.reading.mapping import said
from sfsync.core.reading.row_groups import Row, group_of, group_of_key
from sfsync.core.reading.rows import ModelRow, PassedLine, RowSource, SourceRow
from sfsync.core.resync.prints import group_print
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY, WRITE_ORDER, record_id
from sfsync.engine.planning.schema import Schema, target


@dataclass(frozen=True, slots=True)
class Referring:
    """The references of one section to records of other groups that the job brings, by the key of those."""

    section: Section
    rules: tuple[tuple[FieldRule, str], ...]

    def texts(self, row: Row) -> Iterator[tuple[str, str]]:
        """The sObject and the key of each record that a row refers to."""
        for rule, sobject in self.rules:
            if isinstance(row, SourceRow):
                yield sobject, said(self.section, rule, row)
            elif isinstance(row, ModelRow):
                value = dict(row.record.given()).get(rule.field)
                yield sobject, value.value if isinstance(value, Reference) else ""


def referring_of(schema: Schema) -> tuple[list[Referring], str]:
    """The sections that refer to parents which the job brings too, parents first; and why that is not all ("")."""
    brought = {each.sobject: each for each in schema.sections.values() if each.sobject != CONTACT_ROLE}
    found: list[Referring] = []
    for section in sorted(schema.sections.values(), key=lambda each: WRITE_ORDER.index(each.sobject)):
        describe, rules = schema.describe(section.sobject), []
        for rule in section.rules:
            field = describe.field(rule.field)
            goal = target(field) if field is not None and field.type == "reference" else ""
            if goal not in brought or goal == OPPORTUNITY:
                continue
            key = brought[goal].match_name.lower()
            if [each.lower() for each in rule.match] not in ([key], [key, "id"]):
                return [], f"{section.name} refer to {brought[goal].name} by more than their key"
            if brought[goal].key is None:
                return [], f"{brought[goal].name} have no key in the org, and {section.name} refer to them"
            rules.append((rule, goal))
        if rules:
            found.append(Referring(section, tuple(rules)))
    return found, ""


def referring_groups(
    referring: Referring, source: RowSource, is_touched: Callable[[bytes], bool]
) -> Iterator[bytes]:
    """The groups of rows that refer to a touched group."""
    number = 0
    known: dict[tuple[str, str], bool] = {}
    for row in source.rows():
        if isinstance(row, PassedLine):
            continue
        number += 1
        for goal in referring.texts(row):
            if goal not in known:
                is_id = record_id(goal[1], goal[0]) is not None  # of whichever record of the job that may be
                known[goal] = is_id or (bool(goal[1]) and is_touched(group_print(group_of_key(*goal))))
            if known[goal]:
                yield group_print(group_of(referring.section, row, number))
