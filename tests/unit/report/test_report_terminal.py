"""What a person reads of a plan and of a run."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from report_examples import (
    DEAL,
    ROLE,
    a_deal,
    a_plan,
    a_problem,
    a_ref,
    a_report,
    a_role,
    done,
    failed,
)
from rich.console import Console

from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.ports import ApiUsage
from sfsync.core.reports.report import Report
from sfsync.core.reports.results import Outcome
from sfsync.core.values import Pending
from sfsync.errors import OrgUnavailable
from sfsync.report.words.terminal import draw_plan, draw_report


def plan_text(plan: Plan, *, width: int = 100, limit: int = 20) -> str:
    """The plan as drawn on a console that is no terminal, blanks at line ends left out."""
    out = io.StringIO()
    draw_plan(plan, Console(file=out, width=width), limit=limit)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def report_text(report: Report, *, width: int = 100, **files: str | dict[str, str]) -> str:
    """The report as drawn on a console that is no terminal."""
    out = io.StringIO()
    draw_report(report, Console(file=out, width=width), files=files)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def an_update(ordinal: int, **given: object) -> Change:
    """A deal that moves to another stage."""
    return a_deal(
        ordinal,
        Action.UPDATE,
        values={"StageName": "Closed Won"},
        before={"StageName": "Prospecting"},
        record_id="006000000000002AAA",
        **given,
    )


GOLDEN_PLAN = """\
Plan 20260930T120000Z-abcdef of job nightly
for Acme [bold]Sandbox (00D000000000001EAA, sandbox) at http://127.0.0.1:1

               create  update  leave alone  not possible
deals               1       1            2             1
contact roles       2       0            0             1

Deals
  + Deal 1 (D-1, line 2)
      Name: Deal 1
      Amount: 1200.50
      + contact contact1@example.com as Decision Maker, primary
  ~ Deal 2 (D-2, line 3)
      StageName: Prospecting -> Closed Won
    Deal 5 (D-5, line 6): stays as it is
      + contact contact2@example.com as Decision Maker, primary
      ~ the primary contact until now (00K000000000009AAA)
          IsPrimary: true -> false
  1 deal found in the org, already as the rows want

Not possible: 2
  BAD_DATE - a date in another form than the job says: 1 row
    deals.csv:4: column close: it is no date (the cell says "03/04/2026")
    What to do: Write 2026-09-30.
  BLOCKED_BY - waits for another row that is not written: 1 row
    roles.csv:4: its deal waits
    What to do: Correct the deal.
  sfsync explain BAD_DATE says more.

Notes
  COLUMN_NOT_MAPPED - columns of the file that the job does not use
    deals.csv:1: not mapped: "x"
    What to do: Map it.
  NO_ROLE - without a role nothing is saved for the contact: 1 row
    deals.csv:7: the role is empty or None

