"""The upload of a bulk job: sent once, and believed only when the platform's own answer comes back whole."""

from __future__ import annotations

from contextlib import closing

import pytest
from gateway_making import Bench, client_profile, token_answer
from scripted_org import RESET, ScriptedOrg, Seen, page, raw_reply, refusal, reply

from sfsync.core.sending.bulk import JobOperation, JobShape

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
