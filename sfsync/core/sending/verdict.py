"""The one table of judgement: what an answer of the org, or the lack of one, means for the call and its rows.

`judge` turns the evidence of one exchange (a transport fault, or a status with its error code) into a
`Verdict` for the kind of call that was made; `row_fates` does the same for one refused row of a good answer.
The table is data: `_FATES` and `_SIGN_BY_CODE`. Invariants: messages may be translated, so codes decide (the
exception names an identifier that the platform never translates); only a Salesforce error body proves that
nothing was done; an unknown code stops a request.
Source: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, error codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sfsync.errors import AccessError, ConfigError, LimitReached, OrgUnavailable, SyncError


class CallKind(StrEnum):
    """What a call does, as far as it matters for sending it again."""

    READ = "read"
    UPDATE = "update"
    FENCED_CREATE = "fenced create"
    UNFENCED_CREATE = "unfenced create"
    LOGIN = "login"


class Fault(StrEnum):
    """What went wrong below HTTP: surely before a byte of the request left, or at an unknown time."""

    UNSENT = "unsent"
    CERTIFICATE = "certificate"
    PROXY_REFUSED = "proxy refused"
    CUT = "cut"


NOT_SENT: Final = frozenset({Fault.UNSENT, Fault.CERTIFICATE, Fault.PROXY_REFUSED})
"""Faults after which no byte of the request can have left."""


class Fate(StrEnum):
    """What is done after an answer."""

    OK = "ok"
    RETRY = "retry"
    AMBIGUOUS = "ambiguous"
    REAUTHENTICATE = "reauthenticate"
    REJECT = "reject"
    LIMIT = "limit"
    STOP_ACCESS = "stop: access"
    STOP_CONFIG = "stop: config"
    STOP_OUTAGE = "stop: outage"


class Sign(StrEnum):
    """What an answer is a sign of; the rows of the table."""

    SUCCESS = "success"
    UNSENT = "not sent"
    CERTIFICATE = "certificate not trusted"
    PROXY_REFUSED = "the proxy refuses the way to the org"
    CUT = "answer lost or cut short"
    PAGE = "a page instead of data"
    REDIRECT = "redirected"
    PROXY_5XX = "server error without an error body of the org"
    PROXY_4XX = "refusal without an error body of the org"
    PROXY_429 = "throttled without an error body of the org"
    UNAVAILABLE = "server unavailable"
    FAILED = "server error"
    BUSY = "too many at once"
    LIMIT = "request limit exceeded"
    SESSION = "session expired"
    ACCESS = "access refused"
    MAINTENANCE = "read-only maintenance"
    FULL = "storage full"
    TOO_LONG = "ran too long"
    LOCKED = "row locked"
    VERSION = "API version refused"
    CURSOR = "query cursor expired"
    MOVED = "modified meanwhile"
    BAD_REQUEST = "request refused"
    STRANGE = "refused with an unknown code"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one exchange showed: a fault, or a status and the first error of a readable error body.

    `is_json` means that the body was read whole and is JSON by its content type and by its shape.
    """

    fault: Fault | None = None
    status: int = 0
    is_json: bool = False
    code: str = ""
    message: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a call; `certain` means that the org surely did nothing, whatever the call was.

    An outage counts towards the circuit breaker, also when the call itself is not sent again.
    """

    fate: Fate
    sign: Sign
    certain: bool
    is_outage: bool


def judge(evidence: Evidence, kind: CallKind) -> Verdict:
    """What becomes of a call of that kind after that evidence."""
    sign = sign_of(evidence)
    fate = _FATES[sign][_COLUMNS.index(kind)]
    is_certain = sign is not Sign.SUCCESS and sign not in _UNCERTAIN
    return Verdict(fate, sign, is_certain, sign in _OUTAGES)


def sign_of(evidence: Evidence) -> Sign:
    """The row of the table that the evidence belongs to."""
    if evidence.fault is not None:
        return Sign[evidence.fault.name]
    if 300 <= evidence.status < 400:
        return Sign.REDIRECT
    if evidence.status == 412:
        return Sign.MOVED
    if not evidence.is_json:
        return _sign_without_body(evidence.status)
    if evidence.status < 300:
        return Sign.SUCCESS
    return _sign_of_refusal(evidence)


def _sign_without_body(status: int) -> Sign:
    if status < 300:
        return Sign.PAGE
    if status == 429:
        return Sign.PROXY_429
    return Sign.PROXY_4XX if status < 500 else Sign.PROXY_5XX


def _sign_of_refusal(evidence: Evidence) -> Sign:
    code = evidence.code
    if not code:
        return _sign_without_body(evidence.status)
    if code == "REQUEST_LIMIT_EXCEEDED" and _is_about_concurrency(evidence.message):
        return Sign.BUSY
    if code in _SIGN_BY_CODE:
        return _SIGN_BY_CODE[code]
    if code.startswith(ACCESS_PREFIXES):
        return Sign.ACCESS
    if evidence.status >= 500:
        return Sign.UNAVAILABLE if evidence.status == 503 else Sign.FAILED
    return _SIGN_BY_STATUS.get(evidence.status, Sign.STRANGE)


def _is_about_concurrency(message: str) -> bool:
    return "concurrent" in message.lower()


_SIGN_BY_STATUS: Final = {
    401: Sign.SESSION,
    403: Sign.ACCESS,
    410: Sign.VERSION,
    429: Sign.UNAVAILABLE,
}
"""For a Salesforce error body whose code is not in the table."""

ACCESS_PREFIXES: Final = ("TXN_SECURITY_", "LOGIN_")
"""How the codes of refused access begin that are not in the table."""

_BAD_REQUEST_CODES: Final = """
    JSON_PARSER_ERROR INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE INVALID_ID_FIELD
    INVALID_CROSS_REFERENCE_KEY INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST MALFORMED_ID MISSING_ARGUMENT
    REQUIRED_FIELD_MISSING STRING_TOO_LONG NUMBER_OUTSIDE_VALID_RANGE INVALID_TYPE_ON_FIELD_IN_RECORD
    DUPLICATE_VALUE ENTITY_IS_DELETED PROCESSING_HALTED
