"""P10: journals of every released step are upgraded with what is open in them; what is newer is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from journal_homes import NOW, ORG, PLAN, Home, a_run
from sqlalchemy import create_engine, inspect

from sfsync.core.ports import ChangeState
from sfsync.errors import GuardError, JournalError
from sfsync.journal.migrations import STEPS
from sfsync.journal.postgres import tables
from sfsync.journal.schema import METADATA

OPEN_RUN = f"""
INSERT INTO runs (run_id, number, job, org_id, plan_digest, plan_file, started_at)
VALUES ('r1', 1, 'nightly', '{ORG}', 'digest-r1', 'plan.json', 't');
INSERT INTO attempts VALUES ('r1', 'r1/1', 'key fence', 'hash', 't');
INSERT INTO changes (run_id, change_id, state, attempt_id, updated_at)
VALUES ('r1', 'Opportunity:1', 'intent', 'r1/1', 't');
INSERT INTO ledger VALUES ('{ORG}', 'Opportunity', 'K', '006A', '{{}}', '{{}}', 't')
"""


def make_old(home: Home, *, steps: int) -> None:
    """A journal as the version with so many steps left it, with a change that is open."""
    if not home.is_postgres:
        home.place.folder.mkdir(mode=0o700)
        (home.place.folder / "journal.sqlite").touch(mode=0o600)
    for step in STEPS[:steps]:
        for statement in step.sql("postgresql" if home.is_postgres else "sqlite"):
            home.sql(statement)
        home.sql(f"INSERT INTO migrations VALUES ('{step.name}', 't')")
    for statement in OPEN_RUN.split(";"):
        home.sql(statement)
    if not home.is_postgres:
        home.sql(f"PRAGMA application_id = {int.from_bytes(b'sfsj')}")


@pytest.mark.parametrize("steps", range(1, len(STEPS) + 1))
def test_p10_open_intents_survive_the_upgrade_from_every_step(home: Home, steps: int) -> None:
    """What an older version left open is open after the upgrade, a used plan stays used, and new runs begin."""
    make_old(home, steps=steps)
    with home.open() as journal:
        [(run, change)] = journal.open_changes("nightly", ORG)
        assert (run.run_id, change.change_id, change.state) == ("r1", "Opportunity:1", ChangeState.INTENT)
        assert journal.ledger(ORG, "Opportunity", ["K"])["K"].record_id == "006A"
        assert journal.knows_job("nightly", ORG)
        assert journal.plan("r1") is None
        with pytest.raises(GuardError):
            journal.begin_run(a_run("r1"), PLAN)
        journal.begin_run(a_run("r2"), PLAN)
        facts = journal.facts()
    assert facts.steps == tuple(step.name for step in STEPS)
    assert (facts.missing_steps, facts.identity.restorations) == ((), 0)


def test_p10_a_journal_of_a_newer_version_is_refused(home: Home) -> None:
    """A step that this version does not know stops it by name, and nothing is changed: there is no downgrade."""
    home.open().close()
    home.sql("INSERT INTO migrations VALUES ('9999_future', 'then')")
    with pytest.raises(JournalError) as refused:
        home.open()
    assert refused.value.code == "JOURNAL_NEWER"
    assert "9999_future" in refused.value.message
    assert refused.value.hint


def test_p10_openers_that_come_at_once_upgrade_once(home: Home) -> None:
    """Of several that open an old journal together one upgrades it, and all get it."""
    make_old(home, steps=1)
    with ThreadPoolExecutor(6) as pool:
        journals = list(pool.map(lambda _: home.open(), range(6)))
    facts = [journal.facts() for journal in journals]
    for journal in journals:
        journal.close()
    assert {each.identity.journal_id for each in facts} == {facts[0].identity.journal_id}
    assert {each.identity.restorations for each in facts} == {0}


def test_p6_a_table_that_is_gone_is_noticed(pg: Home) -> None:
    """A journal that lacks a table or a column of this version is refused before anything is trusted."""
    pg.open().close()
    pg.sql("ALTER TABLE changes DROP COLUMN token")
    pg.sql("DROP TABLE ledger")
    with pytest.raises(JournalError) as refused:
        pg.open()
    assert refused.value.code == "JOURNAL_DAMAGED"
    assert "ledger" in refused.value.message
    assert "changes.token" in refused.value.message


def test_another_programs_tables_are_left_alone(pg: Home) -> None:
    """A schema in which another program keeps a table of the same name does not become a journal."""
    pg.sql("CREATE TABLE runs (theirs int)")
    with pytest.raises(JournalError) as refused:
        pg.open()
    assert refused.value.code == "JOURNAL_FOREIGN"
    assert pg.sql("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()") == [(1,)]


def test_the_migrations_build_the_tables_that_the_code_uses_on_postgresql(pg: Home) -> None:
    """Columns, keys, indexes and types made step by step are those of the schema."""
    pg.open().close()
    assert pg.cluster is not None
    migrated, declared = (
        create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        for url in (str(pg.place.database), pg.cluster.schema())
    )
    try:
        for metadata in (METADATA, tables.METADATA):
            metadata.create_all(declared)
        assert shape_of(inspect(migrated)) == shape_of(inspect(declared))
    finally:
        migrated.dispose()
        declared.dispose()
    assert NOW


def shape_of(inspector: object) -> dict[str, object]:
    """What two schemas must agree on."""
    return {
        table: (
            [(each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(table)],
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(
                each["name"] for each in inspector.get_indexes(table) if "duplicates_constraint" not in each
            ),
            sorted(each["column_names"] for each in inspector.get_unique_constraints(table)),
            sorted(
                (each["constrained_columns"], each["referred_table"])
                for each in inspector.get_foreign_keys(table)
            ),
        )
        for table in inspector.get_table_names()
    }
