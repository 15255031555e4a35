"""What changed in the org since the last run, by two reads of each sObject at most, whatever its size.

One query lists what was modified since the watermark, also what lies in the recycle bin (queryAll). Two things are
not in it. A record that was deleted and is gone from the bin: getDeleted names it, for 15 days. A contact role that
was deleted directly: it is nowhere (salesforce-facts 2.5, 12.6), so roles are counted, and the count has to come
out: all that were made before a time are as many as then, less those that the list shows as deleted. A count that
does not come out, a window that is too old, an answer that is not whole: then everything counts as changed.

The watermark is the org's time when a run began to ask. The next question begins `OVERLAP` before it, because what
was committed late bears the time at which it began. What a run wrote itself lies in that window too. It is known
again by the stamp that was read back; and lest a first load be listed record by record, the question leaves out
what our own user modified before the last read-back began (`Mark.own_until`; of a book that of its first portion),
as long as a count shows that this is no more than what we know of. More than `MOST_LISTED` records are not listed:
all rows are looked at then, a portion at a time, in memory that does not grow with what has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from sfsync.core.ports import Record

OVERLAP: Final = timedelta(minutes=15)
"""So long before the watermark the next question begins: a transaction takes 10 minutes at most [Apex limits]."""

MOST_LISTED: Final = 60_000
"""So many changed records are listed for one run: about 1.1 KB each while they are judged, 70 MB in all."""

REACH: Final = timedelta(days=15)
"""getDeleted reaches so far back. Source: REST API Developer Guide, "sObject Get Deleted"; salesforce-facts
12.6."""

MODSTAMP: Final = "SystemModstamp"
CREATED: Final = "CreatedDate"
DEAL: Final = "OpportunityId"


@dataclass(frozen=True, slots=True)
class ChangeQuestion:
    """What changed of one sObject since a time.

    `fields` are read besides the id. With `user`, what that user modified before `own_until` is counted and not
    listed. With `counted_before`, all records created before each of the times are counted, deleted ones left
    out. With `deleted_until`, getDeleted is asked for the span from `since` to then. `stamp` is the field that
    tells the time.
    """

    sobject: str
    fields: tuple[str, ...]
    since: datetime
    stamp: str = MODSTAMP
    own_until: datetime | None = None
    user: str | None = None
    counted_before: tuple[datetime, ...] = ()
    deleted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeAnswer:
    """The records that changed, with deleted ones; None where the org did not tell what was asked.

    `own` counts what our user modified and what is not among the records, `counts` the records of `counted_before`,
    `deleted` are the ids that getDeleted named. `too_many` is how many records changed, where that is more than are
    listed; 0 where it is not.
    """

    records: Sequence[Record] | None
    own: int | None = None
    counts: tuple[int | None, ...] = ()
    deleted: Sequence[str] | None = None
    too_many: int = 0


class OrgChanges(Protocol):
    """An org that can be asked what changed; raises as `core.ports.OrgGateway` does."""

    def changes(self, questions: Sequence[ChangeQuestion]) -> list[ChangeAnswer]:
        """The answers in the order of the questions, packed into few calls; `MOST_LISTED` records in all."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the org is known, as the journal keeps it between two runs.

    `asked_at` is the org's time when the last run began to ask. `sobjects` are those that were watched: of another
    one nothing is known. `roles` counts the contact roles that were there and had been made before
    `asked_at - OVERLAP`; None where it was not counted. `own_until` is the org's time when the last run that wrote
    began to read back, `user` who it is.
    """

    asked_at: datetime
    sobjects: tuple[str, ...]
    roles: int | None = None
    own_until: datetime | None = None
    user: str | None = None

    @property
    def since(self) -> datetime:
        """From when on the next run asks."""
        return self.asked_at - OVERLAP

    def as_document(self) -> dict[str, Any]:
        """The mark as JSON values."""
        return {
            "asked_at": self.asked_at.isoformat(),
            "sobjects": list(self.sobjects),
            "roles": self.roles,
            "own_until": self.own_until.isoformat() if self.own_until else None,
            "user": self.user,
        }


def mark_of(document: Mapping[str, Any]) -> Mark:
    """The mark of `Mark.as_document`."""
    own_until = document["own_until"]
    return Mark(
        datetime.fromisoformat(document["asked_at"]),
        tuple(document["sobjects"]),
        document["roles"],
        datetime.fromisoformat(own_until) if own_until else None,
        document["user"],
    )


def stamp_of(text: object) -> datetime | None:
    """A moment as the org writes it (to the second); None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("+0000", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).replace(microsecond=0)


def seconds_of(moment: datetime) -> int:
    """A moment as whole seconds since 1970, as stamps are kept."""
    return int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Changed:
    """Records that changed, by id: the id of the deal that each role is of, else ""; and every stamp listed.

    `roles` is the count for the next mark. `young` are the deals of roles that were made since the next question's
    beginning: were one deleted, no count would tell. `why_all` says why everything counts as changed; "" if not.
    """

    records: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, int] = field(default_factory=dict)
    roles: int | None = None
    young: frozenset[str] = frozenset()
    why_all: str = ""


def role_balance(
    answer: ChangeAnswer,
    *,
    before: int,
    since: datetime,
    next_since: datetime,
    may_return: frozenset[str],
    lists_own: bool,
    gone_before: frozenset[str],
) -> str:
    """Why a role may have been deleted unseen; "" where none was.

    `before` roles had been made before `since`. Where the answer `lists_own` modifications too, as many must have
    been made before `next_since`, with those made in between and without those deleted with their parents; else the
    roles made before `since` are counted again. A role that came back would make up for a deleted one; it comes
    back with its deal alone, so `may_return` are the deals that may have come out of it. `gone_before` are roles
    that had been deleted when `before` was counted: the list begins earlier than the count.
    """
    expected = before
    for record in answer.records or ():
        made = stamp_of(record.get(CREATED))
        if made is None or made >= (next_since if lists_own else since):
            continue
        is_deleted = bool(record.get("IsDeleted"))
        if made >= since:
            expected += not is_deleted
        elif is_deleted:
            expected -= str(record.get("Id")) not in gone_before
        elif str(record.get(DEAL)) in may_return:
            return "contact roles came back with their deal, which may hide deleted ones"
    count = answer.counts[-1 if lists_own else 0]
    return "" if count == expected else "contact roles were deleted, which the org does not list"
