"""A stage to play a page on: a folder as its reader has it, an emulated org, and the commands typed one by one.

The folder has the project's config folder with two jobs more, `pipeline` and `nightly`, and the files they read.
The orgs `local`, `sandbox` and `production` are one emulated org. What differs from run to run (ids, times, paths,
ports, counts of calls) is left out of the comparison.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Final

import pytest
from command_line import PROGRAM, Done, warm_sfsync
from doc_pages import ROOT, Block, Command

from sfsync.emulator.fault_actions import Refuse
from sfsync.emulator.faults import FaultScript
from sfsync.emulator.org_changes import change_org
from sfsync.emulator.server import RunningEmulator, running

HOME: Final = "/home/ada"
"""The folder of the reader, as pages show it."""

DEALS: Final = """\
deal_id,product,customer,stage,close,next step,internal note
D-1,Sneakers,Get Cloudy Consulting,Open,15.12.2026,Call Leung,x
D-2,Sandals,Get Cloudy Consulting,Open,31.01.2027,,
"""
ROLES: Final = """\
deal_id,email,role,primary
D-1,leung.chan@getcloudy.example,Decision Maker,yes
D-2,alan.johnson@getcloudy.example,Evaluator,
"""
IMPORTED: Final = """\
deal_id,Name,Account,StageName,Close Date
N-1,Get Cloudy - 5 Boots,Get Cloudy Consulting,Prospecting,2027-01-31
"""
IMPORTED_ROLES: Final = "deal_id,Contact Email,Role\nN-1,leung.chan@getcloudy.example,Evaluator\n"

ALLOWED: Final = {"sfsync", "cat", "cp", "sed", "mkdir", "curl"}
"""Programs that a page may run in a test: none of them changes anything outside of the stage."""

LIMIT: Final = Refuse(
    403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
)

TABLE: Final = """
CREATE TABLE crm_deals (id, name, customer, stage, close_date, amount NUMERIC, changed_at TEXT);
INSERT INTO crm_deals VALUES
  ('W-1', 'Get Cloudy - 80 Trail Shoes', 'Get Cloudy Consulting', 'Prospecting',
   '2027-01-31', 7120, '2026-11-20 10:00:00'),
  ('W-2', 'Get Cloudy - 6 Dance Shoes', 'Get Cloudy Consulting', 'Needs Analysis',
   '2027-02-28', 720, '2026-11-21 10:00:00');
"""
MOVED: Final = """
UPDATE crm_deals SET stage = 'Needs Analysis', changed_at = '2026-11-25 10:00:00' WHERE id = 'W-1'
"""

ACCOUNTS: Final = """
[accounts]
file = "../../exports/accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "account_id"
Name = "account"
"""

_VARYING: Final = [
    (re.compile(r"(?m)^(\s*\S{80,})\n"), r"\1"),  # a path that is longer than a line
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\b00D\w{12}\b!\S+?(?=[\"\s])"), "TOKEN"),
    (
        re.compile(
            r"(?<=_id\": \")\w+|(?<=_secret\": \")\w+|(?<=password\": \")\S+?(?=\")|(?<=_token\": \")\S+?(?=\")"
        ),
        "X",
    ),
    (re.compile(r"\b(?:00[0-9A-Z]|012|a0\w)[0-9A-Za-z]{12}(?:[0-9A-Z]{3})?\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b\d[\d,]*(?= (?:calls left today|are left until|of its 15,000 calls))"), "N"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r"[\d.]+ (?:s|kB|MB)\b"), "N s"),
    (re.compile(r"(?<=API requests, 24 hours)\s+[\d,]+ of\s+15,000\s+\d+%"), " N of 15,000"),
    (re.compile(r"[+-]\d+ s off"), "N s off"),
    (re.compile(r"(?:\S*/)?state/runs/"), "STATE/runs/"),
    (re.compile(r"\s+"), " "),
]


def plain(text: str) -> str:
    """A text without what differs from run to run, and without the way it is wrapped."""
    for form, word in _VARYING:
        text = form.sub(word, text)
    return text.strip()


def what_is_not_said(shown: str, said: str) -> str:
    """The first part of a shown output that is not what was said; "" where all is.

    A line `...` stands for any lines.
    """
    parts = [plain(each) for each in re.split(r"^\s*\.\.\.$", shown, flags=re.MULTILINE)]
    rest = plain(said)
    for number, part in enumerate(parts):
        is_first, is_last = number == 0, number == len(parts) - 1
        at = len(rest) - len(part) if is_last and not is_first else 0 if is_first else rest.find(part)
        if at < 0 or not rest.startswith(part, at) or (is_first and is_last and rest != part):
            return part or "the end"
        rest = rest[at + len(part) :]
    return ""


def needs_a_shell(line: str) -> bool:
    """Whether a command has more in it than words: a pipe, a file, a second command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return any(re.fullmatch(r"[|<>;&()]+", each) for each in lexer)


