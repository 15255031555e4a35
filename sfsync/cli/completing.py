"""Decides what a half-typed command line may go on with: jobs, orgs and runs by name, the rest by click.

A shell asks at every press of Tab, so what is asked most is answered from names of files and variables alone: no
job is read, no journal opened, no library imported. Commands that stand in `FIRST_ARGUMENTS` are not even imported;
for others, and behind options, the command is imported and its own parameters say what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from pathlib import Path

MOST_RUNS: Final = 50
PLANS_OF_RUNS: Final = ("plan.json", "plan.json.gz", "plan-0001.page")
"""What a run writes into its folder before it begins, and a plan that is only shown does not: its plan, one that is
large, and the first portion of one in portions.
"""

ORG_OPTIONS: Final = frozenset({"-o", "--target-org"})

FIRST_ARGUMENTS: Final = {
    ("check",): "job",
    ("plan",): "job",
    ("run",): "job",
    ("test",): "job",
    ("pull",): "job",
    ("adopt",): "job",
    ("resume",): "run",
    ("retry",): "run",
    ("undo",): "run",
}
"""Command -> the name of its first argument, so that the command need not be imported to know it."""

Item = CompletionItem[str]


def completions(
    root: click.Group, words: Sequence[str], incomplete: str, environ: Mapping[str, str]
) -> list[Item] | None:
    """What may stand for the incomplete word behind these words; None where click knows better."""
    if incomplete.startswith("-"):
        return None
    if words and words[-1] in ORG_OPTIONS:
        return _fitting(_orgs(environ), incomplete)
    wanted = _wanted(root, words)
    if wanted is None or wanted not in KINDS:
        return None
    found = _fitting(KINDS[wanted](environ), incomplete)
    may_be_a_path = wanted == "job" and not found
    return [CompletionItem(incomplete, type="file")] if may_be_a_path else found


def _wanted(root: click.Group, words: Sequence[str]) -> str | None:
    """The name of the argument that comes next; None where that is no argument, or nobody knows."""
    path, given = tuple(words[:1]), _without_org(words[1:])
    if path in FIRST_ARGUMENTS and not any(each.startswith("-") for each in given):
        return FIRST_ARGUMENTS[path] if not given else None
    command, rest = _resolved(root, words)
    if command is None or isinstance(command, click.Group):
        return None
    behind = _arguments_behind(command, rest)
    arguments = [each.name for each in command.params if isinstance(each, click.Argument)]
    return arguments[behind] if behind is not None and behind < len(arguments) else None


def _without_org(words: Sequence[str]) -> list[str]:
    """The words without `-o NAME`, the option that is most often typed first."""
    places = {at for at, word in enumerate(words) if word in ORG_OPTIONS}
    return [word for at, word in enumerate(words) if not {at, at - 1} & places]


def _resolved(root: click.Group, words: Sequence[str]) -> tuple[click.Command | None, Sequence[str]]:
    """The command that the words name, and the words behind its name."""
    command: click.Command | None = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words:
        command, words = command.get_command(context, words[0]), words[1:]
    return command, words


def _arguments_behind(command: click.Command, words: Sequence[str]) -> int | None:
    """How many arguments the words hold; None where the last of them is an option that still wants its value."""
    takes_value = {
        name
        for each in command.params
        if isinstance(each, click.Option) and not each.is_flag
        for name in each.opts
    }
    count, is_value = 0, False
    for word in words:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = word in takes_value
        else:
            count += 1
    return None if is_value else count


def _fitting(items: Iterator[Item], incomplete: str) -> list[Item]:
    return [each for each in items if str(each.value).startswith(incomplete)]


def _jobs(environ: Mapping[str, str]) -> Iterator[Item]:
    """The jobs of the config folder."""
    from sfsync.jobs import find_config_folder
    from sfsync.jobs.config_folder import names_in

    yield from (CompletionItem(name) for name in names_in(find_config_folder(environ), "jobs"))


def _orgs(environ: Mapping[str, str]) -> Iterator[Item]:
    """The orgs that the config folder and the environment name."""
    from sfsync.jobs import find_config_folder
    from sfsync.jobs.config_folder import names_in
    from sfsync.jobs.org_environment import names_in_environment

    names = {*names_in(find_config_folder(environ), "orgs"), *names_in_environment(environ)}
    yield from (CompletionItem(name) for name in sorted(names))


def _runs(environ: Mapping[str, str]) -> Iterator[Item]:
    """The newest runs that have a folder on this host, newest first, each with its job."""
    from sfsync.journal import state_folder

    folders = sorted((state_folder(environ) / "runs").glob("*/*/"), key=lambda each: each.name, reverse=True)
    ran = islice((each for each in folders if _has_run(each)), MOST_RUNS)
    yield from (CompletionItem(each.name, help=each.parent.name) for each in ran)


def _has_run(folder: Path) -> bool:
    """Whether the plan of the folder was begun: only then its own copy of the plan is there."""
    return any((folder / name).exists() for name in PLANS_OF_RUNS)


KINDS: Final[Mapping[str, Callable[[Mapping[str, str]], Iterator[Item]]]] = {"job": _jobs, "run": _runs}
"""Name of an argument -> what it may be."""
