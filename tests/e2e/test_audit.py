"""What `make audit` says of a lock, without network."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))

from audit import ROOT, faults_of

GOOD = "a==1.0 ; python_version > '3' \\\n    --hash=sha256:" + "0" * 64 + "\n    # via b\n"


def test_the_lock_is_whole() -> None:
    """Every package of the lock is pinned with its hashes, and no index is named."""
    assert faults_of((ROOT / "requirements.lock").read_text()) == []
    assert faults_of(GOOD) == []


@pytest.mark.parametrize(
    "lock",
    [
        GOOD.replace("==", ">="),
        GOOD.replace("--hash=sha256", "--hash=md5"),
        "a==1.0\n",
        GOOD + "--index-url https://u:p@index.example/simple\n",
        GOOD + "-f links\n",
        GOOD + "b @ https://example.com/b.whl\n",
        GOOD + "-e .\n",
    ],
)
def test_what_could_install_something_else_is_a_fault(lock: str) -> None:
    """Loose versions, missing or weak hashes, and places to install from are told."""
    assert faults_of(lock)
