"""What run_results.json keeps gives the same files again, whatever stands in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from report_examples import a_deal, a_plan, a_problem, a_report, an_image, done

from sfsync.core.plans.plan import Action
from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.reports.audit import Audit, Finding, Kind
from sfsync.errors import SyncError
from sfsync.report.files.folder import rebuild, write_run_folder


def test_every_file_that_is_made_again_is_the_same(tmp_path: Path) -> None:
    """Quotes, half characters, typed values of the audit and candidates for picks are kept."""
    bad = a_deal(1, Action.REJECT, problems=(a_problem(message="half \ud800 of it", column="close"),))
    good = a_deal(2)
    image = an_image({1: ('a "b"', "x\ny"), 2: ("D", "1")}, quotes=((0, "01"), (1, "11")), delimiter=";")
    findings = tuple(
        Finding(Kind.IGNORED, "Opportunity", "D-2", "Deal", "006", "F", sent, held)
        for sent, held in (
            (Decimal("1200.50"), Decimal("1200.5")),
            (date(2027, 1, 31), None),
            (True, False),
            ("1.0", "x"),
        )
    )
    picks = (OpenReference("Account", "Name", "=Acme", (Described("001000000000001AAA", "Acme", "Berlin"),)),)
    plan = replace(a_plan([bad, good], image), open_references=picks)
    report = a_report(plan, [done(good)], audit=Audit(1, findings))
    files = write_run_folder(report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 7
    for path in tmp_path.iterdir():
        if path.name not in ("run_results.json", "successes-opportunities.csv"):
            path.unlink()
    assert rebuild(tmp_path) == files
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "sfsync.run/1"}', '{"schema": "sfsync.results/1"}'])
def test_results_that_are_not_ours_are_refused(tmp_path: Path, text: str) -> None:
    """An earlier version's, an altered file, none at all."""
    if text:
        (tmp_path / "run_results.json").write_text(text)
    with pytest.raises(SyncError) as caught:
        rebuild(tmp_path)
    assert caught.value.code == "RESULTS_NOT_READ"