"""
"""Codes of a refused request that a smaller one may escape: one row of it is to blame."""

_SIGN_BY_CODE: Final[Mapping[str, Sign]] = {
    **dict.fromkeys(_BAD_REQUEST_CODES.split(), Sign.BAD_REQUEST),
    "INVALID_SESSION_ID": Sign.SESSION,
    "INVALID_AUTH_HEADER": Sign.SESSION,
    "REQUEST_LIMIT_EXCEEDED": Sign.LIMIT,
    "EXCEEDED_QUOTA": Sign.LIMIT,
    "API_CURRENTLY_DISABLED": Sign.ACCESS,
    "API_DISABLED_FOR_ORG": Sign.ACCESS,
    "FUNCTIONALITY_NOT_ENABLED": Sign.ACCESS,
    "ORG_LOCKED": Sign.ACCESS,
    "TRIAL_EXPIRED": Sign.ACCESS,
    "PASSWORD_LOCKOUT": Sign.ACCESS,
    "INSUFFICIENT_ACCESS": Sign.ACCESS,
    "SERVER_UNAVAILABLE": Sign.UNAVAILABLE,
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": Sign.UNAVAILABLE,
    "UNKNOWN_EXCEPTION": Sign.FAILED,
    "TOO_MANY_APEX_REQUESTS": Sign.BUSY,
    "ORG_IN_MAINTENANCE": Sign.MAINTENANCE,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": Sign.MAINTENANCE,
    "STORAGE_LIMIT_EXCEEDED": Sign.FULL,
    "QUERY_TIMEOUT": Sign.TOO_LONG,
    "REQUEST_RUNNING_TOO_LONG": Sign.TOO_LONG,
    "UNABLE_TO_LOCK_ROW": Sign.LOCKED,
    "GONE": Sign.VERSION,
    "UNSUPPORTED_API_VERSION": Sign.VERSION,
    "INVALID_QUERY_LOCATOR": Sign.CURSOR,
    # The token endpoint's one error that asks to be retried; all others refuse the login.
    "unknown_error": Sign.UNAVAILABLE,
}

_UNCERTAIN: Final = frozenset(
    {
        Sign.CUT,
        Sign.PAGE,
        Sign.REDIRECT,
        Sign.PROXY_5XX,
        Sign.PROXY_4XX,
        Sign.PROXY_429,
        Sign.UNAVAILABLE,
        Sign.FAILED,
        Sign.TOO_LONG,
    }
)
"""Signs after which the org may have carried the call out."""

_OUTAGES: Final = frozenset(
    {
        Sign.UNSENT,
        Sign.CUT,
        Sign.PAGE,
        Sign.REDIRECT,
        Sign.PROXY_5XX,
        Sign.PROXY_4XX,
        Sign.PROXY_429,
        Sign.UNAVAILABLE,
        Sign.MAINTENANCE,
    }
)
"""Signs that the org cannot be reached for now; a server error with a code may be one request's fault."""

_COLUMNS: Final = tuple(CallKind)

