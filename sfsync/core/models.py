"""The local models: a deal, a contact role, and the account or contact that may come before them.

They are the typed border of the package: rows from files and objects from Python pass through the same
validation, and only the fields that were given count (a field given as None is cleared, a field not given is
left alone). Custom fields and fields of org features are further keyword arguments by API name; their
values are typed later by the org's describe. Lengths and precision here are the platform's own.
Source: Object Reference, Opportunity and OpportunityContactRole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.core.values import parse_boolean, parse_date, parse_number


@dataclass(frozen=True, slots=True)
class Reference:
    """A record named by something that a person knows; `match` lists the fields to look it up by, in order.

    `Reference("lars@getcloudy.example", ("Email",))`. The field "Id" stands for the record id itself.
    `account` is what a strategy such as "Name + Account.Name" compares with the record's account; where it is "",
    `account_id` may hold the account's own id, or the change that creates it, `account_name` what people call it.
    """

    value: str
    match: tuple[str, ...] = ("Id",)
    account: str = ""
    account_id: str = ""
    account_name: str = ""


def _number(raw: object) -> object:
    if isinstance(raw, str):
        return parse_number(raw.strip())
    if isinstance(raw, float):
        return parse_number(repr(raw))
    if isinstance(raw, bool):
        raise ValueError("a truth value is not a number")
    return raw


def _date(raw: object) -> object:
    return parse_date(raw.strip()) if isinstance(raw, str) else raw


def _boolean(raw: object) -> object:
    return parse_boolean(raw) if isinstance(raw, str) else raw


def _reference(raw: object) -> object:
    return Reference(raw.strip()) if isinstance(raw, str) else raw


Number = Annotated[Decimal, BeforeValidator(_number)]
Day = Annotated[date, BeforeValidator(_date)]
Flag = Annotated[bool, BeforeValidator(_boolean)]
Parent = Annotated[Reference, BeforeValidator(_reference)]
Text40 = Annotated[str, StringConstraints(max_length=40)]
Text80 = Annotated[str, StringConstraints(max_length=80)]
Text120 = Annotated[str, StringConstraints(max_length=120)]
Text255 = Annotated[str, StringConstraints(max_length=255)]
LongText = Annotated[str, StringConstraints(max_length=32_000)]


class LocalRecord(BaseModel):
    """A local record; iterate `given()` for what it wants to be true in the org."""

    model_config = ConfigDict(extra="allow", frozen=True, arbitrary_types_allowed=True, defer_build=True)

    sobject: ClassVar[str]

    def given(self) -> Iterator[tuple[str, Any]]:
        """The fields that were given and their values, declared fields first."""
        given = self.__pydantic_fields_set__
        for name, value in self.__dict__.items():  # the declared fields in their order, and nothing else
            if name in given:
                yield name, value
        yield from (self.__pydantic_extra__ or {}).items()


class Opportunity(LocalRecord):
    """A deal. `ContactId` becomes the deal's primary contact role and is never sent itself.

    References take a record id as text, or a `Reference` that says how to look the record up.
    """

    sobject: ClassVar[str] = OPPORTUNITY

    Name: Text120 | None = None
    StageName: Text255 | None = None
    CloseDate: Day | None = None
    AccountId: Parent | None = None
    Amount: Number | None = None
    Probability: Number | None = None
    ForecastCategoryName: Text255 | None = None
    TotalOpportunityQuantity: Number | None = None
    Type: Text255 | None = None
    NextStep: Text255 | None = None
    LeadSource: Text255 | None = None
    Description: LongText | None = None
    IsPrivate: Flag | None = None
    CampaignId: Parent | None = None
    Pricebook2Id: Parent | None = None
    OwnerId: Parent | None = None
    RecordTypeId: Parent | None = None
    ContactId: Parent | None = None


class OpportunityContactRole(LocalRecord):
    """Who takes part in a deal, and as what. A role left empty or "None" is not saved."""

    sobject: ClassVar[str] = CONTACT_ROLE

    OpportunityId: Parent | None = None
    ContactId: Parent | None = None
    Role: Text40 | None = None
    IsPrimary: Flag | None = None


class Account(LocalRecord):
    """A company that a job brings before its deals; further fields by API name."""

    sobject: ClassVar[str] = ACCOUNT

    Name: Text255 | None = None
    OwnerId: Parent | None = None
    RecordTypeId: Parent | None = None


class Contact(LocalRecord):
    """A person that a job brings before the deals; further fields by API name."""

    sobject: ClassVar[str] = CONTACT

    LastName: Text80 | None = None
    FirstName: Text40 | None = None
    AccountId: Parent | None = None
    Email: Text80 | None = None
    OwnerId: Parent | None = None
    RecordTypeId: Parent | None = None


MODELS: Final[Mapping[str, type[LocalRecord]]] = {
    each.sobject: each for each in (Account, Contact, Opportunity, OpportunityContactRole)
}
"""The model of each sObject that sfsync writes."""


@dataclass(frozen=True, slots=True)
class InvalidField:
    """A field whose value its model refuses, in words that carry no other field's value."""

    field: str
    reason: str


def validated(sobject: str, raw: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[InvalidField, ...]]:
    """The typed values of a mapped row, and the fields that could not be typed.

    The good fields of a bad row are returned too, so that the row can still be named in a report.
    """
    model = MODELS[sobject]
    try:
        return dict(model.model_validate(raw).given()), ()
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
    invalid = {str(each["loc"][0]): InvalidField(str(each["loc"][0]), _reason(each)) for each in details}
    good = {name: value for name, value in raw.items() if name not in invalid}
    return dict(model.model_validate(good).given()), tuple(invalid.values())


def _reason(detail: ErrorDetails) -> str:
    context = detail.get("ctx") or {}
    if detail["type"] == "string_too_long":
        given = len(detail["input"])
        return f"is {given} characters long; Salesforce keeps at most {context['max_length']}"
    if "error" in context:
        return str(context["error"])
    return f"is of the wrong kind ({detail['type']})"
