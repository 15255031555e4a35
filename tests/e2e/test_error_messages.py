"""Errors as a user reads them: the place, the value, the next step, and a line for each mistake."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from safety_desk import ORG_FILE, SafetyDesk, row

from sfsync.emulator.server import running


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """The example org, and a job of one deal."""
    with running(ORG_FILE) as emulator:
        made = SafetyDesk(emulator, tmp_path)
        made.write(row("D-1"))
        yield made


def test_an_org_that_cannot_be_reached_is_named_with_its_address(desk: SafetyDesk) -> None:
    """Nobody listens: exit 75, and the address is what to look at, not an answer of the org."""
    nowhere = "http://127.0.0.1:1"
    done = desk.command("plan", "./job.toml", SFSYNC_ORGS__LOCAL__INSTANCE_URL=nowhere)
    assert done.exit_code == 75
    assert done.err.startswith(f"error: no connection to {nowhere} (UNSENT)\n")
    assert "check the address in the org profile" in done.err


def test_each_mistake_of_a_job_has_a_line_of_its_own(desk: SafetyDesk) -> None:
    """Two mistakes are two lines, the second indented, as no other error begins."""
    job = (desk.folder / "job.toml").read_text()
    (desk.folder / "job.toml").write_text('nmae = "x"\nodd = 1\n' + job)
    done = desk.command("check", "./job.toml")
    assert done.exit_code == 2
    first, second, *_ = done.err.splitlines()
    assert first.startswith("error: job.toml:1: nmae ")
    assert second.startswith("       job.toml:2: odd ")
    assert "\\n" not in done.err


def test_a_job_that_the_journal_never_saw_is_told_with_those_it_did(desk: SafetyDesk) -> None:
    """A slip in the name is seen, as the near names are there."""
    desk.run()
    done = desk.command("state", "show", "jbo")
    assert (done.exit_code, done.out) == (
        0,
        'the journal has never seen job jbo\n  Did you mean "job"?\n',
    )


def test_a_date_in_another_form_names_the_flag_that_says_so(desk: SafetyDesk) -> None:
    """The hint works for an import, which has no job file to correct; and the flag does."""
    (desk.folder / "deals.csv").write_text("id,name,stage,close\nD-1,Deal,Prospecting,31/01/2027\n")
    done = desk.command(*IMPORT, "--json")
    assert "--date-format in an import" in done.document["problems"][0]["hint"]
    assert desk.command(*IMPORT, "--date-format", "%d/%m/%Y").exit_code == 0


def test_a_plan_that_cannot_be_saved_costs_no_call(desk: SafetyDesk) -> None:
    """A place that is not there is refused by name, before the org is asked; with --json it is one document."""
    done = desk.command("plan", "./job.toml", "--out", "nowhere/plan.json", "--json")
    assert (done.exit_code, done.document["code"]) == (2, "UNWRITABLE")
    assert "nowhere/plan.json cannot be written" in done.err
    assert not desk.emulator.audit.requests


def test_a_saved_plan_names_the_command_that_applies_it(desk: SafetyDesk) -> None:
    """To be typed as it stands, also where the org was named by an option and the path has a blank."""
    done = desk.command("plan", "./job.toml", "-o", "local", "--out", "the plan.json")
    said, last = done.err.splitlines()[-2:]
    words = said.partition("apply it with: sfsync ")[2].removesuffix(")")
    assert last.endswith(f"write it: sfsync {words}")
    assert words == "run ./job.toml -o local --plan 'the plan.json'"
    assert desk.command(*shlex.split(words)).exit_code == 0


IMPORT = ("import", "deals.csv", "--key", "id", "-o", "local", "--dry-run", "--map", "close=CloseDate")


@pytest.mark.parametrize(
    ("flags", "exit_code", "said"),
    [
        ((), 2, ["1 column is no field of Opportunity", '--map "note=FIELD" or --ignore "note"']),
        (("--map", "note=Descriptn"), 2, ['There is no field "Descriptn".', 'Did you mean "Description"']),
        (("--map", "note=Name"), 2, ['Name is column "name" already.']),
        (("--ignore", "note", "--map", "nte=Description"), 5, ['no file has a column "nte"', '"note"']),
        (("--ignore", "note", "--key-field", "Sfsync_Kye__c"), 2, ["has no field", '"Sfsync_Key__c"?']),
        (("--ignore", "note"), 0, []),
        (("--map", "note=Description"), 0, []),
    ],
)
def test_an_import_says_which_flag_is_wrong(
    desk: SafetyDesk, flags: tuple[str, ...], exit_code: int, said: list[str]
) -> None:
    """A column that is left, a field that is none or taken, a column that no file has: each by its name."""
    (desk.folder / "deals.csv").write_text("id,name,stage,close,note\nD-1,Deal,Prospecting,2027-01-31,x\n")
    done = desk.command(*IMPORT, *flags)
    assert done.exit_code == exit_code, done.err
    assert [each for each in said if each not in done.err] == []
