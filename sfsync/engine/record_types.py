"""Judges what rows say of record types, as far as the org's setup tells: whether there is one, and its values.

A value outside the record type's own is refused by the platform where the picklist is restricted; a stage
outside the sales process is taken by some orgs and refused by others, so it is a problem here.
Source: Object Reference, RecordType; which values a record type offers is told by the UI API only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sfsync.core.checks import Invalid, OrgRules, row_problem
from sfsync.core.models import Reference
from sfsync.core.resolve import ReferenceTable
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.wording import suggestion
from sfsync.engine.reading import CheckedRow, ReadSection

Offered = Callable[[str, str], Mapping[str, list[str]]]
"""(sObject, record type id) -> the picklist fields for which it offers fewer values, and those."""

_FIELD = "RecordTypeId"


def record_type_problems(read: ReadSection, rules: OrgRules, *, offered: Offered | None) -> None:
    """Adds to the rows of a section the problems of their record types; `offered` is None when not known."""
    for row in read.rows:
        reference = row.values.get(_FIELD)
        if not isinstance(reference, Reference):
            continue
        sobject = read.section.sobject
        found = ReferenceTable({}, {sobject: rules.describe}).resolve("RecordType", reference, of=sobject)
        if isinstance(found, Invalid):
            text = row.texts.get(_FIELD, "")
            row.problems.append(row_problem(read.section, row.ref, _FIELD, found, value=text))
        elif isinstance(found, str) and offered is not None:
            _check_values(read, row, rules, offered=offered(sobject, found))


def _check_values(
    read: ReadSection, row: CheckedRow, rules: OrgRules, *, offered: Mapping[str, list[str]]
) -> None:
    kind = row.texts.get(_FIELD, "")
    refused = {problem.field for problem in row.problems}
    for name, values in offered.items():
        value, field = row.values.get(name), rules.describe.field(name)
        is_stage = read.section.sobject == OPPORTUNITY and name == "StageName"
        if not isinstance(value, str) or field is None or name in refused:
            continue
        outside = [each for each in _parts(field.type, value) if each not in values]
        if outside and (field.restricted_picklist or is_stage):
            message = f'"{outside[0]}" is no value of {field.label} for record type "{kind}"'
            hint = f"{suggestion(outside[0], values)} Correct the cell, or give the row another record type."
            invalid = Invalid("NOT_IN_RECORD_TYPE", message, hint)
            row.problems.append(row_problem(read.section, row.ref, name, invalid, value=value))


def _parts(kind: str, value: str) -> list[str]:
    return [each.strip() for each in value.split(";")] if kind == "multipicklist" else [value]
