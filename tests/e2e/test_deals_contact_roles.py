"""Contact roles as users meet them: words, None, other accounts, one primary contact, one contact in two roles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, warm_sfsync
from main_job_bench import ALAN, LEUNG, Bench, deal, org_document, role

from sfsync.emulator.org.schema import PicklistValue
from sfsync.emulator.server import running

LARS = "lars@getcloudy-canada.example"
OLD, NEW = "DEAL-1003", "D-NEW"
OLD_DEAL = deal(OLD, deal="Get Cloudy - 20 Running Shoes", close_date="2026-12-18", amount="1780.00")
Rows = Sequence[dict[str, str]]


@dataclass
class Desk:
    """The example org, where Lars of Get Cloudy Canada is a contact and Leung evaluates on one deal."""

    bench: Bench

    def job(self, rows: Rows, *, policy: str = "merge", **rules: object) -> None:
        """Makes the rows a job with these rules for roles; the deals are those that they name."""
        deals = {
            each["deal_id"]: OLD_DEAL if each["deal_id"] == OLD else deal(each["deal_id"]) for each in rows
        }
        self.bench.write_job(deals.values(), rows, policy=policy)
        with Path(self.bench.job).open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {json.dumps(value)}\n" for name, value in rules.items())

    def plan(self) -> Done:
        """What `sfsync plan` says."""
        return self.type("plan", self.bench.job)

    def run(self, *options: str) -> dict[str, Any]:
        """The document of `sfsync run`."""
        return self.type("run", self.bench.job, "--json", *options).document

    def type(self, *words: str) -> Done:
        """Runs a command."""
        return warm_sfsync(*words, environ=self.bench.environ, cwd=self.bench.folder)

    def has(self, contact: str, name: str | None, *, primary: bool = False) -> None:
        """Gives the old deal another role."""
        self.bench.create(
            "OpportunityContactRole",
            OpportunityId=self.bench.find("Opportunity", Sfsync_Key__c=OLD),
            ContactId=self.bench.find("Contact", Email=contact),
            Role=name,
            IsPrimary=primary,
        )

    def primary(self, key: str) -> list[str]:
        """The primary contacts of a deal."""
        return sorted({contact for contact, _, is_primary in self.bench.roles(key) if is_primary})


@contextmanager
def desk_on(folder: Path, **more: Any) -> Iterator[Desk]:
    """A desk on the example org with more in its definition."""
    document = org_document(has_receipts=True, has_jobs=False) | more
    values = {"LastName": "MacMillan", "Email": LARS, "AccountId": "@get_cloudy_canada"}
    accounts = {
        each["values"].get("Name"): each for each in document["records"] if each["object"] == "Account"
    }
    values["AccountId"] = f"@{accounts['Get Cloudy Canada']['local']}"
    document["records"] = [*document["records"], {"object": "Contact", "values": values}]
    with running(document) as emulator:
        yield Desk(Bench(emulator, folder))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on the example org."""
    with desk_on(tmp_path) as made:
        yield made


def problems(document: dict[str, Any], code: str) -> list[tuple[int, str, str]]:
    """Line, message and hint of the problems and notes with a code."""
    listed = [*document["problems"], *document["notes"]]
    return [(each["line"], each["message"], each["hint"]) for each in listed if each["code"] == code]


def flat(text: str) -> str:
    """The text without its line breaks."""
    return re.sub(r"\s+", " ", text)


def assert_settled(desk: Desk) -> None:
    """Planning again finds nothing to write."""
    assert "There is nothing to write." in desk.plan().out


# 1. words


@pytest.mark.parametrize("word", ["decision maker", "DECISION MAKER", "Decision  Maker"])
def test_a_role_that_differs_only_in_case_or_blanks_is_a_problem_with_the_exact_word(
    desk: Desk, word: str
) -> None:
    """Nothing is guessed: the row is not written, and its hint says how the org writes the role."""
    desk.job([role(NEW, LEUNG, word)])
    [(line, message, hint)] = problems(desk.run(), "UNKNOWN_ROLE")
    assert (line, word in message) == (2, True)
    assert hint.startswith('The org writes it "Decision Maker".')
    assert desk.bench.roles(NEW) == []


