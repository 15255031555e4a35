"""What a job says in so many words and its org cannot take, found before the first row is read.

A stage that stands in the job itself, as the target of a map, a default or a constant, is the job's mistake and not
that of the rows which happen to need it. Fields that only person accounts have are refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import FieldRule, Section
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.reading.checks import stage_refusal
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import ACCOUNT, OPPORTUNITY
from sfsync.core.values import trimmed

PERSON_MARK: Final = "IsPersonAccount"
"""The field that Account has in orgs with person accounts. Source: Object Reference, Account."""

_PERSON_FIELDS: Final = frozenset(
    {"lastname", "firstname", "middlename", "salutation", "suffix", "ispersonaccount"}
)


def word_problems(
    section: Section, describe: SObjectDescribe, stages: StageCatalogue | None
) -> Iterator[Problem]:
    """The mistakes of one section, the stages of its job first."""
    if section.sobject == OPPORTUNITY and stages is not None:
        yield from _stage_problems(section, stages)
    if section.sobject == ACCOUNT and describe.field(PERSON_MARK) is not None:
        yield from _person_problems(section)


def _stage_problems(section: Section, stages: StageCatalogue) -> Iterator[Problem]:
    rule = section.rule("StageName")
    for place, word in _own_words(rule) if rule is not None else ():
        invalid = stage_refusal(word, stages)
        if invalid is not None:
            message = f"{section.name}.fields.StageName {place}: {invalid.message}"
            hint = invalid.hint.replace("Correct the cell, or map the word in the job.", "Correct the job.")
            yield Problem(invalid.code, Stage.MAP, message, hint, field="StageName", value=word)


def _own_words(rule: FieldRule) -> Iterator[tuple[str, str]]:
    """The stages that the rule itself names, with where it does; an empty target counts as blank."""
    for word, target in (rule.value_map or {}).items():
        if trimmed(target):
            yield f'map, "{word}"', trimmed(target)
    for place, given in (("default", rule.default), ("constant", rule.constant)):
        if given is not None and trimmed(given) and not (rule.value_map and place == "constant"):
            yield place, trimmed(given)


def _person_problems(section: Section) -> Iterator[Problem]:
    for rule in section.rules:
        name = rule.field.lower()
        if name in _PERSON_FIELDS or name.startswith("person") or name.endswith("__pc"):
            message = f"{section.name}.fields.{rule.field}: sfsync does not write person accounts"
            hint = "Take the rule out. Deals may refer to person accounts that are in the org, for example by Name."
            yield Problem("PERSON_ACCOUNT", Stage.MAP, message, hint, field=rule.field)
