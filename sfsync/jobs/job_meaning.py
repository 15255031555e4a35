"""Checks what the keys of a job file mean together: one way to a value, a mapped key, a date that is whole.

It looks at the raw document, so that these mistakes are listed beside those of the shape; whatever is of the
wrong kind is passed over here, because the shape's own check names it.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.core.job import SECTIONS
from sfsync.core.reading.mapping import PLACE
from sfsync.core.sobject import is_api_name
from sfsync.core.wording import listed
from sfsync.jobs.database_meaning import database_mistakes
from sfsync.jobs.declared_meaning import declared_mistakes, rule_clashes
from sfsync.jobs.gone_meaning import gone_mistakes
from sfsync.jobs.mistakes import Mistake, Path, known_keys, shown
from sfsync.jobs.parent_meaning import parent_columns, parent_mistakes
from sfsync.jobs.reference_meaning import lead_match_mistakes, reference_mistakes
from sfsync.jobs.role_rules import role_rule_mistakes
from sfsync.jobs.rule_form import RuleForm

SYSTEM_FIELDS: Final = frozenset(
    {
        "id",
        "isdeleted",
        "createddate",
        "createdbyid",
        "lastmodifieddate",
        "lastmodifiedbyid",
        "systemmodstamp",
        "lastactivitydate",
        "lastvieweddate",
        "lastreferenceddate",
    }
)
"""Fields that the platform keeps itself. Source: Object Reference, "System Fields"."""

_VALUE_KEYS: Final = ("column", "compose", "constant")
_RULE_KEYS: Final = frozenset(known_keys(RuleForm))
_ROLE_FIELDS: Final = ("OpportunityId", "ContactId")
_SIMPLE_PLACE: Final = re.compile(r"[^{}\[\]!:]*[^{}\[\]!:\s][^{}\[\]!:]*")

Table = Mapping[str, Any]


def meaning_mistakes(document: Table) -> Iterator[Mistake]:
    """What is wrong with the meaning of a job document."""
    sections = {name: document[name] for name in SECTIONS if isinstance(document.get(name), Mapping)}
    if not any(name in document for name in SECTIONS):
        message = f"the job has no section; give at least one of {listed(SECTIONS)}"
        yield Mistake((), message, "MISSING_KEY")
    for name, section in sections.items():
        yield from _section_mistakes(name, section)
        for field, rule in _rules(section).items():
            yield from parent_mistakes((name, "fields", field), rule, mode=document.get("mode"))
    yield from role_rule_mistakes(document)
    yield from gone_mistakes(document)
    yield from database_mistakes(document)


def rule_mistakes(name: str, fields: Table) -> Iterator[Mistake]:
    """What is wrong with rules alone, whatever section or file they stand in."""
    rules = _rules({"fields": fields})
    yield from _field_mistakes(name, rules)
    for field, rule in rules.items():
        yield from _rule_mistakes((name, "fields", field), rule)


def _section_mistakes(name: str, section: Table) -> Iterator[Mistake]:
    rules = _rules(section)
    if not section.get("fields", ()) and not isinstance(section.get("fields", {}), str | list):
        said = "is empty" if "fields" in section else "is missing"
        yield Mistake((name, "fields"), said, "BAD_VALUE" if "fields" in section else "MISSING_KEY")
    yield from _key_mistakes(name, section, rules)
    yield from _field_mistakes(name, rules)
    if name == "contact_roles":
        yield from _role_mistakes(section, rules)
    yield from _source_mistakes(name, section)
    yield from declared_mistakes((name,), section)
    ignored = section.get("ignore")
    for column in ignored if isinstance(ignored, list) else ():
        if any(column in _columns(rule) for rule in rules.values()):
            yield Mistake((name, "ignore"), f'names "{column}", which a rule reads')
    for field, rule in rules.items():
        yield from _rule_mistakes((name, "fields", field), rule)
    lead = section.get("lead")
    if name == "opportunities" and isinstance(lead, Mapping):
        yield from lead_match_mistakes((name, "lead"), lead.get("match"))
        if isinstance(ignored, list) and lead.get("column") in ignored:
            yield Mistake((name, "ignore"), f'names "{lead["column"]}", which names the lead')


def _rules(section: Table) -> dict[str, Table]:
    """The rules by field, a column alone written out; whatever is no rule is left out."""
    fields = section.get("fields")
    if not isinstance(fields, Mapping):
        return {}
    written_out = {name: {"column": rule} if isinstance(rule, str) else rule for name, rule in fields.items()}
    return {name: rule for name, rule in written_out.items() if isinstance(rule, Mapping)}


def _columns(rule: Table) -> set[str]:
    """The columns that a rule reads."""
    compose = rule.get("compose")
    columns = set(PLACE.findall(compose)) if isinstance(compose, str) else set()
    columns |= parent_columns(rule)
    named = rule.get("column")
    columns |= {each for each in named if isinstance(each, str)} if isinstance(named, list) else set()
    return columns | {rule[key] for key in ("column", "account") if isinstance(rule.get(key), str)}


def _key_mistakes(name: str, section: Table, rules: Table) -> Iterator[Mistake]:
    key = section.get("key")
    if name != "contact_roles" and ("key" in section) == ("row_key" in section):
        both = "and row_key both say what tells the rows apart; give one"
        neither = "is missing: the field of the org that tells the rows apart (or row_key, where it has none)"
        yield Mistake((name, "key"), both if "key" in section else neither)
    if (
        name == "contact_roles"
        or not isinstance(key, str)
        or not key
        or not isinstance(section.get("fields"), Mapping)
    ):
        return
    rule = next((rule for field, rule in rules.items() if field.lower() == key.lower()), None)
    if rule is None:
        message = f'= "{key}" is not mapped; add {key} = "COLUMN" to [{name}.fields]'
        yield Mistake((name, "key"), message, "KEY_NOT_MAPPED")
    elif "constant" in rule:
        yield Mistake((name, "key"), f'= "{key}" has the same value in every row, so it is no key')


def _field_mistakes(name: str, rules: Table) -> Iterator[Mistake]:
    for field in rules:
        path = (name, "fields", field)
        if field.lower() in SYSTEM_FIELDS:
            yield Mistake(path, "is a field that Salesforce keeps itself", "READ_ONLY_FIELD")
        elif not is_api_name(field):
            hint = "; a parent is named by its own field, such as AccountId" if "." in field else ""
            yield Mistake(path, f"is no API name of a field{hint}")
    for field, times in Counter(each.lower() for each in rules).items():
        if times > 1:
            spelled = [each for each in rules if each.lower() == field]
            yield Mistake((name, "fields", spelled[-1]), f"is mapped {times} times: {listed(spelled)}")


def _role_mistakes(section: Table, rules: Table) -> Iterator[Mistake]:
    path = ("contact_roles",)
    mapped = {field.lower() for field in rules}
    for field in _ROLE_FIELDS if isinstance(section.get("fields"), Mapping) else ():
        if field.lower() not in mapped:
            yield Mistake((*path, "fields", field), "is missing: a role needs it", "MISSING_KEY")
    if sum(key in section for key in ("file", "nested", "listed", "database")) != 1:
        message = 'needs either file = "..." or nested = "MEMBER", listed = { ... } or database = "..."'
        yield Mistake(path, message, "MISSING_KEY")
    if "nested" in section or "listed" in section:
        for key in ("kind", "delimiter", "encoding"):
            if key in section:
                yield Mistake((*path, key), "belongs to [opportunities], whose rows hold the roles")


def _source_mistakes(name: str, section: Table) -> Iterator[Mistake]:
    encoding, delimiter = section.get("encoding"), section.get("delimiter")
    if isinstance(encoding, str) and encoding and not _is_text_encoding(encoding):
        message = f"= {shown(encoding)} is no text encoding; examples are utf-8, utf-16, cp1252"
        yield Mistake((name, "encoding"), message)
    if isinstance(delimiter, str) and delimiter in ('"', "\r", "\n", "\0"):
        yield Mistake((name, "delimiter"), "cannot be a quote, a line end or NUL")


def _is_text_encoding(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
        "".encode(encoding)
    except (LookupError, UnicodeError, ValueError):
        return False
    return True


def _rule_mistakes(path: Path, rule: Table) -> Iterator[Mistake]:
    given = [key for key in _VALUE_KEYS if key in rule]
    is_misspelt = not given and not rule.keys() <= _RULE_KEYS
    if len(given) != 1 and not is_misspelt:
        message = (
            "needs one of column, compose and constant" if not given else f"has both {' and '.join(given)}"
        )
        yield Mistake(path, message)
    yield from _clashes(path, rule)
    yield from _compose_mistakes(path, rule.get("compose"))
    yield from declared_mistakes(path, rule)
    yield from rule_clashes(path, rule)
    yield from reference_mistakes(path, rule)


def _clashes(path: Path, rule: Table) -> Iterator[Mistake]:
    """Keys that say two things at once, or nothing."""
    if "policy" in rule and path[0] == "contact_roles":
        yield Mistake((*path, "policy"), "belongs to fields of records; roles go by [roles] policy")
    if rule.get("policy") == "forward-only" and path[-1] != "StageName":
        yield Mistake((*path, "policy"), '= "forward-only" is for StageName, whose values have an order')
    if "blank" in rule and "default" in rule:
        yield Mistake((*path, "blank"), "and default both say what an empty cell means; give one")
    if "else" in rule and "map" not in rule:
        yield Mistake((*path, "else"), "means nothing without map")
    if "format" in rule and "match" in rule:
        yield Mistake((*path, "format"), "is for dates, match is for references; give one")
    if rule.get("record_id") is True and ("match" in rule or "format" in rule):
        yield Mistake(
            (*path, "record_id"), "is for fields that hold an id as text; give no match and no format"
        )
    for key in ("map", "blank", "default"):
        if "constant" in rule and key in rule:
            yield Mistake((*path, key), "means nothing beside constant")


def _compose_mistakes(path: Path, compose: object) -> Iterator[Mistake]:
    if not isinstance(compose, str) or not compose:
        return
    places = PLACE.findall(compose)
    rest = PLACE.sub("", compose)
    if "{" in rest or "}" in rest:
        yield Mistake((*path, "compose"), f"= {shown(compose)} has a brace that is no {{column}} place")
    elif not places:
        yield Mistake((*path, "compose"), "has no {column} place; give fixed text as constant")
    for place in places:
        if not _SIMPLE_PLACE.fullmatch(place):
            message = f"has the place {{{place[:40]}}}; only the plain name of a column can stand there"
            yield Mistake((*path, "compose"), message)
