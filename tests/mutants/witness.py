"""A pytest plugin for runs against a planted bug: says which test noticed it first, and by what kind of error.

It also makes sure that the copy with the bug is what is tested, and that the changed modules can be imported: a
bug that only breaks an import tests nothing.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_seen: dict[str, str] = {}


def pytest_sessionstart(session: pytest.Session) -> None:
    """Imports what was changed, from where it was changed."""
    tree = Path(os.environ["SFSYNC_MUTANT_TREE"])
    for name in os.environ["SFSYNC_MUTANT_MODULES"].split():
        try:
            found = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever an import can raise
            _note(f"import of {name}", type(error).__name__)
            pytest.exit(f"{name} cannot be imported: {error}", returncode=5)
        if tree not in Path(found.__file__ or "").resolve().parents:
            _note(f"import of {name}", "WrongTree")
            pytest.exit(f"{name} is not taken from the copy", returncode=5)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that cannot be collected is no test that noticed."""
    if report.failed:
        _note(report.nodeid, "ImportError")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Keeps the first failure with the type of its error."""
    report = yield
    if report.failed:
        error = call.excinfo.type.__name__ if call.excinfo else "AssertionError"
        _note(item.nodeid, error)
    return report


def _note(test: str, error: str) -> None:
    if not _seen:
        _seen.update(test=test, error=error)
        Path(os.environ["SFSYNC_MUTANT_REPORT"]).write_text(json.dumps(_seen), encoding="utf-8")
