"""Which journal this is, and whether it is an older copy of itself: fault P7, a journal put back from a backup.

A journal that forgot what it sent is harmless where the org has a key or a receipt, and makes second records where
only the journal tells rows apart. Two signs give it away: the mark beside it (`mark.py`) knows more intents than it
does, or its database no longer lies where it lay (`home`): another file, another table, another server, another
timeline of the same server. Either counts as one more restoration, and jobs without keys then wait for a person.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from sfsync.journal.schema import IDENTITY


@dataclass(frozen=True, slots=True)
class Identity:
    """Which journal it is, how many runs and intents it has taken, and how often it was found restored."""

    journal_id: str
    sequence: int
    restorations: int
    restored_at: str | None


def take_up_identity(connection: Connection, *, home: str, mark: tuple[str, int] | None, at: str) -> Identity:
    """Makes the identity of a new journal, or compares a known one with its mark and its home.

    The mark must have been read before the transaction began: it follows the commits, never goes before them.
    """
    known = connection.execute(select(IDENTITY)).first()
    if known is None:
        return _new(connection, home=home, mark=mark, at=at)
    lost = mark is not None and (mark[0] != known.journal_id or mark[1] > known.sequence)
    moved = _is_elsewhere(known.home, home)
    if lost or moved:
        sequence = max(known.sequence, mark[1]) if mark and mark[0] == known.journal_id else known.sequence
        news = {"home": home, "sequence": sequence, "restored_at": at}
        connection.execute(update(IDENTITY).values(restorations=IDENTITY.c.restorations + 1, **news))
    elif "?" in known.home:
        connection.execute(update(IDENTITY).values(home=home))
    return read_identity(connection)


def _is_elsewhere(before: str, now: str) -> bool:
    """Whether two homes differ in a word that both of them know; "?" stands for what could not be asked."""
    words = list(zip(before.split(), now.split(), strict=False))
    return any(one != other and "?" not in (one, other) for one, other in words)


def read_identity(connection: Connection) -> Identity:
    """The identity of a journal that was taken up."""
    row = connection.execute(select(IDENTITY)).one()
    return Identity(row.journal_id, row.sequence, row.restorations, row.restored_at)


def next_sequence(connection: Connection) -> int:
    """Counts one more commit that a later run must know of; others who count wait for this transaction."""
    connection.execute(update(IDENTITY).values(sequence=IDENTITY.c.sequence + 1))
    return int(connection.execute(select(IDENTITY.c.sequence)).scalar_one())


def _new(connection: Connection, *, home: str, mark: tuple[str, int] | None, at: str) -> Identity:
    restorations = 0 if mark is None else 1
    row = {
        "journal_id": secrets.token_hex(16),
        "home": home,
        "sequence": 0,
        "restorations": restorations,
        "restored_at": at if restorations else None,
        "made_at": at,
    }
    connection.execute(insert(IDENTITY), row)
    return read_identity(connection)
