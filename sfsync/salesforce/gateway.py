"""One org as the engine sees it: the composition of courier, queries and writes behind `OrgGateway`.

Remembers what does not change in a run (identity, describes, stages), packs nothing by itself, and decides
nothing that `core.sending.verdict` decides. Safe for threads. Invariants: every node of a write gets exactly one
answer; the org that answers is the one whose token is used.
Source: REST API Developer Guide; Object Reference, Organization and OpportunityStage.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sfsync.core.deals.stages import StageCatalogue, parse_stages
from sfsync.core.events import Listener, Noticed
from sfsync.core.orgs.describe import SObjectDescribe, parse_describe
from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.orgs.pins import refuse_other_org
from sfsync.core.plans.plan import OrgIdentity
from sfsync.core.ports import ApiUsage, Lookup, Record
from sfsync.core.resync.org_changes import ChangeAnswer, ChangeQuestion
from sfsync.core.sending.verdict import CallKind
from sfsync.core.sobject import NAME_HINT, is_api_name, record_id
from sfsync.core.writes import (
    Answer,
    Answers,
    CollectionCall,
    ConditionalCall,
    ConvertCall,
    Halted,
    Moved,
    Node,
    Refused,
    Unanswered,
    WriteCall,
)
from sfsync.errors import AccessError, ConfigError, OrgUnavailable
from sfsync.salesforce.access import Access
from sfsync.salesforce.asking_ahead import MISSING, AskedAhead, ask_ahead
from sfsync.salesforce.bodies import unsendable, with_reference_text
from sfsync.salesforce.bulk import BulkJobs
from sfsync.salesforce.change_reading import ChangeReading
from sfsync.salesforce.courier import Answered, Courier, Lost, RefusedWhole
from sfsync.salesforce.org_facts import OrgFacts
from sfsync.salesforce.queries import Queries
from sfsync.salesforce.retrying import Clock, Retrier, RetryPolicy
from sfsync.salesforce.session import Request
from sfsync.salesforce.soql import Statement
from sfsync.salesforce.usage import Meter, skew_text
from sfsync.salesforce.write_calls import read_answers, request_of
from sfsync.salesforce.writing import complete

_API_VERSION: Final = re.compile(r"[1-9][0-9]{1,2}\.0")
_IDENTITY: Final = Statement(
    "SELECT Id, Name, IsSandbox, InstanceName, FiscalYearStartMonth FROM Organization"
)
_STAGES: Final = Statement(
    "SELECT ApiName, MasterLabel, DefaultProbability, ForecastCategoryName, IsActive, IsClosed, IsWon"
    " FROM OpportunityStage ORDER BY SortOrder"
)
T = TypeVar("T")

_ORG_ID: Final = re.compile(r"00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
_TOKEN_ORG: Final = re.compile(r"(00D[0-9A-Za-z]{12})(?:[A-Z0-5]{3})?!")


class SalesforceGateway:
    """A Salesforce org over REST; implements `core.ports.OrgGateway` and `core.orgs.org_metadata.OrgMetadata`."""

    def __init__(
        self,
        profile: OrgProfile,
        *,
        clock: Clock,
        listener: Listener,
        stop: threading.Event,
        policy: RetryPolicy | None = None,
        threads: int = 1,
    ) -> None:
        if not _API_VERSION.fullmatch(profile.api_version):
            raise ConfigError(
                f"{profile.api_version!r} is no API version", code="BAD_API_VERSION", hint="such as 66.0"
            )
        self._profile = profile
        self._api_path = f"/services/data/v{profile.api_version}"
        self._meter = Meter()
        self._clock = clock
        self._listener = listener
        retrier = Retrier(
            policy or RetryPolicy(), clock=clock, listener=listener, stop=stop, meter=self._meter
        )
        self._access = Access(profile, retrier, clock=clock, listener=listener, meter=self._meter)
        retrier.breaker.probe = self._access.probe
        self._allowance = retrier.allowance
        self._courier = Courier(self._access, retrier, self._meter, self._allowance)
        self._queries = Queries(self._courier, self._api_path, threads=threads)
        self._changes = ChangeReading(self._courier, self._queries, self._api_path)
        self._jobs = BulkJobs(self._courier, self._api_path)
        self.facts = OrgFacts(self._courier, self._api_path)
        self._lock = threading.RLock()
        self._identity: OrgIdentity | None = None
        self._fiscal_year_start: int | None = None
        self._stages: StageCatalogue | None = None
        self._describes: dict[str, SObjectDescribe] = {}
        self._expected: tuple[str, ...] = ()
        self._ahead = AskedAhead()

    @property
    def usage(self) -> ApiUsage:
        """What has been used until now."""
        return self._meter.usage

    @property
    def server_time(self) -> datetime | None:
        """The org's clock at its latest answer, to the second; None before the first."""
        return self._meter.server_time

    @property
    def slowest_s(self) -> float:
        """How long the slowest answer took until now, in seconds."""
        return self._meter.slowest_s

    @property
    def jobs(self) -> BulkJobs:
        """The org's bulk jobs."""
        return self._jobs

    def learn_limits(self) -> None:
        """Asks the org for its calls of the day where no answer has told them; a refusal leaves them unknown.

        Source: REST API Developer Guide, "Limits"; it needs the permission View Setup and Configuration.
        """
        if self._meter.usage.limit_max is not None:
            return
        try:
            ending = self._courier.deliver(Request("GET", f"{self._api_path}/limits", CallKind.READ))
        except (AccessError, ConfigError):
            return
        self._meter.note_limits(ending.document if isinstance(ending, Answered) else None)

    def hold_to(self, budget: int | None, *, keeps_reserve: bool = False) -> None:
        """Sends at most `budget` calls in all; without one, none that the org's reserve would be used for."""
        self._allowance.hold_to(budget, keeps_reserve=keeps_reserve)

    def close(self) -> None:
        """Drops the connections; may be called from another thread."""
        self._access.close()

    def expect(self, sobjects: Iterable[str]) -> None:
        """Says which describes a run will need: the first question to the org asks for all of them in one call."""
        self._expected = tuple(sobjects)

    def _ask_ahead(self) -> AskedAhead:
        expected, self._expected = self._expected, ()
        if expected:
            statements = (_IDENTITY, _STAGES) if self._identity is None else (_STAGES,)
            self._ahead = ask_ahead(self._courier, self._api_path, statements, expected)
        return self._ahead

    def _records(self, statement: Statement) -> list[Record]:
        known = self._ask_ahead().records.get(statement)
        return self._queries.run([statement])[0] if known is None else known

    def identity(self) -> OrgIdentity:
        """Which org answers behind the URL; asked once, then remembered.

        Raises:
            AccessError: the token belongs to another org than the one that answers.
            GuardError: the profile is for another org.
        """
        with self._lock:
            if self._identity is None:
                self._identity = self._ask_identity()
                self._tell_skew()
            return self._identity

    def fiscal_year_start(self) -> int | None:
        """The month in which the org's fiscal year begins; None where the org does not tell."""
        self.identity()
        return self._fiscal_year_start

    def _tell_skew(self) -> None:
        """Names a clock that is wrong; nothing depends on it but the login by JWT."""
        skew = skew_text(self._clock(), self._meter.server_time)
        if skew:
            self._listener(Noticed(skew))

    def describe(self, sobject: str) -> SObjectDescribe:
        """The sObject as the running user sees it; asked once.

        Raises:
            ConfigError: there is no such sObject for this user.
        """
        with self._lock:
            known = self._describes.get(sobject.lower())
            if known is None:
                document = self.describe_document(sobject)
                known = self._describes[sobject.lower()] = _parsed(parse_describe, document)
            return known

    def picklist_document(self, sobject: str, record_type_id: str) -> Mapping[str, Any] | str:
        """The picklist values that a record type offers, or the code of the refusal: not every object has them.

        Source: User Interface API Developer Guide, "Get Values for All Picklist Fields of a Record Type".
        """
        place = f"{sobject}/picklist-values/{record_type_id}"
        request = Request("GET", f"{self._api_path}/ui-api/object-info/{place}", CallKind.READ)
        try:
            ending = self._courier.deliver(request)
        except ConfigError as error:
            return error.code
        except AccessError as error:
            if not error.code.startswith("INSUFFICIENT_ACCESS"):
                raise
            return error.code
        return _parsed(dict, ending.document) if isinstance(ending, Answered) else _code_of(ending)

    def stage_catalogue(self) -> StageCatalogue:
        """All opportunity stages in their order; asked once."""
        with self._lock:
            if self._stages is None:
                self._stages = _parsed(parse_stages, self._records(_STAGES))
            return self._stages

    def fetch(self, lookups: Sequence[Lookup]) -> list[list[Record]]:
        """The records of each look-up, complete, in the look-ups' order; packed into few calls."""
        return self._queries.fetch(lookups)

    def changes(self, questions: Sequence[ChangeQuestion]) -> list[ChangeAnswer]:
        """What changed in the org, packed into few calls; what it does not tell stays open."""
        return self._changes.changes(questions)

    def count(self, lookup: Lookup) -> int:
        """How many records a look-up without a field to find them by means; none of them is read."""
        return self._queries.count(lookup)

    def write(self, call: WriteCall) -> Answers:
        """Sends one write call and says of every node what became of it.

        Raises:
            AccessError, ConfigError, LimitReached, OrgUnavailable: the org surely did nothing.
        """
        nodes = call.nodes()
        is_single = isinstance(call, CollectionCall) and len(call.collections) == 1
        if not is_single and not isinstance(call, ConvertCall):
            changed_on_the_way = with_reference_text(nodes)
            if changed_on_the_way:
                return _held_back(nodes, changed_on_the_way)
        try:
            request = request_of(call, self._api_path, self._profile.api_version)
        except ValueError:
            culprits = unsendable(nodes)
            if not culprits:
                raise
            return _held_back(nodes, culprits)
        is_one_row = isinstance(call, ConditionalCall) and len(nodes) == 1
        match self._courier.deliver(request, is_one_row=is_one_row):
            case Answered(document):
                return complete(nodes, read_answers(call, document, request.kind))
            case RefusedWhole(has_moved=True):
                return {node.change_id: Moved() for node in nodes}
            case RefusedWhole(code, message, fields):
                return {node.change_id: Refused(code, message, fields) for node in nodes}
            case Lost(why):
                return {node.change_id: Unanswered(why) for node in nodes}

    def _ask_identity(self) -> OrgIdentity:
        records = self._records(_IDENTITY)
        pass_ = self._access.current()
        org_id = str(records[0].get("Id")) if len(records) == 1 else ""
        if not _ORG_ID.fullmatch(org_id):
            raise AccessError(
                "the org does not tell its id", code="NO_ORG_ID", hint="let the user read Organization"
            )
        claimed = _TOKEN_ORG.match(pass_.token)
        if claimed is not None and claimed[1] != org_id[:15]:
            raise AccessError(
                "the token belongs to another org than the one that answers",
                code="WRONG_ORG",
                hint="check instance_url and token of the org profile",
            )
        name = str(records[0].get("Name") or "")
        month = records[0].get("FiscalYearStartMonth")
        self._fiscal_year_start = month if isinstance(month, int) and 1 <= month <= 12 else None
        full_id = record_id(org_id) or org_id
        refuse_other_org(self._profile, full_id, name)
        return OrgIdentity(full_id, name, bool(records[0].get("IsSandbox")), str(pass_.door.origin))

    def describe_document(self, sobject: str) -> Mapping[str, Any]:
        """The describe answer of an sObject as the org gives it.

        Raises:
            ConfigError: there is no such sObject for this user.
        """
        if not is_api_name(sobject):
            raise ConfigError(f"{sobject!r} is no API name of an sObject", code="BAD_NAME", hint=NAME_HINT)
        ahead = self._ask_ahead()
        if sobject in ahead.describes:
            return ahead.describes[sobject]
        if sobject in ahead.missing:
            raise _unknown_sobject(sobject)
        target = f"{self._api_path}/sobjects/{sobject}/describe"
        try:
            ending = self._courier.deliver(Request("GET", target, CallKind.READ))
        except ConfigError as error:
            if error.code not in MISSING:
                raise
            raise _unknown_sobject(sobject) from None
        return _parsed(dict, ending.document if isinstance(ending, Answered) else None)


def _unknown_sobject(sobject: str) -> ConfigError:
    return ConfigError(
        f"the org has no sObject {sobject} for this user",
        code="UNKNOWN_SOBJECT",
        hint="check the name, and the user's permission on the object",
    )


def _held_back(nodes: Iterable[Node], culprits: Mapping[str, Answer]) -> Answers:
    """The answers of a call that is not sent because of some of its rows."""
    return {node.change_id: culprits.get(node.change_id, Halted()) for node in nodes}


def _code_of(ending: RefusedWhole | Lost) -> str:
    return ending.code if isinstance(ending, RefusedWhole) else ending.why


def _parsed(parse: Callable[[Any], T], document: Any) -> T:
    try:
        return parse(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise OrgUnavailable(
            "the org answered in a form that is not the platform's",
            code="UNREADABLE",
            hint="check that the address of the org profile is that of an org",
        ) from None
