"""Walks a person through what a file leaves undecided, one question at a time, until a job has no marked line.

Only on a terminal. What the file proves is not asked; nothing that is asked has a default. The answers are the job
file, which is shown at the end, or saved.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.cli.job_writing import require_new, write_job
from sfsync.cli.output import line_asked
from sfsync.core.suggesting.questions import Asks, Question, answer_of, first_question, with_answer
from sfsync.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from sfsync.app.suggestions import SuggestRequest
    from sfsync.app.workplace import Surroundings
    from sfsync.core.job import Job

ASKED_INSTEAD: Final = frozenset({"NO_KEY", "ENCODING", "COLUMN_NOT_RECOGNISED", "KEY_FIELD_UNCLEAR"})
"""Refusals of an import without a job that a person on a terminal is asked about."""

_LEAVE_OUT: Final = "-"


def can_ask(options: Mapping[str, object]) -> bool:
    """Whether there is a person to ask: a terminal on both ends, and no option that says there is none."""
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    return is_terminal and not options["as_json"] and not options["yes"] and not options["job"]


def walked_job(file: Path, roles: Path | None, options: Mapping[str, Any], around: Surroundings) -> Job:
    """The job that a person made by answering what the file leaves open.

    Raises:
        click.Abort: the person left.
        SyncError: the file or the org cannot be read.
    """
    from sfsync.app.suggestions import SuggestRequest
    from sfsync.jobs import load_job

    save: Path | None = options["save_job"]
    if save is not None:
        require_new(save, force=False)
    with tempfile.TemporaryDirectory() as private:
        target = save or Path(private) / f"{_name(file)}.toml"
        request = SuggestRequest(
            deals=file,
            roles=roles,
            folder=target.parent,
            org=options["org"],
            key=options["key"],
            key_field=options["key_field"],
            encoding=options["encoding"],
            roles_encoding=options["encoding"],
            delimiter=options["delimiter"],
            sheet=options["sheet"],
            roles_sheet=options["roles_sheet"],
            fixed=dict(each.rpartition("=")[::2] for each in options["mapped"]),
        )
        click.echo("A few things the file does not say. Nothing is written before you have seen the plan.")
        text = _Walk(request, around, options).text()
        write_job(target, text)
        job = load_job(target, environ=around.environ)
        _tell(text, file, roles, target, saved=save)
    return job


class _Walk:
    """The request and the answers so far; an answer that changes how the file is read has it looked at again."""

    def __init__(self, request: SuggestRequest, around: Surroundings, options: Mapping[str, Any]) -> None:
        self._request = request
        self._around = around
        self._said = {"numbers": options["numbers"], "dates": options["date_format"]}
        self._left_out: set[str] = set(options["ignore"])
        self._answers: list[tuple[Question, str]] = []

    def text(self) -> str:
        text = self._suggested(self._request)
        while (question := first_question(text)) is not None:
            if question.asks is Asks.COLUMN and question.advice in self._left_out:
                text = with_answer(text, question, question.advice)
                continue
            answer = self._by_option(question) or _asked(question)
            if question.asks is Asks.VALUE:
                self._answers.append((question, answer))
                text = with_answer(text, question, answer)
            elif question.asks is Asks.COLUMN and answer == _LEAVE_OUT:
                self._left_out.add(question.advice)
            else:
                text = self._looked_again(question, answer, text)
        return text

    def _by_option(self, question: Question) -> str | None:
        for kind, said in self._said.items():
            if said and question.about.startswith(f"how the {kind}"):
                return str(said)
        return None

    def _looked_again(self, question: Question, answer: str, text: str) -> str:
        request = self._request
        match question.asks:
            case Asks.ENCODING if question.place.startswith("contact_roles"):
                request = replace(request, roles_encoding=answer)
            case Asks.ENCODING:
                request = replace(request, encoding=answer)
            case Asks.KEY_FIELD:
                request = replace(request, key_field=answer)
            case Asks.KEY:
                request = replace(request, key=answer)
            case _:
                request = replace(request, fixed={**request.fixed, question.advice: answer})
        try:
            text = self._suggested(request)
        except (ConfigError, SourceError) as error:
            click.echo(f"  That does not work: {error.message}")
            return text
        self._request = request
        return text

    def _suggested(self, request: SuggestRequest) -> str:
        from sfsync.app.suggestions import suggest
        from sfsync.core.suggesting.job_text import job_text

        text = job_text(suggest(request, around=self._around))
        for question, answer in self._answers:
            text = with_answer(text, question, answer)
        return text


def _asked(question: Question) -> str:
    """Asks until there is an answer."""
    from sfsync.report.safe_text import visible

    click.echo(f"\n{visible(question.about[:1].upper() + question.about[1:])}?")
    for line in question.evidence:
        click.echo(f"    {visible(line)}")
    for number, choice in enumerate(question.choices, start=1):
        click.echo(f"  {number}. {visible(choice)}")
    if question.asks is Asks.COLUMN:
        prompt = f"The field of the org that it fills, or {_LEAVE_OUT} to leave it out: "
    elif question.choices:
        prompt = f"1 to {len(question.choices)}: "
    else:
        prompt = f"{visible(question.advice)}: "
    while True:
        typed = line_asked(prompt)
        if typed == "":
            raise click.Abort
        answer = answer_of(question, typed)
        if answer is not None:
            return answer
        click.echo("Please give the number, or the words as they stand there.")


def _name(file: Path) -> str:
    return "import-" + (re.sub(r"[^A-Za-z0-9._-]", "-", file.stem)[:60] or "file")


def _tell(text: str, file: Path, roles: Path | None, target: Path, *, saved: Path | None) -> None:
    """The job that the answers made, and how the next import goes without a question."""
    from sfsync.report.safe_text import visible

    if saved is not None:
        click.echo(
            f"\nThe answers are in {visible(str(saved))}. Next time: sfsync run {visible(str(saved))}\n"
        )
        return
    for each in (file, roles):
        if each is not None:
            there = Path(os.path.relpath(each.absolute(), target.parent.absolute())).as_posix()
            text = text.replace(f'"{there}"', f'"{each.as_posix()}"')
    click.echo("\nThe answers as a job file; saved as NAME.toml here, sfsync run NAME.toml asks nothing:\n")
    for line in text.splitlines():
        click.echo(f"  {visible(line)}")
    click.echo("")
