"""The text of a job to start from: for a preset, or blank with every section explained.

What only a person can say is marked like the open lines of a suggestion; `sfsync check` names what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sfsync.core.presets.preset import Preset
from sfsync.core.suggesting.job_text import comment, text_of

_FILE: Final = 'file = "DECIDE: write the path of the export, from this file\'s folder"'
_ORG: Final = 'org = "DECIDE: write the name of an org profile (config/orgs/NAME.toml)"'
_KEY: Final = (
    'key = "DECIDE: write the field of the org (External ID, Unique) that tells the {what} apart"\n'
    '# row_key = "column"              # in place of key, where the org has no such field; the journal remembers'
)

BLANK: Final = f"""# A job of sfsync. Every line that begins with DECIDE: is for you; sfsync check names the edit.
# sfsync schema job prints every key and what it means; sfsync suggest FILE writes a job from a file.
description = "Deals and their contact roles"
{_ORG}
# mode = "upsert"                  # or insert, or update

# [guards]                         # how far a run may go before it stops by itself
# max_changes = 500
# max_failures = 20
# canary = 5                       # so many deals are written and read back first
# api_budget = 500                 # so many API calls a run may take

# [accounts]                       # accounts to bring before the deals; [contacts] likewise
# file = "accounts.csv"
# key = "Account_Key__c"
# [accounts.fields]
# Account_Key__c = "account_id"
# Name = "account"

[opportunities]
{_FILE}
{_KEY.format(what="deals")}
# encoding = "cp1252"              # utf-8 by default; a byte order mark in the file wins
# delimiter = ";"                  # where the header does not show it
# numbers = "de_DE"                # 1.234,50; plain (1234.50) by default
# dates = "D.M.Y"                  # 2026-09-30 by default
# ignore = ["column"]              # columns that are left out on purpose
# allow = ["backward"]             # movements of deals that are otherwise a problem of their row
# vanished = "report"              # what becomes of the record of a row that the file has no more

[opportunities.fields]             # field of the org = column of the file, or a rule; the key's field as well
Name = "DECIDE: write the column of the deal's name"
StageName = "DECIDE: write its column, or {{ column = \\"...\\", map = {{ \\"Won\\" = \\"Closed Won\\" }} }}"
CloseDate = "DECIDE: write the column of the close date"
# Amount = "amount"
# AccountId = {{ column = "account", match = ["Id", "Name"] }}       # looked up, in this order
# OwnerId = {{ column = "owner", match = ["Email", "Username"] }}

# [contact_roles]                  # a file, or listed = {{ column = "Contacts", pattern = "name (email)" }}
# file = "roles.csv"
# [contact_roles.fields]
# OpportunityId = {{ column = "deal_id", match = ["Opportunity_Key__c"] }}
# ContactId = {{ column = "email", match = ["Email"] }}
# Role = "role"
# IsPrimary = "primary"

# [roles]                          # what may be done to contact roles
# policy = "merge"                 # or append, or mirror
# primary = ["given"]              # who is a deal's one primary contact

# [safety]
# verify = true                    # what was written is read back and judged value by value
"""
"""A job in which every section is explained."""


def preset_starter(preset: Preset) -> str:
    """A job for the exports that a preset knows."""
    return "\n".join(_lines(preset)) + "\n"


def _lines(preset: Preset) -> Iterator[str]:
    yield comment(f"A job for {preset.title}. What stands here wins over the preset.")
    yield comment("Every line that begins with DECIDE: is for you; sfsync check names the edit.")
    yield _ORG
    sections = [each for each in preset.sections if each != "any"] or ["opportunities"]
    for name in sections:
        known = preset.section(name)
        yield ""
        yield f"[{name}]"
        if name == "contact_roles":
            yield f"preset = {text_of(preset.name)}"
            continue
        yield _FILE
        yield f"preset = {text_of(preset.name)}"
        if known is not None and known.required:
            yield comment(f"the file must have: {', '.join(known.required)}")
        yield from _KEY.format(what="rows").split("\n")
        yield '# numbers = "de_DE"                # where the export writes 1.234,50'
        yield '# dates = "D.M.Y"                  # where it writes days otherwise than the preset says'
        yield ""
        yield comment(f"[{name}.fields]            a rule without a column is laid over the preset's")
        yield comment('StageName = { map = { "A stage of yours" = "Prospecting" } }')
