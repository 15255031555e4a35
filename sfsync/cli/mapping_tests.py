"""The command test: a job's mapping on rows that its test files give, against an emulator in this process."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.cli.emulator import default_org_file
from sfsync.cli.options import json_option
from sfsync.cli.output import print_json, surroundings
from sfsync.core.reports.report import ROWS_NOT_DONE
from sfsync.errors import ConfigError

if TYPE_CHECKING:
    from sfsync.app.workplace import Surroundings
    from sfsync.core.reading.mapping_tests import Tested
    from sfsync.emulator.org.definition import OrgDefinition
    from sfsync.emulator.server import RunningEmulator
    from sfsync.jobs.mapping_test_files import CaseFile

ORG: Final = "mapping_test"
"""The name of the profile that leads to the emulator."""


@click.command(short_help="Test a job's mapping on rows of its test files; no org, no login, no network.")
@click.argument("job")
@json_option
def test_command(job: str, *, as_json: bool) -> int:
    """Run the tests of JOB: the rows that a test gives are planned, and the plan is compared with what it expects.

    Tests stand beside the job, in JOB.test.toml or in files of the folder JOB.tests. The org is an emulator in
    this process, by an org file or a snapshot that the test file names. Exits 0 when all pass, 3 when some fail, 2
    when a file is broken. Example:

    sfsync test trailhead
    """
    with surroundings("none") as around:
        results = list(_run(job, around))
    failed = sum(not each.passed for each in results)
    exit_code = ROWS_NOT_DONE if failed else 0
    if as_json:
        print_json(_document(job, results, exit_code=exit_code))
    else:
        _draw(results)
    return exit_code


def _run(job: str, around: Surroundings) -> Iterator[Tested]:
    """All tests in the order of their files; those that add nothing to the org share one."""
    from sfsync.app.mapping_testing import run_tests
    from sfsync.jobs import load_job
    from sfsync.jobs.mapping_test_files import load_mapping_tests

    files = load_mapping_tests(job, environ=around.environ)
    for file in files:
        for records, tests in groupby(file.tests, key=lambda each: each.records):
            group = list(tests)
            with tempfile.TemporaryDirectory() as state, _playing(file, records) as emulator:
                environ = _environ(around, emulator, state)
                yield from run_tests(
                    load_job(job, org=ORG, environ=environ), group, replace(around, environ=environ)
                )


@contextlib.contextmanager
def _playing(file: CaseFile, records: Iterable[Any]) -> Iterator[RunningEmulator]:
    """The emulator of the file's org, with further records."""
    from sfsync.emulator.org.definition import DefinitionError
    from sfsync.emulator.server import running

    with contextlib.ExitStack() as stack:
        try:
            definition = _definition(file.org)
            served = running(replace(definition, records=(*definition.records, *records)))
            emulator = stack.enter_context(served)
        except (DefinitionError, OSError) as error:
            raise ConfigError(
                f"{file.path.name}: the org cannot be played: {error}",
                code="BAD_TEST_ORG",
                hint="Correct org or snapshot of the test file, or the records that it adds.",
            ) from None
        yield emulator


def _definition(org: Path | None) -> OrgDefinition:
    from sfsync.emulator.org.origin import definition_of
    from sfsync.emulator.server import default_definition

    chosen = org or default_org_file()
    return default_definition() if chosen is None else definition_of(chosen)


def _environ(around: Surroundings, emulator: RunningEmulator, state: str) -> dict[str, str]:
    """An environment that leads to the emulator and to a journal of its own."""
    profile = f"SFSYNC_ORGS__{ORG.upper()}"
    return dict(around.environ) | {
        "SFSYNC_STATE": state,
        "SFSYNC_STATE_FOLDER": state,
        f"{profile}__LOGIN": "token",
        f"{profile}__INSTANCE_URL": emulator.instance_url,
        f"{profile}__ACCESS_TOKEN": emulator.access_token,
        f"{profile}__LOOPBACK": "true",
    }


def _document(job: str, results: list[Tested], *, exit_code: int) -> dict[str, Any]:
    passed = sum(each.passed for each in results)
    return {
        "schema": "sfsync.test/1",
        "job": job,
        "passed": passed,
        "failed": len(results) - passed,
        "tests": [
            {
                "name": each.test.name,
                "file": each.test.file,
                "passed": each.passed,
                "differences": [asdict(difference) for difference in each.differences],
            }
            for each in results
        ],
        "exit_code": exit_code,
    }


def _draw(results: list[Tested]) -> None:
    from sfsync.report.safe_text import visible

    for each in results:
        mark, where = ("ok  ", "") if each.passed else ("FAIL", f"  ({each.test.file})")
        click.echo(f"{mark} {visible(each.test.name + where)}")
        for difference in each.differences:
            click.echo(f"       {visible(difference.row)}, {visible(difference.what)}")
            click.echo(f"         expected: {visible(difference.expected)}")
            click.echo(f"         actual:   {visible(difference.actual)}")
    failed = sum(not each.passed for each in results)
    tests = "test" if len(results) == 1 else "tests"
    click.echo(f"{failed} of {len(results)} {tests} failed." if failed else f"{len(results)} {tests} passed.")
