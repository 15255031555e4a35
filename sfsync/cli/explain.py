"""The command explain: one code in words, or the list of all. It reaches no org and needs no job.

It imports no module with the forms of jobs, also not for its one option, so that it answers at once.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import click

from sfsync.cli.output import print_json
from sfsync.errors import ConfigError
from sfsync.explanations.catalogue import Explanation, Group, explanation, groups, nearest_codes

_WIDEST: Final = 100
_LABELS: Final = 13
"""Columns of a label and the blanks behind it."""


@click.command(short_help="Say what a code means, what it did to the data, and what to do next.")
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else.")
def explain_command(code: str | None, *, as_json: bool) -> int:
    """Say what CODE means: its cause, its effect on the data, and the next step; without CODE, list all.

    Codes stand in reports, rejects files and --json. Capitals do not count.
    """
    if code is None:
        _print_all(as_json=as_json)
        return 0
    found = explanation(code)
    if found is None:
        raise _unknown(code)
    if as_json:
        print_json({"schema": "sfsync.explanation/1"} | _document(found, _group_of(found)))
    else:
        click.echo("\n".join(_lines(found, _group_of(found))))
    return 0


def _unknown(code: str) -> ConfigError:
    near = nearest_codes(code)
    begin = f"Did you mean {' or '.join(near)}? " if near else ""
    rest = "sfsync explain lists all. A code of Salesforce that is not among them is told with the org's own text."
    return ConfigError(f'there is no code "{code}"', code="NO_SUCH_CODE", hint=begin + rest)


def _group_of(found: Explanation) -> Group:
    return next(each for each in groups() if found in each.explanations)


def _print_all(*, as_json: bool) -> None:
    if as_json:
        entries = [_document(each, group) for group in groups() for each in group.explanations]
        print_json({"schema": "sfsync.explanations/1", "codes": entries})
        return
    for group in groups():
        click.echo(f"{group.title}")
        for each in group.explanations:
            click.echo(f"  {each.code}: {each.title}")
        click.echo()
    click.echo("sfsync explain CODE says more.")


def _document(found: Explanation, group: Group) -> dict[str, Any]:
    return {
        "code": found.code,
        "group": group.title,
        "from": "salesforce" if group.is_platform else "sfsync",
        "title": found.title,
        "causes": found.causes,
        "effect": found.effect,
        "next_steps": found.steps,
        "who": found.who,
        "retry": found.retry,
        "exit_codes": found.exits,
        "source": found.source,
    }


def _lines(found: Explanation, group: Group) -> Iterator[str]:
    yield f"{found.code}: {found.title}"
    exits = " or ".join(str(each) for each in found.exits)
    said = (
        ("Why", found.causes),
        ("The data", (found.effect,)),
        ("What to do", found.steps),
        ("Who", (" or ".join(found.who),)),
        ("Try again", (found.retry,)),
        ("Exit code", (exits,)),
        ("Part", (group.title,)),
        ("Source", (found.source,)),
    )
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    for label, sentences in said:
        begin = f"  {label + ':':<{_LABELS}}"
        for sentence in sentences:
            if sentence:
                yield textwrap.fill(
                    sentence,
                    max(width, 40),
                    initial_indent=begin,
                    subsequent_indent=" " * len(begin),
                    break_on_hyphens=False,
                    break_long_words=False,
                )
                begin = " " * len(begin)