def test_an_unknown_role_gets_suggestions_and_blanks_around_a_word_are_nothing(
    desk: Desk,
) -> None:
    """A slip of the pen gets suggestions; blanks at the ends of a cell are not part of it."""
    desk.job([role(NEW, LEUNG, "Evaluater"), role(NEW, ALAN, "  Influencer ")])
    [(_, _, hint)] = problems(desk.run(), "UNKNOWN_ROLE")
    assert 'Did you mean "Evaluator"' in hint
    assert desk.bench.roles(NEW) == [(ALAN, "Influencer", False)]


def test_an_inactive_role_is_told_apart_from_an_unknown_one(desk: Desk) -> None:
    """A value that the org has switched off is named as such."""
    _deactivate(desk.bench, "Influencer")
    desk.job([role(NEW, LEUNG, "Influencer"), role(NEW, ALAN, "Boss")])
    inactive, unknown = problems(desk.run(), "UNKNOWN_ROLE")
    assert "inactive in this org" in inactive[1]
    assert "is not an active value" in unknown[1]


def _deactivate(bench: Bench, value: str) -> None:
    described = bench.emulator.org.schema.sobject("OpportunityContactRole")
    assert described is not None
    fields = dict(described.fields)
    values = tuple(replace(each, active=each.value != value) for each in fields["role"].picklist)
    assert PicklistValue(value, value, active=False) in values
    fields["role"] = replace(fields["role"], picklist=values)
    object.__setattr__(described, "fields", fields)


# 2. None


@pytest.mark.parametrize("word", ["None", "none", "--None--", "", "   "])
def test_a_role_of_none_is_not_written_and_said_so_with_count_and_rows(desk: Desk, word: str) -> None:
    """The plan and the report count such rows and name their lines, in whichever way None is written."""
    desk.job([role(NEW, LEUNG, word), role(NEW, ALAN, word)])
    assert "NO_ROLE - without a role nothing is saved for the contact: 2 rows roles.csv lines 2, 3:" in flat(
        desk.plan().out
    )
    document = desk.run()
    assert document["counts"]["OpportunityContactRole"]["skipped"] == 2
    assert [line for line, _, _ in problems(document, "NO_ROLE")] == [2, 3]
    assert desk.bench.roles(NEW) == []


def test_a_row_without_a_role_that_is_marked_primary_is_a_problem(desk: Desk) -> None:
    """The mark would vanish with the row, so the row is rejected."""
    desk.job([role(NEW, LEUNG, "None", "yes"), role(NEW, ALAN, "Evaluator")])
    document = desk.run()
    [(line, message, hint)] = problems(document, "PRIMARY_WITHOUT_ROLE")
    assert (line, "primary" in message, "Give the contact a role" in hint) == (2, True, True)
    assert desk.bench.roles(NEW) == [(ALAN, "Evaluator", False)]


@pytest.mark.parametrize("policy", ["append", "merge"])
def test_none_for_a_contact_who_has_a_role_leaves_it_alone_and_says_so(desk: Desk, policy: str) -> None:
    """Append and merge take nothing away; the note names the role that the deal has."""
    desk.job([role(OLD, LEUNG, "None"), role(OLD, ALAN, "Influencer")], policy=policy)
    [(line, message, _)] = problems(desk.run(), "NO_ROLE")
    assert (line, 'the deal has it as "Evaluator", which is left alone' in message) == (2, True)
    assert desk.bench.roles(OLD) == [(ALAN, "Influencer", False), (LEUNG, "Evaluator", False)]


def test_none_counts_as_not_in_the_source_for_a_mirror_and_says_so(desk: Desk) -> None:
    """A mirror deletes the role of a contact whose row says None, and the note says it."""
    desk.job([role(OLD, LEUNG, "None"), role(OLD, ALAN, "Influencer")], policy="mirror")
    [(_, message, _)] = problems(desk.run("--allow-deletes"), "NO_ROLE")
    assert '"Evaluator", which the source lacks, so the mirror deletes it' in message
    assert desk.bench.roles(OLD) == [(ALAN, "Influencer", False)]


# 3. other accounts


