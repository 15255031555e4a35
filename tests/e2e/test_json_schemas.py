"""What `--json` says is what docs/schemas promises: each command's document, errors, progress, logs and results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import json_scenes
import pytest
from doc_pages import ROOT
from doc_stage import Stage, stage
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from sfsync.cli.main import run

SCHEMAS = ROOT / "docs" / "schemas"

FOR_SFSYNC_ITSELF = {"plan", "book", "snapshot", "ending"}
"""Forms of files that sfsync alone reads; a plan and a snapshot are refused when anything else wrote them."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, json_scenes.Week]]:
    """The week on its stage, once for all tests."""
    with stage(tmp_path_factory.mktemp("week")) as made:
        yield made, json_scenes.week(made)


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def strict(part: Any) -> Any:
    """The same schema, in which nothing may be that it does not name; as published it lets keys be added."""
    if isinstance(part, list):
        return [strict(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: strict(each) for name, each in part.items()}
    if is_of_objects(part):
        made.setdefault("additionalProperties", False)
    return made


def is_of_objects(part: Mapping[str, Any]) -> bool:
    """Whether a part of a schema describes an object by the names of its keys."""
    return part.get("type") == "object" and isinstance(part.get("properties"), dict)


def mistakes(name: str, document: Mapping[str, Any]) -> list[str]:
    """What of a document is not as its schema says."""
    found = Draft202012Validator(strict(schema(name))).iter_errors(document)
    return [f"{name}: {each.json_path}: {each.message[:300]}" for each in found]


def named_by(document: Mapping[str, Any]) -> str:
    """The schema that a document says it follows."""
    found = re.fullmatch(r"sfsync\.([a-z-]+)/1", str(document.get("schema")))
    return found[1] if found else "emulator-serve"


def test_every_command_that_has_json_says_a_document_that_its_schema_describes(
    played: tuple[Stage, json_scenes.Week],
) -> None:
    """A new command without a scene or a schema fails; so does a key that no schema names."""
    said = played[1].said
    assert json_scenes.with_option("--json") == {each.command for each in said}
    wrong = [
        fault
        for each in said
        if each.command != "schema"
        for fault in mistakes(named_by(each.document), each.document)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_the_command_schema_prints_is_a_json_schema(played: tuple[Stage, json_scenes.Week]) -> None:
    """Of job files, org profiles and presets."""
    for each in played[1].said:
        if each.command == "schema":
            Draft202012Validator.check_schema(each.document)


def test_every_line_of_progress_is_as_its_schema_says(played: tuple[Stage, json_scenes.Week]) -> None:
    """With --progress json each line on stderr is one document."""
    lines = [line for each in played[1].said for line in each.lines]
    assert {"phase_started", "phase_advanced", "call_answered", "ended"} <= {each["event"] for each in lines}
    wrong = [fault for line in lines for fault in mistakes("progress", line)]
    assert not wrong, "\n".join(wrong)


def test_results_logs_and_notices_are_as_their_schemas_say(played: tuple[Stage, json_scenes.Week]) -> None:
    """run_results.json of every plan and run, the lines of logs, and what --notify-command gets."""
    folder = played[0].folder
    results = [json.loads(each.read_bytes()) for each in folder.glob("state/runs/*/*/run_results.json")]
    log = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
    notice = json.loads((folder / "notice.json").read_bytes())
    own_logs = [
        line for each in folder.glob("state/runs/*/*/log.jsonl") for line in each.read_text().splitlines()
    ]
    assert len(results) > 5
    assert {"begun", "row", "ended"} <= {json.loads(each)["event"] for each in own_logs}
    assert {"run_started", "row_not_done", "run_ended"} <= {each["event"] for each in log}
    wrong = [fault for each in results for fault in mistakes("results", each)]
    wrong += [fault for each in log for fault in mistakes("log", each)] + mistakes("notice", notice)
    wrong += [fault for each in own_logs for fault in mistakes("run-log", json.loads(each))]
    assert not wrong, "\n".join(wrong)


def test_every_command_that_ends_by_an_error_says_it_in_one_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --json an unknown option is a document sfsync.error/1, whatever the command."""
    monkeypatch.chdir(tmp_path)
    for command in sorted(json_scenes.with_option("--json")):
        assert run([*command.split(), "--no-such-option", "--json"]) == 2
        document = json.loads(capsys.readouterr().out)
        assert mistakes("error", document) == []
        assert document["exit_code"] == 2


def test_the_schemas_are_schemas_and_say_what_each_key_is() -> None:
    """Every property has words, and a reader of the file finds its name in its title."""
    for path in sorted(SCHEMAS.glob("*.json")):
        found = schema(path.stem)
        Draft202012Validator.check_schema(found)
        assert found["title"] in {f"sfsync.{path.stem}/1", path.stem}
        silent = [name for name, each in properties(found) if not described(each, found)]
        assert not silent, f"{path.name}: {silent}"


def properties(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property that a schema names, wherever it stands."""
    if isinstance(part, dict):
        if is_of_objects(part):
            yield from part["properties"].items()
        for each in part.values():
            yield from properties(each)
    elif isinstance(part, list):
        for each in part:
            yield from properties(each)


def described(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Whether a property says what it is, or is made of others that do."""
    if {"description", "const"} & part.keys():
        return True
    if "$ref" in part:
        return bool(whole["$defs"][str(part["$ref"]).rpartition("/")[2]])
    return bool(part.get("properties") or part.get("anyOf"))


def test_every_form_that_the_program_names_is_published() -> None:
    """What stands as sfsync.NAME/1 in the program has a file, and no file is of a form that is gone."""
    text = "\n".join(each.read_text(encoding="utf-8") for each in (ROOT / "sfsync").rglob("*.py"))
    named = set(re.findall(r"sfsync\.([a-z-]+)/\d", text)) - FOR_SFSYNC_ITSELF
    assert named | {"emulator-serve", "run-log"} == {each.stem for each in SCHEMAS.glob("*.json")}


def test_the_results_of_a_run_have_all_that_its_document_has() -> None:
    """The one schema is the other, with the rows."""
    results, document = schema("results"), schema("run")
    assert {**results["properties"], "schema": 0}.items() >= {**document["properties"], "schema": 0}.items()
    assert results["$defs"] == document["$defs"]


def test_a_key_that_is_lacking_and_one_that_nobody_described_are_seen() -> None:
    """So the checks above can fail."""
    good = {"schema": "sfsync.error/1", "code": "X", "message": "m", "hint": "", "exit_code": 2}
    assert mistakes("error", good) == []
    assert len(mistakes("error", {**good, "more": 1})) == 1
    assert len(mistakes("error", {name: each for name, each in good.items() if name != "code"})) == 1
    with pytest.raises(ValidationError):
        Draft202012Validator(schema("error")).validate({**good, "exit_code": "2"})
    Draft202012Validator(schema("error")).validate({**good, "more": 1})
