"""Which address is told how runs go: of a job, of a profile, of the environment; and none of it is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfsync.errors import ConfigError
from sfsync.jobs import load_job
from sfsync.jobs.pings import job_ping, org_ping

ROOT = Path(__file__).resolve().parents[3]


def refused(call, *args, **given) -> ConfigError:
    """The error of a call."""
    with pytest.raises(ConfigError) as error:
        call(*args, **given)
    return error.value


def test_a_job_names_the_variable_of_what_is_secret(tmp_path):
    """The address is filled in, is no part of what a plan depends on, and is not in what Python shows of a job."""
    plain = (ROOT / "config" / "jobs" / "trailhead.toml").read_text()
    (tmp_path / "trailhead.toml").write_text(plain)
    before = load_job(tmp_path / "trailhead.toml", environ={})
    (tmp_path / "trailhead.toml").write_text('ping = "https://hc-ping.com/${CHECK}"\n' + plain)
    job = load_job(tmp_path / "trailhead.toml", environ={"CHECK": "5f3a"})
    assert job.ping == "https://hc-ping.com/5f3a"
    assert job.digest == before.digest
    assert "5f3a" not in repr(job)


@pytest.mark.parametrize(
    ("written", "code"),
    [("https://hc-ping.com/${CHECK}", "VARIABLE_NOT_SET"), ("http://hc-ping.com/5f3a", "BAD_VALUE")],
)
def test_a_job_whose_ping_cannot_be_used_is_refused(tmp_path, written, code):
    """A variable that is not set, and plain http to another machine; the address is not repeated."""
    error = refused(job_ping, written, folder=tmp_path, environ={})
    assert error.code == code
    assert "5f3a" not in error.message


def test_a_profile_names_the_variable_and_the_environment_wins(tmp_path):
    """ping_env is looked up without any secret of the profile; SFSYNC_ORGS__NAME__PING takes its place."""
    (tmp_path / "orgs").mkdir()
    profile = tmp_path / "orgs" / "sandbox.toml"
    profile.write_text('client_secret_env = "NOT_SET"\nping_env = "CHECK"\n')
    environ = {"SFSYNC_CONFIG": str(tmp_path), "CHECK": "https://hc-ping.com/5f3a"}
    assert org_ping("sandbox", environ=environ) == "https://hc-ping.com/5f3a"
    other = environ | {"SFSYNC_ORGS__SANDBOX__PING": "https://hc-ping.com/77"}
    assert org_ping("sandbox", environ=other) == "https://hc-ping.com/77"
    assert org_ping("production", environ=environ) is None
    assert refused(org_ping, "sandbox", environ={"SFSYNC_CONFIG": str(tmp_path)}).code == "VARIABLE_NOT_SET"
    bad = environ | {"CHECK": "https://u:5f3a@hc-ping.com/"}
    assert "5f3a" not in refused(org_ping, "sandbox", environ=bad).message
    profile.write_text("")
    assert org_ping("sandbox", environ=environ) is None
