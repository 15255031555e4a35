"""Writes the bill of materials of an installation of sfsync: CycloneDX 1.6, JSON.

Made of requirements.lock (names, versions, hashes, what wants what) and of the metadata of the installed packages
(licences). It is an artifact, like the wheel it belongs to; what the repository keeps is the lock.
Invariant: the same lock, packages and SOURCE_DATE_EPOCH give the same bytes.
Source: CycloneDX 1.6 JSON reference; Package URL, "pypi".
"""
# ruff: noqa: INP001, T201 - a script folder; it talks to the terminal

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import tomllib
import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dist import epoch_of
from locked_packages import PROJECT, ROOT, Locked, extras_of, in_production, packages_of, read_lock

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_OID, "sfsync.sbom")


def bill(root: Path, epoch: int) -> dict[str, Any]:
    """The bill of materials of the sources below `root`, as of `epoch` (seconds since 1970)."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = read_lock((root / "requirements.lock").read_text(encoding="utf-8"))
    extras = {package for extra in extras_of(root) for package in packages_of(extra, root)}
    needed, all_names = in_production(locked), in_production(locked, extras)
    parts = [each for each in locked if each.name in all_names]
    top = _purl(project["name"], project["version"])
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z"),
            "tools": {"components": [{"type": "application", "name": "sfsync .ci/sbom.py"}]},
            "component": {
                "type": "application",
                "bom-ref": top,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"expression": project["license"]}],
                "purl": top,
            },
        },
        "components": [_component(each, is_needed=each.name in needed) for each in parts],
        "dependencies": _dependencies(top, parts, extras),
    }
    serial = uuid.uuid5(NAMESPACE, json.dumps(document, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "serialNumber": f"urn:uuid:{serial}",
    } | (document)


def _component(each: Locked, *, is_needed: bool) -> dict[str, Any]:
    """A package. The hashes are those of its files, of which an installation takes the one for its machine."""
    purl = _purl(each.name, each.version)
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": each.name,
        "version": each.version,
        "scope": "required" if is_needed else "optional",
        "purl": purl,
    }
    if licences := _licences(each.name):
        described["licenses"] = licences
    marker = [{"name": "sfsync:marker", "value": each.marker}] if each.marker else []
    hashes = [{"name": "sfsync:lock:sha256", "value": value} for value in sorted(each.hashes)]
    return described | {"properties": [*marker, *hashes]}


def _licences(name: str) -> list[dict[str, Any]]:
    """What the package says of its licence; nothing where this machine does not have it."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if expression := metadata.get_all("License-Expression"):
        return [{"expression": expression[0]}]
    classified = [
        value.rpartition(" :: ")[2]
        for value in metadata.get_all("Classifier") or []
        if value.startswith("License :: ") and value != "License :: OSI Approved"
    ]
    text = (metadata.get_all("License") or [""])[0].strip()
    names = classified or ([text] if text and "\n" not in text else [])
    return [{"license": {"name": each}} for each in sorted(set(names))]


def _dependencies(top: str, parts: Sequence[Locked], extras: Collection[str]) -> list[dict[str, Any]]:
    """What each package wants, by its reference."""
    own = [each for each in parts if PROJECT in each.wanted_by or each.name in extras]
    edges = {top: sorted(_purl(each.name, each.version) for each in own)}
    for each in parts:
        wanted = [_purl(other.name, other.version) for other in parts if each.name in other.wanted_by]
        edges[_purl(each.name, each.version)] = sorted(wanted)
    return [{"ref": ref, "dependsOn": wanted} for ref, wanted in edges.items()]


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def main() -> int:
    """Write the bill as a program; prints where it is and returns the exit code."""
    parser = argparse.ArgumentParser(description="Write the bill of materials (CycloneDX, JSON).")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the file (dist)")
    arguments = parser.parse_args()
    document = bill(ROOT, epoch_of(ROOT))
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"sfsync-{document['metadata']['component']['version']}.cdx.json"
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"{file}: {len(document['components'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
