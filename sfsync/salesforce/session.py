"""The one door: every byte to and from an org passes here, and what came back is told as `Evidence`.

simple-salesforce owns the requests session; URLs, headers, bodies and judgement are ours, because its helpers
drop headers on a refresh, recurse on a lasting 401, set no timeout and take a page for success.
Invariants: no redirect, cookie, netrc entry or environment variable is followed; a status is believed only
with a whole JSON body; no exception or repr carries a URL, a header or a body.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import orjson
import requests
import urllib3.exceptions
from simple_salesforce.api import Salesforce

from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.sending.verdict import CallKind, Evidence, Fault
from sfsync.errors import ConfigError
from sfsync.salesforce.deadlines import DeadlineAdapter, deadline_of
from sfsync.salesforce.failed_exchanges import fault_of
from sfsync.salesforce.origins import Origin, is_safe_target, require_proxy
from sfsync.salesforce.repeated_secrets import without
from sfsync.salesforce.soap import XML, fault_evidence, with_token
from sfsync.salesforce.spooling import FileBody, Spool, spooled

_GZIP_FROM_BYTES: Final = 1024
_MAX_BODY_BYTES: Final = 128 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one exchange in seconds: to connect, between two bytes, and in all."""

    connect_s: float = 10.0
    read_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Request:
    """One call as it is sent: `target` is the percent-encoded path with its query.

    `is_sent_once` forbids a second sending, even with a new token; `expects_nothing` takes an empty answer with
    status 201 for a whole one; `accept` is the media type that is read as text instead of JSON. With
    `has_token_inside` the token stands in the body, in the place that `soap` has left for it. A large body is sent
    from a `file` instead, a large answer is taken into a `spool`, which then is the answer's document; both may
    take `more_s` longer.
    """

    method: str
    target: str = field(repr=False)
    kind: CallKind
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    is_sent_once: bool = False
    expects_nothing: bool = False
    has_token_inside: bool = False
    file: FileBody | None = field(default=None, repr=False)
    spool: Spool | None = field(default=None, repr=False)
    more_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the evidence, and the parsed body where there was a whole one."""

    evidence: Evidence
    document: Any = field(default=None, repr=False)
    retry_after: str | None = None
    limit_info: str | None = None
    date: str | None = None


class DoorSession(requests.Session):
    """A requests session without surprises: nothing from the environment, no cookies, no redirects."""

    def __init__(self, profile: OrgProfile) -> None:
        super().__init__()
        given = (profile.access_token, profile.client_secret, profile.password, profile.private_key)
        self.secrets = tuple(each.get_secret_value().encode() for each in given if each is not None)
        self.trust_env = False
        self.verify = str(profile.ca_file) if profile.ca_file else True
        if profile.proxy:
            require_proxy(profile.proxy)
            self.proxies = {"http": profile.proxy, "https": profile.proxy}
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", DeadlineAdapter())
        self.mount("http://", DeadlineAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No answer has a redirect target, so none is ever read or followed."""


class Door:
    """Sends requests to one origin, and reads their answers whole, in time, and within a size."""

    def __init__(self, origin: Origin, session: requests.Session, timeouts: Timeouts) -> None:
        self.origin = origin
        self._session = session
        self._timeouts = timeouts
        self._secrets: tuple[bytes, ...] = getattr(session, "secrets", ())

    def exchange(self, request: Request, *, token: str | None, deadline_s: float) -> Answer:
        """Sends the request once; `deadline_s` is on the monotonic clock.

        Raises:
            ConfigError: the request or the profile's proxy or authority cannot be used; nothing was sent.
        """
        deadline_s += request.more_s
        prepared = self._prepare(request, token, deadline_s)
        try:
            with deadline_of(deadline_s):
                return self._send(prepared, request, deadline_s, token=token or "")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
            fault = fault_of(error)
        return Answer(Evidence(fault=fault))

    def close(self) -> None:
        """Drops the connections."""
        self._session.close()

    def _prepare(self, request: Request, token: str | None, deadline_s: float) -> requests.PreparedRequest:
        if not is_safe_target(request.target):
            raise ConfigError(
                "an address outside of the API was about to be used",
                code="BAD_TARGET",
                hint="It was not sent; please report it.",
            )
        headers = {"Accept": request.accept, "Accept-Encoding": "gzip", "User-Agent": "sfsync"}
        headers |= request.headers
        body = request.body
        if body is not None and request.has_token_inside:
            body, token = with_token(body, token or ""), None
        if body is not None or request.file is not None:
            headers["Content-Type"] = request.content_type
        # Loopback gains nothing by compression, and small servers there may not read it.
        if body is not None and len(body) >= _GZIP_FROM_BYTES and not self.origin.is_plain:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1, mtime=0)
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self.origin}{request.target}"
        # A file goes as it is: compressed uploads are not documented for jobs.
        data = request.file.begin(deadline_s) if request.file is not None else body
        prepared = requests.Request(request.method, url, headers=headers, data=data).prepare()
        if not (prepared.url or "").startswith(f"{self.origin}/services/"):
            raise ConfigError(
                "an address outside of the org was about to be used",
                code="BAD_TARGET",
                hint="It was not sent; please report it.",
            )
        return prepared

    def _send(
        self, prepared: requests.PreparedRequest, request: Request, deadline_s: float, *, token: str
    ) -> Answer:
        left_s = max(deadline_s - time.monotonic(), 0.001)
        timeout = (min(self._timeouts.connect_s, left_s), min(self._timeouts.read_s, left_s))
        response = self._session.send(prepared, allow_redirects=False, stream=True, timeout=timeout)
        try:
            if request.spool is not None and _is_of_type(response, request.accept):
                if not spooled(response, request.spool, (token.encode(),), deadline_s):
                    raise requests.Timeout
                return _answer_with(Evidence(status=200, is_json=True), request.spool, response)
            body = _read_whole(response, deadline_s)
            is_refusal = response.status_code >= 300
            body = without(body, (*self._secrets, token.encode()) if is_refusal else (token.encode(),))
            return _answer_of(request, response, body)
        finally:
            response.close()


