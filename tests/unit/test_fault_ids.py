"""The ids of traps and faults are a contract: each one has a test whose name carries it."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
IDS = (
    *(f"t{n}" for n in range(1, 20)),
    *(f"n{n}" for n in range(1, 15)),
    *("s1", "s2", "p2", "p8", "p9", "i13"),
)
"""The traps of the libraries, the faults of the network, and what signals, clocks and terminals do."""


@pytest.fixture(scope="module")
def named() -> set[str]:
    """The ids in the names of all tests."""
    return {
        word
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for word in re.findall(r"(?<=_)([tnspi][0-9]+)(?=_|$)", node.name.lower())
    }


@pytest.mark.parametrize("name", IDS)
def test_an_id_has_a_test(name: str, named: set[str]) -> None:
    """No trap or fault is only written down."""
    assert name in named
