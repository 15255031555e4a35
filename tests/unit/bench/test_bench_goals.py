"""The table of the benchmark: figures against goals, and nothing counted as met that was not measured."""

from __future__ import annotations

from dataclasses import replace

from bench_table import HEAD, cells, markdown, number, terminal
from figures import Figures, loaded
from goals import Row, rows
from journal_cases import commits_of
from peer_runs import FloorRun, PeerRun
from sfsync_cases import Measured, changed_of, is_write, named_by_way, ways_left

CASE = Measured(
    what="first load",
    deals=10_000,
    latency_ms=0,
    round=1,
    wall_s=10.0,
    cpu_s=9.0,
    peak_mb=150.0,
    calls=70,
    logins=1,
    write_calls=60,
    reads={"Opportunity": 2, "OpportunityContactRole": 1},
    kinds={"graph": 60, "login": 1},
    bytes_up=1,
    bytes_down=1,
    before_first_call_s=0.7,
    most_in_flight=1,
    stub_cpu_s=0.1,
    exit_code=0,
    written=30_000,
    extra={"journal_bytes": 30_000 * 100},
)


def _figures() -> Figures:
    start = replace(CASE, what="no change", deals=1, cpu_s=1.0)
    second = replace(CASE, round=2, cpu_s=8.0)
    nothing = replace(CASE, what="no change", cpu_s=1.6, write_calls=0, calls=7)
    loads = [CASE, second]
    plans = [replace(CASE, what="plan", cpu_s=4.0, round=round_) for round_ in (1, 2)]
    return Figures(
        "quick",
        cases=[
            *loads,
            *plans,
            *(replace(each, what=f"{each.what} by graphs") for each in (*loads, *plans)),
            replace(CASE, latency_ms=80, wall_s=15.0),
            *(start, nothing, replace(start, round=2), replace(nothing, round=2, cpu_s=1.9)),
        ],
        floors=[
            FloorRun("graphs", 10_000, 0, 1, 1.0, 0.9, 30_000, 61),
            *(FloorRun("csv", 10_000, 0, round_, 0.1, 0.1, 30_000, 0) for round_ in (1, 2)),
        ],
        peers=[PeerRun("loop", 10_000, 0, 1, 600.0, 50.0, 60.0, 30_002)],
        machine={"python": "3.11", "cores": 2, "most_load": 1.0},
        journal={"commits": {"commits_per_call": 2.5}, "share": {"journal_share": 0.25}},
    )


def _row(figures: Figures, words: str) -> Row:
    [found] = [row for row in rows(figures) if words in row.what]
    return found


def test_applying_is_a_run_without_its_plan():
    """CPU of applying is that of run less that of plan in the same round, the median, for 100,000 records."""
    row = _row(_figures(), "apply by graphs")
    assert row.ours == (5.0 + 4.0) / 2 * 100_000 / 30_000
    assert row.goal == 1.5 * 0.9 * 100_000 / 30_000
    assert row.is_met is False


def test_a_load_is_held_against_its_own_records():
    """Deals without roles are a third of the records."""
    figures = _figures()
    figures.cases = [
        replace(each, what=each.what.replace("graphs", "collections"), extra={"records": 10_000})
        for each in figures.cases
    ]
    row = _row(figures, "apply by collections")
    assert (row.ours, row.goal, row.is_met) == ((5.0 + 4.0) / 2 * 10, 4.0, False)


def test_a_load_that_chose_its_way_has_the_name_of_it():
    """What a load sent says which way it took, and which other ways are left to measure."""
    by_job = replace(CASE, kinds={"bulk create": 1, "bulk poll": 2})
    assert (named_by_way(CASE).what, named_by_way(by_job).what) == (
        "first load by graphs",
        "first load by bulk",
    )
    assert (ways_left(CASE), ways_left(by_job)) == (("bulk",), ("graphs",))


def test_a_ratio_is_taken_within_a_round():
    """The CPU of a resync is held against the csv pass of its own round, without the start-up."""
    assert round(_row(_figures(), "times a bare csv pass").ours or 0, 6) == (6.0 + 9.0) / 2


