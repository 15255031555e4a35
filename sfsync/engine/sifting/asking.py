"""What changed in the org since the last run, said as groups of rows.

Every sObject of the job is watched, and every one that its rows refer to. A record of the job leads to its group by
what the journal remembers; a role leads to its deal. `core.resync.org_changes` says what the org is asked and
why that is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from sfsync.core.ports import OrgGateway, Record
from sfsync.core.reading.row_groups import group_of_key
from sfsync.core.records import full_id
from sfsync.core.references.owners import USER
from sfsync.core.resync.memory import KnownStamp, PrintMemory, Whose
from sfsync.core.resync.org_changes import (
    CREATED,
    DEAL,
    MODSTAMP,
    OVERLAP,
    REACH,
    ChangeAnswer,
    ChangeQuestion,
    Mark,
    OrgChanges,
    role_balance,
    seconds_of,
    stamp_of,
)
from sfsync.core.resync.prints import group_print
from sfsync.core.sobject import CONTACT_ROLE, KEY_PREFIXES, LEAD, OPPORTUNITY
from sfsync.engine.planning.schema import Schema, target

MODIFIER: Final = "LastModifiedById"
RECORD_TYPE: Final = "RecordType"
NEVER_DELETED: Final = frozenset({USER, RECORD_TYPE})
"""What the platform keeps for good. Source: Object Reference, User ("can't be deleted"); record types are setup."""

_STAMP_OF: Final = {USER: "LastModifiedDate"}
"""A user's SystemModstamp moves with each login; what matters of a user moves LastModifiedDate as well."""

_OURS: Final = frozenset({Whose.OURS, Whose.DOUBTFUL})
_WRITTEN: Final = frozenset({Whose.OURS, Whose.DOUBTFUL, Whose.OTHERS})


Settled = Callable[[frozenset[bytes]], frozenset[bytes]]
"""Which of these groups have settled rows."""


class ChangingOrg(OrgGateway, OrgChanges, Protocol):
    """One org, with its records and what changed of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What changed in the org.

    `groups` are those of the job's records that changed, `foreign` ids of other records that rows may refer to, by
    sObject. `why_all` says why everything counts as changed. `mark` is what the journal keeps when the run has
    ended, `seen` the stamps that need not be looked at again then, `young` the groups that must not be settled: of
    roles that were made a short time ago. `young_roles` are those roles, ours among them where they were listed.
    """

    mark: Mark
    groups: frozenset[bytes] = frozenset()
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    why_all: str = ""
    seen: tuple[KnownStamp, ...] = ()
    young: frozenset[bytes] = frozenset()
    young_roles: tuple[str, ...] = ()


def watched(schema: Schema) -> tuple[tuple[str, ...], frozenset[str]]:
    """The sObjects whose changes can change what is planned for rows that stay the same, and those of them that
    rows refer to and the job does not only bring.
    """
    own = [each.sobject for each in schema.writing]
    referred: list[str] = []
    for section in schema.sections.values():
        describe = schema.describe(section.sobject)
        for rule in section.rules:
            found = describe.field(rule.field)
            if found is not None and found.type == "reference":
                referred.append(target(found))
        if section.sobject == OPPORTUNITY and section.rule("ContactId") is not None:
            own.append(CONTACT_ROLE)
        if section.lead is not None:
            referred.append(LEAD)
    brings_deals = OPPORTUNITY in own
    others = {*referred} - ({OPPORTUNITY} if brings_deals else set()) | (
        {CONTACT_ROLE} if CONTACT_ROLE in own and not brings_deals else set()
    )
    return tuple(dict.fromkeys([*own, *referred])), frozenset(others)


def _whose(record: Record, mark: Mark | None, known: KnownStamp | None) -> Whose:
    """Whose modification a listed record shows, once it has been looked at."""
    if record.get("IsDeleted"):
        return Whose.SEEN
    if mark is not None and mark.user is not None and record.get(MODIFIER) == mark.user:
        return Whose.OURS
    return Whose.OTHERS if known is not None and known.whose in _WRITTEN else Whose.SEEN


def _why_unlisted(answer: ChangeAnswer, question: ChangeQuestion) -> str:
    """Why not every change of an sObject is known one by one; "" where each is."""
    if answer.too_many:
        return f"{answer.too_many:,} records of {question.sobject} have changed"
    if answer.records is None or (answer.deleted is None and question.deleted_until):
        return f"the org did not tell all changes of {question.sobject}"
    return ""


