"""Whatever a client sends, the emulator answers as the platform does: never with a bug of its own."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from emulator_client import DEAL, ORG_FILE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfsync.emulator.rest.routes import OPEN, VERSIONED, WITH_SESSION
from sfsync.emulator.server import RunningEmulator, running

ROUTES = [(method, path) for method, path, _ in (*OPEN, *WITH_SESSION)]
ROUTES += [(method, "/services/data/v66.0" + path) for method, path, _ in VERSIONED]
HOSTILE_TEXT = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"{",
    b'"x"',
    b"[" * 5_000 + b"]" * 5_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"Name":"a","Name":"b","name":"c"}',
    b'{"Name":"\\ud800"}',
    b'{"Name":"\xff\xfe"}',
    b'{"Name":"\\u0000"}',
    b'{"Amount":1e400}',
    b'{"Amount":' + b"9" * 5_000 + b"}",
    b'{"Amount":NaN}',
    b'\xef\xbb\xbf{"Name":"x"}',
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["@{a.id}", "@{a.b[999999999999].c}", "006000000000001AAA", "2026-01-01", "9" * 400]),
)
WORDS = (
    "Id id Amount Account AccountId CreatedDate IsPrivate records attributes type referenceId method url body "
    "httpHeaders compositeRequest batchRequests graphs graphId richInput allOrNone ids fields q sobjects name "
    "haltOnError"
)
KEYS = st.sampled_from([*DEAL, *WORDS.split()])
VALUES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
RECORD = st.dictionaries(KEYS, VALUES, max_size=5)
TYPED = RECORD.map(lambda record: {**record, "attributes": {"type": "Opportunity", "referenceId": "r"}})
PART = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
        "url": st.sampled_from(
            [
                "sobjects/Opportunity",
                "sobjects/Opportunity/@{a.id}",
                "query?q=",
                "composite/sobjects",
                "limits",
            ]
        ).map(lambda path: "/services/data/v66.0/" + path),
        "referenceId": st.sampled_from(["a", "b", "c"]),
        "body": RECORD,
    }
)
BODY = st.one_of(
    VALUES,
    RECORD,
    st.fixed_dictionaries({"records": st.lists(TYPED, max_size=3)}),
    st.fixed_dictionaries({"compositeRequest": st.lists(PART, min_size=1, max_size=3)}),
    st.fixed_dictionaries(
        {
            "graphs": st.just([{"graphId": "g"}])
            | PART.map(lambda p: [{"graphId": "g", "compositeRequest": [p]}])
        }
    ),
    st.fixed_dictionaries({"batchRequests": st.lists(PART.map(lambda p: {**p, "richInput": p["body"]}))}),
)
OBJECT = st.sampled_from(["Opportunity", "opportunity", "Account", "OpportunityContactRole", "User", "Nope"])
SEGMENT = st.one_of(
    st.sampled_from(
        ["006000000000001AAA", "abc", "Sfsync_Key__c", "..", "%00", "%FF%FE", "%2F", "'", "[", "x]"]
    ),
    st.text(min_size=1, max_size=8).map(lambda text: quote(text, safe="")),
)
PARAMETERS = st.sampled_from(
    [
        "",
        "?fields=Name,,Nope",
        "?fields=%00",
        "?ids=,a,006&fields=Id",
        "?allOrNone=maybe&ids=x",
        "?updateOnly=1",
        "?_HttpMethod=PATCH",
        "?_HttpMethod=%00",
        "?q=SELECT",
        "?q=SELECT+Id+FROM+Opportunity+WHERE+Name='%00",
        "?sObjects=%FF,,Account",
        "?start=x&end=9999-12-31T23:59:59%2B00:00",
        "?;&&==&%",
    ]
)
HEADERS = st.sampled_from(
    [
        {},
        {"If-Modified-Since": "Mon, 99 Foo 99999 25:61:61 GMT"},
        {"If-Unmodified-Since": "Fri, 31 Dec 9999 23:59:59 -2359"},
        {"If-None-Match": "*", "If-Match": '"'},
        {"Sforce-Query-Options": "batchSize=" + "9" * 400},
        {"Sforce-Duplicate-Rule-Header": ";;=;allowSave=;="},
        {"X-PrettyPrint": "1", "Sforce-Mru": "x", "Sforce-Call-Options": "="},
        {"Content-Encoding": "gzip"},
    ]
)


@pytest.fixture(scope="module")
def hostile_org() -> Iterator[tuple[RunningEmulator, http.client.HTTPConnection]]:
    """Run an org for the hostile requests, with one connection to it."""
    with running(ORG_FILE) as offered:
        connection = http.client.HTTPConnection(offered.instance_url.removeprefix("http://"), timeout=10)
        yield offered, connection
        connection.close()


def assert_handled(
    hostile_org: tuple[RunningEmulator, http.client.HTTPConnection],
    method: str,
    target: str,
    body: bytes,
    **headers: str,
) -> None:
    """Send a request and check that the answer is one the platform gives."""
    offered, connection = hostile_org
    sent = {"Authorization": f"Bearer {offered.access_token}", "Content-Type": "application/json", **headers}
    connection.request(method, target, body=body, headers=sent)
    answer = connection.getresponse()
    text = answer.read()
    assert "X-Sfsync-Emulator-Bug" not in answer.headers, (method, target, body, text)
    assert answer.status < 500, (method, target, body, text)
    if "json" in answer.headers.get("Content-Type", ""):
        json.loads(text)


def path_of(pattern: str, segments: tuple[str, ...]) -> str:
    """Return a path with its names filled in."""
    filled = iter(segments)
    return "/".join(next(filled) if part.startswith("{") else part for part in pattern.split("/"))


@pytest.mark.parametrize(("method", "pattern"), ROUTES)
def test_hostile_bodies_are_refused_or_read(hostile_org: Any, method: str, pattern: str):
    """Broken, deep, huge and badly encoded JSON is answered on every resource, never with a crash."""
    path = path_of(pattern, ("Opportunity", "Sfsync_Key__c", "hostile"))
    for body in HOSTILE_TEXT:
        assert_handled(hostile_org, method, path, body)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    route=st.sampled_from(ROUTES),
    segments=st.tuples(OBJECT | SEGMENT, SEGMENT, SEGMENT),
    parameters=PARAMETERS,
    headers=HEADERS,
    body=BODY,
)
def test_hostile_requests_never_meet_a_bug(
    hostile_org: Any,
    route: tuple[str, str],
    segments: tuple[str, ...],
    parameters: str,
    headers: dict[str, str],
    body: Any,
):
    """Odd values in any place of any request are answered with less than 500 and in the form they claim."""
    method, pattern = route
    text = json.dumps(body).encode()
    assert_handled(hostile_org, method, path_of(pattern, segments) + parameters, text, **headers)
