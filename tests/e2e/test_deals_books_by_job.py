"""A job in portions chooses its ways for the whole, and its bulk jobs carry the rows of all portions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from main_job_bench import Bench, deal, org_document, role

from sfsync.emulator.server import running


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An org that keeps keys, allows jobs, and has no receipts."""
    with running(org_document(has_receipts=False, has_jobs=True)) as emulator:
        yield Bench(emulator, tmp_path)


def bring(bench: Bench, count: int, *, roles: int = 2, **values: str) -> None:
    """So many deals as the job's source, each with plain roles."""
    people = ["carla@example.com", "dan@example.com"]
    rows = [deal(f"D-{number}", **values) for number in range(count)]
    said = [role(row["deal_id"], email=people[each], flag="") for row in rows for each in range(roles)]
    bench.write_job(rows, said or [role("D-0", name="None")])
