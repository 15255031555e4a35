"""What an org would refuse, found before anything is sent: fields, types, lengths, picklists, stages.

Two kinds of finding. What is wrong with the *job* (a field that does not exist, a key that is no key) stops
it. What is wrong with a *row* rejects that row, and the others go on. Values of custom fields, text until
here, become typed by the field's describe.
Sources: Object Reference (field types); REST API Developer Guide, "sObject Describe".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sfsync.core.contact_roles.role_words import unknown_role
from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import Inactive, Missing, Section
from sfsync.core.models import Reference
from sfsync.core.orgs.describe import Field, SObjectDescribe
from sfsync.core.reading.declared_values import NUMBER_TYPES, undeclared_hint
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.values import clipped, decimals_of, parse_boolean, parse_date, parse_datetime, parse_number
from sfsync.core.wording import suggestion

_TEXTS: Final = frozenset({"string", "textarea", "email", "phone", "url", "encryptedstring", "combobox"})
_WORDS: Final = _TEXTS | {"picklist"}


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why one value would be refused or misread."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class OrgRules:
    """The rules of one sObject in one org, as far as a row can break them."""

    describe: SObjectDescribe
    stages: StageCatalogue | None = None

    def check(self, name: str, value: Any) -> tuple[Any, Invalid | None]:
        """The value typed by its field, or why the org would refuse it. References pass as they are."""
        field = self.describe.field(name)
        if field is None or value is None or isinstance(value, Reference):
            return value, None
        try:
            typed = _coerced(field, value)
        except ValueError as error:
            hint = undeclared_hint(str(error), value.strip()) if isinstance(value, str) else None
            return value, Invalid("BAD_VALUE", f"{name}: {error}", hint or "Correct the cell.")
        return typed, self._refusal(field, typed)

    def _refusal(self, field: Field, value: Any) -> Invalid | None:
        if isinstance(value, Decimal):
            return _number_refusal(field, value)
        if not isinstance(value, str):
            return None
        if field.type == "picklist":
            return self._picklist_refusal(field, value)
        if field.type == "multipicklist":
            bad = (self._picklist_refusal(field, each.strip()) for each in value.split(";"))
            return next((each for each in bad if each), None)
        if field.length and len(value) > field.length:
            message = f"{field.name} is {len(value)} characters long; Salesforce keeps at most {field.length}"
            return Invalid("TOO_LONG", message, "Shorten the cell.")
        return None

    def _picklist_refusal(self, field: Field, value: str) -> Invalid | None:
        if self.describe.name == OPPORTUNITY and field.name == "StageName" and self.stages is not None:
            return stage_refusal(value, self.stages)
        if field.name == "CurrencyIsoCode":
            known, code = field.picklist, "UNKNOWN_CURRENCY"
        elif self.describe.name == CONTACT_ROLE and field.name == "Role":
            why = unknown_role(field, value)
            return Invalid("UNKNOWN_ROLE", *why) if why else None
        elif field.restricted_picklist:
            known, code = field.picklist, "UNKNOWN_PICKLIST_VALUE"
        else:
            return None
        if value in known:
            return None
        message = f'"{clipped(value)}" is not an active value of {field.label} in this org'
        hint = f"{suggestion(value, known)} Correct the cell, or map the word in the job."
        return Invalid(code, message, hint)

    def missing_on_create(self, given: Mapping[str, Any]) -> tuple[Field, ...]:
        """The fields that a create needs and that have no value here."""
        filled = {name.lower() for name, value in given.items() if value is not None}
        required = self.describe.required_on_create()
        return tuple([each for each in required if each.name.lower() not in filled])

    def emptied(self, given: Mapping[str, Any]) -> tuple[Field, ...]:
        """The fields that may not be cleared and that the row would clear."""
        cleared = [self.describe.field(name) for name, value in given.items() if value is None]
        return tuple(each for each in cleared if each is not None and not each.nillable)


def stage_refusal(stage: str, stages: StageCatalogue) -> Invalid | None:
    """Why a deal cannot be in a stage: the org has none of that name, or an inactive one."""
    known = stages.stages.get(stage)
    if known is not None and known.is_active:
        return None
    if known is not None:
        code, message = "INACTIVE_STAGE", f'"{clipped(stage)}" is a stage of this org that is inactive'
    else:
        code, message = "UNKNOWN_STAGE", f'"{clipped(stage)}" is no stage of this org'
    near = suggestion(stage, stages.active())
    return Invalid(code, message, f"{near} Correct the cell, or map the word in the job.")


def _number_refusal(field: Field, value: Decimal) -> Invalid | None:
    hint = "Correct the cell."
    if field.name == "Probability" and not 0 <= value <= 100:
        return Invalid("OUT_OF_RANGE", f"Probability is {value}; it is a percentage from 0 to 100", hint)
    if field.type not in NUMBER_TYPES or not field.precision:
        return None
    whole_digits = field.precision - field.scale
    if value and value.adjusted() >= whole_digits:
        message = f"{field.name} has more than {whole_digits} digits before the point"
        return Invalid("OUT_OF_RANGE", message, hint)
    decimals = decimals_of(value)
    if decimals > field.scale:
        message = f"{field.name} has {decimals} decimals; Salesforce keeps {field.scale}"
        return Invalid("TOO_PRECISE", message, "Round the cell the way you mean it.")
    return None


def _coerced(field: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return _of_type(field, value)
    if field.type in NUMBER_TYPES:
        return parse_number(value.strip())
    if field.type == "boolean":
        return parse_boolean(value)
    if field.type == "date":
        return parse_date(value.strip())
    if field.type == "datetime":
        return parse_datetime(value.strip())
    if field.type == "reference":
        return Reference(value.strip())
    return value


def _of_type(field: Field, value: Any) -> Any:
    if isinstance(value, bool) and field.type != "boolean":
        raise ValueError("true or false does not fit this field")
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if isinstance(value, Decimal) and field.type in _WORDS:
        return f"{value:f}"
    if isinstance(value, Decimal) and field.type not in NUMBER_TYPES:
        raise ValueError("a number does not fit this field")
    if isinstance(value, date) and not isinstance(value, datetime) and field.type != "date":
        raise ValueError("a date does not fit this field")
    return value


def section_problems(section: Section, describe: SObjectDescribe) -> tuple[Problem, ...]:
    """What is wrong with the section itself for this org; any of these stops the job."""
    found = [_rule_problem(section, describe, rule.field) for rule in section.rules]
    if section.sobject != CONTACT_ROLE:
        found.append(_key_problem(section, describe))
    return tuple(each for each in found if each is not None)


def _rule_problem(section: Section, describe: SObjectDescribe, name: str) -> Problem | None:
    field = describe.field(name)
    where = f"{section.name}.fields.{name}"
    if field is None and name.lower() == "currencyisocode":
        message = f"{where}: this org has one currency, so its records have no CurrencyIsoCode"
        hint = "Take the rule out, or run the job against an org with several currencies."
        return _job_problem("SINGLE_CURRENCY", message, hint, name)
    if field is None:
        hint = suggestion(name, (each.name for each in describe.fields.values()))
        message = f"{where}: {describe.name} has no field {name} for this user"
        return _job_problem("UNKNOWN_FIELD", message, hint, name)
    if field.name == "ContactId" and describe.name == OPPORTUNITY:
        return None
    if not field.createable and not field.updateable:
        message = f"{where}: {describe.name}.{field.name} is read-only"
        hint = "Take the rule out; Salesforce computes this field, or the user may not write it."
        return _job_problem("READ_ONLY_FIELD", message, hint, name)
    rule = section.rule(name)
    if rule is not None and rule.inactive is not Inactive.ERROR and "User" not in field.reference_to:
        message = f"{where}: {field.name} names no user, who could be inactive"
        return _job_problem("NOT_A_USER", message, 'Take "inactive" out of the rule.', name)
    if rule is not None and rule.missing is not Missing.ERROR and field.type != "reference":
        message = f"{where}: {field.name} is no reference, so nothing can be missing"
        return _job_problem("NOT_A_REFERENCE", message, 'Take "missing" out of the rule.', name)
    if field.type == "reference" and rule is not None and rule.match:
        return None
    if rule is not None and rule.match and field.type != "reference":
        message = f"{where}: {field.name} is no reference, so nothing can be looked up"
        return _job_problem("NOT_A_REFERENCE", message, 'Take "match" out of the rule.', name)
    return None


def _key_problem(section: Section, describe: SObjectDescribe) -> Problem | None:
    if section.key is None:
        return None
    field = describe.field(section.key)
    if field is None:
        return _no_key(section, describe, f"{describe.name} has no field {section.key} for this user")
    if field.is_key:
        return None
    lacks = [
        word
        for word, is_so in (
            ("External ID", field.external_id),
            ("Unique", field.unique),
            ("writable", field.createable),
        )
        if not is_so
    ]
    return _no_key(section, describe, f"{describe.name}.{field.name} is not {' and not '.join(lacks)}")


def _no_key(section: Section, describe: SObjectDescribe, what: str) -> Problem:
    candidates = [each.name for each in describe.key_fields()]
    if candidates:
        hint = f"Fields that can be the key: {', '.join(candidates)}. Set {section.name}.key to one of them."
    else:
        hint = (
            f"Add a custom field to {describe.name} in the org (Setup, Object Manager): type Text(255), "
            'with "External ID" and "Unique, case sensitive" ticked, for example Sfsync_Key__c; give the '
            f"integration user edit access to it, and name it as {section.name}.key."
        )
    return _job_problem(
        "NO_KEY", f"{what}: without a unique key a repeated create could make twins", hint, "key"
    )


def _job_problem(code: str, message: str, hint: str, field: str) -> Problem:
    return Problem(code=code, stage=Stage.MAP, message=message, hint=hint, field=field)


def row_problem(section: Section, ref: RowRef, name: str, invalid: Invalid, *, value: str) -> Problem:
    """An invalid value as a problem of its row."""
    rule = section.rule(name)
    return Problem(
        code=invalid.code,
        stage=Stage.MAP,
        message=invalid.message,
        hint=invalid.hint,
        row=ref,
        column=" or ".join(rule.value_columns) if rule else "",
        field=name,
        value=value,
    )


def missing_problem(section: Section, ref: RowRef, fields: Iterable[Field]) -> Problem | None:
    """The problem of a row that lacks fields Salesforce wants, naming the columns to fill in."""
    lacking = tuple(fields)
    if not lacking:
        return None
    rules = [section.rule(each.name) for each in lacking]
    columns = [rule.column for rule in rules if rule is not None and rule.column]
    labels = " and ".join(each.label for each in lacking)
    hint = (
        f"Fill in {' and '.join(columns)}"
        if columns
        else f"Map {' and '.join(each.name for each in lacking)}"
    )
    return Problem(
        code="REQUIRED",
        stage=Stage.MAP,
        message=f"{labels} is empty, and Salesforce does not keep the record without it",
        hint=f"{hint}, or state a default in the job.",
        row=ref,
        column=columns[0] if columns else "",
        field=lacking[0].name,
    )