def test_the_goal_of_wall_follows_from_calls_and_cpu():
    """At 80 ms the goal is 1.5 times the larger of waiting and working, and one second."""
    row = _row(_figures(), "80 ms a call")
    assert row.goal == 1.5 * 9.0 + 1
    assert row.is_met is False


def test_a_busy_machine_makes_no_miss_of_a_wall_time():
    """On a busy machine a wall time above its goal is not judged, one below it is met, and CPU is judged."""
    figures = _figures()
    figures.machine |= {"cores": 2, "most_load": 9.0}
    row = _row(figures, "80 ms a call")
    assert (row.is_met, cells(row)[-1]) == (None, "busy machine")
    assert replace(row, ours=1.0).is_met is True
    assert _row(figures, "apply by graphs").is_met is False
    assert "busy" in figures.all_notes()[0]


def test_what_was_not_measured_is_not_met():
    """A goal without a figure says so, in words, and is neither met nor missed."""
    row = _row(_figures(), "peak memory of run: growth")
    assert row.is_met is None
    assert cells(row)[-1] == "not measured"


def test_a_case_that_failed_gives_no_figure():
    """Figures of a case with a note are left out of the medians."""
    figures = _figures()
    figures.cases = [
        replace(each, note="exit 7") if each.what.startswith("plan") else each for each in figures.cases
    ]
    assert _row(figures, "apply by graphs").ours is None


def test_reads_are_the_most_of_one_object():
    """Reads per object count statements of one sObject, not calls."""
    assert _row(_figures(), "reads per object").ours == 2


def test_peers_stand_in_columns_of_their_own():
    """The table has a column for the limit, for each peer, for sfsync and for the goal."""
    line = dict(zip(HEAD, cells(_row(_figures(), "deals, 0 ms")), strict=True))
    assert (line["limit"], line["create() each"], line["bulk2"], line["sfsync"]) == (
        "0.90",
        "600",
        "-",
        "10 s",
    )
    assert all(len(each.split("|")) == len(HEAD) + 2 for each in markdown(rows(_figures())).splitlines())
    assert len(terminal(rows(_figures())).splitlines()) == len(rows(_figures())) + 2


def test_a_benchmark_that_has_only_begun_has_a_table():
    """Without any figure there is a table all the same, in which nothing is met."""
    assert not any(row.is_met for row in rows(Figures("quick")))


def test_figures_come_back_from_their_file(tmp_path):
    """What is written as JSON is read back to the same table."""
    import json

    figures = _figures()
    path = tmp_path / "results.json"
    path.write_text(json.dumps(figures.document(rows(figures))))
    assert rows(loaded(path)) == rows(figures)


def test_numbers_have_the_digits_they_deserve():
    """Large figures are whole, small ones have decimals."""
    assert [number(each, "") for each in (None, 2.0, 0.123, 12.34, 1234.5)] == [
        "-",
        "2",
        "0.12",
        "12.3",
        "1,234",
    ]


def test_kinds_of_calls_that_write():
    """A bulk query writes nothing; every call of an ingest job is there for the writing."""
    assert [is_write(kind) for kind in ("graph", "composite collections", "bulk poll")] == [True] * 3
    assert not any(is_write(kind) for kind in ("bulk query poll", "composite query", "describe", "query"))


def test_few_deals_change_by_a_tenth():
    """So few deals change that no guard takes it for an accident."""
    assert [changed_of(deals) for deals in (1, 100, 100_000)] == [1, 10, 100]


def test_a_checkpoint_is_no_commit():
    """Two commits and a checkpoint, which syncs the log twice, are two commits."""
    commit, database = "1 fdatasync(5</s/journal.sqlite-wal>) = 0", "1 fdatasync(4</s/journal.sqlite>) = 0"
    assert commits_of(f"{commit}\n{commit}") == 2
    assert commits_of(f"{commit}\n{commit}\n{database}\n{commit}\n{commit}") == 2