1 deal and 1 contact role by key fence: safe to repeat: the org refuses a second record with the
same key
1 contact role by at most once: sent once; a lost answer is looked up in the org or left for you,
not sent again blindly
Applying it will cost 6 API calls (3 reads, 3 writes).
"""


def test_plan_is_shown_field_by_field():
    """A plan shows creates, changes, roles under their deal, problems, notes, routes and cost."""
    met = a_deal(5, Action.NOOP, adopted=True, record_id="006000000000005AAA")
    bad = a_deal(3, Action.REJECT, problems=(a_problem(column="close", value="03/04/2026"),))
    left = a_deal(6, Action.SKIP, problems=(a_problem("NO_ROLE", "the role is empty or None", hint=""),))
    new = a_deal(1)
    waits = a_problem("BLOCKED_BY", "its deal waits", hint="Correct the deal.")
    gives = {"values": {"IsPrimary": False}, "before": {"IsPrimary": True}, "record_id": "00K000000000009AAA"}
    changes = [
        new,
        an_update(2),
        bad,
        met,
        left,
        a_role(1, new),
        a_role(2, met),
        a_role(3, bad, Action.BLOCKED, problems=(waits,)),
        a_role(9, met, Action.UPDATE, row=None, **gives),
    ]
    notes = (a_problem("COLUMN_NOT_MAPPED", 'not mapped: "x"', hint="Map it.", row=a_ref(0)),)
    assert plan_text(a_plan(changes, notes=notes)) == GOLDEN_PLAN


def test_a_long_plan_is_cut_with_a_count():
    """Above the limit a plan says how many records it does not show; at the limit it shows all."""
    plan = a_plan([a_deal(each) for each in range(1, 6)])
    assert "... and 3 more" in plan_text(plan, limit=2)
    assert "Deal 3" not in plan_text(plan, limit=2)
    assert "more" not in plan_text(plan, limit=5)


def test_a_plan_with_nothing_to_write_says_so():
    """A plan without writes names no records, only its counts and that there is nothing to write."""
    text = plan_text(a_plan([a_deal(1, Action.NOOP)]))
    assert "There is nothing to write." in text
    assert "will cost 0 API calls" in text
    assert "Deal 1" not in text


def test_a_new_parent_is_named_not_numbered():
    """A reference to a record that the plan creates is shown by that record's name."""
    account = Change("Account:A-1", "Account", Action.CREATE, "A-1", "Ace Corp", a_ref(1))
    deal = a_deal(1, values={"AccountId": Pending("Account:A-1")})
    assert "AccountId: (the new account Ace Corp)" in plan_text(a_plan([account, deal]))


def test_roles_of_deals_that_no_row_names_are_shown():
    """A file of roles alone is shown under the deals that it names, role changes field by field."""
    deal = Change(f"{DEAL}:D-7", DEAL, Action.NOOP, "D-7", "Deal 7", record_id="006000000000007AAA")
    role = a_role(1, deal, Action.UPDATE, values={"Role": "Influencer"}, before={"Role": None})
    text = plan_text(a_plan([role]))
    assert "    deal D-7: stays as it is\n      ~ contact contact1@example.com\n" in text
    assert "          Role: (empty) -> Influencer\n" in text
    assert role.sobject == ROLE


def test_many_rows_with_one_mistake_are_one_group():
    """Problems are grouped by code, with the first lines, the first messages and one hint."""
    bad = [
        a_deal(each, Action.REJECT, problems=(a_problem(message=f'"{each}" is no date', row=a_ref(each)),))
        for each in range(1, 21)
    ]
    text = plan_text(a_plan(bad))
    assert 'job says: 20 rows\n    deals.csv:2: "1" is no date\n' in text
    assert "... and 17 more like these: deals.csv lines 5, 6, 7, 8, 9, 10, 11, 12 and 9 more" in text
    assert text.count("What to do") == 1


GOLDEN_REPORT = """\
Run 20260930T120000Z-abcdef of job nightly
in Acme [bold]Sandbox (00D000000000001EAA), 1.2 s

             deals
rows             4
created          1
updated          0
unchanged        1
conflicts        1
unprocessed      1
  conflicts: somebody changed the record in the org; it was left untouched
  unprocessed: the run ended before its turn; nothing was sent for it

Not done: 2 rows
  CHANGED_IN_ORG - somebody changed the record in the org: 1 row
    deals.csv:3: it was changed
    What to do: Plan again.
  NOT_REACHED - the run ended before the row's turn: 1 row
    deals.csv:4: the run ended before this row was sent
    What to do: Run sfsync resume.
  sfsync explain CHANGED_IN_ORG says more.

Notes
  NOT_AS_WRITTEN - the org holds another value than was sent: 1 row
    deals.csv:2: Name is A in the org, not a

Read back: 1 row; 1 value differs from what was sent.
API calls: 6 (4 reads, 2 writes), planning included; applying was predicted to cost 4.
Sent again after a fault: 1.
The org has used 50 of its 15,000 calls of the day.

Files in out
  rejects-opportunities.csv: rows to correct and import again
  run_results.json: everything, for programs

Finished: 2 rows done, 2 not done (exit code 3).
"""


