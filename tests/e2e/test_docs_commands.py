"""Every command that the README and the pages show is a real one, and it says what they show of its output."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from doc_pages import ROOT, blocks, mentioned, pages
from doc_stage import is_shown, stage

from sfsync.cli.main import cli

PLAYED = [
    page
    for page in pages()
    if any((each.commands() or each.before()) and each.word("not run") is None for each in blocks(page))
]


@pytest.mark.parametrize("page", PLAYED, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_do_and_say_what_it_shows(page: Path, tmp_path: Path) -> None:
    """Typed one after the other on a fresh org, they end as shown, with the output that is shown."""
    with stage(tmp_path) as played:
        for block in blocks(page):
            if block.word("not run") is None:
                faults = played.play(block)
                assert not faults, "\n\n".join(faults)


def test_what_is_not_run_says_why() -> None:
    """A reason has words, and names a test where it says that one shows it."""
    for page in pages():
        for block in blocks(page):
            for word, _, reason in block.said:
                assert word != "not run" or len(reason.split()) > 2, f"{block.page}:{block.line}"
                for named in re.findall(r"tests/\S+\.py", reason):
                    assert (ROOT / named).exists(), f"{block.page}:{block.line}: {named}"


def test_every_command_that_is_named_anywhere_has_its_options() -> None:
    """Also those that no test runs, and those in the middle of a sentence."""
    typed = [
        (page.name, line)
        for page in pages()
        for line in (
            *mentioned(page),
            *(
                each.typed
                for block in blocks(page)
                for each in block.commands()
                if re.match(r"sfsync |eval ", each.typed)
            ),
        )
    ]
    wrong = [f"{name}: {line}: {fault}" for name, line in typed if (fault := mistake(line))]
    assert len(typed) > 100
    assert not wrong, "\n".join(wrong)


def mistake(line: str) -> str:
    """What is wrong with a command of sfsync as it is written; "" where nothing is."""
    typed = re.split(r" [|>] |\)\"", line.partition("sfsync ")[2])[0]
    words = shlex.split(typed, comments=True)
    command: click.Command = cli
    while isinstance(command, click.Group) and words and words[0][:1].isalpha():
        names = words.pop(0).split("|")
        found = [command.get_command(click.Context(command), name) for name in names]
        if None in found:
            return f"no command {names}" if command is cli else ""
        command = found[0]  # type: ignore[assignment]
    known = {opt for each in command.params for opt in (*each.opts, *each.secondary_opts)} | {
        "--help",
        "-h",
        "--version",
    }
    given = {each.partition("=")[0] for each in words if re.match(r"--?[a-z]", each)}
    return f"no option {sorted(given - known)}" if given - known else ""


def test_an_output_is_compared_by_all_that_does_not_vary() -> None:
    """A number too many is seen; a run's id, its seconds and lines for which `...` stands are not."""
    said = "Run 20260930T120000Z-a1b2c3 of job x\ncreated 2\nupdated 0\nin 0.3 s\n"
    assert is_shown("Run 20260101T000000Z-000000 of job x\n...\nin 0.1 s\n", said)
    assert not is_shown("Run 20260101T000000Z-000000 of job x\ncreated 3\n...\n", said)
    assert not is_shown("Run 20260101T000000Z-000000 of job x\n", said)
