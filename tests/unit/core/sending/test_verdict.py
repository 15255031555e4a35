"""The table of judgement, cell by cell, written a second time by hand."""

from __future__ import annotations

import pytest

from sfsync.core.sending.row_fates import RowFate, row_fate
from sfsync.core.sending.verdict import (
    CallKind,
    Evidence,
    Fate,
    Fault,
    Sign,
    error_for,
    judge,
    sign_of,
    stop_error,
)
from sfsync.errors import AccessError, ConfigError, LimitReached, OrgUnavailable

LETTERS = {
    "k": Fate.OK,
    "r": Fate.RETRY,
    "A": Fate.AMBIGUOUS,
    "s": Fate.REAUTHENTICATE,
    "j": Fate.REJECT,
    "L": Fate.LIMIT,
    "P": Fate.STOP_ACCESS,
    "C": Fate.STOP_CONFIG,
    "O": Fate.STOP_OUTAGE,
}
KINDS = (
    CallKind.READ,
    CallKind.UPDATE,
    CallKind.FENCED_CREATE,
    CallKind.UNFENCED_CREATE,
    CallKind.LOGIN,
)


def of_org(status: int, code: str, message: str = "") -> Evidence:
    """A refusal with the platform's error body."""
    return Evidence(status=status, is_json=True, code=code, message=message)


