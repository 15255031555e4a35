"""The client processes of the leak tests are those of the fault tests; each has an org and planted texts."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from client_processes import Nursery, open_nursery
from main_job_bench import ORG_FILE
from planting import Search
from scenes import IS_GRID, ROW, SECRET, SEED, Scene

from sfsync.emulator.server import running


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """The process that forks client processes."""
    with open_nursery() as opened:
        yield opened


@pytest.fixture(scope="session")
def key() -> str:
    """An RSA key in PEM form; each of its lines is a secret."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


@pytest.fixture(scope="session")
def totals() -> Iterator[Search]:
    """The figures over all scenarios."""
    search = Search(SECRET, ROW)
    yield search
    if IS_GRID:
        print(
            f"\nleaks: {len(SECRET)} secrets, {len(ROW)} row values; {search.files:,} outputs of "
            f"{search.bytes_read:,} bytes searched; {len(search.hits)} found; seed {SEED}"
        )


@pytest.fixture
def scene(tmp_path: Path, key: str, nursery: Nursery, totals: Search) -> Iterator[Scene]:
    """An org whose app and user have planted secrets."""
    document = tomllib.loads(ORG_FILE.read_text())
    document["oauth"] |= {"client_id": SECRET["client id"], "client_secret": SECRET["client secret"]}
    document["users"][0] |= {"password": SECRET["password"], "security_token": SECRET["security token"]}
    with running(document) as emulator:
        yield Scene(emulator, tmp_path, key, nursery, totals)
