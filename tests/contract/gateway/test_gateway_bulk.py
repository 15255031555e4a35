"""Bulk jobs over the wire: an upload is sent once, and what comes back is believed only when it is whole."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from hashlib import blake2b

import pytest
from gateway_making import TOKEN, Bench, client_profile, token_answer
from scripted_org import RESET, ScriptedOrg, Seen, page, raw_reply, refusal, reply

from sfsync.core.ports import Lookup, Record
from sfsync.core.sending.bulk import JobOperation, JobShape, ResultFile
from sfsync.errors import OrgUnavailable
from sfsync.salesforce.bulk_files import CsvRows

JOB = "7505e00000abcdEAAQ"
SHAPE = JobShape("Opportunity", JobOperation.INSERT, ("Name",))


def filled(org: ScriptedOrg, answer: bytes) -> bool:
    """Whether the gateway believes in the upload that is answered so."""

    def respond(seen: Seen) -> bytes:
        return reply(200, token_answer(org.url)) if "oauth2" in seen.target else answer

    org.respond = respond
    jobs = Bench(client_profile(org.url)).gateway.jobs
    with closing(jobs.upload(SHAPE)) as upload:
        upload.add(("Shoes",))
        return jobs.fill(JOB, upload)


def test_an_empty_201_is_the_proof_of_an_upload(org: ScriptedOrg) -> None:
    """The platform answers so."""
    assert filled(org, raw_reply(201, b""))


DOUBTFUL = {
    "t8 a 204": raw_reply(204, b""),
    "t3 a body": reply(201, {"status": "ok"}),
    "n9 a page": page(201),
    "n4 a reset": RESET,
    "n7 half an answer": raw_reply(201, b"")[:20],
    "n11 a proxy's 502": page(502),
    "s1 an expired session": refusal(401, "INVALID_SESSION_ID"),
    "s5 a clean 503": refusal(503, "SERVER_UNAVAILABLE"),
    "s6 a clean 500": refusal(500, "UNKNOWN_EXCEPTION"),
}


@pytest.mark.parametrize("way", DOUBTFUL)
def test_n5_an_upload_with_any_other_answer_is_in_doubt_and_sent_once(org: ScriptedOrg, way: str) -> None:
    """Nobody can say what the job holds then, and a second upload would make it worse."""
    assert not filled(org, DOUBTFUL[way])
    assert len(org.api_calls()) == 1


def test_an_upload_goes_with_its_length_and_in_no_chunks(org: ScriptedOrg) -> None:
    """It is one PUT, as the platform wants it, whatever its size."""
    org.respond = lambda seen: (
        reply(200, token_answer(org.url)) if "oauth2" in seen.target else raw_reply(201, b"")
    )
    jobs = Bench(client_profile(org.url)).gateway.jobs
    with closing(jobs.upload(SHAPE)) as upload:
        for number in range(20_000):
            upload.add((f'Shoes, "{number}"\n',))
        assert jobs.fill(JOB, upload)
        [put] = org.api_calls()
        assert put.headers["Content-Length"] == str(upload.size) == str(len(put.body))
        assert "Transfer-Encoding" not in put.headers
        assert blake2b(put.body, digest_size=16).hexdigest() == upload.digest


def test_an_upload_that_changed_on_disk_is_in_doubt(org: ScriptedOrg) -> None:
    """What the org took is not what was written, so the job must not be closed."""
    org.respond = lambda seen: (
        reply(200, token_answer(org.url)) if "oauth2" in seen.target else raw_reply(201, b"")
    )
    jobs = Bench(client_profile(org.url)).gateway.jobs
    with closing(jobs.upload(SHAPE)) as upload:
        upload.add(("Shoes",))
        upload.body()
        os.pwrite(upload._file.fileno(), b"X", 10)
        assert not jobs.fill(JOB, upload)


SAVED = b'"sf__Id","sf__Created","Name"\n"006000000000001AAA","true","Shoes\r\nred"\n'


def results(org: ScriptedOrg, *answers: bytes) -> CsvRows:
    """The file of saved rows that is answered so."""
    waiting = list(answers)
    org.respond = lambda seen: (
        reply(200, token_answer(org.url)) if "oauth2" in seen.target else waiting.pop(0)
    )
    return Bench(client_profile(org.url)).gateway.jobs.results(JOB, ResultFile.SAVED, SHAPE)


def test_results_are_counted_and_then_read(org: ScriptedOrg) -> None:
    """Line ends within a cell stay as they came."""
    with closing(results(org, raw_reply(200, SAVED, Content_Type="text/csv"))) as rows:
        assert (rows.count, rows.is_whole, rows.columns) == (1, True, ("Name",))
        assert [(each.record_id, each.cells) for each in rows] == [("006000000000001AAA", ("Shoes\r\nred",))]


@pytest.mark.parametrize("length", range(len(SAVED) - 1))
def test_n7_results_that_end_within_a_row_are_not_whole(org: ScriptedOrg, length: int) -> None:
    """Wherever they end: the job's own numbers are held against the rows that are there."""
    with (
        suppress(OrgUnavailable),
        closing(results(org, raw_reply(200, SAVED[:length], Content_Type="text/csv"))) as rows,
    ):
        assert rows.count == 0 or not rows.is_whole