# evidence, then the fates of a read, an update, a fenced create, an unfenced create and a login
ROWS = [
    (Evidence(status=200, is_json=True), "kkkkk"),
    (Evidence(status=201, is_json=True), "kkkkk"),
    (Evidence(fault=Fault.UNSENT), "rrrrr"),
    (Evidence(fault=Fault.CERTIFICATE), "CCCCC"),
    (Evidence(fault=Fault.PROXY_REFUSED), "CCCCC"),
    (Evidence(fault=Fault.CUT), "rrAAr"),
    (Evidence(status=200), "OAAAC"),
    (Evidence(status=204), "OAAAC"),
    (Evidence(status=302), "CAAAC"),
    (Evidence(status=308, is_json=True), "CAAAC"),
    (Evidence(status=502), "rrAAr"),
    (Evidence(status=503), "rrAAr"),
    (Evidence(status=500), "rrAAr"),
    (Evidence(status=429), "rrAAr"),
    (Evidence(status=404), "PAAAP"),
    (Evidence(status=401), "PAAAP"),
    (Evidence(status=400, is_json=True), "PAAAP"),
    (of_org(503, "SERVER_UNAVAILABLE"), "rrrAr"),
    (of_org(503, "NEVER_SEEN"), "rrrAr"),
    (of_org(429, "NEVER_SEEN"), "rrrAr"),
    (of_org(400, "unknown_error"), "rrrAr"),
    (of_org(500, "UNKNOWN_EXCEPTION"), "rrrAr"),
    (of_org(500, "NEVER_SEEN"), "rrrAr"),
    (of_org(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "LLLLL"),
    (of_org(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."), "rrrrr"),
    (of_org(400, "TOO_MANY_APEX_REQUESTS"), "rrrrr"),
    (of_org(401, "INVALID_SESSION_ID"), "ssssP"),
    (of_org(401, "NEVER_SEEN"), "ssssP"),
    (of_org(403, "API_CURRENTLY_DISABLED"), "PPPPP"),
    (of_org(403, "NEVER_SEEN"), "PPPPP"),
    (of_org(400, "TXN_SECURITY_NO_ACCESS"), "PPPPP"),
    (of_org(503, "ORG_IN_MAINTENANCE"), "rOOOO"),
    (of_org(400, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE"), "rOOOO"),
    (of_org(400, "STORAGE_LIMIT_EXCEEDED"), "OOOOO"),
    (of_org(400, "QUERY_TIMEOUT"), "rrAAr"),
    (of_org(500, "REQUEST_RUNNING_TOO_LONG"), "rrAAr"),
    (of_org(400, "UNABLE_TO_LOCK_ROW"), "rjjjr"),
    (of_org(410, "GONE"), "CCCCC"),
    (of_org(410, "NEVER_SEEN"), "CCCCC"),
    (of_org(404, "INVALID_QUERY_LOCATOR"), "jCCCP"),
    (Evidence(status=412), "CjCCP"),
    (of_org(412, "MODIFIED"), "CjCCP"),
    (of_org(400, "JSON_PARSER_ERROR"), "CjjjP"),
    (of_org(400, "INVALID_FIELD"), "CjjjP"),
    (of_org(404, "NOT_FOUND"), "CCCCP"),
    (of_org(400, "NEVER_SEEN"), "CCCCP"),
    (of_org(400, "invalid_grant"), "CCCCP"),
]


@pytest.mark.parametrize(("evidence", "letters"), ROWS, ids=lambda each: str(each)[:60])
def test_every_cell_of_the_table(evidence: Evidence, letters: str) -> None:
    """Each kind of call meets exactly the fate that the policy names."""
    fates = [judge(evidence, kind).fate for kind in KINDS]
    assert fates == [LETTERS[letter] for letter in letters]


def test_every_sign_is_in_the_table_above() -> None:
    """No row of the table is without its test."""
    assert {sign_of(evidence) for evidence, _ in ROWS} == set(Sign)


@pytest.mark.parametrize("kind", [CallKind.UPDATE, CallKind.FENCED_CREATE, CallKind.UNFENCED_CREATE])
def test_only_proof_that_nothing_was_done_is_certain(kind: CallKind) -> None:
    """Without an error body of the org, or after a server error, nothing is certain about a write."""
    unsure = {sign_of(evidence) for evidence, _ in ROWS if not judge(evidence, kind).certain}
    assert unsure == {
        Sign.SUCCESS,
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


def test_what_counts_as_an_outage() -> None:
    """The breaker counts what comes instead of the org, for every kind of call; one request's fault is none."""
    outages = {sign_of(each) for each, _ in ROWS if judge(each, CallKind.UNFENCED_CREATE).is_outage}
    assert outages == {
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


def test_a_create_that_nothing_fences_is_only_repeated_when_nothing_was_done() -> None:
    """An unfenced create is never sent again after anything that leaves a doubt."""
    for evidence, _ in ROWS:
        verdict = judge(evidence, CallKind.UNFENCED_CREATE)
        if verdict.fate in (Fate.RETRY, Fate.REAUTHENTICATE):
            assert verdict.certain, evidence


@pytest.mark.parametrize(
    ("code", "message", "fate"),
    [
        ("UNABLE_TO_LOCK_ROW", "", RowFate.LOCKED),
        ("RECORD_IN_USE_BY_WORKFLOW", "", RowFate.LOCKED),
        ("TOO_MANY_APEX_REQUESTS", "", RowFate.LOCKED),
        ("SERVER_UNAVAILABLE", "", RowFate.LOCKED),
        ("UNKNOWN_EXCEPTION", "", RowFate.LOCKED),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Trig: UNABLE_TO_LOCK_ROW, x", RowFate.LOCKED),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Trig: execution of BeforeInsert", RowFate.REJECT),
        ("INVALID_OPERATION", "Too many batch retries in the presence of Apex triggers", RowFate.LOCKED),
        ("DUPLICATE_VALUE", "", RowFate.DUPLICATE_KEY),
        ("DUPLICATES_DETECTED", "", RowFate.REJECT),
        ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", RowFate.HALTED),
        ("PROCESSING_HALTED", "", RowFate.HALTED),
        ("REQUEST_LIMIT_EXCEEDED", "", RowFate.STOP),
        ("STORAGE_LIMIT_EXCEEDED", "", RowFate.STOP),
        ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", RowFate.STOP),
        ("TXN_SECURITY_NO_ACCESS", "", RowFate.STOP),
        ("ENTITY_IS_LOCKED", "", RowFate.REJECT),
        ("REQUIRED_FIELD_MISSING", "", RowFate.REJECT),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "", RowFate.REJECT),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "", RowFate.REJECT),
        ("NEVER_SEEN", "", RowFate.REJECT),
    ],
)
def test_every_row_code_has_its_fate(code: str, message: str, fate: RowFate) -> None:
    """A refused row is sent again, looked up, rejected, or stops the run, by its code."""
    assert row_fate(code, message) is fate


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("REQUEST_LIMIT_EXCEEDED", LimitReached),
        ("STORAGE_LIMIT_EXCEEDED", OrgUnavailable),
        ("ORG_IN_MAINTENANCE", OrgUnavailable),
        ("API_DISABLED_FOR_ORG", AccessError),
        ("TXN_SECURITY_NO_ACCESS", AccessError),
        ("GONE", ConfigError),
    ],
)
def test_a_stop_has_the_error_that_a_person_can_act_on(code: str, kind: type[Exception]) -> None:
    """The error names the code and a next step, and repeats no text of the org."""
    error = stop_error(code, "a text with a CANARY")
    assert type(error) is kind
    assert error.code == code
    assert error.hint
    assert "CANARY" not in str(error)


def test_every_fate_that_ends_a_call_has_an_error() -> None:
    """Each sign can be told to a person with a hint, for every kind of call."""
    for evidence, _ in ROWS:
        for kind in KINDS:
            assert error_for(judge(evidence, kind), evidence.code).hint
