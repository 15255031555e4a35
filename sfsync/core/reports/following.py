"""Who follows a command from beginning to end: told of the job, of the org's calls, and of the run's folder.

Unlike a listener, which hears events, a follower is given what it may look at itself. What it is told holds no
value of a record and no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from sfsync.core.ports import ApiUsage


class Follower(Protocol):
    """Is told how far a command has come; nothing that it does ends a run."""

    def begins(self, job: str, org: str) -> None:
        """The command is about this job, against the org of that profile ("" = none)."""
        ...

    def connected(self, usage: Callable[[], ApiUsage]) -> None:
        """The org can be asked; `usage` says at any time what has been used."""
        ...

    def keeps(self, folder: Path, run_id: str) -> None:
        """The files of the run are in this private folder."""
        ...


class _Nobody:
    """The follower of a caller who has none."""

    def begins(self, job: str, org: str) -> None: ...

    def connected(self, usage: Callable[[], ApiUsage]) -> None: ...

    def keeps(self, folder: Path, run_id: str) -> None: ...


NOBODY: Final = _Nobody()

if TYPE_CHECKING:
    _contract: type[Follower] = _Nobody
