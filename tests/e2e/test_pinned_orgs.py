"""S23: a profile that names its org meets another one behind its address, and stops before it reads anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from safety_desk import SafetyDesk, desk_on, org_without_keys, row

PIN = "SFSYNC_ORGS__LOCAL__ORG_ID"
OTHER = "00D000000000062EAA"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[SafetyDesk]:
    """A production org behind a profile."""
    document = org_without_keys()
    document["organization"]["sandbox"] = False
    with desk_on(document, tmp_path) as made:
        made.write(row("D-1"), has_key=False)
        yield made


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "./job.toml"),
        ("run", "./job.toml"),
        ("check", "./job.toml"),
        ("import", "deals.csv", "--key", "id", "-o", "local"),
        ("org", "snapshot", "-o", "local"),
        ("org", "receipts", "-o", "local"),
        ("state", "init", "./job.toml"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_s23_another_org_behind_the_address_is_left_alone(desk: SafetyDesk, words: tuple[str, ...]) -> None:
    """Exit 6 after one query for the org's own id: no describe, no record, no write."""
    desk.emulator.audit.clear()
    done = desk.command(*words, "--json", **{PIN: OTHER})
    assert (done.exit_code, done.document["code"]) == (6, "OTHER_ORG")
    assert [each.path for each in desk.emulator.audit.requests if "/query" not in each.path] == []
    assert len(desk.emulator.audit.requests) == 1


def test_the_right_org_is_let_in_by_either_form_of_its_id(desk: SafetyDesk) -> None:
    """15 and 18 characters name the same org."""
    org_id = desk.emulator.org_id
    assert desk.command("check", "./job.toml", **{PIN: org_id}).exit_code == 0
    assert desk.command("check", "./job.toml", **{PIN: org_id[:15]}).exit_code == 0


def test_what_is_no_org_id_is_a_mistake_of_the_profile(desk: SafetyDesk) -> None:
    """A record's id in its place is refused before any call."""
    done = desk.command("check", "./job.toml", "--json", **{PIN: "001000000000001AAA"})
    assert (done.exit_code, done.document["code"]) == (2, "BAD_VALUE")
