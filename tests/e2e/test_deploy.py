"""The schedulers' files of docs/deploy do what docs/schedulers.md says, and treat each exit code as it is meant.

What can be run here is run: the cron line, and the way a mounted key takes to its user. The rest is loaded and
looked at, by the tool of the scheduler where this machine has it.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfsync import errors
from sfsync.cli.main import EPILOG
from sfsync.core.reports.report import ROWS_NOT_DONE
from sfsync.errors import ConfigError, SyncError
from sfsync.jobs import load_job, load_org

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
STOPPED = {130, 143}
ONLY_PLANS = {8}
GRACE_S = 10
"""So long a run takes at most to end after SIGTERM (docs/security.md)."""

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, SyncError)]
LATER = {each.exit_code for each in KINDS if each.retryable}
"""The codes of errors that a later try can mend."""

FOR_A_PERSON = {each.exit_code for each in KINDS} - LATER - STOPPED | {ROWS_NOT_DONE}
"""All other codes of a run that are no success."""


def text(name: str) -> str:
    """A file of docs/deploy."""
    return (DEPLOY / name).read_text(encoding="utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = page.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return rows[1:]


def numbers(cell: str) -> set[int]:
    """The codes of a cell."""
    return {int(each) for each in re.findall(r"\d+", cell)}


# -- the exit codes


def test_help_readme_and_schedulers_page_list_the_same_exit_codes() -> None:
    """They are those of the errors, of success, of rows that were not done, of signals and of waiting changes."""
    every = LATER | FOR_A_PERSON | STOPPED | ONLY_PLANS | {0}
    in_help = {
        int(each) for line in EPILOG.splitlines() for each in re.findall(r"(?:^|\s)(\d+)(?=,? )", line)
    }
    assert in_help == every
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Exit codes\n")[2]
    rows = [line.split("|") for line in readme.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    assert set().union(*(numbers(row[at]) for row in rows for at in (1, 3))) == every
    page = (ROOT / "docs" / "schedulers.md").read_text(encoding="utf-8")
    codes = {row[0]: row[2] for row in table(page, "What an exit code means for a scheduler")}
    assert set().union(*map(numbers, codes)) == every - ONLY_PLANS
    again = {code for cell, word in codes.items() if word.startswith("yes") for code in numbers(cell)}
    assert again == LATER | STOPPED


def test_airflow_tries_exactly_what_a_later_try_can_mend() -> None:
    """The DAG's list of codes is that of the errors."""
    tree = ast.parse(text("airflow_partitions.py"))
    [found] = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TRY_LATER"
    ]
    assert found == LATER


# -- Kubernetes


@pytest.fixture(name="cron_job")
def _cron_job() -> dict[str, Any]:
    """The spec of the CronJob."""
    documents = {each["kind"]: each for each in yaml.safe_load_all(text("kubernetes-cronjob.yaml"))}
    assert documents["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOncePod"]
    spec: dict[str, Any] = documents["CronJob"]["spec"]
    return spec


def test_kubernetes_decides_by_exit_code(cron_job: dict[str, Any]) -> None:
    """A person's codes fail the job at once, the others count as tries; a drained pod counts as nothing.

    Source: Kubernetes, Job API: values are in order, without repeats and without 0; the pod must not restart.
    """
    job = cron_job["jobTemplate"]["spec"]
    by_action = {each["action"]: each for each in job["podFailurePolicy"]["rules"]}
    assert by_action["Ignore"] == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    assert list(by_action) == ["Ignore", "FailJob", "Count"], "the first rule that fits counts"
    for action, codes in (("FailJob", FOR_A_PERSON), ("Count", LATER)):
        rule = by_action[action]["onExitCodes"]
        assert (rule["operator"], rule["values"]) == ("In", sorted(codes))
        assert rule["containerName"] == "sfsync"
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["backoffLimit"] >= 1


