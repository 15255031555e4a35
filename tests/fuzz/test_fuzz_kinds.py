"""A few seeds of every kind of bad file, and of the command line over them; `make fuzz` plays many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from all_kinds import NAMES
from commands import drive, example_environ
from judging import judged
from written_files import KINDS, draw_of

from sfsync.app.snapshots import read_snapshot
from sfsync.core.orgs.snapshot import Snapshot


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of the org's snapshot; the org is served meanwhile."""
    with example_environ(tmp_path_factory.mktemp("org")) as file:
        yield file


@pytest.fixture(scope="module")
def org(snapshot: Path) -> Snapshot:
    """The org's snapshot."""
    return read_snapshot(snapshot)


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_bad_file_is_accounted_for(name: str, tmp_path: Path, org: Snapshot):
    """The file is refused by an error of ours, or each row is mapped or a problem, and its rejects read back."""
    for seed in (1, 2):
        judged(name, seed, folder=tmp_path, org=org)


@pytest.mark.parametrize("name", NAMES[::12])
def test_commands_over_bad_files_end_as_documented(name: str, tmp_path: Path, snapshot: Path):
    """With a documented exit code, without a trace, and with one JSON document where it was asked for."""
    assert drive(name, 1, folder=tmp_path, snapshot=snapshot) >= 4


@pytest.mark.parametrize("name", NAMES[::7])
def test_a_seed_writes_the_same_file_again(name: str):
    """So that a finding can be repeated by its kind and seed."""
    first, second = (KINDS[name](draw_of(name, 3)) for _ in range(2))
    assert (first.name, len(first.content)) == (second.name, len(second.content))
    assert first.rows == second.rows


def test_there_are_kinds_for_every_way_that_files_go_wrong():
    """At least fifty of them."""
    assert len(NAMES) >= 50
