"""A program `sf` of the tests: a shell script that says what a test wants, and notes how it was called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SCRIPT: Final = """#!/bin/sh
here='{folder}'
echo "$*" >> "$here/asked"
case "$*" in
  *show-access-token*) . "$here/token" ;;
  *) . "$here/display" ;;
esac
"""

HIDDEN: Final = "[REDACTED] Use 'sf org auth show-access-token' to view"
"""What the display of sf 2.150.6 says in place of a token."""


def says(text: str, then: str = "") -> str:
    """The shell piece that prints a text, and then does something else."""
    return f"cat <<'END_OF_ANSWER'\n{text}\nEND_OF_ANSWER\n{then}\n"


def fails(name: str, message: str = "no") -> str:
    """The shell piece of a command that fails by the name of an error, as sf 2.150.6 prints it."""
    return says(json.dumps({"name": name, "message": message, "exitCode": 1, "status": 1}), "exit 1")


@dataclass(frozen=True)
class SfStandIn:
    """The program in a folder of its own, which a test puts on PATH."""

    folder: Path

    def __post_init__(self) -> None:
        program = self.folder / "sf"
        program.write_text(_SCRIPT.format(folder=self.folder))
        program.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        """The arguments of every call until now."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def display(self, shell: str) -> None:
        """What `sf org display` does."""
        (self.folder / "display").write_text(shell)

    def token(self, shell: str) -> None:
        """What `sf org auth show-access-token` does."""
        (self.folder / "token").write_text(shell)

    def knows(self, url: str, token: str, *, shows_it: bool = False, **more: Any) -> None:
        """Both commands answer as for an org that is logged in to; an older sf shows the token at once."""
        result = {"instanceUrl": f"{url}/", "accessToken": token if shows_it else HIDDEN}
        self.display(says(json.dumps({"status": 0, "result": result | more})))
        self.token(says(json.dumps({"status": 0, "result": {"accessToken": token}})))
