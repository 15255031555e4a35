"""An org that goes away in the middle of a run is waited for, on a clock that only the waits move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from gateway_making import (
    DEAL_ID,
    QUICK,
    Bench,
    client_profile,
    create_call,
    token_answer,
    token_profile,
    update_call,
)
from scripted_org import RESET, ScriptedOrg, Seen, page, records, refusal, reply

from sfsync.core.events import Noticed
from sfsync.core.ports import Lookup
from sfsync.core.writes import Unanswered, Written
from sfsync.errors import Interrupted, OrgUnavailable
from sfsync.salesforce.breaker import Outages
from sfsync.salesforce.retrying import RetryPolicy

ACCOUNTS = [Lookup("Account", ("Id",))]
BUSY = refusal(503, "SERVER_UNAVAILABLE")
VERSIONS = reply(200, [{"version": "66.0"}])
UPDATED = [{"id": DEAL_ID, "success": True, "errors": []}]
PATIENT = RetryPolicy(first_wait_s=0.0, max_wait_s=0.0, deadline_s=20.0, outages=Outages(max_outage_s=1800.0))


def is_probe(seen: Seen) -> bool:
    """Whether the request is the breaker's probe."""
    return seen.target == "/services/data"


def away(org: ScriptedOrg, *, calls: int, probes: int, after: bytes) -> None:
    """Lets the org answer one read, then fail so many calls and probes, then answer again."""
    left = {"calls": calls, "probes": probes, "first": 1}

    def respond(seen: Seen) -> bytes:
        if left["first"]:
            left["first"] = 0
            return records()
        name = "probes" if is_probe(seen) else "calls"
        left[name] -= 1
        if left[name] >= 0:
            return BUSY
        return VERSIONS if is_probe(seen) else after

    org.respond = respond


def long_waits(bench: Bench) -> list[float]:
    """The waits of the breaker; those between tries are nothing here."""
    return [each for each in bench.stop.waits if each > 0]


def test_an_outage_is_waited_out_and_probed(org: ScriptedOrg) -> None:
    """Five outages, then waits of 30, 60 and 120 seconds with a probe after each, then the call goes on."""
    away(org, calls=5, probes=2, after=records({"Id": "1"}))
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    assert bench.gateway.fetch(ACCOUNTS) == [[{"Id": "1"}]]
    assert long_waits(bench) == [30.0, 60.0, 120.0]
    probes = [each for each in org.seen if is_probe(each)]
    assert [(each.method, each.body, "Authorization" in each.headers) for each in probes] == [
        ("GET", b"", False)
    ] * 3
    assert len(org.seen) == 1 + 5 + 3 + 1
    told = [each.message for each in bench.events if isinstance(each, Noticed)]
    assert "asked again in 30 s" in told[0]


def test_an_outage_longer_than_is_waited_ends_the_run(org: ScriptedOrg) -> None:
    """The waits double up to ten minutes and add up to the longest outage; then the run stops, resumable."""
    away(org, calls=99, probes=99, after=b"")
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    with pytest.raises(OrgUnavailable) as caught:
        bench.gateway.fetch(ACCOUNTS)
    assert caught.value.exit_code == 75
    assert long_waits(bench) == [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 270.0]
    sent = len(org.seen)
    with pytest.raises(OrgUnavailable) as caught:
        bench.gateway.write(create_call())
    assert caught.value.code == "BREAKER_OPEN"
    assert len(org.seen) == sent


def test_a_probe_that_answers_only_half_closes_the_breaker(org: ScriptedOrg) -> None:
    """When calls still fail after a good probe, one failure opens the breaker again, for twice as long."""
    away(org, calls=7, probes=0, after=records({"Id": "1"}))
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    assert bench.gateway.fetch(ACCOUNTS) == [[{"Id": "1"}]]
    assert long_waits(bench) == [30.0, 60.0, 120.0]
    assert len([each for each in org.seen if not is_probe(each)]) == 1 + 7 + 1


def test_a_closed_breaker_begins_anew(org: ScriptedOrg) -> None:
    """After a real answer the next outage is waited for from 30 seconds on again."""
    bench = Bench(token_profile(org.url), PATIENT)
    for _ in range(2):
        away(org, calls=5, probes=0, after=records())
        bench.gateway.fetch(ACCOUNTS)
        bench.gateway.fetch(ACCOUNTS)
    assert long_waits(bench) == [30.0, 30.0]


