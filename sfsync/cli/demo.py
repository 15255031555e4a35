"""The command demo: the example deals, imported into a local emulator before the user's eyes.

It starts the emulator as a process of its own, plans, writes, reads back and writes again, and compares
what the org then holds with what the story says. It exits 0 only when all of it is so; the import itself
ends with 3 each time, because the example has bad rows on purpose. `demo_export` is its second act.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.cli.demo_export import expect as _expect
from sfsync.cli.demo_export import second_act
from sfsync.cli.emulator import default_org_file
from sfsync.cli.example_folder import JOB, example_folder
from sfsync.core.ports import Lookup, OrgGateway
from sfsync.core.reports.report import ROWS_NOT_DONE
from sfsync.errors import ConfigError

if TYPE_CHECKING:
    from sfsync.core.job import Job
    from sfsync.core.reports.report import Report

START_TIMEOUT_S: Final = 20.0

DEALS: Final = {
    "DEAL-1001": ("Needs Analysis", 20, "its probability comes from its stage"),
    "DEAL-1002": ("Proposal/Price Quote", 60, "its probability is overridden: the stage alone says 75"),
    "DEAL-1003": ("Needs Analysis", 20, "it existed, and has moved on from Prospecting"),
}
"""The example's good deals: key -> stage, probability in percent, and what they show."""

ROLES: Final = {
    ("DEAL-1001", "Leung Chan", "Decision Maker", True),
    ("DEAL-1001", "Alan Johnson", "Evaluator", False),
    ("DEAL-1001", "Lars MacMillan", "Influencer", False),
    ("DEAL-1002", "Alan Johnson", "Economic Buyer", False),
    ("DEAL-1003", "Leung Chan", "Decision Maker", False),
}
"""The contact roles that the org holds afterwards: deal, contact, role, primary."""


@click.command(short_help="Import the example deals into a local Salesforce emulator.")
@click.option(
    "--state", type=click.Path(path_type=Path), help="Where the demo keeps its journal and results."
)
def demo_command(state: Path | None) -> int:
    """Import the Trailhead example into a local emulator: plan, write, read back, and write again.

    Nothing leaves this machine. Exits 0 when the org ends up as the story says.
    """
    from sfsync.jobs.config_folder import VARIABLE
    from sfsync.journal import state_folder

    config = example_folder(os.environ)
    if config is None:
        raise ConfigError(
            "the example, which comes with sfsync, is not where it was installed",
            code="NO_CONFIG",
            hint="Install sfsync again, or run sfsync demo in a checkout of it.",
        )
    folder = state or state_folder(dict(os.environ)) / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    around = dict(os.environ) | {VARIABLE: str(config)}
    with _emulator(around) as serving:
        environ = _environ(serving, folder, around)
        click.secho(
            f"A Salesforce emulator serves on {serving['instance_url']}: no org, nothing leaves here.\n"
        )
        return _tell(environ, folder)


