"""What planning stands on besides rows and records: the schema, what earlier runs left open, what the org offers.

Read once for a job, however many portions it is planned in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sfsync.core.job import Job
from sfsync.core.ports import ChangeRecord, Journal, OrgGateway, RunRecord
from sfsync.core.writes import Route
from sfsync.engine.planning.matching import refuse_without_memory
from sfsync.engine.planning.offered_values import OfferedValues
from sfsync.engine.planning.routing import OrgOffers
from sfsync.engine.planning.schema import Schema, read_schema


@dataclass(slots=True)
class Ground:
    """The ground of one job: `in_doubt` is what earlier runs left open, `unfenced` what of it nothing fences."""

    schema: Schema
    in_doubt: Sequence[ChangeRecord]
    unfenced: frozenset[str]
    offered: OfferedValues
    org: OrgGateway
    offers: OrgOffers


def read_ground(
    job: Job, gateway: OrgGateway, journal: Journal, accepted: Collection[tuple[str, str]] = ()
) -> Ground:
    """Asks the org and the journal. `accepted` are changes, by run and change id, that are not in doubt any more.

    Raises:
        ConfigError: the job does not fit the org.
        GuardError: rows have no key in the org, and the journal has never seen the job.
    """
    org = gateway.identity()
    schema = read_schema(job, gateway)
    refuse_without_memory(job, org.org_id, journal)
    in_doubt, unfenced = _in_doubt(job, org.org_id, journal, accepted)
    return Ground(schema, in_doubt, unfenced, OfferedValues(gateway), gateway, OrgOffers(gateway))


def _in_doubt(
    job: Job, org_id: str, journal: Journal, accepted: Collection[tuple[str, str]]
) -> tuple[list[ChangeRecord], frozenset[str]]:
    """What earlier runs left open, and the names of those changes that no fence keeps from being there twice."""
    still_open = [
        (run, record)
        for run, record in journal.open_changes(job.name, org_id)
        if (run.run_id, record.change_id) not in accepted
    ]
    return [record for _, record in still_open], _unfenced(still_open, journal)


def _unfenced(still_open: Sequence[tuple[RunRecord, ChangeRecord]], journal: Journal) -> frozenset[str]:
    """The open changes that may have been sent without a key: a key that they have by now fences none of them."""
    sent = {run.run_id: journal.sendings(run.run_id) for run, _ in still_open}
    routes = ((record.change_id, sent[run.run_id].get(record.change_id)) for run, record in still_open)
    return frozenset(name for name, by in routes if by is None or by[0] is not Route.KEY_FENCE)
