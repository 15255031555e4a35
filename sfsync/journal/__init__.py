"""What a job remembers between runs, so that a crash, a retry or a second host never writes twice.

The engine sees only `core.ports.Journal`; this package keeps it in one SQLite file of the state folder.
`open_journal` opens that file and refuses one that is damaged, lost or newer; `run_lock` keeps two runs of
a job apart; `state_folder` says where both live.
Invariants: an intent is on the disk before its call leaves; the file is never started afresh by itself.
"""

from sfsync.journal.locks import run_lock
from sfsync.journal.opening import open_journal
from sfsync.journal.sqlite_journal import SqliteJournal
from sfsync.journal.state import state_folder

__all__ = ["SqliteJournal", "open_journal", "run_lock", "state_folder"]
