"""Deals out of a database, SQLite and PostgreSQL: each sentence shown on the emulated org."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from command_line import PROGRAM
from database_desk import DatabaseDesk, database_desk
from main_job_bench import WRITES

from sfsync.core.plans.plan import Action
from sfsync.core.reading.source_marks import mark_name
from sfsync.core.reports.results import Outcome
from sfsync.emulator.fault_actions import Kill
from sfsync.emulator.faults import FaultScript
from sfsync.errors import ConfigError, SourceError
from sfsync.jobs import load_job
from sfsync.journal import open_journal, state_place

REPOSITORY = Path(__file__).resolve().parents[2]
LATER, LATEST = "2026-09-02 10:00:00+00:00", "2026-09-03 10:00:00+00:00"


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseDesk]:
    """A job on each of the two databases."""
    cluster = request.getfixturevalue("cluster") if request.param == "postgres" else None
    with database_desk(tmp_path, request.param, cluster) as made:
        yield made


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseDesk]:
    """A job on PostgreSQL."""
    with database_desk(tmp_path, "postgres", request.getfixturevalue("cluster")) as made:
        yield made


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[DatabaseDesk]:
    """A job on SQLite."""
    with database_desk(tmp_path, "sqlite", None) as made:
        yield made


def mark(desk: DatabaseDesk) -> str | None:
    """How far the journal says that the deals are read."""
    with open_journal(state_place(desk.environ), clock=desk.around.clock) as journal:
        org_id = desk.emulator.org.id
        kept = journal.memory.watermark(org_id, "deals", mark_name("opportunities"))
    return json.loads(kept)["at"] if kept else None


def refusal(desk: DatabaseDesk) -> SourceError | ConfigError:
    """How the job is refused."""
    with pytest.raises((SourceError, ConfigError)) as refused:
        desk.plan()
    return refused.value


def test_the_rows_of_a_query_are_planned_written_and_then_unchanged(desk: DatabaseDesk) -> None:
    """Amounts are exact, dates are days; the second run writes nothing."""
    desk.deal("D-1", amount="1234567.89")
    desk.deal("D-2", "Boots", amount="0.10")
    assert [each.action for each in desk.plan().changes] == [Action.CREATE, Action.CREATE]
    assert desk.run().exit_code == 0
    held = desk.held("D-1")
    assert (Decimal(str(held["Amount"])), held["CloseDate"]) == (Decimal("1234567.89"), "2027-01-31")
    assert Decimal(str(desk.held("D-2")["Amount"])) == Decimal("0.10")
    before = desk.write_count()
    assert desk.run().of(Outcome.UNCHANGED) == {"Opportunity:D-1", "Opportunity:D-2"}
    assert desk.write_count() == before


def test_a_null_is_a_blank(desk: DatabaseDesk) -> None:
    """A blank cell leaves the field alone, as in a file."""
    desk.deal("D-1")
    desk.sql("UPDATE deals SET amount = NULL")
    assert desk.run().exit_code == 0
    assert desk.held("D-1")["Amount"] is None


def test_a_bad_row_is_told_by_its_row_in_the_query(desk: DatabaseDesk) -> None:
    """And the other rows go."""
    desk.deal("D-1")
    desk.deal("D-2", stage="Nowhere")
    done = desk.type("run", desk.job, "--yes")
    assert done.exit_code == 3
    assert "deals.sql row 2" in done.out
    assert desk.held("D-1")["Name"] == "Sneakers"


def test_the_rejects_of_a_query_are_imported_by_the_same_job(desk: DatabaseDesk) -> None:
    """They are a CSV with the columns of the query; corrected, they go."""
    desk.deal("D-1", amount="1.20", stage="Nowhere")
    assert desk.type("run", desk.job, "--yes").exit_code == 3
    [rejects] = (desk.folder / "state").rglob("*rejects*.csv")
    assert rejects.read_text().startswith("id,name,stage,close,amount,_sfsync_outcome")
    corrected = desk.folder / "corrected.csv"
    corrected.write_text(rejects.read_text().replace("Nowhere", "Prospecting"))
    done = desk.type("import", str(corrected), "--job", desk.job, "--yes", "--json")
    assert done.exit_code == 0, done.out + done.err
    assert desk.held("D-1")["CloseDate"] == "2027-01-31"
    desk.deal("D-1", amount="1.20")
    assert desk.run().of(Outcome.UNCHANGED) == {"Opportunity:D-1"}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM deals",
        "SELECT 1; DELETE FROM deals",
        "WITH gone AS (DELETE FROM deals RETURNING *) SELECT * FROM gone",
        "SELECT 'a'';'; COMMIT; DELETE FROM deals",
    ],
)
def test_a_query_that_writes_is_refused_and_writes_nothing(desk: DatabaseDesk, query: str) -> None:
    """Neither as a statement, nor behind one, nor inside one."""
    desk.deal("D-1")
    desk.write(query)
    assert refusal(desk).code in ("QUERY", "QUERY_WRITES", "QUERY_REFUSED")
    assert desk.sql("SELECT count(*) FROM deals") == [(1,)]


def test_a_function_that_writes_is_refused_by_the_server(postgres: DatabaseDesk) -> None:
    """The transaction is read-only, whatever the query calls."""
    postgres.deal("D-1")
    postgres.sql("CREATE SEQUENCE numbers")
    postgres.write("SELECT id, name, stage, close, nextval('numbers') AS amount FROM deals")
    refused = refusal(postgres)
    assert (refused.code, refused.exit_code) == ("QUERY_WRITES", 5)
    assert "read-only" in refused.message


def test_wrong_sql_is_told_in_the_words_of_the_database(desk: DatabaseDesk) -> None:
    """With the line of the query file, where the database says it."""
    desk.write("SELECT id,\n  nme\nFROM deals")
    refused = refusal(desk)
    assert (refused.code, refused.exit_code) == ("QUERY_REFUSED", 5)
    assert "nme" in refused.message
    assert refused.message.startswith("deals.sql:2: " if desk.kind == "postgres" else "deals.sql: ")


def test_a_wrong_password_is_told_and_never_shown(postgres: DatabaseDesk) -> None:
    """Neither by an error, nor in the log, the plan, the report or the journal."""
    postgres.deal("D-1")
    right = postgres.url
    postgres.url = right.replace("postgres@", "postgres:hunter2-secret@")
    assert postgres.type("run", postgres.job, "--yes").exit_code == 0  # the server trusts anybody here
    postgres.url = postgres.url.replace("/postgres?", "/nowhere-hunter2-secret?")
    refused = postgres.type("run", postgres.job, "--yes")
    assert refused.exit_code == 5
    assert "does not exist" in refused.err
    assert "postgres:hunter2" not in refused.out + refused.err
    kept = [each for each in (postgres.folder / "state").rglob("*") if each.is_file()]
    assert [each.name for each in kept if b"hunter2" in each.read_bytes()] == []


def test_a_server_that_is_away_is_an_error_of_the_source(postgres: DatabaseDesk) -> None:
    """Exit code 5, before anything of the org is written."""
    postgres.url = "postgresql://postgres:hunter2@127.0.0.1:1/deals"
    refused = refusal(postgres)
    assert (refused.code, refused.exit_code) == ("DATABASE_UNREACHABLE", 5)
    assert refused.message.startswith("postgresql://127.0.0.1:1/deals: ")
    assert "hunter2" not in refused.message


def test_a_missing_sqlite_file_is_not_made(sqlite: DatabaseDesk) -> None:
    """It is told by its path."""
    sqlite.url = "sqlite:///other.db"
    assert refusal(sqlite).code == "DATABASE_UNREACHABLE"
    assert not (sqlite.folder / "other.db").exists()


def test_columns_of_one_name_are_refused(desk: DatabaseDesk) -> None:
    """Which is meant cannot be said."""
    desk.write("SELECT id, name, name, stage, close, amount FROM deals")
    refused = refusal(desk)
    assert (refused.code, "name" in refused.message) == ("COLUMN_REPEATED", True)


def test_bytes_arrays_and_json_are_problems_where_a_rule_reads_them(postgres: DatabaseDesk) -> None:
    """By name, for their row; elsewhere they are passed over."""
    postgres.deal("D-1")
    for made, what in (
        ("'\\x00'::bytea", "bytes"),
        ("ARRAY['a']", "an array"),
        ("'{}'::json", "JSON"),
        ("interval '1 day'", "an interval"),
    ):
        postgres.write(f"SELECT id, {made} AS name, stage, close, amount FROM deals")
        [change] = postgres.plan().changes
        assert [(each.code, each.column) for each in change.problems] == [("NOT_A_VALUE", "name")]
        assert what in change.problems[0].message
        postgres.write(f"SELECT id, name, stage, close, amount, {made} AS more FROM deals")
        assert [each.action for each in postgres.plan().changes] == [Action.CREATE]


def test_money_is_refused_with_its_cast(postgres: DatabaseDesk) -> None:
    """Its text depends on the server's locale; a uuid is text."""
    postgres.deal("D-1")
    postgres.write("SELECT id, name, stage, close, amount::money AS amount FROM deals")
    assert "CAST(amount AS numeric)" in refusal(postgres).hint
    postgres.write(
        "SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, name, stage, close, amount FROM deals"
    )
    assert postgres.read_keys() == ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]


