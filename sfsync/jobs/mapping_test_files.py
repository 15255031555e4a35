"""Reads the test files beside a job: `JOB.test.toml`, and all of the folder `JOB.tests`.

Strict like job files: unknown keys are refused, all mistakes of a file are listed at once with their lines.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfsync.core.job import SECTIONS
from sfsync.core.reading.mapping_tests import Expected, MappingTest
from sfsync.errors import ConfigError
from sfsync.jobs.job_files import job_path
from sfsync.jobs.mistakes import Mistake, refusal, shape_mistakes
from sfsync.jobs.toml_file import TomlFile, read_toml

_HINT: Final = "Correct the test file; docs/mapping-tests.md shows what it may say."

Text = Annotated[str, Field(min_length=1)]
Cells = dict[Text, Any]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ExpectForm(_Form):
    """What is expected of the row at the same place of `given`."""

    action: (
        Literal["create", "update", "convert", "no-op", "skip", "conflict", "blocked", "unknown", "reject"]
        | None
    ) = Field(None, description="What becomes of the row, as a plan names it.")
    problem: Text | None = Field(None, description="The code of the problem that keeps the row from going.")
    sends: Cells | None = Field(None, description="All fields that are sent, and their values.")
    includes: Cells | None = Field(None, description="Some of the fields that are sent.")


class RecordForm(_Form):
    """A record that is in the org already; a value "@name" is the record of that local name."""

    object: Text
    values: Cells
    local: Text | None = None


class OrgForm(_Form):
    """What the org holds beside what its file says."""

    records: list[RecordForm] = Field([], description="Records that are there, parents first.")


class CaseForm(_Form):
    """One test."""

    name: Text
    given: dict[Text, list[Cells]] = Field(min_length=1)
    expect: dict[Text, list[ExpectForm]] = Field(min_length=1)
    org: OrgForm = OrgForm(records=[])


class CaseFileForm(_Form):
    """A file of tests."""

    org: Text | None = Field(None, description="The emulator's org file, from this file's folder.")
    snapshot: Text | None = Field(None, description="A snapshot of an org to play in its place.")
    test: list[CaseForm] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The tests of one file, and the org that they are for; None is the example's."""

    path: Path
    org: Path | None
    tests: tuple[MappingTest, ...]


def load_mapping_tests(job: str | Path, *, environ: Mapping[str, str] | None = None) -> list[CaseFile]:
    """The test files of a job.

    Raises:
        ConfigError: there is no such job, it has no tests, or a file has mistakes.
    """
    path = job_path(job, os.environ if environ is None else environ)
    beside, folder = path.with_suffix(".test.toml"), path.with_suffix(".tests")
    files = [beside] if beside.exists() else []
    files += sorted(folder.glob("*.toml"))
    if not files:
        raise ConfigError(
            f"job {path.stem} has no tests",
            code="NO_TESTS",
            hint=f"Write some into {beside.name} beside the job, or into files of the folder {folder.name}.",
        )
    return [_load(read_toml(each)) for each in files]


def _load(file: TomlFile) -> CaseFile:
    try:
        form = CaseFileForm.model_validate(file.document)
    except ValidationError as error:
        raise refusal(file, shape_mistakes(error, _model_at), hint=_HINT) from None
    mistakes = [each for number, test in enumerate(form.test) for each in _mistakes(number, test)]
    if form.org and form.snapshot:
        mistakes.append(Mistake(("snapshot",), "and org both say which org; give one"))
    if mistakes:
        raise refusal(file, mistakes, hint=_HINT)
    named = form.org or form.snapshot
    org = file.path.parent / named if named else None
    return CaseFile(file.path, org, tuple(_test(each, file.shown) for each in form.test))


def _mistakes(number: int, test: CaseForm) -> list[Mistake]:
    """What is wrong with the meaning of a test."""
    found = []
    for kind, rows in (("given", test.given), ("expect", test.expect)):
        for name in rows:
            if name not in SECTIONS:
                known = ", ".join(SECTIONS)
                found.append(
                    Mistake(("test", str(number), kind, name), f"is no section; sections are {known}")
                )
    for name, expected in test.expect.items():
        count = len(test.given.get(name, ()))
        if name in SECTIONS and count != len(expected):
            message = (
                f'of "{test.name}" expects {len(expected)} rows, and {count} are given; one for each row'
            )
            found.append(Mistake(("test", str(number), "expect", name), message))
    return found


def _test(form: CaseForm, file: str) -> MappingTest:
    return MappingTest(
        name=form.name,
        file=file,
        given={name: tuple(rows) for name, rows in form.given.items()},
        expect={
            name: tuple(Expected(each.action, each.problem, each.sends, each.includes) for each in rows)
            for name, rows in form.expect.items()
        },
        records=tuple(_record(each) for each in form.org.records),
    )


def _record(form: RecordForm) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in form.values.items()}
    return {"object": form.object, "values": values} | ({"local": form.local} if form.local else {})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _model_at(path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of the table at a path of a test file."""
    match path:
        case ():
            return CaseFileForm
        case ("test", _):
            return CaseForm
        case ("test", _, "org"):
            return OrgForm
        case ("test", _, "org", "records", _):
            return RecordForm
        case ("test", _, "expect", _, _):
            return ExpectForm
    return None