def test_an_org_that_never_answered_is_not_waited_for(org: ScriptedOrg) -> None:
    """A run that has not begun ends at once."""
    org.answers(BUSY)
    bench = Bench(token_profile(org.url), PATIENT)
    with pytest.raises(OrgUnavailable):
        bench.gateway.fetch(ACCOUNTS)
    assert long_waits(bench) == []


def test_a_write_in_doubt_stays_so_over_an_outage(org: ScriptedOrg) -> None:
    """An update whose first answer was lost is sent again after the outage; a create is not."""
    answers = iter([records(), *[RESET] * 5, VERSIONS, reply(200, UPDATED)])
    org.respond = lambda _: next(answers)
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    assert bench.gateway.write(update_call())["Opportunity:0"] == Written(DEAL_ID)
    org.answers(RESET)
    assert isinstance(bench.gateway.write(create_call())["Opportunity:DEAL-1"], Unanswered)
    assert [each for each in org.seen if "graph" in each.target] == org.seen[-1:]


@pytest.mark.parametrize("probe", [page(), page(503), RESET, BUSY, b"x"])
def test_a_probe_believes_no_page(org: ScriptedOrg, probe: bytes) -> None:
    """A portal's page or a lost answer does not close the breaker."""
    first = iter([records()])
    org.respond = lambda seen: probe if is_probe(seen) else next(first, BUSY)
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    with pytest.raises(OrgUnavailable):
        bench.gateway.fetch(ACCOUNTS)
    assert sum(long_waits(bench)) == 1800


def test_P2_a_stop_ends_the_wait_for_the_org(org: ScriptedOrg) -> None:
    """A signal while the breaker is open ends the run without a probe."""
    away(org, calls=99, probes=99, after=b"")
    bench = Bench(token_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    bench.stop.sets_at_wait = 5
    with pytest.raises(Interrupted):
        bench.gateway.fetch(ACCOUNTS)
    assert long_waits(bench) == [30.0]
    assert not any(map(is_probe, org.seen))


def test_the_retries_over_outages_are_bounded_too(org: ScriptedOrg) -> None:
    """Each return after an outage counts as a retry, so an org that flaps cannot hold a run for ever."""
    first = iter([records()])
    org.respond = lambda seen: VERSIONS if is_probe(seen) else next(first, BUSY)
    policy = RetryPolicy(
        first_wait_s=0.0, max_wait_s=0.0, min_retries_per_run=6, outages=Outages(max_outage_s=1e9)
    )
    bench = Bench(token_profile(org.url), policy)
    bench.gateway.fetch(ACCOUNTS)
    with pytest.raises(OrgUnavailable):
        bench.gateway.fetch(ACCOUNTS)
    assert bench.gateway.usage.retries == 6


def test_a_login_waits_for_the_org_as_well(org: ScriptedOrg) -> None:
    """A session that ends during an outage is renewed when the org is back, within the logins of a run."""
    state = {"tokens": 0, "calls": 0}

    def respond(seen: Seen) -> bytes:
        if "oauth2" in seen.target:
            state["tokens"] += 1
            return reply(200, token_answer(org.url, f"token-{state['tokens']}"))
        if is_probe(seen):
            return VERSIONS
        state["calls"] += 1
        script: dict[int, Callable[[], bytes]] = {1: records, 7: lambda: refusal(401, "INVALID_SESSION_ID")}
        return script.get(state["calls"], records if state["calls"] > 7 else lambda: BUSY)()

    org.respond = respond
    bench = Bench(client_profile(org.url), PATIENT)
    bench.gateway.fetch(ACCOUNTS)
    assert bench.gateway.fetch(ACCOUNTS) == [[]]
    assert (bench.gateway.usage.logins, long_waits(bench)) == (2, [30.0])


def test_without_patience_nothing_is_waited_for(org: ScriptedOrg) -> None:
    """With no outage allowed, as for an import, the breaker ends the run as it opens."""
    away(org, calls=99, probes=99, after=b"")
    bench = Bench(token_profile(org.url), QUICK)
    bench.gateway.fetch(ACCOUNTS)
    with pytest.raises(OrgUnavailable):
        bench.gateway.fetch(ACCOUNTS)
    assert long_waits(bench) == []
