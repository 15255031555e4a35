"""What a job remembers between runs, so that a crash, a retry or a second host never writes twice.

The engine sees only `core.ports.Journal`. `open_journal` opens one in the SQLite file of a folder, or in a
PostgreSQL database, and refuses one that is damaged, lost or newer; `SqlJournal.locked` keeps two runs of a
job apart; `state_place` says where journal and run folders live.
Each name is imported when it is first asked for: a shell that completes the id of a run needs no database.
Invariants: an intent is durable before its call leaves; a journal is never started afresh by itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sfsync.journal.facts import JournalFacts
    from sfsync.journal.opening import open_journal, upgrade_journal
    from sfsync.journal.sql_journal import SqlJournal
    from sfsync.journal.state import StatePlace, state_folder, state_place
    from sfsync.journal.store import Upgrade

_HOMES: Final = {
    "JournalFacts": "facts",
    "SqlJournal": "sql_journal",
    "StatePlace": "state",
    "Upgrade": "store",
    "open_journal": "opening",
    "state_folder": "state",
    "state_place": "state",
    "upgrade_journal": "opening",
}

__all__ = [
    "JournalFacts",
    "SqlJournal",
    "StatePlace",
    "Upgrade",
    "open_journal",
    "state_folder",
    "state_place",
    "upgrade_journal",
]


def __getattr__(name: str) -> object:
    """A name of this room, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sfsync.journal' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sfsync.journal.{_HOMES[name]}"), name)
