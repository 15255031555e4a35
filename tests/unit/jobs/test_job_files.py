"""A job file becomes a job: found by name or path, its sources settled, its rules made values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sfsync.core.job import (
    NO_LIMITS,
    Blank,
    Limits,
    Mode,
    Move,
    OnRoleError,
    ProbabilityPolicy,
    RolePolicy,
    UpdateMode,
)
from sfsync.core.writes import Route
from sfsync.errors import ConfigError
from sfsync.jobs import find_config_folder, job_json_schema, load_job, org_json_schema

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted(
    path for path in (ROOT / "config" / "jobs").glob("*.toml") if not path.name.endswith(".test.toml")
)

FULL = """
name = "full"
description = "every key"
org = "sandbox"
mode = "insert"

[roles]
policy = "append"
on_error = "deal"

[accounts]
file = "../data/accounts.txt"
delimiter = ";"
encoding = "cp1252"
key = "Key__c"
ignore = ["agent"]

[accounts.fields]
Key__c = "account id"
Name = { column = "account", map = { "dambase" = "Dambase" }, else = "keep" }
Industry = { column = "sector", blank = "null" }
Rating = { column = "rating", default = "Warm" }
Type = { constant = "Customer" }
Description = { compose = "{account} of {office}" }

[opportunities]
file = "deals.jsonl"
key = "Key__c"

[opportunities.replace]
product = { "GTXPro" = "GTX Pro" }

[opportunities.fields]
Key__c = "id"
AccountId = { column = "account", match = ["Key__c", "Name"] }
CloseDate = { column = "close", format = "%d.%m.%Y" }
ContactId = { column = "contact", match = "Email" }

[contact_roles]
nested = "people"

[contact_roles.fields]
OpportunityId = "id"
ContactId = { column = "email", match = "Email" }
"""

SMALL = """
[opportunities]
file = "deals.csv"
key = "Key__c"
[opportunities.fields]
Key__c = "id"
"""


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an empty config folder."""
    (tmp_path / "config" / "jobs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "x") -> Path:
    """A job file in the config folder."""
    path = folder / "config" / "jobs" / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("file", "kind"), [("deals.xlsx", "xlsx"), ("Deals.XLSM", "xlsx"), ("deals.parquet", "parquet")]
)
def test_the_ending_says_that_a_file_is_a_workbook_or_parquet(folder: Path, file: str, kind: str) -> None:
    """As for delimited files and JSON; a workbook's sheet may be named."""
    sheet = 'sheet = "Deals"' if kind == "xlsx" else ""
    job = load_job(
        write(
            folder,
            f'[opportunities]\nfile = "{file}"\n{sheet}\nkey = "K__c"\n[opportunities.fields]\nK__c = "id"',
        ),
        environ={},
    )
    source = job.sections["opportunities"].source
    assert (source.kind, source.sheet) == (kind, "Deals" if sheet else None)


def test_every_key_of_the_format_reaches_the_job(folder: Path) -> None:
    """Each key of a job file has its place in the job, and paths start at the job file's folder."""
    job = load_job(write(folder, FULL), environ={})
    assert (job.name, job.org, job.mode) == ("full", "sandbox", Mode.INSERT)
    assert (job.role_policy, job.on_role_error) == (RolePolicy.APPEND, OnRoleError.DEAL)
    assert list(job.sections) == ["accounts", "opportunities", "contact_roles"]
    source = job.sections["accounts"].source
    assert (source.kind, source.delimiter, source.encoding) == ("csv", ";", "cp1252")
    assert source.path == folder / "config" / "data" / "accounts.txt"
    assert job.sections["accounts"].ignore == ("agent",)
    assert job.sections["opportunities"].replace == {"product": {"GTXPro": "GTX Pro"}}


def test_rules_say_what_the_file_says(folder: Path) -> None:
    """Columns, maps, blanks, defaults, constants, composed text, references and formats become rules."""
    job = load_job(write(folder, FULL), environ={})
    rules = {each.field: each for each in job.sections["accounts"].rules}
    assert rules["Key__c"].column == "account id"
    assert (rules["Name"].value_map, rules["Name"].keep_unmapped) == ({"dambase": "Dambase"}, True)
    assert rules["Industry"].blank is Blank.NULL
    assert (rules["Rating"].blank, rules["Rating"].default) == (Blank.DEFAULT, "Warm")
    assert rules["Type"].constant == "Customer"
    assert rules["Description"].compose == "{account} of {office}"
    deals = {each.field: each for each in job.sections["opportunities"].rules}
    assert deals["AccountId"].match == ("Key__c", "Name")
    assert deals["ContactId"].match == ("Email",)
    assert deals["CloseDate"].date_format == "%d.%m.%Y"


