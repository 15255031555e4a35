"""The prints of settled rows on both databases: kept, dropped by group, and summed."""

from __future__ import annotations

import os
from itertools import chain

from journal_homes import ORG, Home

from sfsync.core.resync.memory import KnownPrint, KnownStamp, Whose
from sfsync.core.resync.prints import sum_of
from sfsync.journal import SqlJournal

JOB = "nightly"


def prints(count: int, *, section: str = "opportunities") -> list[KnownPrint]:
    """So many prints, two a group."""
    return [KnownPrint(section, os.urandom(16), (number // 2).to_bytes(8)) for number in range(count)]


def kept(journal: SqlJournal) -> list[KnownPrint]:
    """All prints of the job."""
    found: list[list[KnownPrint]] = []
    journal.memory.prints.each(ORG, JOB, lambda some: found.append(list(some)))
    return list(chain.from_iterable(found))


def test_what_is_kept_comes_back_and_is_summed(journal: SqlJournal) -> None:
    """In the order of the prints, with how often each occurs; other jobs have their own."""
    own = [*prints(5), KnownPrint("contact_roles", b"\xfe" * 16, b"\x07" * 8, copies=3)]
    journal.memory.prints.keep(ORG, JOB, own)
    journal.memory.prints.keep(ORG, "another", prints(2))
    assert kept(journal) == sorted(own, key=lambda each: each.print)
    assert journal.memory.prints.sums(ORG, JOB) == {
        "opportunities": sum_of(each.print for each in own[:5]),
        "contact_roles": sum_of([b"\xfe" * 16] * 3),
    }


def test_a_dropped_group_is_gone_with_its_part_of_the_sum(journal: SqlJournal) -> None:
    """The others stay; dropping all leaves nothing."""
    own = prints(6)
    journal.memory.prints.keep(ORG, JOB, own)
    journal.memory.prints.drop(ORG, JOB, {own[0].group, own[4].group})
    assert journal.memory.prints.sums(ORG, JOB) == {"opportunities": sum_of(each.print for each in own[2:4])}
    assert {each.group for each in kept(journal)} == {own[2].group}
    journal.memory.prints.drop(ORG, JOB)
    assert (kept(journal), journal.memory.prints.sums(ORG, JOB)) == ([], {})


def test_a_print_kept_twice_counts_once(journal: SqlJournal) -> None:
    """The sum is always that of what is there."""
    own = prints(4)
    journal.memory.prints.keep(ORG, JOB, own)
    journal.memory.prints.keep(ORG, JOB, own[:2])
    assert journal.memory.prints.sums(ORG, JOB) == {"opportunities": sum_of(each.print for each in own)}


def test_stamps_are_known_until_they_are_too_old(journal: SqlJournal) -> None:
    """The last one of a record counts; those of before are forgotten."""
    memory = journal.memory.prints
    memory.keep_stamps(ORG, JOB, [KnownStamp("006a", 10, Whose.OURS), KnownStamp("00Kb", 20)], since=0)
    memory.keep_stamps(ORG, JOB, [KnownStamp("006a", 30, Whose.OURS), KnownStamp("006c", 12)], since=15)
    assert memory.stamps(ORG, JOB, ["006a", "00Kb", "006c"]) == {
        "006a": KnownStamp("006a", 30, Whose.OURS),
        "00Kb": KnownStamp("00Kb", 20),
    }
    assert memory.count_stamps(ORG, JOB, "006", since=0, until=31, whose=(Whose.OURS,)) == 1
    assert memory.count_stamps(ORG, JOB, "006", since=0, until=30, whose=(Whose.OURS,)) == 0


def test_a_row_takes_at_most_60_bytes_of_a_file(home: Home) -> None:
    """Of SQLite, with all that belongs to it."""
    if home.is_postgres:
        return
    file = home.place.folder / "journal.sqlite"
    with home.open():
        pass
    before = file.stat().st_size
    with home.open() as journal:
        journal.memory.prints.keep(ORG, JOB, sorted(prints(20_000), key=lambda each: each.print))
    assert file.stat().st_size - before < 60 * 20_000