def open_session(profile: OrgProfile, origin: Origin, token: str) -> requests.Session:
    """The session for an org's API, owned by a simple-salesforce client of that org."""
    client = Salesforce(
        session_id=token,
        instance_url=str(origin),
        version=profile.api_version,
        session=DoorSession(profile),
    )
    session: requests.Session = client.session
    return session


def loads(body: bytes) -> Any:
    """The JSON of a body, with fractions as exact decimals.

    Raises:
        ValueError: the body is not whole JSON in UTF-8, or holds a number that is none.
    """
    return json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)


def loads_results(body: bytes) -> Any:
    """The JSON of a write's answer: ids, codes and messages, in which no fraction matters.

    Raises:
        ValueError: the body is not whole JSON in UTF-8, or holds a number that is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # half a surrogate pair in a message is no reason to lose the answer
        return loads(body)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_whole(response: requests.Response, deadline_s: float) -> bytes:
    chunks = bytearray()
    for chunk in _chunks(response):
        chunks += chunk
        if len(chunks) > _MAX_BODY_BYTES or time.monotonic() > deadline_s:
            raise requests.Timeout
    return bytes(chunks)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    chunks: Iterator[bytes] = response.iter_content(_CHUNK_BYTES)
    return chunks


def _answer_of(request: Request, response: requests.Response, body: bytes) -> Answer:
    evidence, document = _evidence_of(request, response.status_code, _media(response), body)
    return _answer_with(evidence, document, response)


def _answer_with(evidence: Evidence, document: Any, response: requests.Response) -> Answer:
    headers: Mapping[str, str] = response.headers
    return Answer(
        evidence, document, headers.get("Retry-After"), headers.get("Sforce-Limit-Info"), headers.get("Date")
    )


def _media(response: requests.Response) -> str:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


def _is_of_type(response: requests.Response, media: str) -> bool:
    return response.status_code == 200 and _media(response) == media


def _evidence_of(request: Request, status: int, media: str, body: bytes) -> tuple[Evidence, Any]:
    if status == 201 and not body and request.expects_nothing:
        return Evidence(status=status, is_json=True), None
    if status == 200 and media == request.accept and media != "application/json":
        return _text_evidence(body)
    if status == 204 and not body and not request.expects_nothing:
        # Only an update or a deletion of one record is answered so; nothing else takes it for a success.
        return Evidence(status=status, is_json=True), None
    if media == request.accept == XML and status >= 300:
        return fault_evidence(status, body), None
    if media != "application/json":
        # A success without a type and without a body is an answer that was cut, not a page.
        is_cut = status < 300 and not body
        return Evidence(fault=Fault.CUT if is_cut else None, status=status), None
    try:
        is_read = request.kind in (CallKind.READ, CallKind.LOGIN)
        document = loads(body) if is_read else loads_results(body)
    except (ValueError, RecursionError):
        return Evidence(fault=Fault.CUT if status < 300 else None, status=status), None
    if status < 300:
        if isinstance(document, dict | list):
            return Evidence(status=status, is_json=True), document
        return Evidence(fault=Fault.CUT, status=status), None
    return refusal_evidence(status, document), document


def _text_evidence(body: bytes) -> tuple[Evidence, str | None]:
    try:
        return Evidence(status=200, is_json=True), body.decode("utf-8")
    except UnicodeDecodeError:
        return Evidence(fault=Fault.CUT, status=200), None


def refusal_evidence(status: int, document: Any) -> Evidence:
    """The evidence of an error body: a list of errors, one error, or the token endpoint's form.

    Source: REST API Developer Guide, "Status Codes and Error Responses"; OAuth error responses.
    """
    error = document[0] if isinstance(document, list) and document else document
    if not isinstance(error, dict):
        return Evidence(status=status)
    code = error.get("errorCode") or error.get("statusCode") or error.get("error")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return Evidence(status=status)
    message = error.get("message") or error.get("error_description")
    names = error.get("fields")
    return Evidence(
        status=status,
        is_json=True,
        code=code,
        message=message if isinstance(message, str) else "",
        fields=tuple(each for each in names if isinstance(each, str)) if isinstance(names, list) else (),
    )
