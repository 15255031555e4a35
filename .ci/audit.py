"""Checks what the lock would install: every package pinned with its hashes, no index named, no known vulnerability.

The first two need no network. The third asks an advisory service through pip-audit, which uv runs from a place of
its own; where the service or the index cannot be reached it is skipped, and the reason said.
Exit codes: 0 well (or skipped), 1 something is wrong with the lock or a package.
Source: pip documentation, "Secure installs"; pip-audit, "Usage".
"""
# ruff: noqa: INP001, T201 - a folder of scripts, started by path; it talks to the terminal

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from pip_settings import hide_secrets
from set_up import SetUpError, uv_of

ROOT: Final = Path(__file__).resolve().parent.parent
_PINNED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[^\s;]+(?:\s*;.*)?")
_HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_INDEX: Final = re.compile(
    r"://|^\s*(?:-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b| @ "
)


def faults_of(lock: str) -> list[str]:
    """What is wrong with a lock, a sentence each."""
    numbered = enumerate(lock.splitlines(), 1)
    faults = [f"line {n} names a place to install from" for n, line in numbered if _INDEX.search(line)]
    joined = lock.replace("\\\n", " ")
    for line in joined.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        what, *hashes = re.split(r"\s+(?=--hash=)", text)
        name = what.split("=")[0][:60]
        if not _PINNED.fullmatch(what.strip()):
            faults.append(f"{name} is not pinned to one version")
        if not hashes or not all(_HASH.fullmatch(each.strip()) for each in hashes):
            faults.append(f"{name} has no SHA-256")
    return faults


def vulnerabilities(lock: Path) -> list[str] | str:
    """The known vulnerabilities of what the lock names; a text says why they could not be asked for."""
    try:
        uv = uv_of(ROOT, os.environ)
    except SetUpError as error:
        return str(error)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "audit.json"
        options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "15"]
        call = ["tool", "run", "pip-audit", "-r", str(lock), *options, "-f", "json", "-o", str(found)]
        ended = uv.call(*call)
        try:
            document: dict[str, Any] = json.loads(found.read_text())
        except (OSError, ValueError):
            lines = [each.strip() for each in ended.stdout.splitlines() if each.strip()]
            return hide_secrets((lines or ["pip-audit said nothing"])[-1])[:200]
    unknown = [each["name"] for each in document["dependencies"] if "skip_reason" in each]
    if unknown:
        return f"the service does not know {len(unknown)} of {len(document['dependencies'])} packages"
    return [
        f"{package['name']} {package['version']}: {each['id']}, mended in {each['fix_versions'] or 'none yet'}"
        for package in document["dependencies"]
        for each in package.get("vulns", ())
    ]


def main() -> int:
    """Prints what was found."""
    lock = ROOT / "requirements.lock"
    text = lock.read_text(encoding="utf-8")
    faults = faults_of(text)
    known = vulnerabilities(lock)
    if isinstance(known, str):
        print(f"audit: advisories skipped: {known}")
    else:
        faults += known
    for each in faults:
        print(f"audit: {each}", file=sys.stderr)
    packages = len(re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE))
    if not faults:
        asked = "" if isinstance(known, str) else ", no known vulnerability"
        print(
            f"audit: {packages} packages pinned with {len(_HASH.findall(text)):,} hashes, no index named{asked}"
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
