"""The catalogue of planted bugs, and how one is planted: in a copy of the project, never in the project itself.

Each bug is a table in one of the TOML files beside this one. It breaks one rule of the product by replacing
snippets of named files; a snippet must stand in its file once and only once, or the bug no longer applies and
says so. What surrounds the snippet may change freely.
"""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]

COPIED: Final = (
    "sfsync",
    "tests",
    "config",
    "docs",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "Makefile",
)
"""What of the project a copy needs, so that every test finds what it looks for there."""


class DoesNotApply(Exception):
    """A snippet is not in its file, or more than once."""


@dataclass(frozen=True)
class Edit:
    """One replacement in one file; `file` is given from the project's root."""

    file: str
    old: str
    new: str

    def applied_to(self, text: str) -> str:
        """The text with the snippet replaced.

        Raises:
            DoesNotApply: the text does not have the snippet exactly once.
        """
        times = text.count(self.old)
        if times != 1:
            raise DoesNotApply(f"{self.file} has the snippet {times} times instead of once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutant:
    """One planted bug.

    `rule` says what it breaks, in one sentence; `trips` names the fault ids, journal rules (J1) or invariants
    (no_dup) that it should trip; `tests` are the tests that should notice, files or single tests, quickest first.
    """

    name: str
    group: str
    rule: str
    trips: tuple[str, ...]
    tests: tuple[str, ...]
    edits: tuple[Edit, ...]

    def texts(self, root: Path) -> dict[str, str]:
        """The changed files, by their path from the root.

        Raises:
            DoesNotApply: a snippet is gone, or stands there more than once.
        """
        texts: dict[str, str] = {}
        for edit in self.edits:
            text = texts.get(edit.file)
            if text is None:
                text = (root / edit.file).read_text(encoding="utf-8")
            texts[edit.file] = edit.applied_to(text)
        return texts

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names of the changed modules."""
        return tuple(dict.fromkeys(edit.file.removesuffix(".py").replace("/", ".") for edit in self.edits))


def catalogue() -> list[Mutant]:
    """All planted bugs, file by file, in the order in which they are written down."""
    return [
        _mutant(path.stem, name, table)
        for path in sorted(HERE.glob("*.toml"))
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items()
    ]


def _mutant(group: str, name: str, table: dict[str, Any]) -> Mutant:
    given = table.get("edits") or [table]
    edits = tuple(
        Edit(each.get("file", table.get("file")), _snippet(each["old"]), _snippet(each["new"]))
        for each in given
    )
    return Mutant(name, group, table["rule"], tuple(table["trips"]), tuple(table["tests"]), edits)


def _snippet(text: str) -> str:
    """A snippet without the line end that a multi-line string of TOML has in front of its closing quotes."""
    return text.removesuffix("\n")


def plant(mutant: Mutant, tree: Path) -> None:
    """Makes a copy of the project at `tree`, with the bug in it.

    Raises:
        DoesNotApply: the code has moved on.
    """
    texts = mutant.texts(ROOT)
    tree.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns(".*_cache"))
        else:
            shutil.copy2(source, tree / name)
    for file, text in texts.items():
        path = tree / file
        path.write_text(text, encoding="utf-8")
        # What was compiled of the sound file must not be taken for the changed one.
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
