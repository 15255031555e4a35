"""The pages as tests read them: fenced blocks, what stands above each in HTML comments, and the commands in them.

A block whose lines begin with `$ ` shows commands, each with its output below; `...` on a line of its own
stands for any lines. Another block with commands only lists them. A reader sees none of the comments; they say to
the tests:

    not run: REASON           the block is read and not run
    not run, sf: REASON       lines of it that begin so are not run
    file: NAME                the block is that file; it is written down
    first: COMMAND            typed before the block; or a deed of `doc_stage`: in FILE: OLD => NEW,
                              write FILE: TEXT, the org has SOBJECT {...}, the day is used up
    exits: 3 0                how its commands end, 0 where nothing is said
    here: OLD => NEW          what stands in place of words that only the reader can know
    output                    the block is what the last command before it said
    part                      the block is a part of that
    alone                     its commands see no variable of an org
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PROGRAMS: Final = (
    "sfsync make python python3 pip docker curl sf sed cat cp mkdir cd export eval createdb keyring sqlite3"
)
_IS_COMMAND: Final = re.compile(rf"(?:{'|'.join(PROGRAMS.split())}|\.venv/bin/\S+|[A-Z_]+=\S* sfsync)(?: |$)")
_BLOCK: Final = re.compile(
    r"(?P<said>(?:^<!--.*?-->\n)*)^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_WORD: Final = re.compile(
    r"(not run|file|first|exits|here|output|part|alone)\b(?:, ([^:]+))?(?:: (.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it is typed, and what it is shown to say; None where no output is shown."""

    typed: str
    output: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page, with what is said of it."""

    page: str
    line: int
    kind: str
    text: str
    said: tuple[tuple[str, str, str], ...]

    def word(self, name: str) -> str | None:
        """What is said under that name of the whole block; None where nothing is."""
        return next((text for word, about, text in self.said if word == name and not about), None)

    def parts_not_run(self) -> list[str]:
        """How the lines begin that are not run."""
        return [about for word, about, _ in self.said if word == "not run" and about]

    def _is_an_output(self) -> bool:
        return self.word("output") is not None or self.word("part") is not None

    def before(self) -> list[str]:
        """What is typed before the block."""
        return [text for word, _, text in self.said if word == "first"]

    def put_in(self, text: str) -> str:
        """The text with what is typed in place of words that only the reader can know."""
        for word, _, said in self.said:
            if word == "here":
                old, _, new = said.partition(" => ")
                text = text.replace(old, new)
        return text

    def commands(self) -> list[Command]:
        """The commands of the block, in its order; none of a block that shows something else."""
        if (
            self.kind not in ("", "console", "sh", "bash")
            or self.word("file")
            or self.word("output") is not None
        ):
            return []
        text = re.sub(r"\\\n\s*", "", self.text)
        if re.search(r"^\$ ", text, re.MULTILINE):
            parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
            pairs = zip(parts[::2], parts[1::2], strict=True)
            return [Command(typed, output if output.strip() else None) for typed, output in pairs]
        lines = [each for each in text.splitlines() if each.strip() and not each.lstrip().startswith("#")]
        return [Command(each, None) for each in lines] if lines and _IS_COMMAND.match(lines[0]) else []


def pages() -> list[Path]:
    """The README and all pages that a person wrote, or that are made of what a person wrote."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        comments = re.findall(r"<!-- ?(.*?) ?-->", match["said"], re.DOTALL)
        words = [_WORD.fullmatch(each) for each in comments]
        said = tuple((each[1], each[2] or "", each[3] or "") for each in words if each)
        line = text.count("\n", 0, match.start("kind")) + 1
        found.append(Block(str(page.relative_to(ROOT)), line, match["kind"], match["text"], said))
    return found


def mentioned(page: Path) -> Iterator[str]:
    """The commands of sfsync that stand in a line of text or of a table."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for each in re.findall(r"`(sfsync [^`]+)`", text):
        yield " ".join(each.split())
