"""Every mistake of a job file is named with its line, its key and the nearest known word, all at once."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.errors import ConfigError
from sfsync.jobs import load_job
from sfsync.jobs.key_lines import key_lines, line_of

GOOD = """[opportunities]
file = "deals.csv"
key = "Key__c"
[opportunities.fields]
Key__c = "id"
"""
WORKBOOK = GOOD.replace("deals.csv", "deals.xlsx")
ROLES = (
    '[contact_roles]\nfile = "roles.csv"\n[contact_roles.fields]\nOpportunityId = "id"\nContactId = "mail"\n'
)


def refused(folder: Path, text: str) -> ConfigError:
    """The error of a job file with that text."""
    path = folder / "x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_job(path, environ={})
    return caught.value


def said(folder: Path, text: str) -> list[str]:
    """The lines of the error, from the line number on."""
    return [each.rpartition("x.toml:")[2] for each in str(refused(folder, text)).split("\n")]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Amount = { colum = 'a' }", '.Amount.colum is not a key; did you mean "column"?'),
        ("Amount = { column = 'a', constant = 'b' }", ".Amount has both column and constant"),
        ("Amount = { blank = 'null' }", ".Amount needs one of column, compose and constant"),
        ("Amount = 5", ".Amount must be the name of a column in quotes, or a table"),
        ("Amount = ''", ".Amount.column is empty"),
        ("Name = { column = 'a', blank = 'nul' }", 'none of "skip", "null", "error"; did you mean "null"?'),
        ("Name = { column = 'a', blank = 'null', default = 'b' }", "both say what an empty cell means"),
        ("Name = { column = 'a', else = 'keep' }", ".Name.else means nothing without map"),
        ("Name = { column = 'a', map = { b = 3 } }", ".Name.map.b must be text in quotes"),
        ("Name = { compose = '{a!r}' }", "has the place {a!r}; only the plain name of a column"),
        ("Name = { compose = '{a} {' }", "has a brace that is no {column} place"),
        ("Name = { compose = 'fixed' }", "give fixed text as constant"),
        ("CloseDate = { column = 'a', format = '%d.%m' }", "does not say day, month and year"),
        ("CloseDate = { column = 'a', format = '%Q' }", "does not say day, month and year"),
        ("CloseDate = { column = 'a', format = 'excel_serial' }", '; did you mean "excel-serial"?'),
        ("CloseDate = { column = 'a', format = 'D MMM Y de_DX' }", '"de_DX" is no locale'),
        (
            "CloseDate = { column = 'a', format = 'D/M/Y', times = '2' }",
            ".times is for numbers, format is for",
        ),
        (
            "Amount = { column = 'a', numbers = 'de_DEE' }",
            '"de_DEE" is no locale such as de_DE or en_US. Did you',
        ),
        ("Amount = { column = 'a', times = 'x' }", '.times = "x" is no factor; an example is "100"'),
        ("Amount = { column = 'a', times = '0' }", '.times = "0" is no factor'),
        ("Amount = { column = 'a', times = 100 }", ".times must be text in quotes"),
        (
            "AccountId = { column = 'a', match = 'Name', numbers = 'de_DE' }",
            "match is for references; give one",
        ),
        ("AccountId = { column = 'a', match = 'Account.Name' }", "is no API name of a field"),
        ("AccountId = { column = 'a', match = ['Id', 'id'] }", 'names "id" twice'),
        ("AccountId = { column = 'a', match = [] }", ".match is empty"),
        ("CreatedDate = 'a'", ".CreatedDate is a field that Salesforce keeps itself"),
        ("Id = 'a'", ".Id is a field that Salesforce keeps itself"),
        ("'Account.Name' = 'a'", "a parent is named by its own field, such as AccountId"),
        ("KEY__C = 'a'", 'is mapped 2 times: "Key__c", "KEY__C"'),
    ],
)
def test_a_mistake_in_a_rule_is_named_in_plain_words(tmp_path: Path, line: str, sentence: str) -> None:
    """The message has the line, the dotted key and what is wrong, without the words of any library."""
    (only,) = said(tmp_path, GOOD + line)
    assert only.startswith("6: opportunities.fields.")
    assert sentence in only


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mod = 'upsert'\n" + GOOD, '1: mod is not a key; did you mean "mode"?'),
        ("mode = 'upsrt'\n" + GOOD, 'did you mean "upsert"?'),
        ("password = 'x'\n" + GOOD, "1: password is not a key: secrets and logins belong to the org profile"),
        ("name = '../x'\n" + GOOD, "1: name has a form that is not allowed here"),
        ("[roles]\npolicy = 'delete'\n" + GOOD, '2: roles.policy = "delete" is none of "append", "merge"'),
        ("[oportunities]\n" + GOOD, '1: oportunities is not a key; did you mean "opportunities"?'),
        ("", "1: the job has no section"),
        ("opportunities = 3", "1: opportunities must be a table"),
        (GOOD.replace('file = "deals.csv"\n', ""), "1: opportunities.file is missing"),
        (GOOD.replace('key = "Key__c"\n', ""), "1: opportunities.key is missing"),
        (GOOD.replace('key = "Key__c"', 'key = "Other__c"'), '"Other__c" is not mapped'),
        (GOOD.replace('"id"', '{ constant = "x" }'), "has the same value in every row"),
        (GOOD.replace("deals.csv", "deals.xls"), "is a spreadsheet that is not read: save it as .xlsx"),
        (
            GOOD.replace('key = "K', 'sheet = "S"\nkey = "K'),
            "3: opportunities.sheet means something for workbooks",
        ),
        (WORKBOOK.replace('key = "K', 'delimiter = ";"\nkey = "K'), "delimiter means nothing for a workbook"),
        (
            WORKBOOK.replace('key = "K', 'encoding = "cp1252"\nkey = "K'),
            "encoding means nothing for a workbook",
        ),
        (WORKBOOK + ROLES.replace('file = "roles.csv"', 'nested = "r"'), "needs deals in a JSON file"),
        (GOOD.replace("deals.csv", "deals.dat"), 'needs kind = "..."'),
        (GOOD.replace('key = "K', 'kind = "csv"\nkey = "K').replace("csv", "json", 1), "by its ending"),
        (GOOD.replace('key = "K', 'delimiter = ";;"\nkey = "K'), "3: opportunities.delimiter must be one"),
        (
            GOOD.replace('key = "K', 'numbers = "de-DE"\nkey = "K'),
            '3: opportunities.numbers = "de-DE" is no locale',
        ),
        (
            GOOD.replace('key = "K', 'dates = "D.M"\nkey = "K'),
            '3: opportunities.dates = "D.M" does not say day, month',
        ),
        (GOOD.replace('key = "K', 'encoding = "klingon"\nkey = "K'), "is no text encoding"),
        (GOOD.replace('key = "K', 'ignore = ["id"]\nkey = "K'), 'ignore names "id", which a rule reads'),
        (GOOD + ROLES.replace("ContactId", "Role"), "contact_roles.fields.ContactId is missing"),
        (GOOD + ROLES.replace("file", 'key = "K__c"\nfile'), "contact roles have none"),
        (GOOD + ROLES.replace('file = "roles.csv"', 'nested = "r"'), "needs deals in a JSON file"),
        (ROLES.replace('file = "roles.csv"', 'nested = "r"'), "needs [opportunities]"),
        (ROLES.replace('file = "roles.csv"\n', ""), 'needs either file = "..." or nested'),
    ],
)
def test_a_mistake_at_any_level_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """Keys at the top, in sections and between sections are checked like those of rules."""
    assert any(sentence in each for each in said(tmp_path, text)), said(tmp_path, text)


def test_all_mistakes_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One error names the mistakes of the shape and of the meaning together, by line."""
    text = GOOD + "Amount = 5\nId = 'x'\n" + ROLES.replace("ContactId", "Role")
    assert [each.partition(":")[0] for each in said(tmp_path, text)] == ["6", "7", "10"]


