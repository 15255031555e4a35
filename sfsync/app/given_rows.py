"""A job whose rows are given in Python: they take the place of its files, and its rules go for them."""

from __future__ import annotations

from dataclasses import replace

from sfsync.core.job import Job
from sfsync.errors import ConfigError


def with_rows(job: Job, **rows: object) -> Job:
    """The job with rows given in Python in place of the named sections' files.

    `with_rows(job, opportunities=[Opportunity(...)], contact_roles=[...])`: local models, or mappings,
    dataclasses or frames whose keys are the columns that the section's rules name.
    """
    from sfsync.core.job import SECTIONS, Section
    from sfsync.core.reading.source_spec import SourceSpec
    from sfsync.sources.python_values import as_given

    sections = dict(job.sections)
    for name, given in rows.items():
        if name not in SECTIONS:
            raise ConfigError(
                f"{name} is not a section of a job",
                code="UNKNOWN_SECTION",
                hint=f"Sections: {', '.join(SECTIONS)}.",
            )
        spec = SourceSpec("rows", rows=as_given(given))
        known = sections.get(name)
        sections[name] = replace(known, source=spec) if known else Section(name, SECTIONS[name], spec, ())
    return replace(job, sections=sections)
