"""What is handed out: the sdist and the wheel, what they say of themselves, and that an installation of them works.

The builds run offline with the locked setuptools; the environment that the wheel is installed into is new, and sees
the locked packages but not this checkout.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ci"))
dist = importlib.import_module("dist")
locked_packages = importlib.import_module("locked_packages")
sbom = importlib.import_module("sbom")
set_up = importlib.import_module("set_up")
EPOCH = 1_790_000_000


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist and the wheel of this checkout."""
    out = tmp_path_factory.mktemp("dist")
    sdist, wheel = dist.build(ROOT, out, EPOCH)
    return {"sdist": sdist, "wheel": wheel}


@pytest.fixture(scope="module", name="metadata")
def _metadata(files: dict[str, Path]) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(files["wheel"]) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_the_sdist_builds_the_same_wheel_byte_for_byte(files: dict[str, Path], tmp_path: Path) -> None:
    """Everything that the wheel needs is in the sdist, and the same sources and time give the same bytes."""
    with tarfile.open(files["sdist"]) as archive:
        archive.extractall(tmp_path, filter="data")
    [sources] = tmp_path.iterdir()
    [again] = dist.build(sources, tmp_path / "dist", EPOCH, ("wheel",))
    assert again.name == files["wheel"].name
    assert again.read_bytes() == files["wheel"].read_bytes()


def test_the_sdist_names_nobody_and_one_time(files: dict[str, Path]) -> None:
    """Owners, modes and times are the same wherever and whenever it is built; no test and no cache is in it."""
    with tarfile.open(files["sdist"]) as archive:
        members = archive.getmembers()
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members} == {
        (0, 0, "", "", EPOCH)
    }
    assert {each.mode for each in members} == {0o644, 0o755}
    names = [each.name for each in members]
    assert names == sorted(names)
    assert not [each for each in names if "/tests/" in each or "__pycache__" in each or "/." in each]
    assert any(each.endswith("/docs/setup.md") for each in names)


def test_a_config_folder_of_ones_own_is_not_handed_out(files: dict[str, Path]) -> None:
    """Of config/ only the example goes into the wheel, by name: whoever builds may keep jobs and orgs there."""
    with zipfile.ZipFile(files["wheel"]) as archive:
        shipped = {each.partition("/config/")[2] for each in archive.namelist() if "/share/sfsync/" in each}
    assert {each.partition("/")[0] for each in shipped} == {"jobs", "orgs", "emulator", "samples"}
    assert [each for each in shipped if each.startswith("orgs/")] == ["orgs/local.toml"]


def test_the_wheel_says_what_it_is(metadata: Message) -> None:
    """Name, version, licence with its text, Pythons, systems, a description; no address that nobody gave."""
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.11"
    systems = [each for each in metadata.get_all("Classifier", []) if each.startswith("Operating System")]
    assert systems == ["Operating System :: MacOS", "Operating System :: POSIX :: Linux"]
    assert metadata.get_all("Project-URL") is None
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).lstrip().startswith("# sfsync")


def test_every_library_that_is_imported_is_declared(metadata: Message) -> None:
    """What the package imports is its own, Python's, or of a distribution that it or an extra requires."""
    declared = {canonicalize_name(Requirement(each).name) for each in metadata.get_all("Requires-Dist", [])}
    homes = importlib.metadata.packages_distributions()
    undeclared = {
        name
        for path in (ROOT / "sfsync").rglob("*.py")
        for name in _imported(path)
        if name not in sys.stdlib_module_names and name != "sfsync"
        if not {canonicalize_name(each) for each in homes.get(name, [])} & declared
    }
    assert undeclared <= {"markupsafe", "pydantic_core"}, "all but these parts of jinja2 and pydantic"


