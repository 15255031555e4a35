"""A preset file is read strictly, and a job's own words win over those of its preset."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sfsync.core.job import Section
from sfsync.core.presets.fitting import Header, fitted
from sfsync.errors import ConfigError, SourceError
from sfsync.jobs import all_presets, load_job, preset_folders, preset_json_schema, recognised
from sfsync.jobs.preset_files import PACKAGED, read_preset

ROOT = Path(__file__).resolve().parents[3]
MINE = """title = "Mine"
[opportunities]
key = "id"
required = ["id"]
ignored = ["Noise*"]
[opportunities.columns]
"id" = "Deal ID"
"name" = { en = "Deal", de = ["Geschäft", "Abschluss"] }
"stage" = "Stage"
"won" = "Won on"
"due" = "Due on"
[opportunities.fields]
Name = "name"
StageName = { column = "stage", map = { Demo = "Value Proposition", Won = "Closed Won" } }
CloseDate = { column = ["won", "due"] }
NextStep = { compose = "call {name}" }
"""
JOB = '[opportunities]\nfile = "deals.csv"\npreset = "mine"\nkey = "Key__c"\n'


def write(folder: Path, preset: str = MINE, name: str = "mine") -> Path:
    """A preset beside the job."""
    path = folder / "presets" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(preset, encoding="utf-8")
    return path


def section(folder: Path, job: str = JOB) -> Section:
    """The deals of a job with that text."""
    path = folder / "job.toml"
    path.write_text(job, encoding="utf-8")
    return load_job(path, environ={}).sections["opportunities"]


def rules(given: Section, *columns: str) -> dict[str, str]:
    """By field the columns that fill it, for a file with this header."""
    made = fitted(given, Header(columns, "deals.csv"))
    return {each.field: " or ".join(each.value_columns) or each.compose or "" for each in made.rules}


def mistakes(folder: Path, preset: str) -> str:
    """What the error of a preset file says."""
    write(folder, preset)
    with pytest.raises(ConfigError) as caught:
        section(folder)
    return str(caught.value)


def test_a_job_of_four_lines_has_all_the_rules_of_its_preset(tmp_path: Path) -> None:
    """Headers of any dialect fill the fields; the key's column is the preset's."""
    write(tmp_path)
    given = section(tmp_path)
    assert rules(given, "deal_id", "GESCHAFT", "Stage", "Won on", "Due on") == {
        "Key__c": "deal_id",
        "Name": "GESCHAFT",
        "StageName": "Stage",
        "CloseDate": "Won on or Due on",
        "NextStep": "call {GESCHAFT}",
    }


def test_a_rule_of_the_preset_goes_where_the_file_lacks_its_columns(tmp_path: Path) -> None:
    """Of several columns those that are there stay; what is known and left out is ignored."""
    write(tmp_path)
    header = Header(("Deal ID", "Due on", "Noise 7", "Strange"), "deals.csv")
    made = fitted(section(tmp_path), header)
    assert {each.field: each.value_columns for each in made.rules} == {
        "Key__c": ("Deal ID",),
        "CloseDate": ("Due on",),
    }
    assert "Noise 7" in made.ignore
    assert "Strange" not in made.ignore


def test_a_rule_of_the_job_takes_the_place_of_the_presets(tmp_path: Path) -> None:
    """With a column it replaces the rule, without one it is laid over it, the map word by word."""
    write(tmp_path)
    laid_over = '{ map = { Demo = "Qualification" }, else = "keep" }'
    own = f'[opportunities.fields]\nName = "Label"\nStageName = {laid_over}\n'
    given = section(tmp_path, JOB + own)
    assert rules(given, "Deal ID", "Deal", "Label", "Stage")["Name"] == "Label"
    stage = given.rule("StageName")
    assert stage is not None
    assert stage.value_map == {"Demo": "Qualification", "Won": "Closed Won"}
    assert (stage.column, stage.keep_unmapped) == ("stage", True)


def test_a_column_that_the_preset_requires_must_be_there(tmp_path: Path) -> None:
    """The error names the canonical column, its headers, and one that is alike as a question."""
    write(tmp_path)
    with pytest.raises(SourceError) as caught:
        rules(section(tmp_path), "Deal ID no.", "Deal")
    assert caught.value.code == "PRESET_COLUMN_MISSING"
    assert 'no column for "id", which preset mine needs' in str(caught.value)
    assert '"Deal ID no."' in caught.value.hint


def test_two_columns_that_mean_the_same_are_an_error_until_one_is_ignored(tmp_path: Path) -> None:
    """Neither is taken; a job that ignores one of them says which."""
    write(tmp_path)
    with pytest.raises(SourceError, match='all mean "name"') as caught:
        rules(section(tmp_path), "Deal ID", "Deal", "Abschluss")
    assert caught.value.code == "PRESET_TWO_COLUMNS"
    one = section(tmp_path, JOB + 'ignore = ["Abschluss"]\n')
    assert rules(one, "Deal ID", "Deal", "Abschluss")["Name"] == "Deal"


def test_the_digest_of_a_job_covers_what_its_preset_says(tmp_path: Path) -> None:
    """A header more in the preset makes another job; a plan made before is stale."""

    def digest(preset: str) -> str:
        write(tmp_path, preset)
        section(tmp_path)
        return load_job(tmp_path / "job.toml", environ={}).digest

    assert digest(MINE) == digest(MINE + "# a comment\n")
    assert digest(MINE) != digest(MINE.replace('"Stage"', '["Stage", "Phase"]'))


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        (
            MINE.replace("ignored", "ingored"),
            "mine.toml:5: opportunities.ingored is not a key",
        ),
        (
            MINE.replace('required = ["id"]', 'required = ["ib"]'),
            'mine.toml:4: opportunities.required names "ib"',
        ),
        (MINE.replace('Name = "name"', 'Name = "nam"'), 'Name reads "nam", which is no canonical column'),
        (MINE.replace('"Won on"', '"Due on"'), 'claims the header "Due on", which means "won" already'),
        (MINE.replace('Name = "name"', 'Name = { column = "name", format = "x", match = "Id" }'), "give one"),
        ('title = "x"\n', "the preset has no section"),
        (MINE.replace('title = "Mine"', ""), "title is missing"),
    ],
)
def test_a_mistake_of_a_preset_is_told_with_file_and_line(tmp_path: Path, preset: str, said: str) -> None:
    """Like those of a job file: the key, what is wrong, the nearest known word."""
    assert said in mistakes(tmp_path, preset)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (JOB.replace('"mine"', '"mime"'), 'opportunities.preset = "mime" is not there'),
        (JOB.replace("deals.csv", "deals.jsonl"), "opportunities.preset needs a file with a header"),
        (JOB.replace("[opportunities]", "[accounts]"), "says nothing of accounts"),
        (JOB + "fields = 5\n", "opportunities.fields must be a table"),
        ('[opportunities]\nfile = "deals.csv"\nkey = "Key__c"\n', "opportunities.fields is missing"),
    ],
)
def test_a_preset_that_a_job_cannot_use_is_a_mistake_of_the_job(tmp_path: Path, job: str, said: str) -> None:
    """It is listed with the job's line, beside the others."""
    write(tmp_path)
    with pytest.raises(ConfigError) as caught:
        section(tmp_path, job)
    assert said in str(caught.value)


