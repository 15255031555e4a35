"""Nothing that sfsync says is wrong leaves a person without a next step."""

import ast

from code_page import ERRORS, trees

HINT_AT = {"Problem": 3, "Invalid": 2, "Unresolved": 2, "BadRow": 2, "_Unmappable": 2}
"""Call -> the place of its hint among the arguments."""

NOTHING_TO_DO = {
    "AMOUNT_FROM_PRODUCTS",
    "KEPT_BY_POLICY",
    "KEYS_REPEATED",
    "LEADS",
    "MOJIBAKE",
    "NOT_UNDONE",
    "OTHER_ACCOUNT",
    "OWNER_REPLACED",
}
"""Remarks whose sentence is all; what is to be looked at, sfsync explain says."""


def calls() -> list[ast.Call]:
    """Every call of a plain name in the package."""
    return [
        node
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


def named(call: ast.Call) -> str:
    """The name that is called."""
    assert isinstance(call.func, ast.Name)
    return call.func.id


def test_every_error_says_what_to_do() -> None:
    """An error that ends a command carries a hint."""
    assert [
        ast.unparse(call)
        for call in calls()
        if named(call) in ERRORS and "hint" not in {each.arg for each in call.keywords}
    ] == []


def test_every_problem_of_a_row_says_what_to_do() -> None:
    """A problem carries a hint, but for remarks after which nothing has to be done."""
    bare = [
        call
        for call in calls()
        if named(call) in HINT_AT
        and len(call.args) <= HINT_AT[named(call)]
        and "hint" not in {each.arg for each in call.keywords}
        and not any(isinstance(each, ast.Starred) for each in call.args)
    ]
    codes = {ast.unparse(call.args[0]).strip("'") for call in bare if call.args}
    assert codes <= NOTHING_TO_DO | {"code"}  # the notes of an undo hand their code on
