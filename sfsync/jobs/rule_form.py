"""The shape of one rule of a job file: how a field gets its value, and what a reference means.

The descriptions are the documentation of the format, like those of `job_form`, which is made of these.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

Text = Annotated[str, Field(min_length=1)]
Column = Annotated[str, Field(min_length=1, description="The name of a column, exactly as in the header.")]


def as_list(raw: Any) -> Any:
    """One text as a list of it; anything else as it is."""
    return [raw] if isinstance(raw, str) else raw


def as_rule(raw: Any) -> Any:
    """A column alone as a rule of it; None stays."""
    if raw is None:
        return None
    if not isinstance(raw, str | dict):
        raise ValueError("must be the name of a column in quotes, or a table")
    return {"column": raw} if isinstance(raw, str) else raw


def _one_or_several(raw: Any, one: ValidatorFunctionWrapHandler) -> Any:
    """One column as it is, several as a list; only one goes on to the check of a text."""
    if not isinstance(raw, list):
        return one(raw)
    if len(raw) < 2 or not all(isinstance(each, str) and each for each in raw):
        raise ValueError("must name one column, or a list of two at least")
    return raw


class Form(BaseModel):
    """A table of a job file: unknown keys are refused, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class CreateKeyForm(Form):
    """The own key of a parent that a run makes for its rows."""

    field: Text | None = Field(
        None,
        description="The field of the parent (External ID, Unique); by default the key of the parent's section.",
    )
    source: Column | None = Field(
        None,
        alias="from",
        description="The column that holds the key; by default the text that names the parent is its key.",
    )


class RuleForm(Form):
    """How a field gets its value. Give exactly one of column, compose and constant."""

    column: Annotated[
        Column | None,
        WrapValidator(_one_or_several, json_schema_input_type=str | list[str] | None),
        PlainSerializer(lambda given: given, return_type=Any),
    ] = Field(
        None,
        description="The name of a column, exactly as in the header; or a list of them, of which the first counts "
        'that is not empty and that map does not make "".',
    )
    compose: Text | None = Field(
        None,
        description='Text with {column} places, such as "{product} - {deal_id}". Empty when all places are.',
    )
    constant: str | None = Field(None, description="The same text for every row.")
    map: dict[Text, str] | None = Field(
        None,
        min_length=1,
        description="Words of the source and what they become. A word that is not in it is a problem of its "
        'row, unless else = "keep". A word that becomes "" counts as blank.',
    )
    otherwise: Literal["keep"] | None = Field(
        None, alias="else", description='"keep": words that the map does not name stay as they are.'
    )
    blank: Literal["skip", "null", "error"] | None = Field(
        None,
        description="What an empty cell means: leave the field alone (skip, the default), clear it (null), or "
        "a problem of the row (error).",
    )
    default: Text | None = Field(
        None, description="The text that takes the place of an empty cell; then blank is not given."
    )
    policy: Literal["source", "org", "create-only", "fill-empty", "forward-only"] | None = Field(
        None,
        description="Who has the say where the record differs: the row (source), the org once it has a value that "
        "this job did not write (org), only on create (create-only), the row where the org's field is empty "
        "(fill-empty), or the row where its stage comes later (forward-only, for StageName). Without it the row's "
        "value goes, and a field that somebody changed in the org since the last run is a conflict.",
    )
    match: Annotated[
        list[Text] | None, BeforeValidator(as_list, json_schema_input_type=str | list[str] | None)
    ] = Field(
        None,
        min_length=1,
        description="For references: the fields of the other record by which it is looked up, in order; "
        '"Id" takes the cell for a record id, "Name + Account.Name" also compares the account (see account).',
    )
    account: Column | None = Field(
        None,
        description='For match = "Name + Account.Name": the column that says the account. A contact role without '
        "it takes the deal's account.",
    )
    missing: Literal["error", "defer", "create", "skip"] | None = Field(
        None,
        description="For references that find no record of the org and no row of the job: a problem of the row "
        "(error, the default); the row goes without this lookup, and a later run sets it (defer); the account or "
        "contact is made by the same run (create); or the row is left out (skip).",
    )
    inactive: Literal["error", "skip"] | None = Field(
        None,
        description="For owners who have left: a problem of the row (error, the default), or the owner is left as "
        "the org has it (skip).",
    )
    inactive_default: Text | None = Field(
        None,
        description="The user, looked up by match too, who takes the place of an owner who has left; then inactive "
        "is not given.",
    )
    create: dict[Text, Column] = Field(
        {},
        description='With missing = "create": further fields of the parent that is made, each with a column: '
        '{ Industry = "industry" }. The first row that names the parent counts; rows that disagree are a problem.',
    )
    create_key: CreateKeyForm | None = Field(
        None,
        description='With missing = "create": the own key of the parent that is made. Without it the key of the '
        "section [accounts] or [contacts] is meant, and without that the parent has none.",
    )
    record_id: bool = Field(
        default=False,
        description="The column holds ids of records; 15 characters and 18 are the same id, and 18 are written.",
    )
    format: Text | None = Field(
        None,
        description="How a date is written: a name, order or strptime format as in the section's dates, such as "
        '"D/M/Y" or "%d.%m.%Y"; by default what the section says.',
    )
    numbers: Text | None = Field(
        None,
        description="How a number is written: a locale, or plain, as in the section's numbers; by default what the "
        "section says.",
    )
    times: Text | None = Field(
        None,
        description='An exact factor of a number, such as "100" where the source has a probability from 0 to 1.',
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that may give the value, in order."""
        given: str | list[str] | None = self.column
        return (given,) if isinstance(given, str) else tuple(given or ())


Fields = dict[
    Text,
    Annotated[RuleForm, BeforeValidator(as_rule, json_schema_input_type=Annotated[str, Column] | RuleForm)],
]
FIELDS_TEXT = "The API names of the fields to write, each with a column or a rule."