def test_a_contact_of_another_account_is_allowed_and_marked(desk: Desk) -> None:
    """The plan, the document, the results and a note with the count name the account."""
    desk.job([role(NEW, LEUNG, "Decision Maker"), role(NEW, LARS, "Influencer")])
    planned = flat(desk.plan().out)
    assert f"+ contact {LARS} as Influencer, of another account: Get Cloudy Canada" in planned
    assert f"+ contact {LEUNG} as Decision Maker + contact" in planned
    document = desk.run()
    assert document["changes"]["OpportunityContactRole"]["other_account"] == 1
    [(_, message, _)] = problems(document, "OTHER_ACCOUNT")
    assert message.startswith("1 contact role is for a contact of another account than the deal's")
    assert message.endswith("Get Cloudy Canada (1)")
    results = json.loads(Path(document["files"]["results"]).read_text())
    marks = [each["other_account"] for each in results["rows"] if each["sobject"] == "OpportunityContactRole"]
    assert marks == ["", "Get Cloudy Canada"]
    assert (LARS, "Influencer", False) in desk.bench.roles(NEW)


def test_marking_contacts_of_another_account_costs_no_further_call(desk: Desk) -> None:
    """A plan with such a contact takes as many calls as one without."""
    calls = []
    for contact in (ALAN, LARS):
        desk.job([role(NEW, LEUNG, "Decision Maker"), role(NEW, contact, "Influencer")])
        document = desk.type("plan", desk.bench.job, "--json").document
        calls.append(document["api"]["calls"])
    assert calls[0] == calls[1]


def test_the_account_of_a_contact_planned_in_the_same_job_counts_as_well(desk: Desk) -> None:
    """A contact that the job creates is compared by the account that its row names."""
    desk.job([role(NEW, "new@getcloudy.example", "Influencer")])
    bench = desk.bench
    (bench.folder / "people.csv").write_text("id,name,email,account\nP-1,New,new@getcloudy.example,ACC-2\n")
    with Path(bench.job).open("a", encoding="utf-8") as file:
        file.write(PEOPLE)
    assert "of another account: Get Cloudy Canada" in flat(desk.plan().out)


PEOPLE = """
[contacts]
file = "people.csv"
key = "Sfsync_Key__c"
[contacts.fields]
Sfsync_Key__c = "id"
LastName = "name"
Email = "email"
AccountId = { column = "account", match = "Sfsync_Key__c" }
"""


def test_where_accounts_cannot_be_read_roles_go_all_the_same_and_a_note_says_so(tmp_path: Path) -> None:
    """A user without access to a contact's account brings the roles; none is marked."""
    hidden = [
        {"object": "Contact", "field": "AccountId", "user": "maria.jimenez@cloudkicks.example", "read": False}
    ]
    with desk_on(tmp_path, field_permissions=hidden) as desk:
        maria = desk.bench.find("User", Username="maria.jimenez@cloudkicks.example")
        desk.bench.token = desk.bench.emulator.org.sessions.open(maria)
        desk.job([role(NEW, LARS, "Influencer")])
        document = desk.run()
        assert document["exit_code"] == 0
        assert len(problems(document, "ACCOUNTS_HIDDEN")) == 1
        assert desk.bench.roles(NEW) == [(LARS, "Influencer", False)]


# 4. one primary contact


def test_given_two_rows_that_say_primary_are_a_problem(desk: Desk) -> None:
    """Neither contact becomes primary, and neither row is written."""
    desk.job([role(NEW, LEUNG, "Evaluator", "yes"), role(NEW, ALAN, "Influencer", "yes")], primary="given")
    assert [line for line, _, _ in problems(desk.run(), "TWO_PRIMARIES")] == [2, 3]
    assert desk.primary(NEW) == []


def test_keep_leaves_the_primary_contact_of_the_org_and_names_the_row_that_wants_another(desk: Desk) -> None:
    """The row's role is brought, its mark is not followed, and a note says so."""
    desk.has(LARS, "Executive Sponsor", primary=True)
    desk.job([role(OLD, ALAN, "Influencer", "yes")], primary="keep")
    document = desk.run()
    assert [line for line, _, _ in problems(document, "PRIMARY_KEPT")] == [2]
    assert desk.primary(OLD) == [LARS]
    assert (ALAN, "Influencer", False) in desk.bench.roles(OLD)
    assert_settled(desk)


