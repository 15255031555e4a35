"""What a job declares of numbers and dates and its org's fields cannot take, found before the first row is read.

A locale at a text field, a factor at a date, and words of the job itself (default, constant, the targets of a map)
that are not written as the job says: each is the job's mistake, and not that of the rows which happen to meet it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.core.job import FieldRule, Section
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.reading.declared_values import NUMBER_TYPES, NotAsDeclared, declared_value, settled
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.values import trimmed


def declared_problems(section: Section, describe: SObjectDescribe) -> Iterator[Problem]:
    """The mistakes of one section, rule by rule."""
    for rule in section.rules:
        field = describe.field(rule.field)
        if field is None:
            continue
        where = f"{section.name}.fields.{rule.field}"
        misplaced = list(_misplaced(where, rule, field))
        yield from misplaced
        if not misplaced:
            yield from _own_words(where, settled(rule, section, field))


def _misplaced(where: str, rule: FieldRule, field: Field) -> Iterator[Problem]:
    for key, given in (("numbers", rule.numbers), ("times", rule.times)):
        if given is not None and field.type not in NUMBER_TYPES:
            message = f"{where}: {field.name} is no number, so {key} means nothing"
            yield _problem("NOT_A_NUMBER_FIELD", message, f'Take "{key}" out of the rule.', rule.field)
    if rule.date_format is not None and field.type not in ("date", "datetime"):
        message = f"{where}: {field.name} is no date, so format means nothing"
        yield _problem("NOT_A_DATE_FIELD", message, 'Take "format" out of the rule.', rule.field)
    elif field.type == "datetime" and rule.date_format not in (None, "iso", "epoch-ms", "epoch-s"):
        message = f"{where}: {field.name} is a moment, and {rule.date_format} says no zone"
        hint = "Bring ISO times with an offset, such as 2026-09-30T14:05:00+02:00, or epoch-ms or epoch-s."
        yield _problem("NO_ZONE", message, hint, rule.field)


def _own_words(where: str, rule: FieldRule) -> Iterator[Problem]:
    words = [("default", rule.default), ("constant", rule.constant)]
    words += [(f'map, "{word}"', target) for word, target in (rule.value_map or {}).items()]
    for place, word in words:
        if word is None or trimmed(word) == "" or rule.match:
            continue
        try:
            declared_value(rule, trimmed(word), None)
        except NotAsDeclared as error:
            hint = "Words of the job are written as the job says of the cells."
            yield _problem(error.code, f"{where} {place}: {error}", hint, rule.field)


def _problem(code: str, message: str, hint: str, name: str) -> Problem:
    return Problem(code, Stage.MAP, message, hint, field=name)
