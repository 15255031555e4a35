"""What a person has picked settles a reference for good: picks.csv, its template, and what is wrong with it."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import sfsync
from reference_desk import CANADA, CLOUDY, DOMAIN, Desk, deals, ends, org_document, roles, said

from sfsync.app.workplace import apply, opened
from sfsync.emulator.server import RunningEmulator, running
from sfsync.errors import ConfigError, GuardError
from sfsync.report.files.folder import write_run_folder

HEADER = "sobject,field,value,id,name\n"
BY_NAME = 'AccountId = { column = "x", match = ["Sfsync_Key__c", "Name"] }'
TWINS = "id,x\nD-1,Twin Shoes\n"
PICKS = 'picks = "picks.csv"'


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    """The example org with namesakes, leavers and packages."""
    with running(org_document()) as serving:
        yield serving


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    """A desk with an empty folder."""
    return Desk(tmp_path, environ)


def template(desk: Desk, text: str, **files: str) -> list[dict[str, str]]:
    """The lines of the picks file that a run of the job writes into its folder."""
    with opened(desk.job(text, **files), desk.around) as place, place.locked():
        report = place.apply(place.plan(), is_fresh=True)
        written = write_run_folder(report, place.run_folder(report.plan.job, report.run_id))
    with Path(str(written["picks"])).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_a_line_for_each_candidate_and_one_for_what_is_missing(desk: Desk) -> None:
    """Each line says what tells the candidate apart; the id of what was not found is to be filled in."""
    lines = template(desk, deals(BY_NAME), deals=TWINS + "D-2,Nobody & Sons\n")
    twins = {(line["id"], line["name"], line["note"]) for line in lines if line["id"]}
    assert twins == {(desk.ids[f"Twin Shoes {city}"], "Twin Shoes", city) for city in ("Oslo", "Bergen")}
    assert {(line["sobject"], line["field"]) for line in lines} == {("Account", "Name")}
    assert [line["value"] for line in lines if not line["id"]] == ["Nobody & Sons"]


def test_the_template_with_the_lines_that_are_meant_settles_the_references_for_good(desk: Desk) -> None:
    """A person deletes the other lines, names the file in the job, and the rows go; a line left empty is passed."""
    text = deals(BY_NAME) + roles('{ column = "x", match = "Name + Account.Name", account = "company" }')
    files = {"deals": TWINS + "D-2,Nobody & Sons\n", "roles": f"id,x,company\nD-1,Sam Lee,{CLOUDY}\n"}
    lines = template(desk, text, **files)
    meant = [line for line in lines if line["note"] in ("Oslo", f"{CLOUDY}, No. 3") or not line["id"]]
    kept = "".join(",".join(f'"{line[name]}"' for name in HEADER.strip().split(",")) + "\n" for line in meant)
    desk.write("picks.csv", HEADER + kept)
    report = desk.sync(deals(BY_NAME, top=PICKS) + text.partition(BY_NAME)[2], **files)
    assert ends(report) == [("created", ""), ("rejected", "NOT_FOUND"), ("created", "")]
    assert desk.deals("AccountId")["D-1"] == desk.ids["Twin Shoes Oslo"]


def test_a_pick_wins_over_every_strategy(desk: Desk) -> None:
    """Even where a strategy would have found exactly one record; of any strategy where none is named."""
    desk.write("picks.csv", f"{HEADER}Account,,{CLOUDY},{desk.ids[CANADA]},the branch\n")
    report = desk.sync(deals(BY_NAME, top=PICKS), deals=f"id,x\nD-1,{CLOUDY}\n")
    assert report.exit_code == 0, said(report)
    assert desk.deals("AccountId")["D-1"] == desk.ids[CANADA]


def test_a_pick_of_a_name_and_account_is_of_that_account_alone(desk: Desk) -> None:
    """The same name at another account is another person."""
    jane = desk.ids["jane@b.example"]
    desk.write("picks.csv", f"{HEADER}Contact,Name + Account.Name,Jane Doe + Old Firm,{jane},\n")
    rule = '{ column = "x", match = "Name + Account.Name", account = "company" }'
    files = {"deals": "id\nD-1\n", "roles": "id,x,company\nD-1,Jane Doe,Old Firm\nD-1,Jane Doe,Other Firm\n"}
    report = desk.sync(deals(top=PICKS) + roles(rule), **files)
    assert sorted(ends(report)[1:]) == [("created", ""), ("rejected", "NOT_FOUND")]


def test_a_pick_of_a_contact_of_the_deals_account_is_found(desk: Desk) -> None:
    """The account of the deal is named by its id."""
    jane, cloudy = desk.ids["jane@b.example"], desk.ids[CLOUDY]
    desk.write("picks.csv", f"{HEADER}Contact,Name + Account.Name,Sam Lee + {cloudy},{jane},\n")
    report = desk.sync(
        deals(BY_NAME, top=PICKS) + roles('{ column = "x", match = "Name + Account.Name" }'),
        deals=f"id,x\nD-1,{CLOUDY}\n",
        roles="id,x\nD-1,Sam Lee\n",
    )
    assert report.exit_code == 0, said(report)


OF_DEAL = '{ column = "who", match = ["Name + Account.Name"], account = "company" }'


def settled(desk: Desk, text: str, id_of: str, **files: str) -> list[dict[str, str]]:
    """The picks file of a run, whose lines that mean `id_of`, or with it filled in, let the next run go."""
    lines = template(desk, text, **files)
    kept = [line for line in lines if line["id"] in ("", id_of)]
    cells = [
        ",".join(f'"{line[name] or id_of}"' for name in ("sobject", "field", "value", "id")) for line in kept
    ]
    desk.write("picks.csv", HEADER + "".join(f"{each},\n" for each in cells))
    report = desk.sync(text.replace('org = "local"', f'org = "local"\n{PICKS}'), **files)
    assert report.exit_code == 0, said(report)
    return lines


def test_a_contact_of_an_account_that_is_made_is_picked_by_the_accounts_name(desk: Desk) -> None:
    """A person knows the account by its name, before it is made and after."""
    account = 'AccountId = { column = "x", match = "Name", missing = "create" }'
    [line] = settled(
        desk,
        deals(account) + roles(OF_DEAL),
        desk.ids["jane@a.example"],
        deals="id,x\nD-1,Tyrell\n",
        roles="id,who,company\nD-1,Roy Batty,\n",
    )
    assert (line["field"], line["value"]) == ("Name + Account.Name", "Roy Batty + Tyrell")


@pytest.mark.parametrize("who", ["Roy Batty", "Sam Lee"])
def test_a_contact_of_an_account_of_the_org_is_picked_by_the_accounts_name(desk: Desk, who: str) -> None:
    """Whether none of its contacts is called so, or several."""
    lines = settled(
        desk,
        deals('AccountId = { column = "x", match = "Id" }') + roles(OF_DEAL),
        next(each["Id"] for each in desk.fetch("Contact", "Title") if each["Title"] == "No. 3"),
        deals=f"id,x\nD-1,{desk.ids[CLOUDY]}\n",
        roles=f"id,who,company\nD-1,{who},\n",
    )
    assert {line["value"] for line in lines} == {f"{who} + {CLOUDY}"}


def test_a_contact_of_a_deal_that_only_the_org_has_is_picked_by_the_accounts_name(desk: Desk) -> None:
    """The name of its account is asked for where a person needs it; the message tells it too."""
    first = deals(BY_NAME)
    assert desk.sync(first, deals=f"id,x\nD-1,{CLOUDY}\n").exit_code == 0
    by_key = '{ column = "id", match = "Sfsync_Key__c" }'
    text = 'org = "local"\n' + roles(OF_DEAL, deal=by_key)
    files = {"roles": "id,who,company\nD-1,Roy Batty,\n"}
    assert f'"Roy Batty + {CLOUDY}"' in said(desk.sync(text, **files))
    [line] = settled(desk, text, desk.ids["jane@a.example"], **files)
    assert line["value"] == f"Roy Batty + {CLOUDY}"


def test_contacts_of_two_accounts_of_one_name_are_picked_by_the_accounts_id(desk: Desk) -> None:
    """A pick by the name would mean the contacts of both."""
    oslo, bergen = (desk.ids[f"Twin Shoes {city}"] for city in ("Oslo", "Bergen"))
    lines = template(
        desk,
        deals('AccountId = { column = "x", match = "Id" }') + roles(OF_DEAL),
        deals=f"id,x\nD-1,{oslo}\nD-2,{bergen}\n",
        roles="id,who,company\nD-1,Roy Batty,\nD-2,Roy Batty,\n",
    )
    assert {line["value"] for line in lines} == {f"Roy Batty + {oslo}", f"Roy Batty + {bergen}"}


def test_owners_record_types_and_deals_can_be_picked_too(desk: Desk) -> None:
    """A pick is of any sObject that rows refer to."""
    kinds = {each["Name"]: each["Id"] for each in desk.fetch("RecordType", "Name")}
    [deal] = [each["Id"] for each in desk.fetch("Opportunity")]
    kim = desk.ids[f"kim.two@{DOMAIN}"]
    desk.write(
        "picks.csv",
        f"{HEADER}User,Email,desk@{DOMAIN},{kim},\nRecordType,,Shared,{kinds['Donation']},\n"
        f"Opportunity,,the shoes,{deal},\n",
    )
    rules = 'OwnerId = { column = "o", match = "Email" }\nRecordTypeId = { column = "r", match = "DeveloperName" }'
    role = roles('{ column = "x", match = "Email" }', deal='{ column = "id", match = "Name" }')
    report = desk.sync(
        deals(rules, top=PICKS) + role,
        deals=f"id,o,r\nD-1,desk@{DOMAIN},Shared\n",
        roles="id,x\nthe shoes,alan.johnson@getcloudy.example\n",
    )
    assert report.exit_code == 0, said(report)
    assert desk.deals("OwnerId")["D-1"] == kim
    assert desk.deals("RecordTypeId")["D-1"] == kinds["Donation"]


def test_a_pick_whose_record_is_gone_is_told_with_file_and_line(desk: Desk) -> None:
    """The look-up of the plan finds it out; no strategy takes its place."""
    desk.write("picks.csv", f"{HEADER}Account,Name,{CLOUDY},001000000000000AAA,\n")
    report = desk.sync(deals(BY_NAME, top=PICKS), deals=f"id,x\nD-1,{CLOUDY}\n")
    assert ends(report) == [("rejected", "PICK_GONE")]
    assert f"{desk.folder / 'picks.csv'} line 2" in said(report)


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("Account,Name,A,001000000000000AAA,\nAccount,Name,A,001000000000001AAA,\n", "line 3: Account"),
        ("Account,Name,A,001000000000000AAA,\nAccount,,A,001000000000001AAA,\n", "line 3: Account"),
        ("Account,Name,A,003000000000000AAA,\n", 'line 2: "003000000000000AAA" is no record id of Account'),
        ("Acount,Name,A,001000000000000AAA,\n", 'Did you mean "Account"'),
        ("Account,Name,,001000000000000AAA,\n", "line 2: sobject and value must both be given"),
        ('Account,Name,"two\nlines",001000000000000AAA,\nAccount,Name\n', "line 4: it has 2 cells"),
    ],
)
def test_a_pick_that_cannot_hold_is_an_error_with_file_and_line(desk: Desk, lines: str, wrong: str) -> None:
    """Given twice with different ids, of another sObject, or unreadable: nothing is planned."""
    desk.write("picks.csv", HEADER + lines)
    with pytest.raises(ConfigError) as refusal:
        desk.job(deals(BY_NAME, top=PICKS), deals=TWINS)
    assert refusal.value.code == "PICKS"
    assert "picks.csv" in refusal.value.message
    assert wrong in refusal.value.message


def test_a_picks_file_that_is_not_there_or_lacks_a_column_is_named(desk: Desk) -> None:
    """With the column that is missing."""
    with pytest.raises(ConfigError, match="cannot be read"):
        desk.job(deals(BY_NAME, top=PICKS), deals=TWINS)
    desk.write("picks.csv", "sobject,value,id\n")
    with pytest.raises(ConfigError, match="no column field"):
        desk.job(deals(BY_NAME, top=PICKS), deals=TWINS)


def test_a_plan_made_with_other_picks_is_stale(desk: Desk) -> None:
    """The job's digest follows what is picked; the columns for people do not count."""
    row = f"Account,Name,Twin Shoes,{desk.ids['Twin Shoes Oslo']}"
    desk.write("picks.csv", f"{HEADER}{row},\n")
    text = deals(BY_NAME, top=PICKS)
    made = desk.plan(text, deals=TWINS)
    desk.write("picks.csv", f"{HEADER}{row},a note\n")
    assert desk.job(text).digest == made.job_digest
    desk.write("picks.csv", f"{HEADER}Account,Name,Twin Shoes,{desk.ids['Twin Shoes Bergen']},\n")
    with pytest.raises(GuardError, match="job"):
        apply(made, desk.job(text), around=desk.around)


def test_an_import_takes_picks_and_names_the_template(desk: Desk, environ: dict[str, str]) -> None:
    """Sfsync import says where the template is, and takes it with --picks."""
    desk.write(
        "deals.csv", "deal_id,Name,Stage,Close Date,AccountId\nD-1,One,Prospecting,2026-12-01,Twin Shoes\n"
    )
    command = ("import", "deals.csv", "--key", "deal_id", "-o", "local", "--map", "AccountId=AccountId.Name")
    first = sfsync(*command, environ=environ, cwd=desk.folder)
    assert first.exit_code == 3, first.err
    assert "references to settle" in first.out
    desk.write("mine.csv", f"{HEADER}Account,Name,Twin Shoes,{desk.ids['Twin Shoes Oslo']},\n")
    second = sfsync(*command, "--picks", "mine.csv", environ=environ, cwd=desk.folder)
    assert second.exit_code == 0, second.out + second.err
    assert desk.deals("AccountId")["D-1"] == desk.ids["Twin Shoes Oslo"]
