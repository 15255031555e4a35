"""What a job remembers between runs, so that a crash, a retry or a second host never writes twice.

The engine sees only `core.ports.Journal`. `open_journal` opens one in the SQLite file of a folder, or in a
PostgreSQL database, and refuses one that is damaged, lost or newer; `SqlJournal.locked` keeps two runs of a
job apart; `state_place` says where journal and run folders live.
Invariants: an intent is durable before its call leaves; a journal is never started afresh by itself.
"""

from sfsync.journal.facts import JournalFacts
from sfsync.journal.opening import open_journal, upgrade_journal
from sfsync.journal.sql_journal import SqlJournal
from sfsync.journal.state import StatePlace, state_folder, state_place
from sfsync.journal.store import Upgrade

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
