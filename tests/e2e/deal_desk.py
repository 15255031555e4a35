"""A job of deals alone on an emulated org: its rows and options are written down, then planned or run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from main_job_bench import ORG_FILE, Bench

from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.emulator.server import running

FIELDS = {
    "Sfsync_Key__c": '"id"',
    "Name": '"name"',
    "StageName": '"stage"',
    "CloseDate": '"close"',
    "Amount": '"amount"',
}
JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
{options}
[opportunities.fields]
"""


@dataclass
class DealDesk(Bench):
    """A bench whose job has deals and nothing else."""

    def write(
        self, *rows: Mapping[str, str], options: str = "", columns: Sequence[str] = (), **rules: str
    ) -> None:
        """Makes these rows the job; `rules` are further or other rules of fields, as TOML."""
        names = ("id", "name", "stage", "close", "amount", *columns)
        with (self.folder / "deals.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        fields = "\n".join(f"{name} = {rule}" for name, rule in (FIELDS | rules).items())
        self.job = str(self.folder / "deals.toml")
        (self.folder / "deals.toml").write_text(JOB.format(options=options) + fields, encoding="utf-8")

    def bring(self, *rows: Mapping[str, str], **words: Any) -> None:
        """Runs a job of these rows that has nothing to complain of."""
        self.write(*rows, **words)
        ending = self.run()
        assert ending.exit_code == 0, ending.codes()

    def picklist_calls(self) -> int:
        """How often the org was asked what a record type offers."""
        return sum("/picklist-values/" in each.path for each in self.emulator.audit.requests)


@contextmanager
def deal_desk(folder: Path, org: Any = ORG_FILE) -> Iterator[DealDesk]:
    """A desk on a fresh org."""
    with running(org) as emulator:
        yield DealDesk(emulator, folder)


def row(key: str = "D-1", **values: str) -> dict[str, str]:
    """A row of a deal in Prospecting."""
    plain = {
        "id": key,
        "name": f"Deal {key}",
        "stage": "Prospecting",
        "close": "2027-01-31",
        "amount": "100.00",
    }
    return plain | values


def has_nothing_to_write(desk: DealDesk) -> bool:
    """Whether the next plan writes nothing and refuses nothing.

    A row that is as it was is a NOOP, or not in the plan at all where it is sifted: that needs a second between
    the last write and the plan, which no test waits for.
    """
    return {each.action for each in desk.plan().changes} <= {Action.NOOP}


def change_of(plan: Plan, key: str = "D-1") -> Change:
    """The change of a deal."""
    [change] = [each for each in plan.changes if each.key == key]
    return change


def problems(plan: Plan, key: str = "D-1") -> list[tuple[str, str, str]]:
    """Code, column and hint of the problems of a row that is not possible."""
    change = change_of(plan, key)
    assert (change.action is Action.REJECT) == bool(change.problems)
    return [(each.code, each.column, each.hint) for each in change.problems]


def notes(plan: Plan) -> dict[str, str]:
    """The notes of a plan: code -> message."""
    return {each.code: each.message for each in plan.notes}
