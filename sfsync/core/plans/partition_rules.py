"""Which jobs can be shared out among processes that do not see each other's rows, and why others cannot."""

from __future__ import annotations

from sfsync.core.job import Job
from sfsync.core.reading.row_groups import names_its_deal
from sfsync.core.references.parents import makes_without_key
from sfsync.core.sobject import CONTACT, CONTACT_ROLE, OPPORTUNITY
from sfsync.errors import ConfigError


def refuse_unshareable(whole: Job) -> None:
    """Checks that shares of the job give the same org as all of it.

    Raises:
        ConfigError: why they might not.
    """
    if not whole.sections:
        raise ConfigError(
            f"job {whole.name} has nothing in partition {whole.share}",
            code="EMPTY_PARTITION",
            hint="Partition 0 are the accounts and contacts of a job, the others its deals and roles.",
        )
    why = _why_not(whole)
    if why is not None:
        raise ConfigError(
            f"job {whole.name} cannot be shared out: {why}",
            code="NO_PARTITIONS",
            hint="Run it without --partition: one process brings a million deals in flat memory.",
        )


def _why_not(job: Job) -> str | None:
    deals = next((each for each in job.sections.values() if each.sobject == OPPORTUNITY), None)
    if CONTACT in makes_without_key(job):
        return "it makes contacts without a key, and two processes may make the same one"
    for section in job.sections.values():
        if section.row_key is not None:
            return f"{section.name} have no key in the org, so only one process may write them"
        if section.lead is not None:
            return f"{section.name} come out of leads"
        if section.sobject == CONTACT_ROLE and not names_its_deal(section, deals):
            return f"{section.name} name their deal by something else than its key"
        if section.source.watermark is not None:
            return f"{section.name} are read on from a watermark"
    return None