def test_keep_follows_the_rows_of_a_deal_without_a_primary_contact(desk: Desk) -> None:
    """Where the org has none, the mark counts."""
    desk.job([role(OLD, ALAN, "Influencer", "yes")], primary="keep")
    assert desk.run()["exit_code"] == 0
    assert desk.primary(OLD) == [ALAN]
    assert_settled(desk)


@pytest.mark.parametrize("policy", ["append", "merge", "mirror"])
def test_first_makes_the_first_row_of_the_file_primary_and_the_plan_says_why(desk: Desk, policy: str) -> None:
    """No row says primary and the org has none: the rule chooses, once."""
    rows = [role(NEW, ALAN, "Influencer", "no"), role(NEW, LEUNG, "Decision Maker", "no")]
    desk.job(rows, policy=policy, primary="first")
    assert f"+ contact {ALAN} as Influencer, primary: chosen by the job's rule" in flat(desk.plan().out)
    assert desk.run("--allow-deletes")["exit_code"] == 0
    assert desk.primary(NEW) == [ALAN]
    assert_settled(desk)
    desk.job(rows[::-1], policy=policy, primary="first")
    assert_settled(desk)


def test_first_does_not_choose_where_the_org_has_a_primary_contact(desk: Desk) -> None:
    """The org's own stays, also where a row says that somebody is not primary."""
    desk.has(LARS, "Executive Sponsor", primary=True)
    desk.job(
        [role(OLD, ALAN, "Influencer", "no"), role(OLD, LARS, "Executive Sponsor", "no")], primary="first"
    )
    assert desk.run()["exit_code"] == 0
    assert desk.primary(OLD) == [LARS]
    assert_settled(desk)


def test_first_waits_while_a_row_of_the_deal_is_wrong(desk: Desk) -> None:
    """The wrong row might be the one to choose, so nobody is chosen, and a note says so."""
    desk.job(
        [role(NEW, "nobody@getcloudy.example", "Influencer"), role(NEW, LEUNG, "Evaluator")], primary="first"
    )
    assert len(problems(desk.run(), "PRIMARY_WAITS")) == 1
    assert desk.primary(NEW) == []


def test_a_list_of_roles_makes_the_best_of_them_primary(desk: Desk) -> None:
    """The first role of the list that the deal has wins, wherever its row stands."""
    rows = [role(NEW, LEUNG, "Influencer"), role(NEW, ALAN, "Evaluator"), role(NEW, LARS, "Decision Maker")]
    desk.job(rows, primary=["Decision Maker", "Evaluator"])
    assert f"{LARS} as Decision Maker, primary: chosen by the job's rule" in flat(desk.plan().out)
    assert desk.run()["exit_code"] == 0
    assert desk.primary(NEW) == [LARS]
    assert_settled(desk)


def test_a_list_with_a_role_that_the_org_does_not_have_stops_the_job(desk: Desk) -> None:
    """A slip of the pen in the job would choose nobody without a word."""
    desk.job([role(NEW, LEUNG, "Influencer")], primary=["Decision maker"])
    done = desk.plan()
    assert done.exit_code == 2
    assert 'roles.primary: "Decision maker"' in flat(done.err)
    assert 'The org writes it "Decision Maker".' in flat(done.err)


def test_append_says_where_it_cannot_make_a_contact_primary(desk: Desk) -> None:
    """Append changes no role that is there, so the mark of such a contact is a note."""
    desk.job([role(OLD, LEUNG, "Evaluator", "yes")], policy="append")
    assert [line for line, _, _ in problems(desk.run(), "NOT_PRIMARY")] == [2]
    assert desk.primary(OLD) == []


# 5. one contact in two roles

TWICE = [
    role(NEW, LEUNG, "Evaluator"),
    role(NEW, ALAN, "Influencer"),
    role(NEW, LEUNG, "Decision Maker", "yes"),
]


