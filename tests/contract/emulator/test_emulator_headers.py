"""Headers of requests and answers: what is read, what is ignored, what always comes."""

import gzip
import json
import zlib

import pytest
from emulator_client import DEAL, Client
from facts import fact, side

from sfsync.emulator.server import running


@fact("4-content-type", "4.10-headers")
def test_what_every_answer_carries(org: Client):
    """JSON says its charset; transport, cache, variation and several cookies come along."""
    answer = org.call("GET", "/sobjects", headers={"Accept-Encoding": "identity"})
    headers = answer.raw.headers
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Cache-Control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
    assert (headers["Vary"], headers["Transfer-Encoding"]) == ("Accept-Encoding", "chunked")
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    cookies = headers.getlist("Set-Cookie")
    assert len(cookies) > 1
    assert all(cookie.startswith("BrowserId") for cookie in cookies)


@pytest.mark.parametrize(
    "chunked",
    [
        pytest.param(True, marks=side("chunked_replies", "true")),
        pytest.param(False, marks=side("chunked_replies", "false")),
    ],
)
def test_answers_are_framed_by_chunks_or_length(chunked: bool):
    """An answer comes in chunks, or with its length where the switch says so."""
    with running({"switches": {"chunked_replies": chunked}}) as emulator:
        org = Client(emulator)
        answer = org.call("GET", "/sobjects")
        org.http.close()
    assert ("Transfer-Encoding" in answer.headers, "Content-Length" in answer.headers) == (
        chunked,
        not chunked,
    )


@fact("4-pretty")
def test_pretty_print(org: Client):
    """The layout is the recorded one, with blanks around colons and inside empty brackets."""
    headers = {"X-PrettyPrint": "1"}
    answer = org.call("POST", "/sobjects/Opportunity", DEAL, headers=headers)
    created = answer.json()["id"]
    assert answer.text == f'{{\n  "id" : "{created}",\n  "success" : true,\n  "errors" : [ ]\n}}'
    missing = org.call("GET", "/sobjects/Nope", headers=headers)
    assert missing.text == (
        '[ {\n  "message" : "The requested resource does not exist",\n  "errorCode" : "NOT_FOUND"\n} ]'
    )


@fact("4.16-content-encoding")
@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(json.dumps(DEAL).encode(), mtime=0), 201),
        ("deflate", zlib.compress(json.dumps(DEAL).encode()), 201),
        ("gzip", b"not compressed", 400),
        ("br", b"x", 415),
    ],
)
def test_compressed_requests(org: Client, encoding: str, body: bytes, status: int):
    """Gzip and deflate are read, broken data and other encodings refused."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert org.call("POST", "/sobjects/Opportunity", data=body, headers=headers).status_code == status


@fact("4.16-accept-encoding")
def test_only_worthwhile_answers_are_compressed(org: Client):
    """A long answer is compressed for a client that takes it, a short one never."""
    headers = {"Accept-Encoding": "gzip, deflate"}
    assert org.call("GET", "/sobjects", headers=headers).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in org.call("GET", "/sobjects/Nope", headers=headers).headers


@fact("4.1-415")
@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/xml", "multipart/form-data"])
@pytest.mark.parametrize("path", ["/sobjects/Opportunity", "/composite", "/composite/sobjects"])
def test_a_body_needs_its_media_type(org: Client, path: str, kind: str | None):
    """A missing or foreign Content-Type is a 415 on every resource that reads a body."""
    headers = {} if kind is None else {"Content-Type": kind}
    answer = org.call("POST", path, data=json.dumps(DEAL).encode(), headers=headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@fact("4.16-auto-assign", "4.16-call-options", "4.16-no-idempotency-key")
def test_headers_that_change_nothing(org: Client):
    """Assignment, call options and an idempotency key are taken; the same create twice makes two deals."""
    headers = {
        "Sforce-Auto-Assign": "FALSE",
        "Sforce-Call-Options": "client=sfsync, defaultNamespace=ns",
        "Idempotency-Key": "1f0c0d4e",
    }
    answers = [org.call("POST", "/sobjects/Opportunity", DEAL, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, second = (answer.json()["id"] for answer in answers)
    assert first != second
    assert org.get("Opportunity", first)["OwnerId"] == org.emulator.org.api_user_id


@fact("4.16-query-options")
def test_the_page_size_of_a_query(org: Client):
    """The header sets how many rows a page has."""
    rows = [{"attributes": {"type": "Campaign"}, "Name": "Paged"}] * 200
    for _ in range(2):
        org.call("POST", "/composite/sobjects", {"records": rows})
    soql = {"q": "SELECT Id FROM Campaign WHERE Name = 'Paged'"}
    for size in (200, 300):
        headers = {"Sforce-Query-Options": f"batchSize={size}"}
        assert len(org.call("GET", "/query", params=soql, headers=headers).json()["records"]) == size


@fact("4.16-mru", "4.3-object")
def test_recent_items(org: Client):
    """An object answers its description and the items that calls with updateMru=true touched, the last first."""
    assert org.call("GET", "/sobjects/Campaign/").json()["recentItems"] == []
    org.create("Campaign", Name="Untold")
    headers = {"Sforce-Mru": "updateMru=true"}
    told = [
        org.call("POST", "/sobjects/Campaign", {"Name": name}, headers=headers).json()["id"]
        for name in ("A", "B")
    ]
    org.call("GET", f"/sobjects/Campaign/{told[0]}", headers=headers)
    answer = org.call("GET", "/sobjects/campaign").json()
    assert set(answer) == {"objectDescribe", "recentItems"}
    assert answer["objectDescribe"]["name"] == "Campaign"
    assert [(item["Id"], item["Name"]) for item in answer["recentItems"]] == [(told[0], "A"), (told[1], "B")]
    org.call("DELETE", f"/sobjects/Campaign/{told[0]}")
    assert len(org.call("GET", "/sobjects/Campaign").json()["recentItems"]) == 1


@fact("4.16-no-truncation", "12.4-too-long")
def test_nothing_is_truncated(org: Client):
    """Text that is too long is refused, whatever a truncation header asks."""
    headers = {"AllowFieldTruncationHeader": "allowFieldTruncation=true"}
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "Name": "x" * 121}, headers=headers)
    assert answer.json()[0]["errorCode"] == "STRING_TOO_LONG"


@fact("4-trailing-slash")
@pytest.mark.parametrize(
    "path",
    [
        "/sobjects",
        "/sobjects/Account",
        "/sobjects/Account/describe",
        "/limits",
        "/limits/recordCount",
        "/query?q=SELECT+Id+FROM+Account",
    ],
)
def test_a_trailing_slash_changes_nothing(org: Client, path: str):
    """Every resource answers with a slash what it answers without, and is not moved."""
    name, mark, query = path.partition("?")
    answers = [org.call("GET", name + slash + mark + query, allow_redirects=False) for slash in ("", "/")]
    assert [answer.status_code for answer in answers] == [200, 200]
    if not path.startswith("/limits"):
        assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Account/describe", "/limits", "/nope"])
def test_head_is_a_get_without_its_body(org: Client, path: str):
    """HEAD answers the status of GET and no body."""
    head, get = org.call("HEAD", path), org.call("GET", path)
    assert (head.status_code, head.content) == (get.status_code, b"")
