"""Judges what rows say of record types, as far as the org's setup tells: whether there is one, and its values.

A value outside the record type's own is refused by the platform where the picklist is restricted; a stage
outside the sales process is taken by some orgs and refused by others, so it is a problem here.
Source: Object Reference, RecordType; which values a record type offers is told by the UI API only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sfsync.core.models import Reference
from sfsync.core.orgs.describe import MASTER_RECORD_TYPE, SObjectDescribe
from sfsync.core.reading.checks import Invalid, OrgRules, row_problem
from sfsync.core.references.resolve import ReferenceTable
from sfsync.core.sobject import OPPORTUNITY, record_id
from sfsync.core.wording import suggestion
from sfsync.engine.planning.reading import ReadSection

Offered = Callable[[str, str], Mapping[str, list[str]]]
"""(sObject, record type id) -> the picklist fields for which it may offer fewer values, and those it offers."""

FIELD = "RecordTypeId"


def record_type_problems(read: ReadSection, rules: OrgRules, *, offered: Offered | None) -> None:
    """Adds to the rows of a section the problems of their record types; `offered` is None when not known."""
    for row in read.rows:
        reference = row.values.get(FIELD)
        if not isinstance(reference, Reference):
            continue
        sobject, kind = read.section.sobject, row.texts.get(FIELD, "")
        found = ReferenceTable({}, {sobject: rules.describe}).resolve("RecordType", reference, of=sobject)
        if isinstance(found, Invalid):
            row.problems.append(row_problem(read.section, row.ref, FIELD, found, value=kind))
        elif isinstance(found, str) and offered is not None:
            refused = {problem.field for problem in row.problems}
            values = {name: value for name, value in row.values.items() if name not in refused}
            for name, invalid in outside_values(rules.describe, values, offered(sobject, found), kind=kind):
                value = str(values[name])
                row.problems.append(row_problem(read.section, row.ref, name, invalid, value=value))


def outside_values(
    describe: SObjectDescribe, values: Mapping[str, object], offered: Mapping[str, list[str]], *, kind: str
) -> Iterator[tuple[str, Invalid]]:
    """The fields whose value the record type `kind` does not offer, where the org may refuse them for it."""
    for name, offer in offered.items():
        value, field = values.get(name), describe.field(name)
        is_stage = describe.name == OPPORTUNITY and name == "StageName"
        if not isinstance(value, str) or field is None:
            continue
        outside = [each for each in _parts(field.type, value) if each not in offer]
        if outside and (field.restricted_picklist or is_stage):
            message = f'"{outside[0]}" is no value of {field.label} for record type "{kind}"'
            hint = f"{suggestion(outside[0], offer)} Correct the cell, or give the row another record type."
            yield name, Invalid("NOT_IN_RECORD_TYPE", message, hint)


def record_type_of(
    describe: SObjectDescribe, desired: Mapping[str, object], record: Mapping[str, object]
) -> str | None:
    """The record type that a row's record will have: the row's, else the record's, else what a new one gets.

    None stands for the master record type, which offers all values.
    """
    given = desired.get(FIELD) or (record.get(FIELD) if record else describe.default_record_type())
    found = record_id(given, "RecordType") if isinstance(given, str) else None
    return None if found == MASTER_RECORD_TYPE else found


def name_of(describe: SObjectDescribe, record_type_id: str) -> str:
    """How the org calls a record type."""
    known = (each.developer_name for each in describe.record_types if each.id == record_type_id)
    return next(known, record_type_id)


def _parts(kind: str, value: str) -> list[str]:
    return [each.strip() for each in value.split(";")] if kind == "multipicklist" else [value]
