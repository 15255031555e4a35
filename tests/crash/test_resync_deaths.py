"""A run that dies between any two durable steps leaves more work to the next one, and never a missed change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from main_job_bench import ALAN, LEUNG, deal, role
from resync_desk import ResyncDesk, resync_desk

from sfsync.app.planning import fully_read
from sfsync.app.workplace import plan
from sfsync.core.plans.plan import Action
from sfsync.jobs import load_job
from sfsync.journal.job_memory import SqlJobMemory
from sfsync.journal.prints import SqlPrints
from sfsync.journal.sql_journal import SqlJournal

STEPS = (
    (SqlPrints, "drop"),
    (SqlJournal, "begin_run"),
    (SqlJournal, "intend"),
    (SqlJournal, "record"),
    (SqlJournal, "put_ledger"),
    (SqlJournal, "end_run"),
    (SqlPrints, "keep"),
    (SqlPrints, "keep_stamps"),
    (SqlJobMemory, "put_watermark"),
)
KEYS = ("D-1", "D-2", "D-3")


class Death(BaseException):
    """The process is gone; nothing catches it."""


def write(desk: ResyncDesk, **amounts: str) -> None:
    """Makes three deals with two roles each the job."""
    desk.write_job(
        [deal(key, amount=amounts.get(key.replace("-", "_"), "100.00")) for key in KEYS],
        [each for key in KEYS for each in (role(key, LEUNG, primary="true"), role(key, ALAN, "Other"))],
    )


def dies(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, when: str) -> None:
    """Lets the process die at the next such step, before or after it."""
    real = getattr(owner, name)

    def step(*given: Any, **words: Any) -> Any:
        if when == "before":
            raise Death
        real(*given, **words)
        raise Death

    monkeypatch.setattr(owner, name, step)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=[name for _, name in STEPS])
def test_the_next_run_finishes_what_a_dead_one_began(
    tmp_path: Path, owner: Any, name: str, when: str
) -> None:
    """A row and another row's record changed; after the death the org changes once more, and all of it is seen."""
    with resync_desk(tmp_path) as desk:
        write(desk)
        desk.settled()
        assert desk.plan().changes == ()
        write(desk, D_2="222.00")
        desk.change("Opportunity", str(desk.deal("D-3")["Id"]), NextStep="call")
        with pytest.MonkeyPatch.context() as patch:
            dies(patch, owner, name, when=when)
            with pytest.raises(Death):
                desk.run()
        desk.change("Opportunity", str(desk.deal("D-1")["Id"]), Amount="55")
        desk.later()
        job = load_job(desk.job, environ=desk.environ)
        sifted, whole = desk.plan(), plan(fully_read(job), around=desk.around)
        assert not_quiet(sifted) == not_quiet(whole)
        ending = desk.run()
        assert float(desk.deal("D-2")["Amount"]) == 222.0
        assert float(desk.deal("D-1")["Amount"]) == 55.0
        assert set(ending.codes()) <= {"Opportunity:D-1", *roles_of_d1(ending)}


def not_quiet(made: Any) -> list[tuple[str, str]]:
    """What a plan does and refuses."""
    return sorted(
        (each.change_id, each.action.value) for each in made.changes if each.action is not Action.NOOP
    )


def roles_of_d1(ending: Any) -> set[str]:
    """The role rows that wait for the deal in conflict."""
    return {name for name in ending.codes() if name.startswith("OpportunityContactRole")}
