"""Files that are no snapshots, or were one: both readers name the place and the next step, and end with 2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from snapshot_making import opportunity, shipped

from sfsync.app.snapshots import read_snapshot
from sfsync.cli.main import run
from sfsync.emulator.__main__ import main as emulator
from sfsync.emulator.org.snapshot_file import SnapshotError, load_snapshot
from sfsync.errors import ConfigError

Change = Callable[[dict[str, Any]], object]
TEXTS = {
    "empty": ("", "JSON"),
    "toml": ("[organization]\nname = 'x'\n", "JSON"),
    "a list": ("[]", "JSON object|schema"),
    "nan": ('{"schema": NaN}', "JSON"),
    "deep": ("[" * 100_000, "deep|JSON"),
    "other version": ('{"schema": "sfsync.snapshot/2"}', "sfsync.snapshot/2"),
    "no version": ("{}", "schema"),
    "half a pair": ('{"schema": "\\ud800"}', "JSON"),
    "a colour": ('{"schema": "sfsync.snapshot/1", "\\u001b[31m": 1}', "api_version|31m"),
    "not utf-8": ("\udcff", "JSON"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_of_another_kind_is_refused(name: str, tmp_path: Path):
    """What is not JSON, is cut off or has another schema version is refused by both, in words."""
    text, pattern = TEXTS[name]
    file = tmp_path / "org.json"
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ConfigError, match=pattern) as refused:
        read_snapshot(file)
    assert "sfsync org snapshot" in refused.value.hint
    with pytest.raises(SnapshotError, match=f"(?s)({pattern}).*sfsync org snapshot") as own:
        load_snapshot(file)
    assert str(refused.value).isprintable()
    assert str(own.value).isprintable()


def put(*path: Any, value: Any) -> Change:
    """A change by hand: another value at a place."""

    def change(document: dict[str, Any]) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return change


FIELD = ("objects", "Opportunity", "fields", "Amount")
EDITS: dict[str, tuple[Change, str]] = {
    "a number as text": (put(*FIELD, "precision", value="18"), "objects.Opportunity.fields.Amount.precision"),
    "a flag as number": (put(*FIELD, "nillable", value=1), "objects.Opportunity.fields.Amount.nillable"),
    "null": (put(*FIELD, "label", value=None), "objects.Opportunity.fields.Amount.label"),
    "an unknown key": (put(*FIELD, "lenght", value=3), "objects.Opportunity.fields.Amount.lenght"),
    "no type": (lambda document: opportunity(document)["fields"]["Amount"].pop("type"), "Amount.type"),
    "no objects": (lambda document: document.pop("objects"), "objects"),
    "objects as a list": (put("objects", value=[]), "objects"),
    "a stage twice": (lambda document: document["stages"].append(document["stages"][0]), "stages"),
    "no field name": (
        put("objects", "Account", "fields", 'x" TEXT); --', value={"type": "string", "label": "x"}),
        "x",
    ),
    "a field twice": (
        put("objects", "Account", "fields", "NAME", value={"type": "string", "label": "x"}),
        "objects.Account.fields",
    ),
    "no month": (put("organization", "fiscal_year_start_month", value=13), "fiscal_year_start_month"),
    "a record type id": (
        put("objects", "Opportunity", "recordTypes", 0, "recordTypeId", value="006x"),
        "objects.Opportunity.recordTypes.*0.*recordTypeId",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_snapshot_edited_by_hand_is_refused_with_the_place(name: str, tmp_path: Path):
    """A wrong type, an unknown or missing key and a name that is none are found by both, with the place."""
    change, place = EDITS[name]
    document = shipped()
    change(document)
    file = tmp_path / "org.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ConfigError, match=place):
        read_snapshot(file)
    with pytest.raises(SnapshotError, match=place):
        load_snapshot(file)


PLAYED_EDITS: dict[str, tuple[Change, str]] = {
    "a key prefix twice": (put("objects", "Contact", "keyPrefix", value="001"), "Contact.keyPrefix"),
    "no id": (lambda document: opportunity(document)["fields"].pop("Id"), "Opportunity.fields.Id"),
    "a reference to nothing": (
        put("objects", "Contact", "fields", "AccountId", "referenceTo", value=[]),
        "Contact.fields.AccountId.referenceTo",
    ),
    "a huge precision": (put(*FIELD, "precision", value=10**9), "Amount.precision"),
    "a stage less": (lambda document: document["stages"].pop(0), "stages.*Prospecting"),
    "a probability": (put("stages", 0, "probability", value=1e300), r"stages\[0\].probability"),
    "no such value": (
        put("objects", "Opportunity", "recordTypes", 0, "picklists", "Type", value=["?"]),
        r"Opportunity.recordTypes\[0\].picklists.Type",
    ),
    "no such child": (
        put("objects", "Account", "childRelationships", 0, "field", value="X"),
        "childRelationships",
    ),
}


@pytest.mark.parametrize("name", PLAYED_EDITS)
def test_the_emulator_refuses_what_does_not_fit_together(name: str, tmp_path: Path):
    """What could not be played is refused before anything is served."""
    change, place = PLAYED_EDITS[name]
    document = shipped()
    change(document)
    file = tmp_path / "org.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SnapshotError, match=place):
        load_snapshot(file)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("fields", "CloseDate", "type"), "boolean", "CloseDate.type: it is boolean"),
        (("fields", "closedate"), {"type": "date", "label": "x"}, "spells it CloseDate"),
    ],
)
def test_a_standard_field_stays_what_it_is(
    path: tuple[str, ...], value: object, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A standard field that the rules compute with has the platform's spelling and type, or nothing is served."""
    document = shipped()
    if path[-1] == "closedate":
        del opportunity(document)["fields"]["CloseDate"]
    put("objects", "Opportunity", *path, value=value)(document)
    file = tmp_path / "org.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert emulator(["serve", "--snapshot", str(file)]) == 2
    assert words in capsys.readouterr().err


def test_a_huge_file_is_refused_unread(tmp_path: Path):
    """Beyond its bound a file is not even parsed."""
    file = tmp_path / "org.json"
    with file.open("wb") as opened:
        opened.truncate(65 * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than 64 MiB"):
        read_snapshot(file)
    with pytest.raises(SnapshotError, match="larger than 64 MiB"):
        load_snapshot(file)


@pytest.mark.parametrize("cut", [1, 1000, -3])
def test_every_command_ends_with_2_on_a_file_that_was_cut(
    cut: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """`check` and both ways to serve say what is wrong on stderr and end with exit code 2, as for no file."""
    file = tmp_path / "org.json"
    for text in (json.dumps(shipped())[:cut], None):
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, encoding="utf-8")
        assert emulator(["serve", "--snapshot", str(file)]) == 2
        assert run(["emulator", "serve", "--snapshot", str(file)]) == 2
        assert run(["check", "trailhead", "--snapshot", str(file)]) == 2
        assert capsys.readouterr().err.count("org.json") == 3
