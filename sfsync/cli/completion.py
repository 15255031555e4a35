"""The command completion, and the hook by which a shell's question is answered instead of a command run.

The scripts are click's own. They call sfsync with `_SFSYNC_COMPLETE` set, so `answers_shell` must be called before
click looks at the command line.
"""

from __future__ import annotations

import os
from typing import Final

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from sfsync.cli.completing import completions
from sfsync.errors import SyncError

VARIABLE: Final = "_SFSYNC_COMPLETE"
"""What the scripts set. Source: click, "Shell Completion"."""


def answers_shell() -> None:
    """Lets sfsync's own names complete, where a shell asks."""
    for each in (_Bash, _Zsh, _Fish):
        add_completion_class(each)


class _Named(ShellComplete):
    """Answers with names of ours where there are some, else as click does."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand for the incomplete word; a config folder or state that is wrong offers nothing."""
        assert isinstance(self.cli, click.Group)
        try:
            found = completions(self.cli, args, incomplete, os.environ)
        except (SyncError, OSError):
            return []
        return super().get_completions(args, incomplete) if found is None else found


class _Bash(_Named, BashComplete):
    """For bash 4.4 and newer."""


class _Zsh(_Named, ZshComplete):
    """For zsh."""


class _Fish(_Named, FishComplete):
    """For fish."""


_SHELLS: Final = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


@click.command(short_help="Print the script that completes commands in bash, zsh or fish.")
@click.argument("shell", type=click.Choice(list(_SHELLS)))
def completion_command(shell: str) -> int:
    """Print the script that lets SHELL complete commands, options, and the names of jobs, orgs and runs.

    Load it from the shell's start-up file, for example in ~/.bashrc:

    eval "$(sfsync completion bash)"
    """
    root = click.get_current_context().find_root().command
    click.echo(_SHELLS[shell](root, {}, "sfsync", VARIABLE).source())
    return 0
