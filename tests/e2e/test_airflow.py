"""The example DAG of docs/deploy, run by a real Airflow against an emulated org.

Opt-in: SFSYNC_TEST_AIRFLOW names the Python of an environment that has apache-airflow.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import sfsync
from postgres_cluster import Cluster
from share_desk import ORG_FILE, org_of, surroundings, write_job

from sfsync.emulator.server import running

ROOT = Path(__file__).resolve().parents[2]
DAG = ROOT / "docs" / "deploy" / "airflow_partitions.py"
PYTHON = os.environ.get("SFSYNC_TEST_AIRFLOW", "")
COMMANDS = ("db migrate", "dags reserialize", "dags test sfsync_partitions")


@pytest.mark.skipif(not PYTHON, reason="SFSYNC_TEST_AIRFLOW names no environment with Airflow")
def test_a_dag_of_mapped_shares_makes_the_org_of_one_process(tmp_path: Path, cluster: Cluster) -> None:
    """Airflow runs accounts and contacts, then the shares, and its run succeeds."""
    write_job(tmp_path, bad_rows=False)
    with running(ORG_FILE) as shared, running(ORG_FILE) as alone:
        whole = sfsync("run", "job.toml", environ=surroundings(alone, str(tmp_path / "alone")), cwd=tmp_path)
        assert whole.exit_code == 0, whole.out
        environ = surroundings(shared, cluster.schema()) | {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "SFSYNC_JOB": str(tmp_path / "job.toml"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        environ.pop("PYTHONPATH")
        (tmp_path / "airflow" / "dags").mkdir(parents=True)
        shutil.copy(DAG, tmp_path / "airflow" / "dags")
        for command in COMMANDS:
            done = subprocess.run(
                [PYTHON, "-m", "airflow", *command.split()],
                cwd=tmp_path,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "state=success" in done.stdout + done.stderr
        assert org_of(shared) == org_of(alone)