def _imported(path: Path) -> set[str]:
    """The first names of all that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.fixture(scope="module", name="installed")
def _installed(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that has the wheel, and sees the locked packages."""
    folder = tmp_path_factory.mktemp("clean")
    uv = set_up.uv_of(ROOT, os.environ)
    uv.run("venv", "--quiet", "--offline", "--python", sys.executable, str(folder / "venv"), step="make it")
    target = (
        "--quiet",
        "--offline",
        "--no-index",
        "--no-deps",
        "--python",
        str(folder / "venv" / "bin" / "python"),
    )
    uv.run("pip", "install", *target, str(files["wheel"]), step="install the wheel")
    [own] = (folder / "venv" / "lib").glob("python*/site-packages")
    (own / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "venv" / "bin"


def run(program: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the installed program with nothing of this checkout around it."""
    return subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "SFSYNC_STATE": str(cwd / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_installed_sfsync_runs_from_its_own_files(installed: Path, tmp_path: Path) -> None:
    """The program and the module say the version, and the package is the wheel's, not this checkout's."""
    assert run(installed / "sfsync", "--version", cwd=tmp_path).stdout == "sfsync, version 0.1.0\n"
    done = run(installed / "python", "-m", "sfsync", "--version", cwd=tmp_path)
    assert done.stdout == "sfsync, version 0.1.0\n"
    home = run(installed / "python", "-c", "import sfsync; print(sfsync.__file__)", cwd=tmp_path).stdout
    assert home.startswith(str(installed.parent))


def test_an_installed_sfsync_tells_the_demo_to_its_end(installed: Path, tmp_path: Path) -> None:
    """Without a checkout: the example, the presets, the emulator's grammar and the report's template are there."""
    done = run(installed / "sfsync", "demo", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All is as it should be.\n")
    assert list((tmp_path / "state").rglob("report.html"))
    explained = run(installed / "sfsync", "explain", "UNKNOWN_STAGE", cwd=tmp_path)
    assert "The org has no such stage" in explained.stdout
    started = run(installed / "sfsync", "init", "hubspot-deals", "--out", "deals.toml", cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    assert 'preset = "hubspot-deals"' in (tmp_path / "deals.toml").read_text(encoding="utf-8")


# -- the lock and the bill of materials


def lock() -> Any:
    """The packages of the lock."""
    return locked_packages.read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def test_what_production_installs_is_a_part_of_the_lock_with_its_hashes() -> None:
    """Every runtime dependency with all that it wants, and none of the tools of development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = locked_packages.in_production(lock())
    wanted = {canonicalize_name(Requirement(each).name) for each in project["project"]["dependencies"]}
    assert wanted <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "setuptools", "psycopg", "pyarrow"}
    assert "psycopg-binary" in locked_packages.in_production(lock(), locked_packages.packages_of("postgres"))
    for each in lock():
        for name in _requires(each.name) if each.name in names else ():
            assert name in names, f"{each.name} requires {name}"


def _requires(name: str) -> set[str]:
    """What an installed package requires here, without its extras."""
    try:
        requirements = [Requirement(each) for each in importlib.metadata.requires(name) or []]
    except importlib.metadata.PackageNotFoundError:
        return set()
    return {
        canonicalize_name(each.name)
        for each in requirements
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def test_what_is_printed_for_an_installer_are_lines_of_the_lock() -> None:
    """Each entry as it is, so that pip checks the hashes."""
    script = [sys.executable, str(ROOT / ".ci" / "locked_packages.py")]
    done = subprocess.run([*script, "--extra", "postgres"], capture_output=True, text=True, check=True)
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = done.stdout.splitlines()
    assert set(lines) <= set(text.splitlines())
    entries = done.stdout.replace("\\\n", " ").splitlines()
    assert all(re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:", each) for each in entries)
    built = subprocess.run([*script, "--build"], capture_output=True, text=True, check=True)
    assert built.stdout.startswith("setuptools==")


def test_the_bill_of_materials_is_whole_and_always_the_same() -> None:
    """CycloneDX: required keys, one reference each, every edge leads to a part, two bills are the same bytes."""
    bill = sbom.bill(ROOT, EPOCH)
    assert json.dumps(bill) == json.dumps(sbom.bill(ROOT, EPOCH))
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    assert bill["metadata"]["timestamp"] == "2026-09-21T14:13:20Z"
    parts = {each["bom-ref"]: each for each in bill["components"]}
    assert len(parts) == len(bill["components"])
    for each in parts.values():
        assert {"type", "name", "version", "purl", "scope"} <= each.keys()
        assert each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}"
        assert any(entry["name"] == "sfsync:lock:sha256" for entry in each["properties"])
    top = bill["metadata"]["component"]["bom-ref"]
    edges = {each["ref"]: set(each["dependsOn"]) for each in bill["dependencies"]}
    assert edges.keys() == {top, *parts}
    assert set().union(*edges.values()) == parts.keys(), "nothing is there that nothing wants"


def test_the_bill_names_licences_and_tells_extras_apart() -> None:
    """What every installation has is required, what an extra brings is optional; no tool of development."""
    parts = {each["name"]: each for each in sbom.bill(ROOT, EPOCH)["components"]}
    assert parts["click"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert parts["requests"]["scope"] == "required"
    assert parts["psycopg"]["scope"] == "optional"
    assert "pytest" not in parts
    unnamed = {name for name, each in parts.items() if "licenses" not in each}
    assert unnamed <= {"pywin32-ctypes", "tzdata", "jeepney", "secretstorage"}, "those of other systems"
