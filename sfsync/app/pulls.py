"""Brings what the org holds of a job's deals back into a file: all of it, or what has changed since the last time.

Part of the composition root. The file always holds every deal of the scope; a pull since the last one reads what
has changed and puts it into a copy of the file. The watermark is the org's own time before the first read, and is
noted after the file is in its place, with the file's digest: whoever finds them apart reads everything. Nothing is
written to the org.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sfsync.app.run_files import require_writable
from sfsync.app.workplace import Surroundings, Workplace, opened
from sfsync.core.job import Job
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.ports import ApiUsage
from sfsync.core.pull import OVERLAP, PulledDeal
from sfsync.core.sobject import OPPORTUNITY
from sfsync.engine.pulling import Puller
from sfsync.errors import ConfigError
from sfsync.report.files.pulled_file import NewFile, counts_of, digest_of, kept_rows, row_text

WATERMARK: Final = "pull"
MOST_MERGED: Final = 50_000
"""With more changed deals than this everything is read again: they would have to be held all at once."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to pull: `since` is a time, or None; `is_incremental` goes on from the last pull into the same file."""

    file: Path
    form: str = "csv"
    every_deal: bool = False
    is_incremental: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found. `since` is from when on changes were asked for, None where all was read."""

    job: str
    org: OrgIdentity
    file: Path
    is_written: bool
    counts: dict[str, int]
    since: datetime | None
    watermark: datetime | None
    notes: tuple[str, ...]
    usage: ApiUsage
    seconds: float


class _TooMany(Exception):
    """More deals have changed than are held at once."""


@dataclass(slots=True)
class _Tally:
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, count: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + count


def pull(job: Job, request: PullRequest, *, around: Surroundings | None = None) -> Pulled:
    """Writes the deals of a job to a file.

    Raises:
        ConfigError: the job has no deals, or every deal is asked for and the job knows no key field.
        Interrupted: a stop was asked for; file and watermark are as they were.
        SyncError: see `sfsync.errors`.
    """
    section = next((each for each in job.sections.values() if each.sobject == OPPORTUNITY), None)
    if section is None:
        raise ConfigError(
            f"job {job.name} has no deals", code="NO_DEALS", hint="Name a job with [opportunities]."
        )
    if request.every_deal and section.key is None:
        message = f"job {job.name} knows no field of the org that holds the key, so --all means nothing"
        raise ConfigError(message, code="NO_KEY_FIELD", hint="Pull the job's own deals, without --all.")
    require_writable(request.file)
    with opened(job, around or Surroundings()) as place:
        return _Pull(place, request, section.key).done()


@dataclass(slots=True)
class _Pull:
    place: Workplace
    request: PullRequest
    key_field: str | None
    tally: _Tally = field(default_factory=_Tally)
    notes: list[str] = field(default_factory=list)

    def done(self) -> Pulled:
        """Pulls, and notes how far."""
        place, request = self.place, self.request
        org = place.gateway.identity()
        puller = self._puller(org.org_id)
        place.gateway.describe(OPPORTUNITY)
        begun_at = place.gateway.server_time or datetime.now(UTC)
        last = self._last(org.org_id) if request.is_incremental else None
        since = request.since or (datetime.fromisoformat(last["at"]) - OVERLAP if last else None)
        is_written, digest = self._file_of(puller, since)
        watermark = None if request.since is not None else begun_at
        if watermark is not None:
            self._note(org.org_id, watermark, digest)
        return Pulled(
            job=place.job.name,
            org=org,
            file=request.file,
            is_written=is_written,
            counts=counts_of(self.tally.counts),
            since=since,
            watermark=watermark,
            notes=tuple(self.notes),
            usage=place.gateway.usage,
            seconds=place.bench.seconds() - place.opened_at,
        )

    def _file_of(self, puller: Puller, since: datetime | None) -> tuple[bool, str]:
        """Brings the file up to date; whether it was written, and its digest."""
        if since is None:
            return self._write(self._rows(puller, puller.everything()))
        if self.request.since is not None:
            return self._write(self._rows(puller, puller.changed(since)))
        try:
            return self._merge(puller, since)
        except _TooMany:
            self.notes.append(f"more than {MOST_MERGED:,} deals have changed, so all were read")
            return self._write(self._rows(puller, puller.everything()))

    def _rows(self, puller: Puller, pages: Iterator[list[PulledDeal]]) -> Iterator[str]:
        """The rows of a file that is written anew."""
        for deal in (each for page in pages for each in page if self._is_meant(puller, each)):
            self._count_new(deal)
            yield row_text(deal, self.request.form)

    def _puller(self, org_id: str) -> Puller:
        keys = None
        if not self.request.every_deal:
            rows = self.place.journal.memory.rows(org_id, self.place.job.name, OPPORTUNITY)
            keys = {each.record_id: each.key for each in rows.values()}
            if not keys:
                self.notes.append(
                    "the journal knows no deal of this job; --all pulls every deal that has a key"
                )
        around = self.place.around
        return Puller(self.place.gateway, self.key_field, keys, around.stop, around.listener)

    def _write(self, rows: Iterator[str]) -> tuple[bool, str]:
        """Writes a whole new file, unless it would be the one that is there."""
        with NewFile(self.request.file, self.request.form) as new:
            for row in rows:
                new.write(row)
            return self._kept(new)

    def _kept(self, new: NewFile) -> tuple[bool, str]:
        is_new = digest_of(self.request.file) != new.digest
        if is_new:
            new.keep()
        return is_new, new.digest

    def _merge(self, puller: Puller, since: datetime) -> tuple[bool, str]:
        """Puts what has changed into a copy of the file."""
        form = self.request.form
        changed: dict[str, PulledDeal] = {}
        for page in puller.changed(since):
            changed |= {each.record_id: each for each in page}
            if len(changed) > MOST_MERGED:
                raise _TooMany
        with NewFile(self.request.file, form) as new:
            there: set[str] = set()
            for found, old in kept_rows(self.request.file, form):
                there.add(found)
                row = self._merged(puller, found, old, changed.get(found))
                if row is not None:
                    new.write(row)
            rest = [each for name, each in changed.items() if name not in there]
            unread = sorted((puller.keys or {}).keys() - there - changed.keys())
            self._add_new(puller, new, rest)
            for page in puller.by_ids(unread):
                self._add_new(puller, new, page)
            return self._kept(new)

    def _merged(self, puller: Puller, found: str, old: str, now: PulledDeal | None) -> str | None:
        """The row of a deal that the file has; None where it is no deal of the scope any more."""
        is_left_out = found not in puller.keys if puller.keys is not None else False
        if is_left_out or (now is not None and not self._is_meant(puller, now)):
            self.tally.add("dropped")
            return None
        row = old if now is None else row_text(now, self.request.form)
        self.tally.add("deals")
        self.tally.add("unchanged" if row == old else "changed")
        if row != old and now is not None and now.values["IsDeleted"]:
            self.tally.add("deleted")
        return row

    def _is_meant(self, puller: Puller, deal: PulledDeal) -> bool:
        """Whether a deal belongs to the scope: of every deal of the org, those with a key."""
        return puller.keys is not None or bool(deal.values["Key"])

    def _add_new(self, puller: Puller, new: NewFile, page: list[PulledDeal]) -> None:
        for deal in (each for each in page if self._is_meant(puller, each)):
            new.write(row_text(deal, self.request.form))
            self._count_new(deal)

    def _count_new(self, deal: PulledDeal) -> None:
        """Counts a deal that the file did not have, or all of a file that is written anew."""
        self.tally.add("deals")
        self.tally.add("new")
        self.tally.add("deleted", 1 if deal.values["IsDeleted"] else 0)

    def _last(self, org_id: str) -> dict[str, Any] | None:
        """The last pull into this file, as far as it can be gone on from."""
        noted = self.place.journal.memory.watermark(org_id, self.place.job.name, WATERMARK)
        if noted is None:
            self.notes.append("there was no pull before, so all deals were read")
            return None
        last: dict[str, Any] = json.loads(noted)
        if {name: last.get(name) for name in self._picture("")} | {"digest": ""} != self._picture(""):
            self.notes.append(
                "the last pull went to another file or had another scope, so all deals were read"
            )
            return None
        if digest_of(self.request.file) != last["digest"]:
            self.notes.append("the file is not the one that the last pull wrote, so all deals were read")
            return None
        return last

    def _picture(self, digest: str) -> dict[str, Any]:
        """What must be the same for one pull to go on from another."""
        return {
            "file": str(self.request.file.absolute()),
            "form": self.request.form,
            "every_deal": self.request.every_deal,
            "key_field": self.key_field or "",
            "digest": digest,
        }

    def _note(self, org_id: str, watermark: datetime, digest: str) -> None:
        value = json.dumps(self._picture(digest) | {"at": watermark.isoformat()}, sort_keys=True)
        self.place.journal.memory.put_watermark(org_id, self.place.job.name, WATERMARK, value)