def test_n7_results_whose_answer_was_cut_are_fetched_again(org: ScriptedOrg) -> None:
    """What came before is dropped, so no row is counted twice."""
    whole = raw_reply(200, SAVED, Content_Type="text/csv")
    with closing(results(org, whole[:-5], whole)) as rows:
        assert (rows.count, rows.is_whole) == (1, True)


def test_the_token_is_taken_out_of_results(org: ScriptedOrg) -> None:
    """An org may repeat it in the message about a row."""
    told = f'"sf__Id","sf__Error","Name"\n"","BAD:no {TOKEN} here:--","Shoes"\n'.encode()
    org.respond = lambda seen: (
        reply(200, token_answer(org.url))
        if "oauth2" in seen.target
        else raw_reply(200, told, Content_Type="text/csv")
    )
    with closing(Bench(client_profile(org.url)).gateway.jobs.results(JOB, ResultFile.REFUSED, SHAPE)) as rows:
        assert [each.message for each in rows] == ["no (secret) here"]


LOOKUP = Lookup("Opportunity", ("Id", "Name"))
PAGES = (
    b'"Id","Name"\n"006000000000001AAA","Shoes"\n',
    b'"Id","Name"\n"006000000000002AAA",""\n',
)


def asked(org: ScriptedOrg, *pages: bytes, rows: int = 2) -> list[list[Record]]:
    """The pages of a query job that is answered so."""
    waiting = list(pages)
    org.respond = lambda seen: (
        reply(200, token_answer(org.url)) if "oauth2" in seen.target else waiting.pop(0)
    )
    jobs = Bench(client_profile(org.url)).gateway.jobs
    return [list(page) for page in jobs.answers(JOB, LOOKUP, rows)]


def a_page(number: int, locator: str, count: str = "1") -> bytes:
    """One page of a query job's records."""
    headers = {"Content_Type": "text/csv", "Sforce_Locator": locator, "Sforce_NumberOfRecords": count}
    return raw_reply(200, PAGES[number], **headers)


def test_pages_of_a_query_job_follow_its_locators(org: ScriptedOrg) -> None:
    """The text null ends them; an empty cell is no value."""
    found = asked(org, a_page(0, "MQ"), a_page(1, "null"))
    assert found == [
        [{"Id": "006000000000001AAA", "Name": "Shoes"}],
        [{"Id": "006000000000002AAA", "Name": None}],
    ]
    assert [each.target.partition("?")[2] for each in org.api_calls()] == [
        "maxRecords=50000",
        "maxRecords=50000&locator=MQ",
    ]


def test_a_page_is_handed_out_in_parts(org: ScriptedOrg) -> None:
    """Memory holds 2,000 records at a time, however many a page has."""
    lines = "".join(f'"006{number:015d}","Shoes"\n' for number in range(4_500))
    headers = {"Content_Type": "text/csv", "Sforce_Locator": "null", "Sforce_NumberOfRecords": "4500"}
    found = asked(org, raw_reply(200, f'"Id","Name"\n{lines}'.encode(), **headers), rows=4_500)
    assert [len(each) for each in found] == [2_000, 2_000, 500]


def test_n10_a_page_with_another_count_is_fetched_again(org: ScriptedOrg) -> None:
    """The page's own number says how many records it has."""
    assert len(asked(org, a_page(0, "MQ", "2"), a_page(0, "MQ"), a_page(1, "null"))) == 2


NOT_WHOLE = {
    "a page is missing": (a_page(0, "null"),),
    "a locator comes again": (a_page(0, "MQ"), a_page(1, "MQ")),
    "no locator": (raw_reply(200, PAGES[0], Content_Type="text/csv", Sforce_NumberOfRecords="1"),),
    "a locator that is an address": (a_page(0, "https://elsewhere.example"),),
    "other columns": (raw_reply(200, b'"Id"\n"006000000000001AAA"\n', Content_Type="text/csv"),),
}


@pytest.mark.parametrize("way", NOT_WHOLE)
def test_n10_records_that_are_not_all_are_none(org: ScriptedOrg, way: str) -> None:
    """Whoever asked must not take them for all there is."""
    with pytest.raises(OrgUnavailable):
        asked(org, *NOT_WHOLE[way])
