"""How many calls a gateway may send: none beyond, and a write that was in doubt stays so when none is left."""

from __future__ import annotations

import pytest
from gateway_making import Bench, create_call, token_profile, update_call
from scripted_org import ScriptedOrg, raw_reply, records, refusal, reply

from sfsync.core.ports import Lookup
from sfsync.core.writes import Unanswered
from sfsync.errors import LimitReached, OrgUnavailable

ACCOUNTS = [Lookup("Account", ("Id",))]
CUT = raw_reply(200, b'{"half')
BUSY = refusal(503, "SERVER_UNAVAILABLE")
DAY = {"DailyApiRequests": {"Max": 15000, "Remaining": 14000}}


def test_no_call_leaves_beyond_the_budget(org: ScriptedOrg) -> None:
    """The org sees as many as were allowed; the next is refused here, and nothing was sent."""
    org.answers(records(), records(), records())
    gateway = Bench(token_profile(org.url)).gateway
    gateway.hold_to(2)
    for _ in range(2):
        gateway.fetch(ACCOUNTS)
    with pytest.raises(LimitReached) as reached:
        gateway.fetch(ACCOUNTS)
    assert (reached.value.code, len(org.api_calls())) == ("API_BUDGET", 2)


def test_repeats_count(org: ScriptedOrg) -> None:
    """A reading that is sent again uses up what is left."""
    org.answers(BUSY, BUSY, records())
    gateway = Bench(token_profile(org.url)).gateway
    gateway.hold_to(2)
    with pytest.raises(OrgUnavailable, match="server unavailable"):
        gateway.fetch(ACCOUNTS)
    assert len(org.api_calls()) == 2


@pytest.mark.parametrize("call", [update_call(), create_call()], ids=["update", "create"])
def test_n5_a_write_in_doubt_stays_in_doubt_when_no_call_is_left(org: ScriptedOrg, call: object) -> None:
    """It is never said that the org surely did nothing only because nobody may ask again."""
    org.answers(CUT, reply(200, []))
    gateway = Bench(token_profile(org.url)).gateway
    gateway.hold_to(1)
    answers = gateway.write(call)  # type: ignore[arg-type]
    assert all(isinstance(each, Unanswered) for each in answers.values())
    assert len(org.api_calls()) == 1


def test_s3_calls_stop_when_the_org_has_used_four_fifths_of_its_day(org: ScriptedOrg) -> None:
    """By the estimate of the latest answer; without the reserve it is only shown."""
    limits = {"Sforce-Limit-Info": "api-usage=12000/15000"}
    org.answers(reply(200, {"totalSize": 0, "done": True, "records": []}, **limits), records())
    gateway = Bench(token_profile(org.url)).gateway
    gateway.hold_to(None, keeps_reserve=True)
    gateway.fetch(ACCOUNTS)
    with pytest.raises(LimitReached) as reached:
        gateway.fetch(ACCOUNTS)
    assert reached.value.code == "API_RESERVE"
    gateway.hold_to(None)
    gateway.fetch(ACCOUNTS)


def test_the_limits_are_asked_only_where_no_answer_has_told_them(org: ScriptedOrg) -> None:
    """One call, once; a refusal leaves them unknown."""
    org.answers(refusal(403, "INSUFFICIENT_ACCESS"), reply(200, DAY))
    gateway = Bench(token_profile(org.url)).gateway
    gateway.learn_limits()
    assert gateway.usage.limit_max is None
    gateway.learn_limits()
    gateway.learn_limits()
    assert (gateway.usage.limit_used, gateway.usage.limit_max) == (1000, 15000)
    assert [each.target.rpartition("/")[2] for each in org.api_calls()] == ["limits", "limits"]