def test_report_says_how_the_run_ended():
    """A report shows counts, problems, what was read back, the cost, the files and one last line."""
    deals = [a_deal(1), an_update(2), a_deal(3), a_deal(4, Action.NOOP)]
    moved = a_problem("CHANGED_IN_ORG", "it was changed", hint="Plan again.")
    note = a_problem("NOT_AS_WRITTEN", "Name is A in the org, not a", hint="", row=a_ref(1))
    report = a_report(
        a_plan(deals), [done(deals[0]), failed(deals[1], Outcome.CONFLICT, moved)], notes=(note,)
    )
    text = report_text(
        report,
        rejects="out/rejects-opportunities.csv",
        rejects_by_source={"opportunities": "out/rejects-opportunities.csv"},
        results="out/run_results.json",
    )
    assert text == GOLDEN_REPORT


def test_a_clean_run_ends_with_one_good_line():
    """A run without leftovers shows no problems, and says that nothing is left."""
    deal = a_deal(1)
    text = report_text(a_report(a_plan([deal]), [done(deal)], usage=ApiUsage(reads=3, writes=1)))
    assert text.endswith("\nFinished: 1 row done, none left.\n")
    assert "Read back: 1 row, all as they were sent." in text
    assert "Not done" not in text
    assert "Files" not in text


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([Action.CREATE, Action.NOOP, Action.SKIP], "2 rows done, 1 skipped."),
        ([Action.CREATE, Action.SKIP, Action.REJECT], "1 row done, 1 skipped, 1 not done (exit code 3)."),
    ],
)
def test_rows_that_were_skipped_are_not_called_done(actions, said):
    """They stand beside those that are in the org, and are not among them."""
    changes = [a_deal(number, action) for number, action in enumerate(actions, 1)]
    text = report_text(a_report(a_plan(changes), [done(changes[0])]))
    assert text.endswith(f"\nFinished: {said}\n")


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ([Action.NOOP], "nothing had to be written; 1 row unchanged."),
        (
            [Action.NOOP, Action.NOOP, Action.SKIP],
            "nothing had to be written; 2 rows unchanged, 1 row skipped.",
        ),
        ([Action.SKIP], "nothing had to be written; 1 row skipped."),
        ([Action.NOOP, Action.REJECT], "nothing was written; 1 row unchanged, 1 not done (exit code 3)."),
        ([Action.REJECT], "nothing was written; 1 not done (exit code 3)."),
    ],
)
def test_a_run_that_wrote_nothing_says_so(actions, said):
    """Rows that were as they should be, or left out, are not called done."""
    plan = a_plan([a_deal(number, action) for number, action in enumerate(actions, 1)])
    assert report_text(a_report(plan)).endswith(f"\nFinished: {said}\n")


def test_a_stopped_run_says_why_and_that_nothing_was_read_back():
    """A run that ended early says so last, with the hint and its exit code."""
    deal = a_deal(1)
    stopped = OrgUnavailable("the org did not answer", code="TIMEOUT", hint="Run sfsync resume later.")
    text = report_text(a_report(a_plan([deal, a_deal(2)]), [done(deal)], stopped=stopped))
    assert "Not read back: the run ended early. Written until then: 1 row." in text
    assert text.endswith("Stopped (exit code 75): the org did not answer. Run sfsync resume later.\n")


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("try again later; sfsync resume goes on", "Try again later; sfsync resume goes on"),
        ("sfsync resume asks for it again", "sfsync resume asks for it again"),
    ],
)
def test_a_hint_behind_a_full_stop_begins_with_a_capital_unless_it_is_a_command(hint, said):
    """The last line of a stopped run is two sentences."""
    stopped = OrgUnavailable("the org did not answer", code="TIMEOUT", hint=hint)
    text = report_text(a_report(a_plan([a_deal(1)]), stopped=stopped))
    assert text.endswith(f"Stopped (exit code 75): the org did not answer. {said}\n")


