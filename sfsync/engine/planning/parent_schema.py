"""What making parents needs of the org: their describes, their key fields, and rules that fit them.

Every sObject of which a job makes parents has one key field or none, like a section of its rows: that of the
section where there is one, else the one that the rules name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sfsync.core.job import CreateKey, FieldRule, Job, Missing, Section
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.ports import OrgSchema
from sfsync.core.reading.checks import section_problems
from sfsync.core.reading.declared_values import settled
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.references.parents import MAKEABLE
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import CONTACT_ROLE


@dataclass(slots=True)
class ParentSchema:
    """The parents that a job makes: by sObject a section that stands for them, and what is wrong with the job.

    A section that stands for parents has no rows; its rules name the fields that are given to a parent.
    """

    made: dict[str, Section] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def key_of(self, sobject: str) -> str | None:
        """The key field of the parents of an sObject."""
        return self.made[sobject].key if sobject in self.made else None


def parent_schema(job: Job, describes: dict[str, SObjectDescribe], org: OrgSchema) -> ParentSchema:
    """Reads the describes of the parents into `describes`, and checks the rules that make them."""
    found = ParentSchema()
    for section in job.sections.values():
        for rule in section.rules:
            if rule.missing is Missing.CREATE:
                _take(found, job, section, rule, describes, org)
    for section in found.made.values():
        has_rows = any(each.sobject == section.sobject for each in job.sections.values())
        checked = replace(section, key=None) if has_rows else section
        found.problems += section_problems(checked, describes[section.sobject])
    return found


def _take(
    found: ParentSchema,
    job: Job,
    section: Section,
    rule: FieldRule,
    describes: dict[str, SObjectDescribe],
    org: OrgSchema,
) -> None:
    described = describes[section.sobject].field(rule.field)
    if described is None:
        return
    where = f"{section.name}.fields.{rule.field}"
    target = next((each for each in MAKEABLE if each in described.reference_to), None)
    if target is None or "User" in described.reference_to:
        message = f"{where}: {' or '.join(described.reference_to) or rule.field} is not made for rows"
        hint = 'Take missing = "create" out of the rule; accounts and contacts alone are made.'
        found.problems.append(_problem("NOT_MADE", message, hint, rule.field))
        return
    if target not in describes:
        describes[target] = org.describe(target)
    found.problems += _field_problems(where, rule, describes[target])
    rows = next((each for each in job.sections.values() if each.sobject == target), None)
    known = found.made.get(target)
    key = _key_field(rule, rows, describes[target])
    if rule.create_key is not None and key is None:
        message = f"{where}.create_key names no field, and no section of {target} has a key"
        found.problems.append(_problem("NO_KEY", message, 'Give it field = "FIELD", or take it out.', "key"))
    if rows is not None and rule.create_key and rule.create_key.field and not _is_same(key, rows.key):
        message = f"{where}.create_key: rows of {rows.name} go by {rows.key or 'the journal'}, not by {key}"
        found.problems.append(
            _problem("TWO_KEYS", message, "Parents that are made go by the same key.", "key")
        )
    if known is not None and not _is_same(known.key, key):
        message = (
            f"{where}.create_key: other rules make {target} with the key {known.key or 'none'}, not {key}"
        )
        found.problems.append(
            _problem("TWO_KEYS", message, "Give all of them the same create_key field.", "key")
        )
    rules = {each.field: each for each in (*(known.rules if known else ()), *_rules(rule))}
    found.made[target] = Section(
        f"{target} made for {section.name}", target, SourceSpec("rows"), tuple(rules.values()), key=key
    )


def _is_same(left: str | None, right: str | None) -> bool:
    return (left or "").lower() == (right or "").lower()


def _key_field(rule: FieldRule, rows: Section | None, describe: SObjectDescribe) -> str | None:
    name = rule.create_key.field if rule.create_key else ""
    name = name or (rows.key if rows else None) or ""
    described = describe.field(name) if name else None
    return described.name if described else name or None


def _rules(rule: FieldRule) -> Iterable[FieldRule]:
    return (FieldRule(name, column=column) for name, column in rule.create.items())


def _field_problems(where: str, rule: FieldRule, describe: SObjectDescribe) -> Iterator[Problem]:
    if not describe.createable:
        message = f"{where}: this user may not create records of {describe.name}"
        yield _problem("NOT_MADE", message, "Give the user the right, or bring the records otherwise.", where)
    for name in rule.create:
        described = describe.field(name)
        if described is not None and described.type == "reference":
            message = (
                f"{where}.create: {name} refers to another record, which is not looked up for a new parent"
            )
            hint = "Take it out, or bring the records in a section of their own."
            yield _problem("REFERENCE_IN_CREATE", message, hint, name)


def _problem(code: str, message: str, hint: str, name: str) -> Problem:
    return Problem(code, Stage.MAP, message, hint, field=name)


def with_parents(
    rule: FieldRule, target: str, found: ParentSchema, describe: SObjectDescribe, section: Section
) -> FieldRule:
    """The rule with the fields of its parents as the org spells them, and the key field that these have.

    What the section says of numbers and dates counts for the fields of its parents too.
    """
    if rule.missing is not Missing.CREATE:
        return rule
    key = found.key_of(target)
    column = rule.create_key.column if rule.create_key else None
    spelled = {_spelled(describe, name): each for name, each in rule.create.items()}
    match = tuple(_spelled(describe, name) for name in rule.match)
    create_rules = {
        name: settled(FieldRule(name, column=each), section, described)
        for name, each in spelled.items()
        if (described := describe.field(name)) is not None
    }
    own_key = CreateKey(key, column) if key else None
    return replace(rule, create=spelled, create_key=own_key, match=match, create_rules=create_rules)


def _spelled(describe: SObjectDescribe, name: str) -> str:
    described = describe.field(name)
    return described.name if described else name


def writing_sections(sections: Mapping[str, Section], made: Mapping[str, Section]) -> list[Section]:
    """The sections of a job, and those that stand for parents where no section has rows of the sObject."""
    own = {each.sobject for each in sections.values()} | {CONTACT_ROLE}
    return [*sections.values(), *(each for name, each in made.items() if name not in own)]
