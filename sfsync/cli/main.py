"""The entry point: which commands there are, and how an error becomes a message and an exit code.

Commands are imported when they are called, so that `sfsync --help` stays quick. A command returns its exit
code; an error of ours is a message with a hint, anything else is a fault of sfsync (exit 1) whose trace goes
to a private file, without the texts of the errors in it, because these could show secrets and record values.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from sfsync.cli.ending import TELLS, current, ending_of
from sfsync.cli.output import print_error
from sfsync.errors import ConfigError, Interrupted, SyncError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERSION: Final = "0.1.0"

COMMANDS: Final = {
    "demo": ("demo", "Import the example deals into a local Salesforce emulator."),
    "suggest": ("suggest", "Look at a file and write a job for it to review; nothing is applied."),
    "init": ("init", "Write a commented job to start from, blank or for a preset."),
    "check": ("check", "Check a job against its org and its files; nothing is written."),
    "test": (
        "mapping_tests",
        "Test a job's mapping on rows of its test files; no org, no login, no network.",
    ),
    "plan": ("run", "Show what a job would change; nothing is written."),
    "run": ("run", "Plan a job, then write the plan."),
    "import": ("import_file", "Import a file of deals, once, without a job file."),
    "resume": ("run", "Go on with an interrupted run."),
    "retry": ("retry", "Try the failed rows of a run again."),
    "undo": ("undo", "Take back what a run wrote."),
    "pull": ("pull", "Bring deals of the org back into a file; nothing is written to the org."),
    "adopt": ("adopt", "Say which records of the org rows are that have none by their key."),
    "runs": ("runs", "Look at past runs: list, show, report; prune old files."),
    "state": ("state", "Look after the journal: what it remembers, who holds its locks."),
    "org": ("org", "Orgs and their profiles: list, add, test, limits, snapshot, setup, receipts."),
    "emulator": ("emulator", "Serve a local Salesforce emulator for rehearsals."),
    "explain": ("explain", "Say what a code means, what it did to the data, and what to do next."),
    "schema": ("schema", "Print the JSON Schema of job files, org profiles and presets."),
    "completion": ("completion", "Print the script that completes commands in bash, zsh or fish."),
}
"""Command -> its module below sfsync.cli and its line in the help."""

EPILOG: Final = """\b
Exit codes:
  0  all rows written, unchanged or skipped    3  finished, some rows not done: see the rejects
  1  a fault of sfsync, or its journal         4  login or permission refused
  2  usage, job or mapping wrong               5  source missing, unreadable or empty
  6  stopped by a guard, or a stale plan       8  plan --detailed-exitcode: changes wait
  75 org unavailable or out of API calls      99  another run holds the lock
  130, 143  interrupted: sfsync resume goes on
"""


class _Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sfsync.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The commands that begin so, without importing any of them, or the options."""
        if not incomplete[:1].isalnum() and incomplete:
            return click.Command.shell_complete(self, ctx, incomplete)
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="sfsync")
def cli() -> None:
    """Bring local deals and their contact roles to Salesforce.

    Planned first, never twice, never lost. Start with: sfsync demo
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and ends the process with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = _on_this_system(given)
    except KeyboardInterrupt:
        code = 130
    sys.exit(_printed(code, as_json="--json" in given, tells=given[:1] != [] and given[0] in TELLS))


def _on_this_system(arguments: list[str]) -> int:
    """Runs a command where sfsync can run at all; returns the exit code."""
    from sfsync.platforms import require_supported

    try:
        require_supported()
    except ConfigError as error:
        as_json = "--json" in arguments
        print_error(error.message, code=error.code, hint=error.hint, exit_code=2, as_json=as_json)
        return error.exit_code
    from sfsync.cli.process import made_safe

    made_safe()
    if "_SFSYNC_COMPLETE" in os.environ:
        from sfsync.cli.completion import answers_shell

        answers_shell()
    return run(arguments)


def run(arguments: list[str]) -> int:
    """Runs a command and returns its exit code; nothing is raised. What runs a job ends with one sentence."""
    from sfsync.cli.github import github_step

    with github_step(os.environ), ending_of(arguments) as ending:
        code = _run(arguments)
        if ending is not None and ending.is_to_be_said():
            ending.say(code)
        return code


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        code = cli.main(arguments, prog_name="sfsync", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort:
        return 130
    except click.ClickException as error:
        hint = "See sfsync --help." if not isinstance(error, click.UsageError) else _usage_hint(error)
        _tell_failure(_in_line(error.format_message()), code="USAGE", hint=hint, exit_code=2, as_json=as_json)
        return 2
    except Interrupted as error:
        ending = error.process_exit_code
        _tell_failure(error.message, code=error.code, hint=error.hint, exit_code=ending, as_json=as_json)
        return ending
    except SyncError as error:
        _tell_failure(
            error.message,
            code=error.code,
            hint=error.hint,
            exit_code=error.exit_code,
            as_json=as_json,
            has_more=_has_more(error),
        )
        return error.exit_code
    except BrokenPipeError:
        _drop_output()
        return 141
    except Exception as error:  # noqa: BLE001 - the last line of defence names the fault and keeps the trace
        return _own_fault(error, as_json=as_json)
    return code if isinstance(code, int) else 0


def _tell_failure(
    message: str, *, code: str, hint: str, exit_code: int, as_json: bool, has_more: bool = False
) -> None:
    """Prints an error, and keeps it for the last sentence."""
    from sfsync.report.watching.last_sentence import Failure

    print_error(message, code=code, hint=hint, exit_code=exit_code, as_json=as_json, has_more=has_more)
    ending = current()
    if ending is not None:
        ending.failed(Failure(message, code, hint), exit_code)


def _printed(code: int, *, as_json: bool, tells: bool) -> int:
    """The exit code, once everything printed has left; another where it cannot leave."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        _drop_output()
        message = f"the output could not be written: {error.strerror}"
        hint = "What was done is in the journal and in the files of the run."
        print_error(message, code="OUTPUT_LOST", hint=hint, exit_code=1, as_json=as_json)
        if tells:
            click.echo(
                f"sfsync: ended with {code or 1}: {message} (OUTPUT_LOST); what was done is kept", err=True
            )
        return code or 1
    return code


def _has_more(error: SyncError) -> bool:
    """Whether its code says more than the message, which has told all of a mistake in a job or a command."""
    from sfsync.explanations.catalogue import explanation

    return error.exit_code != ConfigError.exit_code and explanation(error.code) is not None


def _drop_output() -> None:
    """Lets what nobody can read any more go nowhere, so that the end of the process does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_line(message: str) -> str:
    """The message of click with what it lists, one below the other behind tabs, in one line."""
    return message.replace("\n\t", " ")


def _usage_hint(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else "sfsync"
    return f"See {command} --help."


def _own_fault(error: Exception, *, as_json: bool) -> int:
    """Keeps the trace of a fault of ours in a private file and says where it is."""
    from sfsync.app.run_files import write_private
    from sfsync.cli.process import trace_of
    from sfsync.journal import state_folder

    try:
        folder = state_folder(dict(os.environ))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        trace = folder / "fault.log"
        write_private(trace, trace_of(error).encode())
        where = f"The trace is in {trace}."
    except (OSError, SyncError):
        where = "The trace could not be written."
    _tell_failure(
        f"a fault of sfsync itself: {type(error).__name__}",
        code="FAULT",
        hint=where,
        exit_code=1,
        as_json=as_json,
    )
    return 1