def test_text_that_no_org_could_hold_is_a_problem_of_its_row(sqlite: DatabaseDesk) -> None:
    """NUL, and bytes that are no UTF-8."""
    sqlite.deal("D-1", "a\0b")
    sqlite.deal("D-2")
    sqlite.sql("UPDATE deals SET name = CAST(x'ff' AS TEXT) WHERE id = 'D-2'")
    assert [each.problems[0].code for each in sqlite.plan().changes] == ["BAD_CHARACTER", "BAD_CHARACTER"]


def test_an_empty_result_is_refused_where_nothing_was_left_out(desk: DatabaseDesk) -> None:
    """It may be the wrong database."""
    assert refusal(desk).code == "SOURCE_EMPTY"


def test_sections_of_one_database_see_one_moment(postgres: DatabaseDesk) -> None:
    """All queries run in one transaction."""
    postgres.deal("D-1")
    accounts = '[accounts]\ndatabase = "${DEALS_DB}"\nquery = "accounts.sql"\nkey = "Sfsync_Key__c"\n'
    accounts += '[accounts.fields]\nSfsync_Key__c = "id"\nName = "at"\n'
    (postgres.folder / "accounts.sql").write_text("SELECT 'A-1' AS id, pg_current_snapshot()::text AS at")
    postgres.write("SELECT id, pg_current_snapshot()::text AS name, stage, close, amount FROM deals")
    path = Path(postgres.job)
    path.write_text(path.read_text().replace("[opportunities]", accounts + "[opportunities]", 1))
    names = [each.desired["Name"] for each in postgres.plan().changes]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_a_watermark_lets_a_run_read_only_what_changed_since(desk: DatabaseDesk) -> None:
    """The first run reads all; the next one from ten minutes before the greatest value on; --full all again."""
    desk.watch()
    desk.deal("D-1")
    desk.deal("D-2", updated_at=LATER)
    assert desk.run().exit_code == 0
    desk.deal("D-3", updated_at=LATEST)
    assert desk.read_keys() == ["D-2", "D-3"]
    assert desk.run().of(Outcome.CREATED) == {"Opportunity:D-3"}
    done = desk.type("run", desk.job, "--full", "--yes", "--json")
    assert done.document["counts"]["Opportunity"]["unchanged"] == 3