_FATES: Final[Mapping[Sign, tuple[Fate, ...]]] = {
    # sign: READ, UPDATE, FENCED_CREATE, UNFENCED_CREATE, LOGIN
    Sign.SUCCESS: (Fate.OK,) * 5,
    Sign.UNSENT: (Fate.RETRY,) * 5,
    Sign.CERTIFICATE: (Fate.STOP_CONFIG,) * 5,
    Sign.PROXY_REFUSED: (Fate.STOP_CONFIG,) * 5,
    Sign.CUT: (Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.PAGE: (Fate.STOP_OUTAGE, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.STOP_CONFIG),
    Sign.REDIRECT: (Fate.STOP_CONFIG, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.STOP_CONFIG),
    Sign.PROXY_5XX: (Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.PROXY_4XX: (Fate.STOP_ACCESS, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.STOP_ACCESS),
    Sign.PROXY_429: (Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.UNAVAILABLE: (Fate.RETRY, Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.FAILED: (Fate.RETRY, Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.BUSY: (Fate.RETRY,) * 5,
    Sign.LIMIT: (Fate.LIMIT,) * 5,
    Sign.SESSION: (*(Fate.REAUTHENTICATE,) * 4, Fate.STOP_ACCESS),
    Sign.ACCESS: (Fate.STOP_ACCESS,) * 5,
    Sign.MAINTENANCE: (Fate.RETRY, *(Fate.STOP_OUTAGE,) * 4),
    Sign.FULL: (Fate.STOP_OUTAGE,) * 5,
    Sign.TOO_LONG: (Fate.RETRY, Fate.RETRY, Fate.AMBIGUOUS, Fate.AMBIGUOUS, Fate.RETRY),
    Sign.LOCKED: (Fate.RETRY, Fate.REJECT, Fate.REJECT, Fate.REJECT, Fate.RETRY),
    Sign.VERSION: (Fate.STOP_CONFIG,) * 5,
    Sign.CURSOR: (Fate.REJECT, Fate.STOP_CONFIG, Fate.STOP_CONFIG, Fate.STOP_CONFIG, Fate.STOP_ACCESS),
    Sign.MOVED: (Fate.STOP_CONFIG, Fate.REJECT, Fate.STOP_CONFIG, Fate.STOP_CONFIG, Fate.STOP_ACCESS),
    Sign.BAD_REQUEST: (Fate.STOP_CONFIG, Fate.REJECT, Fate.REJECT, Fate.REJECT, Fate.STOP_ACCESS),
    Sign.STRANGE: (*(Fate.STOP_CONFIG,) * 4, Fate.STOP_ACCESS),
}


def stop_error(code: str, message: str = "") -> SyncError:
    """The error that ends a run after that code of the org, on a row whose fate is `STOP` too."""
    evidence = Evidence(status=400, is_json=True, code=code, message=message)
    return error_for(judge(evidence, CallKind.UPDATE), code)


def error_for(verdict: Verdict, code: str, *, address: str = "the org") -> SyncError:
    """The error that a stop means; its text names the sign, the code and where it was sent, never a value."""
    shown = code or verdict.sign.name
    said = _WITHOUT_ANSWER.get(verdict.sign, "the org answered: {sign}")
    text = f"{said.format(address=address, sign=verdict.sign.value)} ({shown})"
    match verdict.fate:
        case Fate.LIMIT:
            return LimitReached(
                text, code=shown, hint="wait until the rolling 24 hours free requests, then go on"
            )
        case Fate.STOP_ACCESS | Fate.REAUTHENTICATE:
            return AccessError(text, code=shown, hint=_HINTS.get(verdict.sign, _ACCESS_HINT))
        case Fate.STOP_CONFIG:
            return ConfigError(text, code=shown, hint=_HINTS.get(verdict.sign, _CONFIG_HINT))
        case _:
            return OrgUnavailable(text, code=shown, hint=_HINTS.get(verdict.sign, _OUTAGE_HINT))


_ACCESS_HINT: Final = "check the user, its permissions, and that it may use the API"
_CONFIG_HINT: Final = "check the names in the job against the org, and the org profile"
_OUTAGE_HINT: Final = "try again later; a run that had begun goes on with sfsync resume"

_WITHOUT_ANSWER: Final = {
    Sign.UNSENT: "no connection to {address}",
    Sign.CERTIFICATE: "the certificate of {address} is not trusted",
    Sign.PROXY_REFUSED: "the proxy refuses the way to {address}",
    Sign.CUT: "the answer of {address} was lost or cut short",
}
"""What ends below HTTP is no answer of the org."""

_HINTS: Final[Mapping[Sign, str]] = {
    Sign.UNSENT: "this call was not sent; check the address in the org profile, the network and the proxy",
    Sign.CERTIFICATE: "name the authority that signed the certificate in the profile's ca_file",
    Sign.PROXY_REFUSED: "check the proxy of the org profile, its user, and that it lets this host through",
    Sign.PAGE: "a network login, a single sign-on or a maintenance page answered instead of the org",
    Sign.REDIRECT: "put the org's own address (My Domain) into the profile; redirects are never followed",
    Sign.VERSION: "set a supported api_version in the org profile",
    Sign.SESSION: "the session has ended for good: get a new token, or log in another way",
    Sign.FULL: "free data storage in the org, then go on",
    Sign.MAINTENANCE: "the org is read-only for now; try again when the maintenance is over",
}