def is_shown(shown: str, said: str) -> bool:
    """Whether a shown output is what was said."""
    return not what_is_not_said(shown, said)


@dataclass
class Stage:
    """A folder, its variables, and what the last command said."""

    folder: Path
    emulator: RunningEmulator
    environ: dict[str, str] = field(default_factory=dict)
    cwd: Path = field(default_factory=Path)
    last: Done = field(default_factory=lambda: Done(0, "", ""))
    runs: dict[str, str] = field(default_factory=dict)
    served: list[subprocess.Popen[str]] = field(default_factory=list)

    def play(self, block: Block) -> list[str]:
        """Does what a block says; what is not as it is shown, one text for each."""
        for each in block.before():
            self._prepare(each)
        name = block.word("file")
        if name:
            (self.cwd / name).parent.mkdir(parents=True, exist_ok=True)
            (self.cwd / name).write_text(block.put_in(block.text), encoding="utf-8")
            return []
        if block.word("output") is not None:
            return self._compared(block, Command("the command above", block.text))
        if block.word("part") is not None:
            return self._compared(block, Command("the command above", f"...\n{block.text}...\n"))
        left_out = tuple(block.parts_not_run())
        commands = [each for each in block.commands() if not (left_out and each.typed.startswith(left_out))]
        exits = [int(each) for each in (block.word("exits") or "").split()]
        exits += [0] * (len(commands) - len(exits))
        return [
            fault
            for command, code in zip(commands, exits, strict=True)
            for fault in self._played(block, command, code)
        ]

    def _prepare(self, line: str) -> None:
        """Does what stands behind the scene of a page, however it ends."""
        edit = re.fullmatch(r"in (\S+): (.+) => (.*)", line)
        written = re.fullmatch(r"write (\S+): (.*)", line)
        record = re.fullmatch(r"the org has (\w+) (.*)", line)
        if written:
            text = written[2].encode("latin-1").decode("unicode_escape")
            (self.cwd / written[1]).write_bytes(text.encode("latin-1"))
        elif record:
            self.make(record[1], json.loads(record[2]))
        elif edit:
            path = self.cwd / edit[1].replace("{rejects}", self._rejects())
            text = path.read_text(encoding="utf-8")
            assert edit[2] in text, line
            path.write_text(text.replace(edit[2], edit[3]), encoding="utf-8")
        elif line == "the day is used up":
            self.emulator.faults.add(FaultScript(LIMIT, path="/composite/graph", count=None))
        elif line == "a new day":
            self.emulator.faults.clear()
        elif line == "the warehouse":
            self._warehouse(TABLE)
        elif line == "a deal moves in the warehouse":
            self._warehouse(MOVED)
        else:
            self.last = self._typed(line, alone=False)

    def _warehouse(self, script: str) -> None:
        """Does something in a small database that stands for a warehouse."""
        with closing(sqlite3.connect(self.folder / "crm.db")) as database:
            database.executescript(script)

    def _played(self, block: Block, command: Command, code: int) -> list[str]:
        typed = block.put_in(command.typed)
        for shown, real in self.runs.items():
            typed = typed.replace(shown, real)
        typed = re.sub(r"\bRUN\b|\{run\}", self._newest(), typed).replace("{rejects}", self._rejects())
        self.last = self._typed(typed.replace(HOME, str(self.folder)), alone=block.word("alone") is not None)
        faults = self._compared(block, command) if command.output is not None else []
        if self.last.exit_code != code:
            said = self.last.out[-600:] + self.last.err[-600:]
            faults.append(
                f"{block.page}:{block.line}: {typed}\nended with {self.last.exit_code}, not {code}\n{said}"
            )
        return faults

    def _compared(self, block: Block, command: Command) -> list[str]:
        assert command.output is not None
        self._pair_runs(command.output)
        shown = command.output.replace(HOME, str(self.folder))
        if is_shown(shown, self.last.out) or is_shown(shown, self.last.out + self.last.err):
            return []
        said = self.last.out + self.last.err
        missing = what_is_not_said(shown, said)
        head = f"{block.page}:{block.line}: {command.typed}"
        return [f"{head}\n--- shown, and not said\n{missing}\n--- said\n{said}"]

    def _pair_runs(self, shown: str) -> None:
        """Remembers which run of ours a run that is shown stands for, so that a later command may name it."""
        form = _VARYING[1][0]
        said = form.findall(self.last.out + self.last.err)
        for name, real in zip(form.findall(shown), said, strict=False):
            self.runs.setdefault(name, real)

    def _typed(self, line: str, *, alone: bool) -> Done:
        seen = self.environ | {"PWD": str(self.cwd)}
        if alone:
            seen = {name: value for name, value in seen.items() if not re.match("SFSYNC_(ORGS|EMUL)", name)}
        words = shlex.split(Template(line).safe_substitute(seen), comments=True)
        if words == ["echo", "$?"]:
            return Done(0, f"{self.last.exit_code}\n", "")
        if words[0] == "export":
            self.environ |= dict(each.split("=", 1) for each in words[1:])
            return Done(0, "", "")
        if words[0] == "cd":
            self.cwd = (self.cwd / words[1]).resolve()
            return Done(0, "", "")
        if words[:3] == ["sfsync", "emulator", "serve"]:
            return self.serve(words[1:])
        if words[0] == "sfsync" and not needs_a_shell(line):
            return warm_sfsync(*words[1:], environ=seen, cwd=self.cwd)
        assert words[0] in ALLOWED, f"say why it is not run: {line}"
        if shutil.which(words[0], path=seen["PATH"]) is None:
            pytest.skip(f"{words[0]} is not on this machine")
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            env=seen,
            cwd=self.cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def serve(self, arguments: list[str]) -> Done:
        """Serves an org until the page ends; the profile local leads to it from now on."""
        process = subprocess.Popen(
            [*PROGRAM, *arguments], env=self.environ | {"PYTHONPATH": str(ROOT)}, cwd=self.cwd, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.served.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            offered = json.loads(line)
        except ValueError:
            return Done(2, line + process.stdout.read(), "")
        self.environ["SFSYNC_ORGS__LOCAL__INSTANCE_URL"] = offered["instance_url"]
        self.environ["SFSYNC_EMULATOR_TOKEN"] = offered["access_token"]
        return Done(0, line, "")

    def sfsync(self, *arguments: str) -> Done:
        """Types a command of sfsync, as it is."""
        return warm_sfsync(*arguments, environ=self.environ, cwd=self.cwd)

    def make(self, sobject: str, values: dict[str, Any]) -> None:
        """Makes a record in the org, as somebody else would."""
        table = {"what": "create", "object": sobject, "values": values}
        change_org(self.emulator.org, self.emulator.audit, table)

    def _newest(self) -> str:
        """The id of the newest run that wrote, "" where there is none."""
        return self._last_of(
            "run_results.json", lambda each: json.loads(each.read_bytes())["action"] == "apply"
        ).parent.name

    def _rejects(self) -> str:
        """The newest rejects file of deals."""
        return str(self._last_of("rejects-opportunities.csv", lambda _: True))

    def _last_of(self, name: str, counts: Callable[[Path], bool]) -> Path:
        """The newest file of that name in the folders of runs; a path of nothing where there is none."""
        found = Path(self.environ["SFSYNC_STATE"]).glob(f"runs/*/*/{name}")
        return max(filter(counts, found), key=lambda each: each.stat().st_mtime_ns, default=Path())


def _pipeline() -> str:
    """The job of the README, with a word for deals that are open."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[1].replace('"Won" = ', '"Open" = "Prospecting", "Won" = ')


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage with a fresh org and a fresh state."""
    shutil.copytree(ROOT / "config", folder / "config")
    (folder / "exports").mkdir()
    (folder / "state").mkdir(mode=0o700)
    (folder / "exports" / "deals.csv").write_text(DEALS)
    (folder / "exports" / "roles.csv").write_text(ROLES)
    (folder / "deals.csv").write_text(IMPORTED)
    (folder / "roles.csv").write_text(IMPORTED_ROLES)
    (folder / "exports" / "accounts.csv").write_text("account_id,account\nA-1,Hooli\n")
    for name, further in (("pipeline", ""), ("nightly", ACCOUNTS)):
        (folder / "config" / "jobs" / f"{name}.toml").write_text(_pipeline() + further)
    with running(ROOT / "config" / "emulator" / "org.toml") as emulator:
        made = Stage(folder, emulator, _environ(folder, emulator), folder)
        try:
            yield made
        finally:
            for process in made.served:
                process.terminate()
                process.communicate(timeout=20)


def _environ(folder: Path, emulator: RunningEmulator) -> dict[str, str]:
    binaries = Path(sys.executable).parent
    environ: dict[str, Any] = {
        "HOME": str(folder),
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "SFSYNC_STATE": str(folder / "state"),
        "SFSYNC_EMULATOR_TOKEN": emulator.access_token,
        "SFSYNC_ORGS__LOCAL__INSTANCE_URL": emulator.instance_url,
    }
    for name in ("SANDBOX", "PRODUCTION"):
        own = {"LOGIN": "token", "INSTANCE_URL": emulator.instance_url, "ACCESS_TOKEN": emulator.access_token}
        environ |= {f"SFSYNC_ORGS__{name}__{key}": value for key, value in own.items()}
        environ[f"SFSYNC_ORGS__{name}__LOOPBACK"] = "true"
    return environ
