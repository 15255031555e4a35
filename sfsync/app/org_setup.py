"""Writes the metadata that makes an org safest to a folder, and looks after the receipts in an org.

Part of the composition root. The files are for a repository and hold nothing of the org; a file that is there and
says something else is never replaced.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from sfsync.app.run_files import write_whole
from sfsync.app.workplace import Surroundings, connected
from sfsync.core.job import Job
from sfsync.core.orgs.setup_metadata import Files, setup_files
from sfsync.core.ports import ApiUsage, IdPage, Lookup, OrgGateway, Record
from sfsync.core.sending.receipts import RECEIPT, TOKEN
from sfsync.core.writes import Graph, GraphCall, Node, Route, Written
from sfsync.errors import ConfigError

FEWEST_DAYS: Final = 7
"""Receipts younger than this are never purged: an answer may be out, and a resume may ask for them."""

MOST_PURGED: Final = 10_000
"""Receipts that one purge deletes at most."""

_ROWS_PER_PAGE: Final = 2_000
"""Source: REST API Developer Guide, "Query Options Header" (the batch size that a query has by default)."""

_ROWS_PER_CALL: Final = 500
_ROWS_PER_GRAPH: Final = 20
"""A receipt that somebody else has just deleted keeps its graph, and no more, from being carried out."""

_EVERYONE_READS: Final = 0o644


def write_setup(folder: Path, job: Job | None, *, with_deletes: bool) -> list[str]:
    """Writes the files and returns their paths from the folder, sorted.

    Raises:
        ConfigError: a file is there and says something else, or cannot be written.
    """
    files = setup_files(job, with_deletes=with_deletes)
    _refuse_others(folder, files)
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text.encode(), mode=_EVERYONE_READS)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written: {error.strerror}", code="NOT_WRITABLE", hint="Give another --out."
            ) from None
    return sorted(files)


def _refuse_others(folder: Path, files: Files) -> None:
    taken = [
        name
        for name, text in files.items()
        if (folder / name).exists() and (folder / name).read_bytes() != text.encode()
    ]
    if taken:
        raise ConfigError(
            f"{folder} has other files of these names: {', '.join(sorted(taken)[:5])}",
            code="FILES_EXIST",
            hint="Give another folder with --out; nothing was written.",
        )


@dataclass(frozen=True, slots=True)
class Receipts:
    """How many receipts an org has, how many of them are old enough to go, and how many went."""

    there: int
    old: int
    kept: int
    purged: int
    usage: ApiUsage


def purge_receipts(
    org: str, *, older_than_days: int | None, is_dry: bool, around: Surroundings | None = None
) -> Receipts:
    """Counts the receipts of an org, and deletes old ones unless it is a dry run.

    Receipts that the journal of this machine still waits for are kept, however old. The org counts and filters;
    what is read are the receipts that go, and those that are kept.

    Raises:
        ConfigError: receipts that young are never purged, or the org has none.
        SyncError: see `sfsync.errors`.
    """
    from sfsync.jobs import load_org

    if older_than_days is not None and older_than_days < FEWEST_DAYS:
        raise ConfigError(
            f"receipts are kept for {FEWEST_DAYS} days at least: a lost answer is settled by them",
            code="TOO_YOUNG",
            hint=f"Give --purge-older-than {FEWEST_DAYS} or more.",
        )
    given = around or Surroundings()
    with connected(load_org(org, environ=given.environ), given) as gateway:
        org_id = gateway.identity().org_id
        everything = Lookup(RECEIPT, ("Id", TOKEN))
        there = gateway.count(everything)
        if older_than_days is None:
            return Receipts(there, 0, 0, 0, gateway.usage)
        before = (gateway.server_time or given.clock()) - timedelta(days=older_than_days)
        old = replace(everything, before={"CreatedDate": before})
        open_tokens = _open_tokens(given, org_id)
        kept = replace(old, where_field=TOKEN, values=tuple(sorted(open_tokens)))
        [waited_for] = gateway.fetch([kept]) if open_tokens else [[]]
        count = gateway.count(old)
        purged = 0 if is_dry else _purge(gateway, old, open_tokens)
        return Receipts(there, count, len(waited_for), purged, gateway.usage)


def _purge(gateway: OrgGateway, old: Lookup, open_tokens: Container[str]) -> int:
    """Deletes what the look-up means, page by page, but for the tokens given; returns how many surely went."""
    purged, tried, after = 0, 0, ""
    while tried < MOST_PURGED:
        [records] = gateway.fetch([replace(old, page=IdPage(after, _ROWS_PER_PAGE))])
        free = [each for each in records if str(each[TOKEN]) not in open_tokens][: MOST_PURGED - tried]
        purged += _delete(gateway, free)
        tried += len(free)
        if len(records) < _ROWS_PER_PAGE:
            break
        after = str(records[-1]["Id"])
    return purged


def _open_tokens(around: Surroundings, org_id: str) -> set[str]:
    """The tokens of changes of which nobody can say yet."""
    from sfsync.journal import open_journal, state_place

    with open_journal(state_place(around.environ), clock=around.clock) as journal:
        jobs = {run.job for run in journal.runs() if run.org_id == org_id}
        return {
            record.token
            for job in jobs
            for _, record in journal.open_changes(job, org_id)
            if record.token is not None
        }


def _delete(gateway: OrgGateway, records: Sequence[Record]) -> int:
    """Deletes the receipts and says how many surely went; one whose answer is lost is counted next time."""
    return sum(
        1
        for call in _deletions(records)
        for answer in gateway.write(call).values()
        if isinstance(answer, Written)
    )


def _deletions(records: Sequence[Record]) -> Iterator[GraphCall]:
    for start in range(0, len(records), _ROWS_PER_CALL):
        nodes = tuple(
            Node(f"x{place}", f"receipt:{each['Id']}", RECEIPT, str(each["Id"]), {}, deletes=True)
            for place, each in enumerate(records[start : start + _ROWS_PER_CALL])
        )
        graphs = tuple(
            Graph(f"g{first}", nodes[first : first + _ROWS_PER_GRAPH])
            for first in range(0, len(nodes), _ROWS_PER_GRAPH)
        )
        yield GraphCall(graphs, Route.BY_ID)