def test_a_preset_beside_the_job_comes_before_those_of_the_folder_above_and_of_sfsync(tmp_path: Path) -> None:
    """The first file of the name counts, so that a preset is changed without touching the one that came along."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    write(tmp_path, MINE.replace("Mine", "Above"), "hubspot-deals")
    assert read_preset("hubspot-deals", preset_folders(jobs, {})).preset.title == "Above"
    write(jobs, MINE.replace("Mine", "Beside"), "hubspot-deals")
    assert read_preset("hubspot-deals", preset_folders(jobs, {})).preset.title == "Beside"
    assert read_preset("pipedrive-deals", preset_folders(jobs, {})).preset.title == "Pipedrive: deals"


def test_every_preset_that_comes_with_sfsync_is_without_mistakes() -> None:
    """They are all read, each has a title, and an editor learns the form."""
    known = {each.name: each.title for each in all_presets([PACKAGED])}
    assert {
        "hubspot-deals",
        "pipedrive-deals",
        "salesforce-report",
        "dataloader",
        "bulk2",
        "sfsync-rejects",
    } <= set(known)
    assert all(known.values())
    assert "fields" in preset_json_schema()["$defs"]["PresetSectionForm"]["properties"]


@pytest.mark.parametrize(
    ("header", "preset"),
    [
        ("Record ID,Deal Name,Deal Stage,Close Date,Amount,Associated Contact", "hubspot-deals"),
        ("hs_object_id,dealname,dealstage,closedate,amount,hubspot_owner_id", "hubspot-deals"),
        ("Datensatz-ID,Deal-Name,Deal-Phase,Betrag,Abschlussdatum", "hubspot-deals"),
        ("レコードID,取引名,取引ステージ,金額,クローズ日", "hubspot-deals"),
        ("Deal - ID,Deal - Title,Deal - Stage,Deal - Status,Deal - Value,Person - Name", "pipedrive-deals"),
        ("ID,Title,Stage,Status,Value,Won time", "pipedrive-deals"),
        ("Opportunity ID,Opportunity Name,Stage,Close Date,Amount", "salesforce-report"),
        ("ID,Name,StageName,CloseDate,STATUS", "dataloader"),
        ("sf__Id,sf__Error,Name,StageName", "bulk2"),
        ("deal,_sfsync_outcome,_sfsync_code,_sfsync_message,_sfsync_hint,_sfsync_line", "sfsync-rejects"),
    ],
)
def test_the_header_of_an_export_is_recognised(header: str, preset: str) -> None:
    """The preset that fits comes first."""
    best, *_ = recognised(header.split(","), environ={"SFSYNC_CONFIG": str(ROOT / "config")})
    assert (best.preset, best.missing) == (preset, ())


def test_a_wheel_carries_the_presets_and_finds_them(tmp_path: Path) -> None:
    """What is installed elsewhere knows the presets of config/presets, byte by byte."""
    build = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"
    pytest.importorskip("setuptools")
    copied = tmp_path / "source"
    copied.mkdir()
    for name in ("sfsync", "config", "pyproject.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-a", str(ROOT / name), str(copied / name)], check=True)
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=copied, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    for preset in PACKAGED.glob("*.toml"):
        assert (tmp_path / "site/sfsync/presets" / preset.name).read_bytes() == preset.read_bytes()
    code = "from sfsync.jobs import recognised; print(recognised(['sf__Id'], environ={})[0].preset)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "bulk2\n"