def test_roles_alone_are_a_job(tmp_path: Path) -> None:
    """Roles can be brought to deals that are in the org already."""
    path = tmp_path / "roles.toml"
    path.write_text(ROLES, encoding="utf-8")
    assert list(load_job(path, environ={}).sections) == ["contact_roles"]


@pytest.mark.parametrize(
    "text",
    ["x = ", "a = 1\na = 2", "a = [" * 2000, "k.1 = 1\nk = 2", '"', "a = 'x\x00'"],
    ids=["no value", "twice", "deep", "table twice", "open quote", "NUL"],
)
def test_t15_I12_text_that_is_no_TOML_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is no TOML, or is nested without end, is a plain error."""
    assert refused(tmp_path, text).code == "BAD_FILE"


def test_I12_hostile_files_cost_no_time(tmp_path: Path) -> None:
    """Long keys, thousands of keys and megabytes are refused at once."""
    started = time.monotonic()
    assert "too many parts" in str(refused(tmp_path, "\n".join(f"{'a.' * 900}k{i} = 1" for i in range(400))))
    assert "longer than" in str(refused(tmp_path, "#" * 1_000_001))
    assert "and more mistakes" in str(refused(tmp_path, "\n".join(f"k{i} = 1" for i in range(5_000))))
    assert time.monotonic() - started < 5


def test_I12_only_regular_files_are_jobs_and_sources(tmp_path: Path) -> None:
    """Pipes and folders are refused as job files and as sources; a link is resolved, then judged."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "real.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "link.toml").symlink_to("real.toml")
    (tmp_path / "link-to-pipe.toml").symlink_to("pipe.toml")
    for name in ("pipe.toml", "link-to-pipe.toml"):
        with pytest.raises(ConfigError, match="no regular file"):
            load_job(tmp_path / name, environ={})
    with pytest.raises(ConfigError, match="a folder"):
        load_job(tmp_path, environ={})
    os.mkfifo(tmp_path / "deals.csv")
    with pytest.raises(ConfigError, match="a pipe or a device"):
        load_job(tmp_path / "real.toml", environ={})
    (tmp_path / "deals.csv").unlink()
    (tmp_path / "other.csv").write_text("id\n1\n", encoding="utf-8")
    (tmp_path / "deals.csv").symlink_to("other.csv")
    assert load_job(tmp_path / "link.toml", environ={}).name == "link"


