"""The image, the compose file and the workflow of docs/deploy: confined, pinned, and without a secret in them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
GRACE_S = 10
"""So long a run takes at most to end after SIGTERM (docs/security.md)."""


def text(name: str) -> str:
    """A file of docs/deploy."""
    return (DEPLOY / name).read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: word and rest, with lines that go on joined."""
    plain = "\n".join(line for line in text("Dockerfile").splitlines() if not line.startswith("#"))
    joined = plain.replace("\\\n", " ")
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines())
        if word
    ]


def test_the_image_is_lean_pinned_and_not_root() -> None:
    """Two stages on one base by its digest, nothing from an address, no secret in a layer, a user by number."""
    found = instructions()
    words = [word for word, _ in found]
    assert words.count("FROM") == 2
    assert set(words) <= {
        *("ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "VOLUME"),
        *("USER", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }, "no ADD, which fetches addresses and unpacks archives"
    [base] = [rest for word, rest in found if word == "ARG"]
    assert re.fullmatch(r"PYTHON=\S+@sha256:[0-9a-f]{64}", base)
    assert {rest.partition(" AS ")[0] for word, rest in found if word == "FROM"} == {"${PYTHON}"}
    final = found[max(at for at, word in enumerate(words) if word == "FROM") :]
    assert [rest for word, rest in final if word == "USER"] == ["10001:10001"]
    assert [word for word, _ in final].index("USER") > max(
        at for at, (word, _) in enumerate(final) if word == "RUN"
    )
    assert ("HEALTHCHECK", "NONE") in final
    assert ("STOPSIGNAL", "SIGTERM") in final
    assert not re.search(
        r"https?://|(?i:secret|token|password|private_key)=", "\n".join(rest for _, rest in final)
    )
    installs = [rest for word, rest in found if word == "RUN" and "pip install" in rest]
    for each in re.findall(r"pip install [^&]+", " ".join(installs)):
        assert "--require-hashes" in each or "--no-index --no-deps" in each
    for word, rest in found:
        for source in rest.split()[:-1] if word == "COPY" and not rest.startswith("--from") else ():
            assert (ROOT / source).exists(), source


@pytest.mark.skipif(not os.environ.get("SFSYNC_TEST_DOCKER"), reason="SFSYNC_TEST_DOCKER names no base image")
def test_the_image_runs_the_demo_read_only() -> None:
    """Built on the image that SFSYNC_TEST_DOCKER names (by its digest or not), it tells the demo to its end."""
    tag, base = "sfsync-test", os.environ["SFSYNC_TEST_DOCKER"]
    build = [
        "docker",
        "build",
        "-f",
        "docs/deploy/Dockerfile",
        "--build-arg",
        f"PYTHON={base}",
        "-t",
        tag,
        ".",
    ]
    subprocess.run(build, cwd=ROOT, check=True)
    run = ["docker", "run", "--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp"]
    done = subprocess.run(
        [*run, tag, "demo", "--state", "/tmp/demo"], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("All is as it should be.\n")


def test_compose_confines_the_run() -> None:
    """Read-only, no rights, the key as a file, the state in a volume, and time to end."""
    service = yaml.safe_load(text("compose.yaml"))["services"]["nightly"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["user"] == "10001:10001"
    assert service["restart"] == "no"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 3 * GRACE_S
    assert service["environment"]["SFSYNC_ORGS__PRODUCTION__PRIVATE_KEY_FILE"] == "/run/secrets/server_key"
    assert "state:/var/lib/sfsync" in service["volumes"]


# -- GitHub Actions


def test_the_workflow_runs_alone_pinned_and_with_few_rights() -> None:
    """Scheduled, one at a time, in an environment, within a time; actions by commit; the run's folder is kept."""
    workflow = yaml.safe_load(text("github-actions.yml"))
    assert workflow[True]["schedule"][0]["cron"], "YAML 1.1 reads the key on as true"
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    job = workflow["jobs"]["nightly"]
    assert job["environment"] == "production"
    assert job["timeout-minutes"] <= 360
    used = [each["uses"] for each in job["steps"] if "uses" in each]
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", each) for each in used)
    [run] = [each for each in job["steps"] if each.get("name") == "Run"]
    assert "SFSYNC_STATE" in run["env"], "the runner forgets its own disk"
    assert all(
        "secrets." in run["env"][name] for name in run["env"] if name.endswith(("KEY", "_STATE", "_ID"))
    )
    kept = job["steps"][-1]
    assert (kept["if"], kept["with"]["retention-days"]) == ("always()", 14)