@dataclass(slots=True)
class Asking:
    """One question to one org, whose clock says `now`."""

    gateway: ChangingOrg
    memory: PrintMemory
    org_id: str
    job: str
    sobjects: tuple[str, ...]
    brought: frozenset[str]
    referred: frozenset[str]
    now: datetime

    def baseline(self, mark: Mark | None) -> Found:
        """What a run needs to know that looks at all rows: only where contact roles stand."""
        roles, young = None, frozenset[bytes]()
        young_roles: tuple[str, ...] = ()
        seen: tuple[KnownStamp, ...] = ()
        if CONTACT_ROLE in self.sobjects:
            since = self.now - OVERLAP
            fields = (MODIFIER, DEAL, CREATED, "IsDeleted")
            asked = ChangeQuestion(CONTACT_ROLE, fields, since, counted_before=(since,))
            [answer] = self.gateway.changes([asked])
            roles = answer.counts[-1] if answer.records is not None else None
            young, young_roles = self._young(answer), self._young_roles(answer)
            seen = tuple(self._seen(CONTACT_ROLE, answer, mark))
        return Found(self._next_mark(mark, roles), seen=seen, young=young, young_roles=young_roles)

    def since(self, mark: Mark, settled: Settled) -> Found:
        """What changed since a mark."""
        if why := self._too_far(mark):
            return replace(self.baseline(mark), why_all=why)
        answers = self._asked(mark)
        if any(self._hides(name, answers[name], mark) for name in self.sobjects):
            answers.clear()  # before the others come
            mark = replace(mark, own_until=None)
            answers = self._asked(mark)
        return self._judged(mark, answers, settled)

    def _asked(self, mark: Mark) -> dict[str, ChangeAnswer]:
        questions = [self._question(each, mark) for each in self.sobjects]
        return dict(zip(self.sobjects, self.gateway.changes(questions), strict=True))

    def _too_far(self, mark: Mark) -> str:
        if self.now - mark.since > REACH:
            return "the last run is so long ago that the org does not tell all deletions"
        if set(self.sobjects) - set(mark.sobjects):
            return "the rows refer to more than the last run watched"
        if mark.asked_at > self.now:
            return "the org's clock went back"
        return ""

    def _question(self, sobject: str, mark: Mark) -> ChangeQuestion:
        is_role = sobject == CONTACT_ROLE
        excludes = mark.own_until is not None and mark.own_until > mark.since and sobject in self.brought
        times = (mark.since, self.now - OVERLAP)
        fields = (MODIFIER, DEAL, CREATED, "IsDeleted") if is_role else (MODIFIER,)
        return ChangeQuestion(
            sobject,
            fields,
            mark.since,
            stamp=_STAMP_OF.get(sobject, MODSTAMP),
            own_until=mark.own_until if excludes else None,
            user=mark.user if excludes else None,
            counted_before=(times if excludes else times[1:]) if is_role else (),
            deleted_until=None if is_role or sobject in NEVER_DELETED else self.now,
        )

    def _hides(self, sobject: str, answer: ChangeAnswer, mark: Mark) -> bool:
        """Whether our user modified more, or less, than we know of: then all is listed."""
        if answer.own is None or mark.own_until is None or answer.records is None:
            return False
        since, until = seconds_of(mark.since), seconds_of(mark.own_until)
        listed = self.memory.stamps(self.org_id, self.job, [full_id(each) for each in answer.records])
        moved = sum(1 for each in listed.values() if each.whose is Whose.OURS and since <= each.at < until)
        prefix = KEY_PREFIXES.get(sobject, "?")
        known = self.memory.count_stamps(
            self.org_id, self.job, prefix, since=since, until=until, whose=(Whose.OURS,)
        )
        return answer.own != known - moved

    def _judged(self, mark: Mark, answers: Mapping[str, ChangeAnswer], settled: Settled) -> Found:
        listed: dict[str, dict[str, int]] = {}
        changed: dict[str, dict[str, Record]] = {}
        known: dict[str, KnownStamp] = {}
        for sobject, answer in answers.items():
            if why := _why_unlisted(answer, self._question(sobject, mark)):
                return replace(self.baseline(mark), why_all=why)
            records = answer.records or ()
            stamps = {full_id(each): self._stamp(sobject, each) for each in records}
            known |= (of_sobject := self.memory.stamps(self.org_id, self.job, stamps))
            listed[sobject] = stamps
            changed[sobject] = {
                name: each
                for each in records
                if not ((name := full_id(each)) in of_sobject and of_sobject[name].explains(stamps[name]))
            }
            for name in answer.deleted or ():
                changed[sobject].setdefault(full_id({"Id": name}), {"Id": name})
        owners = self._groups(changed)
        why = self._roles_missing(mark, answers, listed, known) or self._unbalanced(
            mark, answers, changed, owners, settled
        )
        groups = frozenset(each for each in owners.values() if each)
        seen = tuple(
            each for sobject, answer in answers.items() for each in self._seen(sobject, answer, mark)
        )
        roles = answers[CONTACT_ROLE].counts[-1] if CONTACT_ROLE in answers else None
        young = self._young(answers[CONTACT_ROLE]) if CONTACT_ROLE in answers else frozenset()
        foreign = {
            sobject: names
            for sobject in self.referred & changed.keys()
            if (names := tuple(name for name in changed[sobject] if not owners.get(name)))
        }
        roles_made = self._young_roles(answers[CONTACT_ROLE]) if CONTACT_ROLE in answers else ()
        return Found(self._next_mark(mark, roles), groups, foreign, why, seen, young, roles_made)

    def _seen(self, sobject: str, answer: ChangeAnswer, mark: Mark | None) -> Iterator[KnownStamp]:
        """The stamps that are looked at by this run, but for those of this very second, which may still change."""
        records = answer.records or ()
        known = self.memory.stamps(self.org_id, self.job, [full_id(each) for each in records])
        for each in records:
            name, at = full_id(each), self._stamp(sobject, each)
            if at < seconds_of(self.now):
                yield KnownStamp(name, at, _whose(each, mark, known.get(name)))

    def _stamp(self, sobject: str, record: Record) -> int:
        moment = stamp_of(record.get(_STAMP_OF.get(sobject, MODSTAMP)))
        return seconds_of(moment) if moment is not None else -1

    def _groups(self, changed: Mapping[str, Mapping[str, Record]]) -> dict[str, bytes]:
        """The group of each changed record, and of the deal of each changed role; b"" for those of others."""
        leads_to: dict[str, str] = {}
        for sobject, records in changed.items():
            for name, record in records.items():
                deal = record.get(DEAL) if sobject == CONTACT_ROLE else None
                leads_to[name] = full_id({"Id": deal}) if isinstance(deal, str) else name
        of_records = self._groups_of(leads_to.values())
        return {name: of_records.get(goal, b"") for name, goal in leads_to.items()}

    def _groups_of(self, record_ids: Iterable[str]) -> dict[str, bytes]:
        keys = self.memory.keys(self.org_id, self.job, record_ids)
        return {name: group_print(group_of_key(*each)) for name, each in keys.items()}

    def _young_roles(self, answer: ChangeAnswer) -> tuple[str, ...]:
        """The roles that were made since the next question begins, and so are in no count."""
        return tuple(
            full_id(each)
            for each in answer.records or ()
            if (made := stamp_of(each.get(CREATED))) is not None and made >= self.now - OVERLAP
        )

    def _young(self, answer: ChangeAnswer) -> frozenset[bytes]:
        """The groups of roles that others made since the next question begins: no count would miss them."""
        records = [
            each
            for each in answer.records or ()
            if not each.get("IsDeleted")
            and (made := stamp_of(each.get(CREATED)))
            and made >= self.now - OVERLAP
        ]
        known = self.memory.stamps(self.org_id, self.job, [full_id(each) for each in records])
        deals = [
            full_id({"Id": str(each.get(DEAL))})
            for each in records
            if (own := known.get(full_id(each))) is None or own.whose not in _OURS
        ]
        return frozenset(self._groups_of(deals).values())

    def _roles_missing(
        self,
        mark: Mark,
        answers: Mapping[str, ChangeAnswer],
        listed: Mapping[str, Mapping[str, int]],
        known: Mapping[str, KnownStamp],
    ) -> str:
        """Why a role that an earlier run wrote a short time ago is gone; "" where none is."""
        if CONTACT_ROLE not in answers:
            return ""
        since, end = seconds_of(mark.since), seconds_of(self.now + REACH)
        own_until = self._question(CONTACT_ROLE, mark).own_until
        begin = seconds_of(own_until) if own_until is not None else since
        there = [known[name] for name in listed[CONTACT_ROLE] if name in known]
        for from_, until, kinds in ((begin, end, _WRITTEN), (since, begin, frozenset({Whose.OTHERS}))):
            written = self.memory.count_stamps(
                self.org_id, self.job, KEY_PREFIXES[CONTACT_ROLE], since=from_, until=until, whose=kinds
            )
            if written != sum(each.whose in kinds and from_ <= each.at < until for each in there):
                return "contact roles that were written a short time ago are gone"
        return ""

    def _unbalanced(
        self,
        mark: Mark,
        answers: Mapping[str, ChangeAnswer],
        changed: Mapping[str, Mapping[str, Record]],
        owners: Mapping[str, bytes],
        settled: Settled,
    ) -> str:
        if CONTACT_ROLE not in answers:
            return ""
        answer = answers[CONTACT_ROLE]
        if mark.roles is None or None in answer.counts:
            return "the contact roles were not counted by the last run"
        deals = changed.get(OPPORTUNITY)
        known = settled(frozenset(filter(None, map(owners.get, deals or ()))))
        may_return = frozenset(name for name in deals or () if owners.get(name) not in known)
        if deals is None:  # deals are not watched, so any of them may have come back
            may_return = frozenset(str(each.get(DEAL)) for each in changed[CONTACT_ROLE].values())
        return role_balance(
            answer,
            before=mark.roles,
            since=mark.since,
            next_since=self.now - OVERLAP,
            may_return=may_return,
            lists_own=self._question(CONTACT_ROLE, mark).own_until is None,
            gone_before=frozenset(
                name
                for each in answer.records or ()
                if (name := str(each.get("Id"))) and full_id(each) not in changed[CONTACT_ROLE]
            ),
        )

    def _next_mark(self, mark: Mark | None, roles: int | None) -> Mark:
        own = mark if mark is not None and mark.own_until and mark.own_until > self.now - OVERLAP else None
        return Mark(
            self.now,
            self.sobjects,
            roles,
            own.own_until if own else None,
            own.user if own else None,
        )
