"""Private files of runs: for their owner alone, there wholly or not at all."""

import stat
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "report"))

from report_examples import a_deal, a_plan

from sfsync.app.run_files import read_plan, save_plan, write_private, write_whole
from sfsync.core.plans.plan_codec import pack_plan


def test_what_stands_in_the_place_is_replaced_and_never_followed(tmp_path: Path) -> None:
    """A link keeps its target untouched, and a file that others can read does not pass its rights on."""
    target, link, open_file = tmp_path / "target", tmp_path / "link", tmp_path / "open"
    target.write_text("theirs")
    link.symlink_to(target)
    open_file.write_text("old")
    open_file.chmod(0o666)
    for path in (link, open_file):
        write_private(path, b"ours")
        assert (path.read_bytes(), path.is_symlink()) == (b"ours", False)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert target.read_text() == "theirs"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "open", "target"]


def test_a_part_that_somebody_laid_ready_is_not_written_into(tmp_path: Path) -> None:
    """The name of the temporary file cannot be guessed, so nothing can wait there."""
    trap = tmp_path / ".plan.json.part"
    trap.write_text("")
    trap.chmod(0o666)
    write_whole(tmp_path / "plan.json", b"{}", mode=0o644)
    assert trap.read_text() == ""
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o644


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """A place that cannot be taken keeps no half of the file."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_private(tmp_path / "taken", b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(("deals", "name"), [(1, "plan.json"), (4000, "plan.json.gz")])
def test_the_plan_of_a_run_is_plain_text_while_it_is_small(tmp_path: Path, deals: int, name: str) -> None:
    """A large one is packed; both are read back, and either is for its owner alone."""
    plan = a_plan([a_deal(number) for number in range(1, deals + 1)])
    file = save_plan(tmp_path, pack_plan(plan))
    assert file.name == name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_plan(str(file)) == plan
    assert file.stat().st_size < 200_000