def test_a_run_with_nothing_new_is_empty_and_no_row_is_gone(desk: DatabaseDesk) -> None:
    """A row that is not in the result did not change."""
    desk.watch("overlap = 0")
    desk.deal("D-1")
    assert desk.run().exit_code == 0
    desk.sql("DELETE FROM deals")
    made = desk.plan()
    assert (made.changes, made.gone.vanished) == ((), ())
    assert desk.run().exit_code == 0
    assert mark(desk) is not None


def test_the_watermark_stays_where_a_row_is_not_settled(desk: DatabaseDesk) -> None:
    """A rejected row is read again by every run, without its file being touched, until it can go."""
    desk.watch("overlap = 0")
    desk.deal("D-1")
    desk.deal("D-2", stage="Nowhere", updated_at=LATER)
    desk.deal("D-3", updated_at=LATEST)
    assert desk.run().exit_code == 3
    assert desk.read_keys() == ["D-2", "D-3"]
    desk.deal("D-2", updated_at=LATER)
    assert desk.run().of(Outcome.CREATED) == {"Opportunity:D-2"}
    assert desk.read_keys() == ["D-3"]


def test_a_plan_moves_no_watermark(desk: DatabaseDesk) -> None:
    """Only a run does that has ended."""
    desk.watch()
    desk.deal("D-1")
    desk.plan()
    assert mark(desk) is None
    assert desk.apply(desk.plan()).exit_code == 0
    assert mark(desk) is not None


