"""The shape of a job file: which keys there are, of what kind, and what each one means.

The descriptions are the documentation of the format; `sfsync schema job` prints them. What keys mean
together is checked in `job_meaning`.
Invariants: unknown keys are refused; nothing is converted, text is text.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sfsync.jobs.listed_form import ListedForm
from sfsync.jobs.rule_form import FIELDS_TEXT, Column, Fields, Form, Text, as_list


class _SectionForm(Form):
    preset: Text | None = Field(
        None,
        description="The preset that says what the file's header means and how its fields are filled, such as "
        '"hubspot-deals": presets beside the job, in config/presets, or one that comes with sfsync. Its rules are '
        "defaults: a rule of the job takes the place of the preset's, or, without column, compose and constant, is "
        "laid over it, a map word by word.",
    )
    kind: Literal["csv", "jsonl", "json", "xlsx", "parquet"] | None = Field(
        None,
        description="What the file is, when its ending does not say it: csv for any delimited text, jsonl for "
        "one JSON object a line, json for an array of objects, xlsx for an Excel workbook, parquet for Parquet.",
    )
    sheet: Text | None = Field(
        None,
        description="The sheet of a workbook. Without it, exactly one visible sheet must have rows.",
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="The delimiter, when it cannot be told from the header and the first rows."
    )
    encoding: Text | None = Field(
        None,
        description="The file's encoding, such as cp1252 or utf-16. UTF-8 by default. A byte order mark "
        "in the file wins. Text that is not written so stops the run, with three settings that may be right.",
    )
    numbers: Text | None = Field(
        None,
        description='How the cells of number fields are written: a locale such as "de_DE" (1.234,50), "en_US" '
        '(1,234.50), "fr_FR", "en_IN", strictly; or "plain" (1234.50), the default. A currency that stands at the '
        "number is taken off, (1,234.50) is negative, and percent fields may have a percent sign.",
    )
    dates: Text | None = Field(
        None,
        description='How the cells of date fields are written: "iso" (2026-09-30, the default), "iso-minutes" '
        '(2026-09-30 14:05), an order such as "D.M.Y", "D/M/Y" or "M/D/Y", months in words such as '
        '"D MMM Y de_DE", "excel-serial", "excel-serial-1904" (with -day also those with a time of day), '
        '"epoch-ms", "epoch-s" (the day in UTC; also of date-time fields), or a strptime format such as '
        '"%d.%m.%Y".',
    )
    database: Text | None = Field(
        None,
        description="In place of file: the URL of a database, such as ${DEALS_DB}. postgresql://user@host/name "
        "needs the extra postgres; sqlite:///deals.db lies in the job file's folder. A password belongs into the "
        "environment. The database is only read.",
    )
    query: Text | None = Field(
        None,
        description="The file with the query, from the job file's folder; it ends in .sql. One SELECT, whose "
        "columns the rules name.",
    )
    watermark: Column | None = Field(
        None,
        description="A column of the query that grows with every change of a row, such as updated_at. The query "
        "then has :since, which is the greatest value that an earlier run has settled (NULL at first and with "
        "--full): only what changed since is read.",
    )
    overlap: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="How many minutes before the watermark are read again, where it is a moment, because what was "
        "committed late bears an earlier time. 10 by default.",
    )
    ignore: list[Column] = Field([], description="Columns that are left out on purpose.")
    replace: dict[Text, dict[Text, str]] = Field(
        {},
        description="Words that are put right in a column before any rule reads it, by column: "
        'product = { "GTXPro" = "GTX Pro" }.',
    )


_FILE = (
    "The file, from the job file's folder. May use ${VARIABLE}. The ending says what it is: "
    '.csv .tsv .txt, .jsonl .ndjson, .json, .xlsx .xlsm, .parquet. "-" is standard input, which is csv unless '
    "kind says otherwise."
)


class KeyedSectionForm(_SectionForm):
    """Rows that become records with a key of their own."""

    file: Text | None = Field(None, description=f"{_FILE} Or give database and query.")
    key: Text | None = Field(
        None, description="The field (External ID, Unique) that tells the records apart; it must be mapped."
    )
    row_key: Column | None = Field(
        None,
        description="In place of key, where the org has no such field: the column whose value tells the rows "
        "apart. The journal remembers which record each row became, so it must be kept; say sfsync state init "
        "JOB once before the first run. sfsync check says by which route such rows go.",
    )
    duplicate_keys: Literal["error", "last", "merge"] = Field(
        "error",
        description="What several rows of the file with exactly the same key mean. error (the default): none of "
        "them is sent. last: the last one counts, the others are skipped. merge: they are one row, in which a "
        "later cell that is not empty wins. Keys that only look alike are always an error.",
    )
    vanished: Literal["report", "ignore", "close", "delete"] = Field(
        "report",
        description="What happens to the record of a row that this job brought and that the file has no more: it "
        "is told (report, the default), passed over (ignore), or, for deals alone, moved to vanished_stage (close) "
        "or deleted (delete, only with --allow-deletes and only what this job created). What somebody has changed "
        "in the org since is left alone.",
    )
    vanished_stage: Text | None = Field(
        None,
        description='With vanished = "close": the closed stage that deals get; "Closed Lost" by default.',
    )
    deleted: Literal["park", "recreate"] = Field(
        "park",
        description="What happens to a row whose record somebody deleted in the org: it is left alone and told "
        "(park, the default), or created again (recreate), once: deleted again, it is left alone.",
    )
    merged: Literal["follow", "park", "recreate"] | None = Field(
        None,
        description="For accounts and contacts that were merged into another record: the row is that record from "
        "now on, which keeps its values until the row changes (follow, the default), is left alone and told (park) "
        "or is created again, once (recreate).",
    )
    fields: Fields = Field({}, description=FIELDS_TEXT)


class LeadForm(Form):
    """Deals that come out of leads: a row may name a lead, which becomes an account, a contact and the deal.

    The row's own AccountId and ContactId, where it has them, are what the lead is merged into; its other values are
    brought to the new deal right after. A lead is converted once and never again; that cannot be taken back.
    """

    column: Column = Field(description="The column that names the lead; a row without one is a plain deal.")
    match: Annotated[list[Text], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        ["Id"],
        min_length=1,
        description='The fields of Lead by which it is looked up, in order, such as ["Id", "Email"].',
    )
    status: Text | None = Field(
        None,
        description="The status that a converted lead gets; by default the org's first that stands for converted.",
    )
    account: Literal["create", "match"] = Field(
        "create",
        description="Where the row names no account: a new one of the lead's company (create), or a problem of the "
        "row (match).",
    )
    contact: Literal["create", "match"] = Field(
        "create",
        description="Where the row names no contact: a new one of the lead's name (create), or a problem of the "
        "row (match).",
    )
    when_converted: Literal["use", "error"] = Field(
        "use",
        description="A lead that is converted already: its deal is the row's, if no other key holds it (use), or a "
        "problem of the row (error). One that was converted without a deal gives the new deal its account.",
    )
    only_status: list[Text] = Field(
        [], description="Only leads with one of these statuses are converted; by default any."
    )


class DealSectionForm(KeyedSectionForm):
    """Rows that become deals."""

    probability: Literal["default", "override", "keep"] | None = Field(
        None,
        description="Whose probability a deal has. default: its stage's own; a mapped Probability is never sent. "
        "override: the row's, in one write with the stage, and a second time where Salesforce let the stage win. "
        "keep: what is in the org; when a stage moves to another open one, a probability that somebody set by hand "
        "goes along, and a mapped Probability is for new deals only. Without it: override where Probability is "
        "mapped, else default.",
    )
    allow: list[Literal["backward", "reopen", "close-without-amount", "close-without-date"]] = Field(
        [],
        description="Movements of a deal from its stage in the org that are otherwise a problem of its row. "
        "backward: to a stage that comes earlier in the org's order. reopen: out of a closed stage, to an open one "
        "or from won to lost or back. close-without-amount: to a closed-won stage, when neither the row nor the "
        "record has an amount. close-without-date: to a closed stage with a close date that is not the deal's own, "
        "but the job's default or constant.",
    )
    lead: LeadForm | None = Field(None, description="How rows that name a lead come out of it.")


class RoleSectionForm(_SectionForm):
    """Rows that become contact roles. Their deals and contacts are looked up; they have no key."""

    file: Text | None = Field(
        None,
        description="The file of the roles, from the job file's folder; or give nested, or listed, or database and "
        "query.",
    )
    nested: Text | None = Field(
        None,
        description="The member of the deal documents that holds their roles, such as contact_roles. A column "
        "that a role does not have is taken from its deal.",
    )
    listed: ListedForm | None = Field(
        None,
        description="Roles that stand as a list in a cell of their deal: one role for each entry. The rules may "
        "read the entry's columns and the deal's own.",
    )
    fields: Fields = Field({}, description=f"{FIELDS_TEXT} OpportunityId and ContactId must be among them.")


class RolesForm(Form):
    """What may be done to contact roles."""

    policy: Literal["append", "merge", "mirror"] = Field(
        "merge",
        description="append adds roles that are missing; merge also updates roles that are there; mirror also "
        "deletes roles that the source lacks, only on deals for which it has a role, only where none of their "
        "rows is wrong, and only with --allow-deletes.",
    )
    on_error: Literal["role", "deal"] = Field(
        "role", description="What a refused role takes down: only itself, or its new deal as well."
    )
    primary: Annotated[
        list[Text],
        BeforeValidator(
            as_list,
            json_schema_input_type=Literal["given", "keep", "first"]
            | Annotated[list[str], Field(min_length=1)],
        ),
    ] = Field(
        ["given"],
        min_length=1,
        description="Who is a deal's one primary contact. given: as the rows say. keep: the org's primary contact "
        "stays, and the rows count for deals without one. first: where no row says it and the org has none, the "
        "first row in the order of the file. A list of role names, the best first, such as "
        '["Decision Maker", "Evaluator"]: where no row says it and the org has none, the first row with the best '
        "of these roles.",
    )
    same_contact: Literal["both", "first", "error"] = Field(
        "both",
        description="What one contact in two roles on a deal means. both: both roles are brought. first: the first "
        "row in the order of the file counts, the others are left out and named. error: the later rows are "
        "problems.",
    )


_Count = Annotated[int, Field(ge=0)]


class GuardsForm(Form):
    """How far a run may go before it stops by itself (exit code 6). An option of the command wins."""

    max_changes: _Count | None = Field(None, description="The most records that a plan may write.")
    max_failures: _Count | None = Field(
        None, description="The most rows that may be refused or stay unknown before the run stops."
    )
    canary: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="How many deals are written and read back first; the rest goes only when they are in the org "
        "as they were meant.",
    )
    api_budget: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="The most API calls that a run may take, planning included. By default a run stops when the "
        "org has used 80 % of its day's calls.",
    )


class SafetyForm(Form):
    """What makes writes safe to repeat. sfsync check says which route each kind of record takes by itself."""

    route: Literal["key fence", "receipt fence", "job fence"] | None = Field(
        None,
        description="The laxest route that creates may take: a run that would need a laxer one stops. From lax to "
        "strict: job fence, key fence, receipt fence.",
    )
    updates: Literal["strict", "fast"] | None = Field(
        None,
        description="strict: each update goes on the condition that nobody has edited the record meanwhile; fast: "
        "without it, two hundred a call. By default strict up to 500 updates of a plan, fast above.",
    )
    verify: bool | None = Field(
        None,
        description="Whether what was written is judged value by value when it is read back: ignored, cut off, "
        "rounded, defaulted, changed by automation or by somebody. It costs no call. By default only for imports; "
        "--verify and --no-verify win.",
    )


class JobForm(Form):
    """A job of sfsync: which rows, from which files, become which records, by which rules."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$")] | None = Field(
        None, description="The job's name; by default the file's name without its ending."
    )
    description: str = Field("", description="What the job is for, in a sentence.")
    org: Text | None = Field(
        None, description="The org profile: a file in config/orgs, or SFSYNC_ORGS__NAME__... variables."
    )
    mode: Literal["upsert", "insert", "update"] = Field(
        "upsert", description="What may be done with a row: create or update, only create, or only update."
    )
    strategy: Literal["auto", "graphs", "collections", "bulk"] = Field(
        "auto",
        description="How writes travel. auto: whichever way takes the fewest API calls, of those that keep them "
        "safe to repeat; graphs, collections, bulk: that way, or the run stops where it is not possible.",
    )
    picks: Text | None = Field(
        None,
        description="A CSV file, from the job file's folder, that settles references for good: sobject, field "
        "(the strategy of match, or empty for any), value, id. A run writes one to start from into its folder.",
    )
    threads: Annotated[int, Field(ge=1, le=8)] | None = Field(
        None,
        description="How many calls may be in flight at a time, 1 to 8; 4 by default. Calls that would lock one "
        "account never go at the same time. --threads wins.",
    )
    ping: Text | None = Field(
        None,
        description="An address that is told how each run goes, as healthchecks.io takes it: ADDRESS/start, then "
        "ADDRESS or ADDRESS/fail. https only. Who knows it can use it, so write ${VARIABLE} for what is "
        "secret. --ping wins.",
    )
    roles: RolesForm = RolesForm(policy="merge", on_error="role", primary=["given"], same_contact="both")
    guards: GuardsForm = GuardsForm(max_changes=None, max_failures=None, canary=None, api_budget=None)
    safety: SafetyForm = SafetyForm(route=None, updates=None, verify=None)
    accounts: KeyedSectionForm | None = Field(None, description="Accounts to bring before the deals.")
    contacts: KeyedSectionForm | None = Field(None, description="Contacts to bring before the deals.")
    opportunities: DealSectionForm | None = Field(None, description="The deals.")
    contact_roles: RoleSectionForm | None = Field(None, description="The deals' contact roles.")