def test_a_job_says_whose_probability_deals_have_and_which_movements_are_meant(folder: Path) -> None:
    """A job that says nothing leaves the first to what it maps and allows none; both change its digest."""
    plain = load_job(write(folder, FULL), environ={})
    said = 'probability = "keep"\nallow = ["reopen", "backward", "reopen"]\n'
    job = load_job(
        write(folder, FULL.replace('file = "deals.jsonl"\n', f'file = "deals.jsonl"\n{said}')), environ={}
    )
    deals = job.sections["opportunities"]
    assert (deals.probability, deals.allow) == (ProbabilityPolicy.KEEP, (Move.BACKWARD, Move.REOPEN))
    assert (plain.sections["opportunities"].probability, plain.sections["opportunities"].allow) == (None, ())
    assert job.digest != plain.digest


def test_nested_roles_read_the_file_of_the_deals(folder: Path) -> None:
    """Roles inside deal documents come from the deals' own file, and have no key."""
    roles = load_job(write(folder, FULL), environ={}).sections["contact_roles"]
    assert (roles.source.kind, roles.source.nested, roles.key) == ("nested", "people", None)
    assert roles.source.path == folder / "config" / "jobs" / "deals.jsonl"


def test_a_name_is_looked_up_in_the_config_folder_above(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare name finds its job from any folder below the one that holds config."""
    write(folder, SMALL, "nightly")
    (folder / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "er")
    assert load_job("nightly", environ={}).name == "nightly"


def test_SFSYNC_CONFIG_names_another_config_folder(folder: Path) -> None:
    """The variable wins over the folders above, and one that names no folder is refused."""
    other = folder / "other"
    (other / "jobs").mkdir(parents=True)
    (other / "jobs" / "far.toml").write_text(SMALL, encoding="utf-8")
    assert load_job("far", environ={"SFSYNC_CONFIG": str(other)}).name == "far"
    with pytest.raises(ConfigError, match="no folder"):
        find_config_folder({"SFSYNC_CONFIG": str(folder / "nowhere")})


def test_an_unknown_job_name_suggests_the_nearest(folder: Path) -> None:
    """A mistyped name is answered with the name of a job that is there."""
    write(folder, SMALL, "nightly")
    with pytest.raises(ConfigError) as caught:
        load_job("nigthly", environ={})
    assert caught.value.hint == 'Did you mean "nightly"?'


def test_the_org_given_takes_the_place_of_the_jobs_own(folder: Path) -> None:
    """An org named on the command line wins over the file."""
    path = write(folder, FULL)
    assert load_job(path, org="local", environ={}).org == "local"


def test_variables_stand_in_paths(folder: Path) -> None:
    """A path may begin with a variable; one that is not set is named with the line."""
    path = write(folder, SMALL.replace("deals.csv", "${DEALS}/deals.csv"))
    assert load_job(path, environ={"DEALS": "/far"}).sections["opportunities"].source.path == Path(
        "/far/deals.csv"
    )
    with pytest.raises(ConfigError, match=r"x\.toml:3: .*variable DEALS is not set"):
        load_job(path, environ={})


def test_I12_a_file_place_leads_neither_out_of_config_nor_to_a_public_file(folder: Path) -> None:
    """A relative place stays in the config folder; a file that others can read is refused."""
    secret = folder / "secret"
    secret.write_text("/far\n", encoding="utf-8")
    secret.chmod(0o600)
    outside = write(folder, SMALL.replace("deals.csv", "${file:../../secret}/deals.csv"))
    with pytest.raises(ConfigError, match="leads out of the config folder"):
        load_job(outside, environ={})
    absolute = write(folder, SMALL.replace("deals.csv", f"${{file:{secret}}}/deals.csv"))
    assert load_job(absolute, environ={}).sections["opportunities"].source.path == Path("/far/deals.csv")
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        load_job(absolute, environ={})


def test_the_digest_follows_the_meaning_only(folder: Path) -> None:
    """Words about a job, its org and its paths leave the digest alone; a rule or a mode changes it."""

    def digest(text: str) -> str:
        return load_job(write(folder, text), environ={}).digest

    same = 'description = "other"\norg = "prod"\n' + SMALL.replace("deals.csv", "elsewhere.csv")
    assert re.fullmatch("[0-9a-f]{32}", digest(SMALL))
    assert digest(same) == digest(SMALL)
    assert digest('mode = "update"\n' + SMALL) != digest(SMALL)
    assert digest(SMALL.replace('"id"', '"key"')) != digest(SMALL)
    assert digest(SMALL.replace('"id"', '{ column = "id" }')) == digest(SMALL)


@pytest.mark.parametrize("line", ['numbers = "de_DE"', 'dates = "D.M.Y"', 'dates = "excel-serial"'])
def test_a_digest_follows_what_a_section_declares_of_its_cells(folder: Path, line: str) -> None:
    """Other numbers or dates are other values, so a plan that was made before is stale."""
    changed = load_job(
        write(folder, SMALL.replace("[opportunities]\n", f"[opportunities]\n{line}\n")), environ={}
    )
    assert changed.digest != load_job(write(folder, SMALL), environ={}).digest


@pytest.mark.parametrize(
    "words", ['format = "D/M/Y"', 'numbers = "fr_FR"', 'times = "100"', 'times = "0.01"']
)
def test_a_digest_follows_what_a_rule_declares_of_its_cells(folder: Path, words: str) -> None:
    """The same column read in another way is another job."""
    rule = '\nX__c = { column = "x"%s }\n'
    changed = load_job(write(folder, SMALL + rule % f", {words}"), environ={})
    assert changed.digest != load_job(write(folder, SMALL + rule % ""), environ={}).digest


def test_the_job_of_the_documentation_of_cells_is_a_job(folder: Path) -> None:
    """What docs/numbers-and-dates.md shows can be typed."""
    text = (ROOT / "docs" / "numbers-and-dates.md").read_text(encoding="utf-8")
    shown = text.partition("```toml\n")[2].partition("```")[0]
    section = load_job(write(folder, shown), environ={}).sections["opportunities"]
    chance = section.rule("Probability")
    assert chance is not None
    assert (section.numbers, section.dates, chance.times) == ("de_DE", "D.M.Y", 100)


def test_windows_line_ends_and_a_mark_are_read(folder: Path) -> None:
    """A file that Notepad saved is a job like any other."""
    path = write(folder, "")
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_job(path, environ={}).sections["opportunities"].key == "Key__c"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda each: each.stem)
def test_every_example_job_loads(path: Path) -> None:
    """The example jobs of the project are jobs without mistakes."""
    job = load_job(path, environ={"CRM_EXPORT": "/data"})
    assert job.name == path.stem
    assert job.sections


def test_the_schemas_describe_every_key() -> None:
    """An editor learns every key of a job and of a profile, and never the value null."""
    job, org = job_json_schema(), org_json_schema()
    rule = job["$defs"]["RuleForm"]["properties"]
    assert set(rule) == {
        "column",
        "compose",
        "constant",
        "map",
        "else",
        "blank",
        "default",
        "match",
        "account",
        "missing",
        "inactive",
        "inactive_default",
        "format",
        "numbers",
        "times",
        "policy",
        "create",
        "create_key",
        "record_id",
    }
    assert all("description" in each for each in rule.values())
    assert {"access_token_env", "private_key_file"} <= set(org["properties"])
    assert "access_token" not in org["properties"]
    assert all("description" in each for each in org["properties"].values())
    assert "'type': 'null'" not in str(job) + str(org)


def test_guards_and_safety_are_read(tmp_path: Path) -> None:
    """[guards] become the job's limits, [safety] its route and its way of updating; guards make no plan stale."""
    plain = '[opportunities]\nfile = "d.csv"\nkey = "K__c"\n[opportunities.fields]\nK__c = "id"\n'
    words = "[guards]\nmax_changes = 5\nmax_failures = 0\ncanary = 2\n"
    safety = '[safety]\nroute = "receipt fence"\nupdates = "strict"\n'
    path = tmp_path / "job.toml"
    path.write_text(plain)
    before = load_job(path, environ={})
    assert (before.limits, before.route, before.update_mode) == (NO_LIMITS, None, UpdateMode.AUTO)
    path.write_text(words + plain)
    guarded = load_job(path, environ={})
    assert guarded.limits == Limits(max_changes=5, max_failures=0, canary=2)
    assert guarded.digest == before.digest
    path.write_text(words + safety + plain)
    job = load_job(path, environ={})
    assert (job.route, job.update_mode) == (Route.RECEIPT_FENCE, UpdateMode.STRICT)
    assert job.digest != before.digest


def test_the_limits_of_a_run_win_over_those_of_its_job() -> None:
    """What the command line leaves open is taken from the job."""
    of_run, of_job = Limits(max_changes=9), Limits(max_changes=5, canary=2)
    assert of_run.over(of_job) == Limits(max_changes=9, canary=2)
    assert NO_LIMITS.over(of_job) == of_job
    assert Limits(max_changes=0).over(of_job).max_changes == 0