def test_kubernetes_runs_one_at_a_time_and_confined(cron_job: dict[str, Any]) -> None:
    """No overlap, missed starts once, a zone, time to end; not root, nothing written but the volumes."""
    assert cron_job["concurrencyPolicy"] == "Forbid"
    assert cron_job["startingDeadlineSeconds"] >= 10, "less, and a start may be missed for good"
    assert cron_job["timeZone"]
    pod = cron_job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] >= 3 * GRACE_S
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    volumes = {each["name"] for each in pod["volumes"]}
    for each in (*pod["containers"], *pod["initContainers"]):
        confined = each["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert each["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in each["volumeMounts"]} <= volumes
        names = [entry["name"] for entry in each.get("env", [])]
        assert not [name for name in names if name.endswith("__PRIVATE_KEY")], "the key is a file"


def test_a_key_that_kubernetes_mounts_reaches_sfsync_as_its_users_own(
    cron_job: dict[str, Any], tmp_path: Path
) -> None:
    """Mounted it is a link that a group may read, and refused; the init container's command makes it fit.

    Source: Kubernetes, "Secrets", mounted files are links into ..data.
    """
    if os.name != "posix" or shutil.which("install") is None:
        pytest.skip("there is no install here")
    mounted(tmp_path / "secret", "server.key", "the key\n", mode=0o440)
    mounted(
        tmp_path / "etc" / "jobs",
        "nightly.toml",
        (ROOT / "config/jobs/trailhead.toml").read_text(),
        mode=0o644,
    )
    (tmp_path / "run").mkdir()
    pod = cron_job["jobTemplate"]["spec"]["template"]["spec"]
    places = {"/secret": str(tmp_path / "secret"), "/run/sfsync": str(tmp_path / "run")}
    given = pod["initContainers"][0]["command"]
    command = [re.sub("^/secret|^/run/sfsync", lambda found: places[found[0]], each) for each in given]
    subprocess.run(command, check=True)
    environ = {
        "SFSYNC_CONFIG": str(tmp_path / "etc"),
        "SFSYNC_ORGS__PRODUCTION__LOGIN": "jwt",
        "SFSYNC_ORGS__PRODUCTION__CLIENT_ID": "app",
        "SFSYNC_ORGS__PRODUCTION__USERNAME": "user@example.com",
        "SFSYNC_ORGS__PRODUCTION__PRIVATE_KEY_FILE": str(tmp_path / "run" / "server.key"),
    }
    key = load_org("production", environ=environ).private_key
    assert key is not None
    assert key.get_secret_value() == "the key"
    assert load_job("nightly", environ=environ).name == "nightly"
    environ["SFSYNC_ORGS__PRODUCTION__PRIVATE_KEY_FILE"] = str(tmp_path / "secret" / "server.key")
    with pytest.raises(ConfigError, match="is a link"):
        load_org("production", environ=environ)


def mounted(folder: Path, name: str, content: str, *, mode: int) -> None:
    """A file as the kubelet mounts it: a link into ..data, which is a link to a folder of the time."""
    (folder / "..2026_11_26").mkdir(parents=True)
    (folder / "..2026_11_26" / name).write_text(content, encoding="utf-8")
    (folder / "..2026_11_26" / name).chmod(mode)
    (folder / "..data").symlink_to("..2026_11_26")
    (folder / name).symlink_to(Path("..data") / name)


# -- systemd


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit file, each with its values in order."""
    found: dict[str, list[str]] = {}
    for line in text(name).splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_systemd_tries_again_what_a_later_try_can_mend() -> None:
    """What a person must look at prevents a restart, a stop is no failure, and a failure for good is told."""
    service = unit("sfsync@.service")
    [prevented] = service["RestartPreventExitStatus"]
    assert {int(each) for each in prevented.split()} == FOR_A_PERSON
    assert service["SuccessExitStatus"] == ["143"]
    assert service["Restart"] == ["on-failure"]
    assert int(service["TimeoutStopSec"][0]) >= 3 * GRACE_S
    assert service["OnFailure"] == ["sfsync-failed@%i.service"]
    assert (DEPLOY / "sfsync-failed@.service").is_file()


def test_systemd_confines_the_run_and_waits_in_one_place_only() -> None:
    """Strict file system, a state folder, a credential; the timer makes up once, and spreads for the command."""
    service, timer = unit("sfsync@.service"), unit("sfsync@.timer")
    assert service["ProtectSystem"] == ["strict"]
    assert service["StateDirectory"] == ["sfsync"]
    assert service["LoadCredential"] == ["server.key:/etc/sfsync/server.key"]
    assert service["StandardOutput"] == ["null"]
    assert "--start-jitter" not in service["ExecStart"][0]
    assert timer["RandomizedDelaySec"]
    assert timer["Persistent"] == ["true"]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """systemd-analyze finds nothing to say about them, once the program is one that this machine has."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    names = ["sfsync@.service", "sfsync@.timer", "sfsync-failed@.service"]
    for name in names:
        (tmp_path / name).write_text(
            text(name).replace("/opt/sfsync/bin/sfsync", "/bin/true"), encoding="utf-8"
        )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("time", "runs_on"), [("02:30:00", False), ("04:15:00", True)])
