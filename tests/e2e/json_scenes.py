"""A life of a desk in which every command that has `--json` says a document, and the documents that came of it.

One org, one state folder, in the order of a person's week: look, write, go on, take back, clean up.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import click
from doc_stage import LIMIT, Stage

from sfsync.cli.main import cli
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.faults import FaultScript
from sfsync.journal import open_journal, state_place

RULE: Final = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
WRITES: Final = "/composite/graph"

BY_HAND: Final = {
    "Name": "Get Cloudy - 5 Boots",
    "StageName": "Prospecting",
    "CloseDate": "2027-01-31",
}
"""A deal that somebody made in the org, which is a row of deals.csv."""


@dataclass(frozen=True, slots=True)
class Said:
    """A document with the command that said it; `lines` are those of its progress or log."""

    command: str
    document: Mapping[str, Any]
    lines: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Week:
    """Types the commands of a week on a stage and keeps what they say."""

    stage: Stage
    said: list[Said] = field(default_factory=list)

    def type(self, *arguments: str, ends: int = 0, progress: bool = False) -> Mapping[str, Any]:
        """Types a command with --json; its document."""
        further = ("--progress", "json") if progress else ()
        done = self.stage.sfsync(*arguments, "--json", *further)
        assert done.exit_code == ends, f"{arguments} ended with {done.exit_code}: {done.out}{done.err}"
        lines = tuple(json.loads(each) for each in done.err.splitlines()) if progress else ()
        self.said.append(Said(command_of(arguments), done.document, lines))
        return done.document

    def files(self) -> None:
        """What needs no org: findings about files, codes and the forms of files."""
        self.type("explain", "UNKNOWN_STAGE")
        self.type("explain")
        for form in ("job", "org", "preset"):
            self.type("schema", form)
        self.type("test", "trailhead")
        self.type("suggest", "deals.csv", "--roles", "roles.csv", "-o", "local")
        self.type("suggest", "config/samples/hubspot_deals_de.csv")
        tests = self.stage.folder / "config" / "jobs" / "trailhead.test.toml"
        tests.write_text(tests.read_text().replace('StageName = "Prospecting"', 'StageName = "Elsewhere"'))
        self.type("test", "trailhead", ends=3)

    def orgs(self) -> None:
        """Profiles and orgs."""
        self.type("org", "list")
        url = self.stage.emulator.instance_url
        token = "SFSYNC_EMULATOR_TOKEN"
        named = ("box", "--login", "token", "--url", url, "--access-token-env", token, "--loopback")
        self.type("org", "add", *named, "--pin")
        self.type("org", "add", "plain", *named[1:])
        broken = self.stage.folder / "config" / "orgs" / "broken.toml"
        broken.write_text("no_such_key = 1\n")
        self.type("org", "list", ends=2)
        broken.unlink()
        self.type("org", "test", "-o", "box")
        self.type("org", "limits", "-o", "box")
        self.type("org", "snapshot", "-o", "local")
        self.type("org", "setup", "pipeline", "--out", "setup")
        self.type("org", "receipts", "-o", "local", "--purge-older-than", "30")

    def runs(self) -> None:
        """Plans and runs: good, with rows not done, cut off, gone on with, tried again, taken back."""
        faults = self.stage.emulator.faults
        self.type("check", "trailhead", ends=3)
        self.type("check", "pipeline", "--snapshot", "local.snapshot.json")
        self.type("check", "hubspot")
        self.type("plan", "trailhead", ends=3)
        self.type("run", "trailhead", "--yes", "--verify", ends=3, progress=True)
        faults.add(FaultScript(LIMIT, path=WRITES, count=None))
        self.type("run", "pipeline", "--yes", ends=75)
        faults.clear()
        done = self.type("resume", progress=True)
        self.type("undo", str(done["run"]), "--yes")
        faults.add(FaultScript(FailRows(keys=("D-1",), code=RULE), path="/composite", count=None))
        watched = ("--log-file", "run.jsonl", "--notify-command", "tee notice.json")
        self.type("run", "pipeline", "--full", "--yes", *watched, ends=3)
        faults.clear()
        self.type("retry")
        self.type("pull", "pipeline", "--out", "pulled.csv")
        deals = self.stage.folder / "exports" / "deals.csv"
        lines = deals.read_text().splitlines(keepends=True)
        deals.write_text("".join(each for each in lines if not each.startswith("D-2")))
        self.type("plan", "pipeline")

    def adoption(self) -> None:
        """A deal that is in the org already, then the import of its file."""
        org = self.stage.emulator.org
        account = org.storage.select("Account", '"Name" = ?', "Get Cloudy Consulting")[0]["Id"]
        self.stage.make("Opportunity", BY_HAND | {"AccountId": account})
        (self.stage.folder / "adopting.toml").write_text(ADOPTING)
        self.type("adopt", "./adopting.toml", "--candidates", "--out", "adopt.csv")
        path = self.stage.folder / "adopt.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for each in rows:
            each["adopt"] = "yes"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        for _ in range(2):
            self.type("adopt", "./adopting.toml", "--confirm", "adopt.csv")
        self.type("import", "deals.csv", "--roles", "roles.csv", "--key", "deal_id", "-o", "local", "--yes")

    def journal(self) -> None:
        """What the journal remembers, and past runs."""
        self.type("state", "show", "pipeline")
        self.type("state", "show", "nobody")
        self.type("state", "init", "pipeline")
        self.type("state", "forget", "pipeline", "D-1")
        self.type("state", "unlock")
        place = state_place(self.stage.environ)
        with open_journal(place, clock=lambda: datetime.now(UTC)) as journal, journal.locked("a job of ours"):
            self.type("state", "unlock", ends=99)
        self.type("state", "upgrade")
        runs = self.type("runs", "list")["runs"]
        self.type("runs", "show", runs[0]["run"])
        self.type("runs", "report", runs[0]["run"])
        self.type("runs", "prune", "--older-than", "0d", "--dry-run")
        self.type("runs", "prune", "--older-than", "90d")

    def server(self) -> None:
        """The emulator says where it is, in one line."""
        done = self.stage.serve(["emulator", "serve", "--json"])
        self.said.append(Said("emulator serve", json.loads(done.out)))


ADOPTING: Final = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "deal_id"
Name = "Name"
StageName = "StageName"
CloseDate = "Close Date"
AccountId = { column = "Account", match = "Name" }
"""


def week(stage: Stage) -> Week:
    """All of it."""
    made = Week(stage)
    parts: tuple[Callable[[Week], None], ...] = (
        Week.files, Week.orgs, Week.runs, Week.adoption, Week.journal, Week.server
    )  # fmt: skip
    for part in parts:
        part(made)
    return made


def command_of(arguments: tuple[str, ...]) -> str:
    """The command's own words, without its arguments."""
    groups = {name for name, command in commands() if isinstance(command, click.Group)}
    return " ".join(arguments[: 2 if arguments[0] in groups else 1])


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and group with its words, walked from the top."""

    def below(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield " ".join((*words, name)), command
            if isinstance(command, click.Group):
                yield from below(command, (*words, name))

    return below(cli, ())


def with_option(option: str) -> set[str]:
    """The commands that have an option."""
    return {name for name, command in commands() if any(option in each.opts for each in command.params)}