def test_a_plan_that_was_shown_is_not_shown_again():
    """The report of a plan is its rejects file and its last line."""
    bad = a_deal(1, Action.REJECT, problems=(a_problem(),))
    report = a_report(a_plan([bad]), applied=False)
    text = report_text(report, rejects_by_source={"opportunities": "r.csv"}, results="run_results.json")
    assert text == (
        "\nFiles\n  r.csv: rows to correct and import again\n\n"
        "Planned only: nothing was written. 1 row cannot be brought to the org (exit code 3).\n"
    )


HOSTILE = "a\x1b]0;owned\x07\x9b31m\u202egnp.exe\r\n\u2028[red]x[/red][link=x]:boom:"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_data_cannot_steer_a_terminal(is_terminal):
    """Escape sequences, bidirectional marks and markup in names, values and messages are shown as text."""
    problem = a_problem(HOSTILE[:3], HOSTILE, column=HOSTILE, value=HOSTILE, hint=HOSTILE)
    changes = [
        a_deal(1, label=HOSTILE, values={"Name": HOSTILE}),
        a_deal(2, Action.REJECT, label=HOSTILE, problems=(problem,)),
    ]
    out = io.StringIO()
    console = Console(file=out, width=300, force_terminal=is_terminal, color_system=None)
    plan = a_plan(changes, notes=(problem,))
    draw_plan(plan, console)
    draw_report(a_report(plan, notes=(problem,)), console)
    text = out.getvalue().replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "a\\x1b]0;owned\\x07\\x9b31m\\u202egnp.exe\\r\\n\\u2028[red]x[/red][link=x]:boom:" in text
    assert not set(text) & set("\x1b\x07\x9b\u202e\r\u2028")


@pytest.mark.parametrize("width", [20, 40, 79])
def test_no_line_is_wider_than_the_console(width):
    """Long names, values and paths are wrapped, and nothing of them is lost."""
    deal = a_deal(1, label="L" * 90, values={"Description": "word " * 20 + "x" * 90})
    text = plan_text(a_plan([deal], notes=(a_problem(message="m" * 200),)), width=width)
    text += report_text(a_report(a_plan([deal])), width=width, results="/" + "p" * 150)
    assert max(map(len, text.splitlines())) <= width
    assert "".join(text.split()).count("L" * 90) == 1


def test_drawing_is_imported_only_to_draw():
    """The modules of the report can be imported without rich."""
    code = (
        "import sys, sfsync.report.words.terminal, sfsync.report.files.folder, sfsync.report.watching.progress;"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_narrow_encoding_does_not_end_the_report():
    """Characters that the console's encoding lacks are spelled out."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    draw_plan(a_plan([a_deal(1, label="Müller №")]), Console(file=out, width=100))
    out.flush()
    assert b"+ M\\xfcller \\u2116" in out.buffer.getvalue()


def test_what_a_problem_does_not_say_the_catalogue_does():
    """A problem without a hint gets the usual next step of its code; a code that nobody knows stands alone."""
    bare = a_problem("ALREADY_THERE", "the record is in the org already", hint="")
    strange = a_problem("CODE_OF_TOMORROW", "the org says so", hint="")
    changes = [
        a_deal(1, Action.REJECT, problems=(strange,)),
        a_deal(2, Action.REJECT, problems=(bare,)),
    ]
    text = plan_text(a_plan(changes))
    assert "  CODE_OF_TOMORROW: 1 row\n    deals.csv:2: the org says so\n" in text
    assert "    What to do: Nothing has to be done; use mode" in text
    assert "  sfsync explain ALREADY_THERE says more.\n" in text
    assert text.count("sfsync explain") == 1
