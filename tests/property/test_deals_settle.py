"""Planning after applying is empty, for random deals: whatever their stages, probabilities and record types.

The org is in this process and real in everything else; each example brings a file, changes it, and brings it again,
with every probability policy and on both sides of the doubtful point whether a stage wins over a probability.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inner_org import InnerBench, inner_bench
from long_proofs import examples
from main_job_bench import BARE_ORG

from sfsync.core.plans.plan import Action, Plan
from sfsync.emulator.switches import StageWithProbability

OPEN = ("Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Negotiation/Review")
STAGES = (*OPEN, "Id. Decision Makers", "Closed Won", "Closed Lost", "Dreaming")
KINDS = ("Bulk_Retail", "Custom_Order", "")
KEYS = ("D-1", "D-2", "D-3")

JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
{options}
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
Amount = "amount"
RecordTypeId = "kind"
{probability}
"""


@dataclass(frozen=True)
class Deal:
    """A deal as the file has it."""

    stage: str
    amount: str
    probability: str
    kind: str


@dataclass(frozen=True)
class Options:
    """What the job says of its deals."""

    policy: str
    is_mapped: bool
    allows_all: bool

    def text(self) -> str:
        """The keys of the section."""
        policy = f'probability = "{self.policy}"\n' if self.policy else ""
        moves = '["backward", "reopen", "close-without-amount", "close-without-date"]'
        return policy + (f"allow = {moves}" if self.allows_all else "")


amounts = st.one_of(st.just(""), st.decimals(0, 10**12, places=2).map(str))
percentages = st.one_of(st.just(""), st.integers(0, 100).map(str))
deals = st.builds(Deal, st.sampled_from(STAGES), amounts, percentages, st.sampled_from(KINDS))
files = st.dictionaries(st.sampled_from(KEYS), deals, min_size=1)
options = st.builds(
    Options, st.sampled_from(["", "default", "override", "keep"]), st.booleans(), st.booleans()
)
edits = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 100))


def write(bench: InnerBench, rows: dict[str, Deal], said: Options) -> None:
    """Makes these rows the job."""
    lines = ["id,name,stage,close,amount,probability,kind"]
    lines += [
        f"{key},Deal {key},{each.stage},2027-01-31,{each.amount},{each.probability},{each.kind}"
        for key, each in rows.items()
    ]
    (bench.folder / "deals.csv").write_text("\n".join(lines) + "\n")
    probability = 'Probability = "probability"' if said.is_mapped else ""
    (bench.folder / "deals.toml").write_text(JOB.format(options=said.text(), probability=probability))
    bench.job = str(bench.folder / "deals.toml")


def held(bench: InnerBench) -> dict[str, Any]:
    """The probabilities of the deals that are in the org."""
    rows = bench.emulator.org.storage.select("Opportunity", '"Sfsync_Key__c" LIKE ?', "D-%")
    return {row["Sfsync_Key__c"]: row for row in rows}


def assert_settled(bench: InnerBench, applied: Plan) -> None:
    """The next plan writes nothing, and complains of what the applied one complained of."""
    again = bench.plan()
    assert not [each for each in again.changes if each.action in (Action.CREATE, Action.UPDATE)]
    refused = {each.key for each in applied.changes if each.action is Action.REJECT}
    assert {each.key for each in again.changes if each.action is not Action.NOOP} == refused


@contextmanager
def fresh(winner: StageWithProbability) -> Iterator[InnerBench]:
    """An org of this process that settles the doubtful point in this way."""
    with inner_bench(BARE_ORG) as bench:
        bench.switch(stage_with_probability=winner)
        yield bench


@settings(
    max_examples=examples(30, quick=12),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
@given(winner=st.sampled_from(StageWithProbability), first=files, second=files, edited=edits, said=options)
def test_planning_after_applying_is_empty_for_random_deals(
    winner: StageWithProbability,
    first: dict[str, Deal],
    second: dict[str, Deal],
    edited: dict[str, int],
    said: Options,
) -> None:
    """After each of two files, and after somebody has set probabilities by hand in between."""
    with fresh(winner) as bench:
        write(bench, first, said)
        assert_settled(bench, bench.run_or_raise().document.plan)
        brought = held(bench)
        for key in edited.keys() & brought.keys():
            bench.emulator.org.storage.update("Opportunity", brought[key]["Id"], {"Probability": edited[key]})
        bench.emulator.org.clock.advance(60)  # type: ignore[attr-defined]
        write(bench, second, said)
        ending = bench.run_or_raise()
        conflicts = {each.key for each in ending.document.plan.changes if each.action is Action.CONFLICT}
        assert conflicts <= edited.keys()
        if not conflicts:
            assert_settled(bench, ending.document.plan)
        for change, result in ending.document.rows():
            wanted = change.values.get("Probability")
            if wanted is not None and result.outcome.value in ("created", "updated"):
                assert bench.deal(change.key)["Probability"] == float(wanted)  # type: ignore[arg-type]
