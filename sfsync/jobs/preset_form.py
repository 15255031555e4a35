"""The shape of a preset file: what the export of a known tool looks like.

The descriptions are the documentation of the format; `sfsync schema preset` prints them. The rules are those of a
job file, but their columns are canonical ones.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sfsync.jobs.listed_form import ListedForm
from sfsync.jobs.rule_form import Fields, Form, RuleForm, Text, as_list, as_rule

Texts = Annotated[
    list[Text], BeforeValidator(as_list, json_schema_input_type=str | list[str]), Field(min_length=1)
]
Headers = Annotated[
    dict[Text, Texts],
    BeforeValidator(
        lambda raw: {"headers": raw} if isinstance(raw, str | list) else raw,
        json_schema_input_type=str | list[str] | dict[str, str | list[str]],
    ),
]


class PresetSectionForm(Form):
    """What the rows of such an export are, for one section of a job."""

    columns: dict[Text, Headers] = Field(
        {},
        description="The canonical columns, by which the rules below call a column, each with the headers that "
        'mean it: "deal name" = { internal = "dealname", en = "Deal Name", de = "Deal-Name" }. The names '
        "inside are for readers. Case, blanks, underscores and accents do not count.",
    )
    required: list[Text] = Field(
        [], description="The canonical columns without which a file is no such export."
    )
    ignored: list[Text] = Field(
        [], description="Headers that are known and left out; * stands for any characters."
    )
    others: Literal["tell", "fields"] = Field(
        "tell",
        description="Columns that the preset does not know: they are told in a note (tell, the default), or each "
        "is the field whose API name it is (fields).",
    )
    footer: list[Text] = Field(
        [],
        description="Lines behind the last row that are no rows, as patterns with *: a block of lines of one cell "
        "each, of which one fits, is left out, counted and told.",
    )
    key: Annotated[
        RuleForm | None,
        BeforeValidator(as_rule, json_schema_input_type=str | RuleForm),
    ] = Field(
        None,
        description="The canonical column, or the rule, that fills the job's key field where the job does not.",
    )
    numbers: Text | None = Field(None, description="How numbers are written, as in a job.")
    dates: Text | None = Field(None, description="How dates are written, as in a job.")
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="The delimiter, as in a job."
    )
    encoding: Text | None = Field(None, description="The encoding, as in a job.")
    replace: dict[Text, dict[Text, str]] = Field({}, description="Words put right in a column, as in a job.")
    listed: ListedForm | None = Field(None, description="Roles out of a list in a deal's cell, as in a job.")
    fields: Fields = Field(
        {},
        description="The rules, as in a job, with canonical columns. A rule whose columns a file does not have is "
        "left out, unless the column is required.",
    )


class PresetForm(Form):
    """A preset of sfsync: what the export of a known tool looks like, so that a job needs a few lines."""

    title: Text = Field(description="What is exported, in a few words.")
    description: str = Field("", description="How to make such an export, and what the preset does with it.")
    accounts: PresetSectionForm | None = Field(None, description="Its rows as accounts.")
    contacts: PresetSectionForm | None = Field(None, description="Its rows as contacts.")
    opportunities: PresetSectionForm | None = Field(None, description="Its rows as deals.")
    contact_roles: PresetSectionForm | None = Field(None, description="Its rows as contact roles.")
    any: PresetSectionForm | None = Field(
        None, description="Its rows in any section that the preset does not name."
    )