def test_both_brings_both_roles_of_a_contact_and_says_that_they_share_the_mark(desk: Desk) -> None:
    """Being primary belongs to the contact: the row that does not say it is told why it is primary."""
    desk.job(TWICE, same_contact="both")
    planned = flat(desk.plan().out)
    assert f"{LEUNG} as Evaluator, primary: as line 4 says, for all roles of a contact share it" in planned
    assert (
        f"{LEUNG} as Decision Maker, primary +" in planned
        or f"{LEUNG} as Decision Maker, primary " in planned
    )
    assert desk.run()["exit_code"] == 0
    assert desk.bench.roles(NEW) == [
        (ALAN, "Influencer", False),
        (LEUNG, "Decision Maker", True),
        (LEUNG, "Evaluator", True),
    ]
    assert_settled(desk)


def test_first_brings_the_first_role_of_a_contact_and_names_the_rows_left_out(desk: Desk) -> None:
    """The later row is skipped with the line of the first; its mark stays with the contact."""
    desk.job(TWICE, same_contact="first")
    document = desk.run()
    [(line, message, _)] = problems(document, "SAME_CONTACT")
    assert (line, "line 2; the first row counts" in message) == (4, True)
    assert document["counts"]["OpportunityContactRole"]["skipped"] == 1
    assert desk.bench.roles(NEW) == [(ALAN, "Influencer", False), (LEUNG, "Evaluator", True)]
    assert_settled(desk)


def test_error_makes_the_later_roles_of_a_contact_problems(desk: Desk) -> None:
    """The problem names the first row's line; a refused row marks nobody."""
    desk.job(TWICE, same_contact="error")
    document = desk.run()
    [(line, message, _)] = problems(document, "SAME_CONTACT")
    assert (line, "in line 2" in message, document["exit_code"]) == (4, True, 3)
    assert desk.bench.roles(NEW) == [(ALAN, "Influencer", False), (LEUNG, "Evaluator", False)]


@pytest.mark.parametrize("rule", ["both", "first", "error"])
def test_the_same_contact_in_the_same_role_twice_is_a_duplicate(desk: Desk, rule: str) -> None:
    """Two equal rows are named as such, whatever the job says of two roles."""
    desk.job([role(NEW, LEUNG, "Evaluator"), role(NEW, LEUNG, "Evaluator")], same_contact=rule)
    assert [line for line, _, _ in problems(desk.run(), "DUPLICATE_ROLE")] == [3]
    assert desk.bench.roles(NEW) == [(LEUNG, "Evaluator", False)]


# 6. import


@pytest.mark.parametrize(
    ("options", "primary"),
    [
        (("--primary", "first"), [LEUNG]),
        (("--primary", "Influencer, Evaluator"), [ALAN]),
        (("--same-contact", "first"), []),
        ((), []),
    ],
)
def test_import_takes_the_rules_as_options(desk: Desk, options: tuple[str, ...], primary: list[str]) -> None:
    """`--primary` and `--same-contact` are the job file's keys."""
    rows = [role(NEW, LEUNG, "Evaluator"), role(NEW, ALAN, "Influencer"), role(NEW, LEUNG, "Decision Maker")]
    desk.job(rows)
    words = (
        "import",
        "deals.csv",
        "--roles",
        "roles.csv",
        "--key",
        "deal_id",
        "-o",
        "local",
        "--json",
        *options,
    )
    maps = ("--map", "contact=ContactId.Email", "--map", "account=AccountId", "--map", "deal=Name")
    document = desk.type(*words, *maps).document
    assert document["exit_code"] == 0
    assert desk.primary(NEW) == primary
    assert len(problems(document, "SAME_CONTACT")) == ("--same-contact" in options)


def test_import_refuses_a_rule_that_mixes_words_and_names(desk: Desk) -> None:
    """A rule's word among role names is a slip, and nothing is sent."""
    desk.job([role(NEW, LEUNG, "Evaluator")])
    words = (
        "import",
        "deals.csv",
        "--roles",
        "roles.csv",
        "--key",
        "deal_id",
        "-o",
        "local",
        "--primary",
        "first, x",
    )
    done = desk.type(*words)
    assert (done.exit_code, "--primary" in done.err) == (2, True)