BARE = st.text("abcXYZ-_09", min_size=1, max_size=5)
ANY_KEY = BARE | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=5)
VALUES = st.sampled_from(
    [
        "1",
        '"a # b"',
        "'[x]'",
        '"""\nk = 1\n[t]\n"""',
        "'''\n# [q]\n'''",
        "[\n1, # ]\n2,\n]",
        "{ a = '}' }",
        "true",
    ]
)


@given(st.dictionaries(ANY_KEY, st.dictionaries(ANY_KEY, VALUES, max_size=4), max_size=4))
def test_every_key_is_found_on_its_own_line(tables: dict[str, dict[str, str]]) -> None:
    """Whatever the values look like, the line of a key is the line where it stands."""
    lines: list[str] = []
    places: dict[tuple[str, ...], int] = {}
    for table, values in tables.items():
        places[(table,)] = len(lines) + 1
        lines.append(f"[{quoted(table)}] # a = 1")
        for key, value in values.items():
            places[table, key] = len(lines) + 1
            lines += f"{quoted(key)} = {value}".split("\n")
    found = key_lines("\n".join(lines))
    assert {path: line_of(found, path) for path in places} == places


def quoted(key: str) -> str:
    """A key as TOML has it."""
    return json.dumps(key, ensure_ascii=False)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("[guards]\nmax_change = 5", '2: guards.max_change is not a key; did you mean "max_changes"?'),
        ("[guards]\nmax_changes = -1", "2: guards.max_changes is too small"),
        ("[guards]\ncanary = 0", "2: guards.canary is too small"),
        ("[guards]\nmax_failures = '5'", "2: guards.max_failures must be a whole number"),
        ("[safety]\nroute = 'receipts'", "2: safety.route"),
        ("[safety]\nupdate = 'fast'", '2: safety.update is not a key; did you mean "updates"?'),
    ],
)
def test_mistakes_of_guards_and_safety_have_their_line(tmp_path: Path, lines: str, sentence: str) -> None:
    """Each is named with its line and its key."""
    told = said(tmp_path, f"{lines}\n{GOOD}")
    assert any(sentence in each for each in told), told
