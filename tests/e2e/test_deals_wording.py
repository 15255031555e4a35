"""What a person reads of plans and runs: names beside ids, why a row goes elsewhere, no bar in the text."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import PROGRAM
from safety_desk import ORG_FILE, SafetyDesk, desk_on
from test_deals_gone_rows import KEYS, after, merged_into, move, one, record, somebody, write, write_people


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org, and no job yet."""
    with desk_on(ORG_FILE, tmp_path) as made:
        yield made


def flat(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def test_a_row_that_follows_a_merge_says_into_what_its_record_was_merged(desk: SafetyDesk) -> None:
    """The plan names both records, the new one by its name too."""
    write_people(desk, "A-1,Acme,1\n")
    desk.run()
    lost = one(desk, "Account", "A-1")["Id"]
    master = merged_into(desk, "Account", "A-1", Name="Acme International", Phone="900")
    shown = flat(desk.command("plan", "./job.toml").out)
    assert f"{lost} was merged into Acme International ({master}), which the row goes to from now on" in shown


def test_a_record_that_is_created_again_says_that_it_was_deleted_in_the_org(desk: SafetyDesk) -> None:
    """The plan does not look as if the row were new."""
    write(desk, KEYS, 'deleted = "recreate"')
    desk.run()
    lost = record(desk, "D-8")["Id"]
    somebody(desk, what="delete", object="Opportunity", id=lost)
    shown = flat(desk.command("plan", "./job.toml").out)
    assert f"+ Deal D-8 (D-8, line 9): {lost} was deleted in the org, and is created again" in shown


def test_a_deal_that_moves_to_another_account_shows_both_by_name(desk: SafetyDesk) -> None:
    """Old and new are named where the plan has read their names anyway."""
    write_people(desk, "A-1,Acme,1\nA-2,Binford,2\n")
    desk.run()
    deals = desk.folder / "deals.csv"
    deals.write_text(deals.read_text().replace(",A-1", ",A-2"))
    old, new = (one(desk, "Account", key)["Id"] for key in ("A-1", "A-2"))
    shown = flat(desk.command("plan", "./job.toml").out)
    assert f"AccountId: Acme ({old}) -> Binford ({new})" in shown


def test_what_a_run_with_allow_deletes_deleted_is_not_followed_by_a_word_about_the_option(
    desk: SafetyDesk,
) -> None:
    """Without the option the plan names it, once it was given nothing does."""
    after(desk, 'vanished = "delete"')
    assert "give --allow-deletes if it is meant" in flat(desk.command("plan", "./job.toml").out)
    done = desk.command("run", "./job.toml", "--allow-deletes")
    assert "Deleted in the org: 1 deal." in done.out
    assert "--allow-deletes" not in done.out


def test_one_deal_that_somebody_changed_is_it_and_not_them(desk: SafetyDesk) -> None:
    """A note about one record speaks of one."""
    after(desk, 'vanished = "delete"')
    move(desk, "D-8", "Qualification")
    shown = flat(desk.command("plan", "./job.toml").out)
    assert "because somebody changed it in the org since the last run" in shown
    assert "Close or delete it by hand, or bring the row back." in shown


def test_on_a_terminal_no_bar_stands_in_the_middle_of_the_plan(desk: SafetyDesk) -> None:
    """Progress on the same terminal is gone when the plan is printed; its first line begins a line."""
    write(desk, KEYS)
    seen = on_a_terminal(desk, "plan", "./job.toml")
    before, begin, plan = seen.replace("\x1b[1m", "").partition("Plan 2")
    assert begin
    assert before.endswith(("\r", "\n", "\x1b[2K"))
    shown, last, _ = plan.partition("nothing was written")
    assert last
    assert "\x1b[2K" not in shown
    assert "plan opportunities" not in shown


def test_json_goes_to_stdout_also_while_a_bar_is_drawn_on_the_terminal(desk: SafetyDesk) -> None:
    """A bar that was asked for takes nothing of the document away."""
    write(desk, KEYS)
    out = desk.folder / "out.json"
    on_a_terminal(desk, "plan", "./job.toml", "--json", "--progress", "bar", out=out)
    assert out.read_text().startswith("{")


def on_a_terminal(desk: SafetyDesk, *arguments: str, out: Path | None = None) -> str:
    """What a terminal gets of a command: its stderr, and its stdout unless that goes to a file."""
    ours, theirs = pty.openpty()
    environ = desk.environ | {"TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": str(ORG_FILE.parents[2])}
    with out.open("wb") if out else os.fdopen(os.dup(theirs), "wb") as stdout:
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=environ,
            cwd=desk.folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=theirs,
        )
    os.close(theirs)
    seen = b""
    while chunk := _read(ours):
        seen += chunk
    os.close(ours)
    assert process.wait(timeout=60) == 0
    return seen.decode()


def _read(terminal: int) -> bytes:
    """The next bytes; none when nobody holds the other end any more, which Linux tells by EIO."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