@contextlib.contextmanager
def _emulator(environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """The emulator as its own process; gives the line that it prints once it listens."""
    org_file = default_org_file(environ)
    command = [sys.executable, "-m", "sfsync.emulator", "serve", "--port", "0", "--json"]
    if org_file is not None:
        command += ["--org", str(org_file)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ConfigError(
                "the emulator did not start", code="EMULATOR", hint="Try sfsync emulator serve."
            )
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait(timeout=START_TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()


def _environ(serving: Mapping[str, str], state: Path, around: Mapping[str, str]) -> dict[str, str]:
    return dict(around) | {
        "SFSYNC_STATE": str(state),
        "SFSYNC_ORGS__LOCAL__LOGIN": "token",
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": serving["instance_url"],
        "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": serving["access_token"],
        "SFSYNC_ORGS__LOCAL__LOOPBACK": "true",
    }


def _tell(environ: Mapping[str, str], state: Path) -> int:
    """Runs the story and compares its end with what it should be; returns the exit code."""
    click.secho("1. The plan: nothing is written yet", bold=True)
    first = _run(environ, show_plan=True)
    click.secho("\n2. Read back from the org", bold=True)
    failures = _compare(environ)
    click.secho("\n3. The same job again", bold=True)
    second = _run(environ, show_plan=False)
    failures += _expect(
        first.exit_code == ROWS_NOT_DONE, "the run ended with 3: the bad rows are in the rejects"
    )
    failures += _expect(second.usage.writes == 0, "the second run wrote nothing")
    failures += _expect(second.exit_code == ROWS_NOT_DONE, "the second run found the same bad rows")
    click.echo(f"\nResults and rejects of both runs: {state / 'runs' / JOB}")
    failures += second_act(environ, state, lambda job: _run_job(job, environ, show_plan=True))
    if failures:
        click.secho(f"{failures} things are not as they should be.", fg="red", err=True)
        return 1
    click.secho("All is as it should be.", fg="green")
    return 0


def _run(environ: Mapping[str, str], *, show_plan: bool) -> Report:
    from sfsync.jobs import load_job

    return _run_job(load_job(JOB, environ=environ), environ, show_plan=show_plan)


def _run_job(job: Job, environ: Mapping[str, str], *, show_plan: bool) -> Report:
    from sfsync.app.workplace import Surroundings, opened
    from sfsync.cli.output import console, deliver
    from sfsync.report.words.terminal import draw_plan

    around = Surroundings(environ=environ)
    with opened(job, around) as place, place.locked():
        plan = place.plan()
        if show_plan:
            draw_plan(plan, console())
            click.secho("\nThe plan is written", bold=True)
        report = place.apply(plan, is_fresh=True)
        folder = place.run_folder(plan.job, plan.plan_id)
    deliver(report, folder, as_json=False)
    return report


def _compare(environ: Mapping[str, str]) -> int:
    from sfsync.app.workplace import Surroundings, connected
    from sfsync.jobs import load_org

    with connected(load_org("local", environ=environ), Surroundings(environ=environ)) as gateway:
        deals = {str(each["Sfsync_Key__c"]): each for each in _deals(gateway)}
        failures = sum(_compare_deal(key, deals.get(key), *DEALS[key]) for key in DEALS)
        failures += _expect(deals.keys() == DEALS.keys(), "no other deal is there: bad rows were kept out")
        return failures + _compare_roles(_roles(gateway, deals))


def _deals(gateway: OrgGateway) -> list[Mapping[str, Any]]:
    fields = ("Id", "Sfsync_Key__c", "Name", "StageName", "Probability", "ExpectedRevenue")
    return gateway.fetch([Lookup("Opportunity", fields)])[0]


def _roles(gateway: OrgGateway, deals: Mapping[str, Mapping[str, Any]]) -> set[tuple[str, str, str, bool]]:
    keys = {str(each["Id"]): key for key, each in deals.items()}
    roles, contacts = gateway.fetch(
        [
            Lookup("OpportunityContactRole", ("Id", "OpportunityId", "ContactId", "Role", "IsPrimary")),
            Lookup("Contact", ("Id", "Name")),
        ]
    )
    names = {str(each["Id"]): str(each["Name"]) for each in contacts}
    return {
        (
            keys[str(each["OpportunityId"])],
            names[str(each["ContactId"])],
            str(each["Role"]),
            bool(each["IsPrimary"]),
        )
        for each in roles
    }


def _compare_deal(key: str, deal: Mapping[str, Any] | None, stage: str, probability: int, why: str) -> int:
    if deal is None:
        return _expect(False, f"{key} is in the org")  # noqa: FBT003
    found = (deal["StageName"], int(deal["Probability"]))
    return _expect(found == (stage, probability), f"{key} is in {found[0]} at {found[1]} %: {why}")


def _compare_roles(roles: set[tuple[str, str, str, bool]]) -> int:
    for deal, contact, role, is_primary in sorted(roles):
        click.echo(f"     {deal}: {contact} is {role}{', primary contact' if is_primary else ''}")
    primaries = [each for each in roles if each[3] and each[0] == "DEAL-1001"]
    failures = _expect(roles == ROLES, "the contact roles are these, and the role None was not saved")
    return failures + _expect(len(primaries) == 1, "exactly one contact of DEAL-1001 is primary")
