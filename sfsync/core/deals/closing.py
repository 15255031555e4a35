"""Whether the stage that closes vanished deals is a closed stage of the org, and which deals are closed already."""

from __future__ import annotations

from collections.abc import Iterator

from sfsync.core.deals.gone import Vanished
from sfsync.core.deals.stages import StageCatalogue
from sfsync.core.job import Section
from sfsync.core.reports.results import Problem, Stage
from sfsync.core.sobject import OPPORTUNITY
from sfsync.core.wording import suggestion


def closing_problems(section: Section, stages: StageCatalogue | None) -> Iterator[Problem]:
    """What is wrong with the closing stage of a section; any such problem stops the job."""
    if section.sobject != OPPORTUNITY or section.gone.vanished is not Vanished.CLOSE or stages is None:
        return
    name = section.gone.vanished_stage
    closed = [each.api_name for each in stages.stages.values() if each.is_active and each.is_closed]
    if name not in closed:
        message = f'{section.name}.vanished_stage: "{name}" is no active closed stage of this org'
        hint = suggestion(name, closed) or "The org has no active closed stage."
        yield Problem("NO_CLOSED_STAGE", Stage.MAP, message, hint, field="StageName", value=name)


def is_closed(stages: StageCatalogue | None, name: object) -> bool:
    """Whether a stage counts as closed; one that the catalogue does not know does not."""
    known = stages.stages.get(str(name)) if stages is not None else None
    return known is not None and known.is_closed
