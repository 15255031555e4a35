"""S23: a run that was interrupted goes on in its own org, and in no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from main_job_bench import BARE_ORG, Bench, deal, role

from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.server import running
from sfsync.errors import GuardError


def test_S23_a_run_is_not_resumed_in_another_org(bench: Bench, tmp_path: Path) -> None:
    """The profile leads elsewhere since: nothing is written there, and the run can still go on at home."""
    bench.write_job([deal("D-1")], [role("D-1")])
    bench.strike(Refuse(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}]))
    assert bench.run().exit_code == 75
    with running(BARE_ORG) as emulator:
        elsewhere = Bench(emulator, tmp_path)
        with pytest.raises(GuardError) as refused:
            elsewhere.resume()
        assert refused.value.code == "OTHER_ORG"
        assert elsewhere.write_count() == 0
    assert bench.resume().exit_code == 0
    assert len(bench.deals("D-1")) == 1
