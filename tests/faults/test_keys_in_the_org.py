"""I3, S14: which record a key means, where the org's field tells case apart and where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from main_job_bench import Bench, deal, org_document, role

from sfsync.core.reports.results import Outcome
from sfsync.emulator.org.schema import Field
from sfsync.emulator.server import running

NO_ROLE = [role("D-1", name="None")]


def changed_key(**words: bool) -> dict[str, Any]:
    """The example org with other words about the key field of deals."""
    document = org_document(has_receipts=False, has_jobs=False)
    for each in document["fields"]:
        if (each["object"], each["name"]) == ("Opportunity", "Sfsync_Key__c"):
            each.update(words)
    return document


@pytest.fixture
def folding(tmp_path: Path) -> Iterator[Bench]:
    """An org whose key field of deals is unique whatever the case."""
    with running(changed_key(case_sensitive=False)) as emulator:
        yield Bench(emulator, tmp_path)


def test_I3_a_record_whose_key_has_another_case_is_not_taken(folding: Bench) -> None:
    """The org's field says that it is the same key, the file says otherwise: a person says which is right."""
    folding.write_job([deal("d-1")], [role("d-1", name="None")])
    assert folding.run().exit_code == 0
    folding.write_job([deal("D-1", amount="9.00")], NO_ROLE)
    ending = folding.run()
    assert ending.exit_code == 3
    assert set(ending.codes().values()) == {"KEY_SPELLING"}
    assert folding.deal("d-1")["Amount"] == 100.0


def test_I3_keys_that_differ_in_case_alone_are_two_records(bench: Bench) -> None:
    """Where the field tells case apart, both rows are brought, and found again by the next run."""
    bench.write_job([deal("k"), deal("K")], [role("k")])
    assert bench.run().of(Outcome.CREATED) >= {"Opportunity:k", "Opportunity:K"}
    bench.write_job([deal("k"), deal("K", amount="7.00")], [role("k")])
    ending = bench.run()
    assert ending.exit_code == 0
    assert ending.of(Outcome.UPDATED) == {"Opportunity:K"}
    assert (bench.deal("k")["Amount"], bench.deal("K")["Amount"]) == (100.0, 7.0)


def test_S14_a_key_that_two_records_have_is_for_a_person(tmp_path: Path) -> None:
    """An org whose field was made unique over doubles: neither record is touched, and both are named."""
    with running(changed_key(unique=False)) as emulator:
        bench = Bench(emulator, tmp_path)
        fields = cast("dict[str, Field]", emulator.org.schema.sobject("Opportunity").fields)
        fields["sfsync_key__c"] = replace(fields["sfsync_key__c"], unique=True)
        bench.write_job([deal("D-1"), deal("D-2")], NO_ROLE)
        assert bench.run().exit_code == 0
        ids = [bench.deal(key)["Id"] for key in ("D-1", "D-2")]
        emulator.org.storage.update("Opportunity", ids[1], {"Sfsync_Key__c": "D-1"})
        bench.write_job([deal("D-1", amount="9.00")], NO_ROLE)
        ending = bench.run()
        assert ending.exit_code == 3
        assert ending.codes()["Opportunity:D-1"] == "SEVERAL_MATCHES"
        [problem] = [
            each for change, _, each in ending.document.problems() if change.sobject == "Opportunity"
        ]
        assert all(each in problem.message for each in ids)
        assert [row["Amount"] for row in bench.deals("D-1")] == [100.0, 100.0]
