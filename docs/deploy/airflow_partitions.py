"""A DAG that brings a job in four shares side by side: accounts and contacts first, then the deals.

Put it into Airflow's folder of DAGs. The workers need sfsync and these variables: SFSYNC_STATE (a PostgreSQL that
all of them reach), the org's SFSYNC_ORGS__... and the job's own. Exit codes decide what a task does: an org that is
away or a lock that is held is tried again, everything else is for a person. A task that was killed is tried again
too: the next run of its share settles first what was on its way.
"""
# ruff: noqa: INP001 - a file of its own, for a folder of DAGs

import os
import subprocess
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

JOB = os.environ.get("SFSYNC_JOB", "nightly")
SHARES = 4
TRY_LATER = {75, 99}
"""The org is unavailable or its limit is reached; another run holds the lock."""


def bring(share: str) -> str:
    """Runs one share and gives its summary, one JSON document."""
    command = ["sfsync", "run", JOB, "--partition", share, "--json", "--progress", "lines"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode in TRY_LATER:
        raise AirflowException(f"share {share} ended with {done.returncode}: it is tried again")
    if done.returncode != 0:
        raise AirflowFailException(f"share {share} ended with {done.returncode}: see its log and its report")
    return done.stdout


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=15)},
)
def sfsync_partitions() -> None:
    """Accounts and contacts, then the shares of the deals."""

    @task
    def parents() -> str:
        return bring(f"0/{SHARES}")

    @task
    def deals(share: str) -> str:
        return bring(share)

    parents() >> deals.expand(share=[f"{number}/{SHARES}" for number in range(1, SHARES + 1)])


sfsync_partitions()
