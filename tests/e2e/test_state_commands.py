"""The journal's own commands: who holds a lock, and an upgrade that is said."""

from __future__ import annotations

from pathlib import Path

from command_line import warm_sfsync as sfsync

from sfsync.journal.sqlite.locks import run_lock


def test_unlock_refuses_while_a_process_lives(environ: dict[str, str], tmp_path: Path) -> None:
    """Exit 99 with the holder's process while the lock is held; 0 as soon as it is gone."""
    with run_lock(Path(environ["SFSYNC_STATE"]), "nightly-00D", at="2026-09-30T08:00:00+00:00"):
        done = sfsync("state", "unlock", environ=environ, cwd=tmp_path)
        assert done.exit_code == 99
        assert "nightly-00D: held by process" in done.out
    done = sfsync("state", "unlock", "--json", environ=environ, cwd=tmp_path)
    assert (done.exit_code, done.document["locks"]) == (0, [])


def test_upgrade_says_what_it_did(environ: dict[str, str], tmp_path: Path) -> None:
    """Without a journal it says so; a journal of this version is up to date."""
    assert sfsync("state", "upgrade", environ=environ, cwd=tmp_path).exit_code == 2
    sfsync("state", "init", "nightly", "--org-id", "00D000000000062EAA", environ=environ, cwd=tmp_path)
    done = sfsync("state", "upgrade", "--json", environ=environ, cwd=tmp_path)
    assert (done.exit_code, done.document["steps"], done.document["backup"]) == (0, [], "")


def test_every_command_has_a_help_with_an_example(environ: dict[str, str], tmp_path: Path) -> None:
    """Each new command's --help shows how it is typed."""
    commands = ("retry", "undo", "adopt", "state show", "state init", "state forget", "state unlock")
    runs = ("runs list", "runs show", "runs report", "runs prune")
    for command in (*commands, *runs, "state upgrade", "org setup", "org receipts"):
        done = sfsync(*command.split(), "--help", environ=environ, cwd=tmp_path)
        assert done.exit_code == 0
        assert f"sfsync {command}" in done.out.split("Example:")[1], command
