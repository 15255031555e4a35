"""Updates of one record: what counts as proof that one was saved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from gateway_making import DEAL_ID, Bench, client_profile, token_answer, token_profile
from scripted_org import ScriptedOrg, Seen, page, raw_reply, refusal, reply

from sfsync.core.orgs.org_profile import OrgProfile
from sfsync.core.writes import Answers, ConditionalCall, Node, Unanswered, Written

NAME = "Opportunity:1"


def answered(org: ScriptedOrg, profile: OrgProfile | None = None) -> Answers:
    """What the gateway says of one conditional update."""
    node = Node("u0", NAME, "Opportunity", DEAL_ID, {"NextStep": "call"})
    call = ConditionalCall((node,), {NAME: datetime(2026, 9, 1, tzinfo=UTC)})
    return Bench(profile or token_profile(org.url)).gateway.write(call)


def test_c4_an_empty_204_is_the_proof_of_an_update(org: ScriptedOrg) -> None:
    """The platform answers so, and the request carried its condition."""
    org.answers(raw_reply(204, b""))
    assert answered(org)[NAME] == Written(DEAL_ID)
    [seen] = org.seen
    assert seen.headers["If-Unmodified-Since"] == "Tue, 01 Sep 2026 00:00:00 GMT"


def test_t1_s1_a_replay_after_a_login_carries_the_condition(org: ScriptedOrg) -> None:
    """Without it the second sending would write over an edit that the first one was to be refused for."""
    tokens = iter(("first", "second"))

    def respond(seen: Seen) -> bytes:
        if "oauth2" in seen.target:
            return reply(200, token_answer(org.url, next(tokens)))
        is_expired = seen.headers["Authorization"] == "Bearer first"
        return refusal(401, "INVALID_SESSION_ID") if is_expired else raw_reply(204, b"")

    org.respond = respond
    assert answered(org, client_profile(org.url))[NAME] == Written(DEAL_ID)
    conditions = [each.headers.get("If-Unmodified-Since") for each in org.api_calls()]
    assert conditions == ["Tue, 01 Sep 2026 00:00:00 GMT"] * 2


@pytest.mark.parametrize("size", range(5, len(raw_reply(204, b""))))
def test_t8_n7_a_204_cut_at_any_byte_proves_nothing(org: ScriptedOrg, size: int) -> None:
    """A head that ends early is a lost answer, though its first line can be read."""
    org.answers(raw_reply(204, b"")[:size])
    assert isinstance(answered(org)[NAME], Unanswered)


@pytest.mark.parametrize("answer", [reply(200, {}), reply(200, []), reply(200, {"status": "ok"}), page()])
def test_t3_t8_any_other_answer_leaves_an_update_unanswered(org: ScriptedOrg, answer: bytes) -> None:
    """What stands between here and the org may say 200 to anything."""
    org.answers(answer)
    assert isinstance(answered(org)[NAME], Unanswered)
