"""The table [opportunities.lead] of a job file: what it means, and its mistakes with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.core.deals.lead_rule import LeadRule, LeadTarget, WhenConverted
from sfsync.errors import ConfigError
from sfsync.jobs import load_job

JOB = """
[opportunities]
file = "deals.csv"
key = "Key__c"
{ignore}

[opportunities.lead]
{lead}

[opportunities.fields]
Key__c = "deal_id"
"""


def written(folder: Path, lead: str, ignore: str = "") -> Path:
    """A job file with that table."""
    path = folder / "job.toml"
    path.write_text(JOB.format(lead=lead, ignore=ignore))
    return path


def test_a_column_is_enough(tmp_path: Path) -> None:
    """The lead is then named by its id, and all else is as an import wants it."""
    job = load_job(written(tmp_path, 'column = "lead"'), environ={})
    assert job.sections["opportunities"].lead == LeadRule("lead")


def test_every_key_means_something(tmp_path: Path) -> None:
    """All keys of the table are taken over."""
    lead = """
column = "lead"
match = "Email"
status = "Qualified"
account = "match"
contact = "match"
when_converted = "error"
only_status = ["Working"]
"""
    rule = load_job(written(tmp_path, lead), environ={}).sections["opportunities"].lead
    assert rule == LeadRule(
        "lead", ("Email",), "Qualified", LeadTarget.MATCH, LeadTarget.MATCH, WhenConverted.ERROR, ("Working",)
    )


@pytest.mark.parametrize(
    ("lead", "ignore", "said"),
    [
        ("", "", "column"),
        ('column = "lead"\nmacth = "Email"', "", "macth"),
        ('column = "lead"\nmatch = "E mail"', "", "no API name"),
        ('column = "lead"\nmatch = ["Email", "email"]', "", "twice"),
        ('column = "lead"\nmatch = "Name + Account.Name"', "", "a lead has none"),
        ('column = "lead"\naccount = "make"', "", "account"),
        ('column = "lead"', 'ignore = ["lead"]', "names the lead"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, lead: str, ignore: str, said: str) -> None:
    """The error says which key is wrong."""
    with pytest.raises(ConfigError) as refused:
        load_job(written(tmp_path, lead, ignore), environ={})
    assert said in str(refused.value.message)


@pytest.mark.parametrize("section", ["accounts", "contact_roles"])
def test_only_deals_come_out_of_leads(tmp_path: Path, section: str) -> None:
    """Another section has no such table."""
    path = written(tmp_path, 'column = "lead"')
    path.write_text(f'{path.read_text()}\n[{section}.lead]\ncolumn = "lead"\n')
    with pytest.raises(ConfigError, match="lead"):
        load_job(path, environ={})
