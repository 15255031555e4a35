"""The part of an org's schema that a job depends on: read once, checked against the job, and digested.

The digest changes when the type, length, values or permissions of a mapped field change, or a stage does; a
plan made under another digest is stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import orjson
from pydantic import TypeAdapter

from sfsync.core.contact_roles.role_words import unknown_preferences
from sfsync.core.deals.closing import closing_problems
from sfsync.core.deals.job_words import word_problems
from sfsync.core.job import Job, Section
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.ports import OrgSchema
from sfsync.core.reading.checks import OrgRules, section_problems
from sfsync.core.reading.declared_problems import declared_problems
from sfsync.core.reading.declared_values import settled
from sfsync.core.references.resolve import default_match
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.engine.planning.parent_schema import ParentSchema, parent_schema, with_parents, writing_sections
from sfsync.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Schema:
    """The job's sections in the org's own spelling, and the rules of the sObjects they write.

    `made` has a section without rows for each sObject of which parents are made.
    """

    sections: Mapping[str, Section]
    rules: Mapping[str, OrgRules]
    digest: str
    made: Mapping[str, Section] = field(default_factory=dict)

    @property
    def writing(self) -> list[Section]:
        """The sections, one for each sObject that is written, also where parents alone are."""
        return writing_sections(self.sections, self.made)

    def describe(self, sobject: str) -> SObjectDescribe:
        """The describe of an sObject that the job writes."""
        return self.rules[sobject].describe


def read_schema(job: Job, gateway: OrgSchema) -> Schema:
    """Asks the org for what the job depends on, and checks the job against it.

    Raises:
        ConfigError: a mapped field does not exist or is read-only, or a section has no unique key field;
            all such mistakes are listed.
    """
    describes = {each.sobject: gateway.describe(each.sobject) for each in job.sections.values()}
    stages = gateway.stage_catalogue() if OPPORTUNITY in describes else None
    problems = [
        problem
        for section in job.sections.values()
        for describe in (describes[section.sobject],)
        for problem in (
            *section_problems(section, describe),
            *declared_problems(section, describe),
            *word_problems(section, describe, stages),
        )
    ]
    parents = parent_schema(job, describes, gateway)
    problems += parents.problems
    problems += [each for name in job.sections.values() for each in closing_problems(name, stages)]
    if CONTACT_ROLE in describes:
        problems += [
            Problem("UNKNOWN_ROLE", Stage.MAP, f"roles.primary: {why}", what_to_do, field="Role", value=word)
            for word, why, what_to_do in unknown_preferences(
                job.role_rules.preferred, describes[CONTACT_ROLE]
            )
        ]
    if problems:
        raise _refusal(job, problems)
    sections = {
        name: _canonical(section, describes, job=job, parents=parents)
        for name, section in job.sections.items()
    }
    rules = {
        name: OrgRules(describe, stages if name == OPPORTUNITY else None)
        for name, describe in describes.items()
    }
    return Schema(sections, rules, _digest(sections, rules, parents.made), parents.made)


def _refusal(job: Job, problems: list[Problem]) -> ConfigError:
    lines = "\n".join(f"  {each.message}\n    {each.hint}" for each in problems)
    return ConfigError(
        f"job {job.name} does not fit the org:\n{lines}",
        code=problems[0].code,
        hint="Correct the job file or the org, then run sfsync check.",
    )


def _canonical(
    section: Section, describes: Mapping[str, SObjectDescribe], *, job: Job, parents: ParentSchema
) -> Section:
    """The section with field names as the org spells them, and a way to look up every reference."""
    rules = []
    describe = describes[section.sobject]
    for rule in section.rules:
        field = describe.field(rule.field)
        assert field is not None  # section_problems has refused unknown fields
        match = rule.match
        if field.type == "reference" and not match:
            match = default_match(section.sobject, field.name, target(field), key=_key_of(job, target(field)))
        spelled = settled(replace(rule, field=field.name, match=match), section, field)
        goal = target(field)
        makes = goal in describes
        rules.append(with_parents(spelled, goal, parents, describes[goal], section) if makes else spelled)
    key = describe.field(section.key) if section.key else None
    return replace(section, rules=tuple(rules), key=key.name if key else None)


def target(field: Field) -> str:
    """The sObject that a reference field points at; of several (owner: queue or user) the user."""
    if "User" in field.reference_to or not field.reference_to:
        return "User"
    return field.reference_to[0]


def _key_of(job: Job, sobject: str) -> str | None:
    return next((each.match_name for each in job.sections.values() if each.sobject == sobject), None)


@cache
def _fields_codec() -> TypeAdapter[list[Field | None]]:
    return TypeAdapter(list[Field | None])  # made when first needed: it takes longer than all else here


def _digest(
    sections: Mapping[str, Section], rules: Mapping[str, OrgRules], made: Mapping[str, Section]
) -> str:
    picture: dict[str, object] = {}
    for place, section in (*sections.items(), *(("made", each) for each in made.values())):
        of_sobject = rules[section.sobject]
        names = {each.field for each in section.rules} | ({section.key} if section.key else set())
        fields = [of_sobject.describe.field(name) for name in sorted(names)]
        picture[f"{section.sobject} made" if place == "made" else section.sobject] = {
            "fields": _fields_codec().dump_python(
                fields, mode="json", exclude={"__all__": {"inactive_picklist"}}
            ),
            "record_types": [each.id for each in of_sobject.describe.record_types if each.is_offered],
            "stages": of_sobject.stages.active() if of_sobject.stages else (),
        }
    return hashlib.blake2b(orjson.dumps(picture, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
