"""Holds the token of the run: logs in when first needed, and again when a session expires, in one thread.

Threads that saw the old token wait for the one that renews it, and then use the new one. Invariants: at most
`max_logins` token requests a run, failed ones included; a profile that brings a token never logs in; a token
answer goes through a door and a session of its own, never through the API's.
Source: Salesforce Help, session time-out; a 401 in the middle of a run means to log in once more.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from sfsync.core.events import Listener, Noticed
from sfsync.core.orgs.org_profile import Login, OrgProfile
from sfsync.core.sending.verdict import NOT_SENT, CallKind, Fate, Verdict, error_for, judge
from sfsync.errors import AccessError, GuardError
from sfsync.salesforce.login import (
    PASSWORD_NOTICE,
    Grant,
    fixed_grant,
    login_origin,
    login_refused,
    read_grant,
    token_request,
)
from sfsync.salesforce.origins import Origin
from sfsync.salesforce.retrying import Clock, Retrier
from sfsync.salesforce.session import Answer, Door, DoorSession, Request, open_session
from sfsync.salesforce.sf_login import expired, sf_grant
from sfsync.salesforce.usage import Meter, http_date, skew_text


@dataclass(frozen=True, slots=True)
class Pass:
    """What a request needs to leave: the open door of the org, and the token."""

    door: Door
    token: str = field(repr=False)


class Access:
    """The current token of one org profile."""

    def __init__(
        self, profile: OrgProfile, retrier: Retrier, *, clock: Clock, listener: Listener, meter: Meter
    ) -> None:
        self._profile = profile
        self._retrier = retrier
        self._clock = clock
        self._listener = listener
        self._meter = meter
        self._lock = threading.Lock()
        self._pass: Pass | None = None
        self._org_id: str | None = None
        self._spent: str | None = None

    @property
    def address(self) -> str:
        """Where calls go, for errors; before the first login, in plain words."""
        # Without the lock: an error may be told while another thread logs in.
        return "the org" if self._pass is None else str(self._pass.door.origin)

    def current(self) -> Pass:
        """The pass in use; logs in when there is none yet.

        Raises:
            AccessError, ConfigError, OrgUnavailable: the login failed.
        """
        with self._lock:
            if self._pass is None:
                self._pass = self._open(self._first_grant())
            return self._pass

    def renew(self, stale: Pass) -> Pass | None:
        """Another pass than `stale`, or None when the profile cannot log in.

        Raises:
            AccessError, OrgUnavailable: the login failed.
            GuardError: it leads to another org than the one before.
        """
        with self._lock:
            if self._pass is not None and self._pass is not stale:
                return self._pass
            if self._profile.login is Login.TOKEN:
                return None
            grant = None if stale.token == self._spent else self._log_in()
            if grant is None or (self._profile.login is Login.SF and grant.token == stale.token):
                self._spent = stale.token  # the threads behind this one need not ask sf again
                raise expired(self._profile.alias or "")
            self._pass = self._open(grant)
            return self._pass

    def close(self) -> None:
        """Drops the connections."""
        # Without the lock: a login that hangs must not keep a stop waiting.
        if self._pass is not None:
            self._pass.door.close()

    def probe(self) -> Verdict:
        """Asks the org for its API versions, which needs no token and writes nothing, and judges the answer.

        Source: REST API Developer Guide, "Versions".
        """
        door = self._pass.door if self._pass is not None else self._login_door(login_origin(self._profile))
        deadline_s = time.monotonic() + self._retrier.policy.deadline_s
        answer = door.exchange(
            Request("GET", "/services/data", CallKind.READ), token=None, deadline_s=deadline_s
        )
        if answer.evidence.fault not in NOT_SENT:
            self._meter.count_sent(CallKind.READ)
        return judge(answer.evidence, CallKind.READ)

    def _login_door(self, origin: Origin) -> Door:
        return Door(origin, DoorSession(self._profile), self._retrier.policy.timeouts)

    def _first_grant(self) -> Grant:
        if self._profile.login is Login.TOKEN:
            return fixed_grant(self._profile)
        if self._profile.login is Login.PASSWORD:
            self._listener(Noticed(PASSWORD_NOTICE))
        return self._log_in()

    def _open(self, grant: Grant) -> Pass:
        if self._org_id is not None and grant.org_id not in (None, self._org_id):
            raise GuardError(
                f"the new login leads to org {grant.org_id}, and the run began in {self._org_id}",
                code="OTHER_ORG",
                hint="An org was replaced, such as a refreshed sandbox. Nothing more was written; plan anew.",
            )
        self._org_id = self._org_id or grant.org_id
        if self._pass is not None and self._pass.door.origin == grant.origin:
            return Pass(self._pass.door, grant.token)
        session = open_session(self._profile, grant.origin, grant.token)
        return Pass(Door(grant.origin, session, self._retrier.policy.timeouts), grant.token)

    def _log_in(self) -> Grant:
        if self._profile.login is Login.SF:
            self._refuse_many_logins()
            self._meter.count_sent(CallKind.LOGIN)
            return sf_grant(self._profile, refuse_stopped=self._retrier.refuse_stopped)
        origin = login_origin(self._profile)
        door = self._login_door(origin)
        try:
            settled = self._retrier.run(
                CallKind.LOGIN, lambda deadline_s: self._ask(door, origin, deadline_s)
            )
        finally:
            door.close()
        match settled.verdict.fate:
            case Fate.OK:
                return read_grant(settled.answer.document, login=origin, loopback=self._profile.loopback)
            case Fate.STOP_ACCESS:
                skew = skew_text(self._clock(), http_date(settled.answer.date))
                raise login_refused(settled.answer.evidence, skew=skew)
            case _:
                raise error_for(settled.verdict, settled.answer.evidence.code, address=str(origin))

    def _refuse_many_logins(self) -> None:
        if self._meter.usage.logins >= self._retrier.policy.max_logins:
            raise AccessError(
                "the org did not accept a login within the few tries a run has",
                code="TOO_MANY_LOGINS",
                hint="check the login settings; more tries could lock the user",
            )

    def _ask(self, door: Door, origin: Origin, deadline_s: float) -> Answer:
        self._refuse_many_logins()
        request = token_request(self._profile, origin, now=self._clock())
        answer = door.exchange(request, token=None, deadline_s=deadline_s)
        if answer.evidence.fault not in NOT_SENT:
            self._meter.count_sent(CallKind.LOGIN)
        return answer
