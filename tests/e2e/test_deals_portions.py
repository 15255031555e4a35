"""A large job is planned in portions of whole groups, and comes to what it would come to at one time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deal_desk import DealDesk, deal_desk, row

from sfsync.app import opened, plan
from sfsync.core.job import Job
from sfsync.core.joined_plan import joined
from sfsync.core.plan import Change, Plan
from sfsync.jobs import load_job
from sfsync.planning import Planned


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk on a fresh org."""
    with deal_desk(tmp_path) as found:
        yield found


def in_portions(desk: DealDesk, most: int = 3, job: Job | None = None) -> Planned:
    """The job's plan in portions of at most so many rows."""
    loaded = job or load_job(desk.job, environ=desk.environ)
    with opened(loaded, replace(desk.around, portion_rows=most)) as place:
        return place.plan_book()


def picture(made: Plan) -> dict[str, Any]:
    """What a plan is about, whatever order its changes stand in."""
    return {
        "changes": {each.change_id: told(each) for each in made.changes},
        "notes": sorted((each.code, each.message) for each in made.notes),
        "rows": {name: dict(image.rows) for name, image in made.sources.items()},
        "quotes": {name: image.quotes for name, image in made.sources.items()},
        "routes": dict(made.routes),
        "gone": made.gone,
        "off": made.off_stage_total,
        "open": set(made.open_references),
        "forecast": made.forecast,
    }


def told(change: Change) -> Mapping[str, Any]:
    """All that a change says, as a value that can be compared."""
    return {name: getattr(change, name) for name in Change.__dataclass_fields__}


def assert_same(desk: DealDesk, most: int = 3) -> Planned:
    """The book of a job is its plan of one time; returns the book."""
    made = in_portions(desk, most)
    whole = plan(load_job(desk.job, environ=desk.environ), around=desk.around)
    assert made.book.portions > 1
    assert picture(joined(made.book)) == picture(whole)
    return made


def test_a_job_in_portions_plans_what_it_plans_at_one_time(desk: DealDesk) -> None:
    """New, changed and wrong rows are the same changes, whichever portion they are in."""
    desk.bring(*(row(f"D-{number}") for number in range(1, 12)))
    rows = [row(f"D-{number}", amount=f"{number}.00") for number in range(3, 30)]
    rows[4]["stage"], rows[9]["close"], rows[11]["id"] = "Dreaming", "soon", "D-20"
    desk.write(*rows)
    assert_same(desk)