def test_systemd_leaves_out_a_run_in_the_hour_that_is_missing(time: str, runs_on: bool) -> None:
    """On the day when the clock is set forward 02:30 has no run, and the timer's own time has one."""
    if shutil.which("systemd-analyze") is None or not Path("/usr/share/zoneinfo/Europe/Berlin").exists():
        pytest.skip("there is no systemd-analyze or no zone here")
    assert "04:15:00 Europe/Berlin" in unit("sfsync@.timer")["OnCalendar"][0]
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--base-time=2027-03-27 12:00 UTC", f"*-*-* {time} Europe/Berlin"],
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
        check=True,
    )
    assert ("2027-03-28" in done.stdout) is runs_on


# -- cron


def crontab(shift: dict[str, str]) -> tuple[dict[str, str], str]:
    """The variables and the one command of the crontab, as cron would read them."""
    variables, commands = {}, []
    for line in text("crontab").splitlines():
        if found := re.fullmatch(r"([A-Z_]+)=(.*)", line):
            variables[found[1]] = found[2]
        elif line and not line.startswith("#"):
            commands.append(line.split(maxsplit=5)[5])
    [command] = commands
    assert "%" not in command
    for old, new in shift.items():
        command = command.replace(old, new)
    return variables, command


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Path:
    """A folder with a program called sfsync."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sfsync").write_text(f'#!/bin/sh\nexec {sys.executable} -m sfsync "$@"\n', encoding="utf-8")
    (folder / "sfsync").chmod(0o755)
    return folder


JOB = """
org = "local"
[opportunities]
file = "deals.csv"
key = "Sfsync_Key__c"
[opportunities.fields]
Sfsync_Key__c = "id"
Name = "name"
StageName = "stage"
CloseDate = "close"
"""


def test_cron_mails_nothing_of_a_good_run_and_the_code_of_a_bad_one(
    environ: dict[str, str], program: Path, tmp_path: Path
) -> None:
    """The line of the crontab, run for real: silence, then the exit code in words and no values of rows."""
    variables, command = crontab({"nightly": "job.toml", "--start-jitter 300": "--start-jitter 0"})
    assert variables["SHELL"] == "/bin/sh"
    environ |= {"PATH": f"{program}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    deals = tmp_path / "deals.csv"
    deals.write_text("id,name,stage,close\nD-1,Good,Prospecting,2027-01-31\n", encoding="utf-8")
    assert mailed(command, environ, tmp_path) == ""
    deals.write_text("id,name,stage,close\nD-2,Bad,Prospecting,soon\n", encoding="utf-8")
    said = mailed(command, environ, tmp_path)
    assert said.startswith(f"sfsync run job.toml ended with {ROWS_NOT_DONE}:")
    assert "D-2" not in said
    assert "soon" not in said


def mailed(command: str, environ: dict[str, str], cwd: Path) -> str:
    """What cron would mail: all that its shell prints."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("name", ["crontab", "compose.yaml", "kubernetes-cronjob.yaml", "github-actions.yml"])
def test_every_command_of_the_files_is_one_that_sfsync_knows(name: str) -> None:
    """What stands behind `sfsync run` are options of the command."""
    import sfsync.cli.run as runs

    known = {option for each in runs.run_command.params for option in each.opts}
    [words] = re.findall(r'run nightly (--.*)|"run", "nightly", (.*)', text(name))
    assert set(re.findall(r"--[a-z-]+", "".join(words))) <= known