def test_another_query_or_job_reads_everything_once_more(desk: DatabaseDesk) -> None:
    """A newly mapped field reaches the old rows too."""
    desk.watch("overlap = 0")
    desk.deal("D-1")
    desk.deal("D-2", updated_at=LATER)
    assert desk.run().exit_code == 0
    assert desk.read_keys() == ["D-2"]
    path = Path(desk.job)
    path.write_text(path.read_text() + 'NextStep = "name"\n')
    assert desk.read_keys() == ["D-1", "D-2"]


@pytest.mark.parametrize("recovery", ["run", "resume"])
def test_a_kill_before_the_watermark_reads_again_and_writes_nothing_twice(
    desk: DatabaseDesk, recovery: str
) -> None:
    """The next run finds the killed one's rows done; a resumed run moves the watermark of its own plan."""
    desk.watch("overlap = 0")
    desk.deal("D-1")
    desk.deal("D-2", updated_at=LATER)
    client = subprocess.Popen(
        [*PROGRAM, "run", desk.job, "--yes", "--json"],
        env={**desk.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=desk.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    desk.emulator.faults.add(FaultScript(Kill(client.pid), "after_commit", path=WRITES, nth=1))
    assert client.wait(60) == -signal.SIGKILL
    desk.emulator.faults.clear()
    assert mark(desk) is None
    ending = desk.run() if recovery == "run" else desk.resume()
    assert ending.exit_code == 0
    assert desk.inserted()["Opportunity"] == 2
    assert re.match(r"2026-09-02.10:00", str(mark(desk)))
    assert desk.read_keys() == ["D-2"]


def test_a_watermark_needs_since_and_since_a_watermark(desk: DatabaseDesk) -> None:
    """One without the other would read everything, or nothing, for ever."""
    desk.write(options='watermark = "updated_at"')
    assert ":since" in refusal(desk).message
    desk.watch()
    Path(desk.job).write_text(Path(desk.job).read_text().replace('watermark = "updated_at"', ""))
    assert ":since" in refusal(desk).message


def test_a_watermark_and_the_handling_of_gone_rows_exclude_each_other(sqlite: DatabaseDesk) -> None:
    """So do a watermark of roles and their mirror; each is a mistake of the job."""
    for policy in ("report", "close", "delete"):
        sqlite.watch(f'vanished = "{policy}"')
        with pytest.raises(ConfigError, match=r"opportunities\.vanished cannot be told with a watermark"):
            load_job(sqlite.job, environ=sqlite.environ)
    sqlite.watch()
    path = Path(sqlite.job)
    roles = 'database = "${DEALS_DB}"\nquery = "deals.sql"\nwatermark = "updated_at"\n'
    roles += '[contact_roles.fields]\nOpportunityId = "id"\nContactId = "name"\n'
    path.write_text(path.read_text() + f'[roles]\npolicy = "mirror"\n[contact_roles]\n{roles}')
    with pytest.raises(ConfigError, match='"mirror" would delete the roles that did not change'):
        load_job(sqlite.job, environ=sqlite.environ)


def test_a_password_in_the_job_file_is_refused_and_not_repeated(sqlite: DatabaseDesk) -> None:
    """It belongs into the environment."""
    path = Path(sqlite.job)
    path.write_text(path.read_text().replace("${DEALS_DB}", "postgresql://me:hunter2@db/deals"))
    with pytest.raises(ConfigError, match="holds a password") as refused:
        load_job(sqlite.job, environ=sqlite.environ)
    assert "hunter2" not in refused.value.message
