"""The architecture holds: who may import whom, no cycles, and rooms that stay small."""

import ast
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "sfsync"
LAYERS = {
    "errors": set(),
    "explanations": set(),
    "core": {"errors"},
    "engine": {"core", "errors", "explanations"},
    "sources": {"core", "errors"},
    "jobs": {"core", "errors"},
    "journal": {"core", "errors"},
    "salesforce": {"core", "errors"},
    "report": {"core", "errors", "explanations"},
    "hooks": {"core", "errors"},
    "app.run_files": {"core", "errors"},
    "app.plan_books": {"core", "errors"},
    "app.book_draft": {"core", "app.plan_books"},
    "app.planning": {
        "core",
        "engine",
        "journal",
        "sources",
        "app.book_draft",
        "app.plan_books",
        "app.run_files",
        "app.workplace",
    },
    "app.workplace": {
        "core",
        "engine",
        "errors",
        "jobs",
        "journal",
        "salesforce",
        "sources",
        "app.job_locks",
        "app.planning",
        "app.run_files",
    },
    "app.given_rows": {"core", "errors", "sources"},
    "app.job_locks": {"core", "errors", "journal"},
    "app.kept_endings": {"core", "app.run_files"},
    "app.run_history": {"core", "errors", "journal", "app.job_locks", "app.run_files", "app.workplace"},
    "app.memory": {"core", "errors", "journal", "app.workplace"},
    "app.books": {"core", "engine", "errors", "journal", "app.run_files", "app.workplace"},
    "app.past_runs": {"core", "engine", "errors", "journal", "app.books", "app.run_files", "app.workplace"},
    "app.adoption_file": {"core", "engine", "errors", "report", "app.run_files"},
    "app.adoptions": {
        "core",
        "engine",
        "errors",
        "app.adoption_file",
        "app.memory",
        "app.run_files",
        "app.workplace",
    },
    "app.mapping_testing": {"core", "engine", "errors", "app.given_rows", "app.workplace"},
    "app.ad_hoc": {"core", "errors", "sources"},
    "app.file_look": {"core", "errors", "sources"},
    "app.suggestions": {
        "core",
        "errors",
        "jobs",
        "app.file_look",
        "app.preset_fit",
        "app.snapshots",
        "app.workplace",
    },
    "app.preset_fit": {"core", "jobs"},
    "app.snapshots": {"core", "engine", "errors", "jobs", "app.run_files", "app.workplace"},
    "app.pulls": {"core", "engine", "errors", "report", "app.run_files", "app.workplace"},
    "app.org_setup": {"core", "errors", "jobs", "journal", "app.run_files", "app.workplace"},
    "app.org_adding": {"core", "jobs", "salesforce", "app.workplace"},
    "app.org_testing": {"core", "engine", "errors", "jobs", "salesforce", "app.workplace"},
    "app.checking": {"core", "engine", "app.planning", "app.snapshots", "app.workplace"},
    "cli": {
        "core",
        "emulator",
        "errors",
        "explanations",
        "hooks",
        "jobs",
        "journal",
        "platforms",
        "report",
        "app.ad_hoc",
        "app.adoption_file",
        "app.adoptions",
        "app.books",
        "app.checking",
        "app.kept_endings",
        "app.mapping_testing",
        "app.memory",
        "app.org_adding",
        "app.org_setup",
        "app.org_testing",
        "app.past_runs",
        "app.plan_books",
        "app.planning",
        "app.pulls",
        "app.run_files",
        "app.run_history",
        "app.snapshots",
        "app.suggestions",
        "app.workplace",
    },
    "app": set(),
    "emulator": set(),
    "platforms": {"errors"},
    "__main__": {"cli"},
    "__init__": {
        "core",
        "errors",
        "jobs",
        "platforms",
        "app.books",
        "app.given_rows",
        "app.past_runs",
        "app.workplace",
    },
}
"""Room -> the rooms it may import."""

OWNERS = {
    "requests": {"salesforce"},
    "urllib3": {"salesforce"},
    "simple_salesforce": {"salesforce"},
    "tenacity": {"salesforce"},
    "jwt": {"salesforce", "emulator"},
    "sqlalchemy": {"journal"},
    "psycopg": {"journal"},
    "sqlite3": {"emulator", "journal", "sources"},
    "click": {"cli"},
    "rich": {"cli", "report"},
    "lark": {"emulator"},
    "jinja2": {"report"},
    "rapidfuzz": {"core"},
    "socket": {"salesforce", "emulator", "journal"},
    "random": {"emulator"},
    "keyring": {"jobs"},
    "babel": {"core"},
    "pyarrow": {"sources"},
}
"""Library -> the rooms that may import it."""

INNER_OWNERS = {
    "urllib.request": {"hooks"},
    "http.client": {"hooks", "salesforce", "emulator"},
    "subprocess": {"cli", "hooks", "salesforce"},
}
"""Part of the standard library -> the rooms that may import it: what leaves the machine or starts a program."""

ALSO = {"sqlalchemy": "sources.database"}
"""Library -> the modules of another room that may import it too: a source may be a query of a database."""

FILES = sorted(path for path in ROOT.rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """A file as syntax; each is looked at by several tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path: Path) -> str:
    """The dotted name of a file below the package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def room(name: str) -> str:
    """The room that a module of ours lives in; the composition root has a room for each of its modules."""
    first, _, rest = name.partition(".")
    return name if first == "app" and rest else first


def imports(path: Path) -> Iterator[str]:
    """The absolute names that a file imports, anywhere in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def is_for_types_only(node: ast.AST) -> bool:
    """Whether a statement is a block that only type checkers read."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports_at_run_time(path: Path) -> set[str]:
    """The modules of ours that a file imports when it runs."""
    tree = tree_of(path)
    for_types = {id(each) for node in ast.walk(tree) if is_for_types_only(node) for each in ast.walk(node)}
    return {
        node.module.removeprefix("sfsync.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types
        if node.module.startswith("sfsync.")
    }


def own_imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, without the leading package name."""
    return {name.removeprefix("sfsync.") for name in imports(path) if name.startswith("sfsync.")}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    """Every import goes down the layers, and the emulator imports nothing of the product."""
    own = room(module(path))
    foreign = {room(name) for name in own_imports(path)} - {own}
    assert foreign <= LAYERS[own]


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_library_is_imported_only_by_its_owner(path: Path) -> None:
    """Only one room talks HTTP, one keeps the journal, one draws."""
    own = room(module(path))
    taken = {name.split(".")[0] for name in imports(path)}
    taken -= {name for name, modules in ALSO.items() if module(path).startswith(modules)}
    assert {name for name in taken if name in OWNERS and own not in OWNERS[name]} == set()


@pytest.mark.parametrize("path", FILES, ids=module)
def test_only_hooks_post_to_others_and_start_their_commands(path: Path) -> None:
    """The door to the org stays the one way to the org; what is told to others goes by a room of its own."""
    own, taken = room(module(path)), set(imports(path))
    assert {name for name, rooms in INNER_OWNERS.items() if name in taken and own not in rooms} == set()


@pytest.mark.parametrize("path", [each for each in FILES if room(module(each)) == "core"], ids=module)
def test_the_core_reads_no_clock_no_randomness_and_no_environment(path: Path) -> None:
    """The core is values in, values out."""
    tree = tree_of(path)
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    impure = {"open", "print", "datetime.now", "date.today", "time.time", "time.monotonic", "os.getenv"}
    assert called & impure == set()
    assert {name.split(".")[0] for name in imports(path)} & {
        "os",
        "time",
        "random",
        "secrets",
        "pathlib",
    } <= {"pathlib"}


def test_no_module_imports_itself_in_a_circle() -> None:
    """The imports of the package have no cycle."""
    graph = {module(path): imports_at_run_time(path) for path in FILES}
    known = set(graph)
    edges = {name: {each for each in targets if each in known} for name, targets in graph.items()}
    edges["__init__"] = set()  # it imports its homes only when a name is asked for
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for each in edges[name]:
                visit(each, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


def functions() -> list[tuple[str, int]]:
    """Every function of the package and its length in lines."""
    return [
        (f"{module(path)}.{node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_files_and_functions_stay_small() -> None:
    """Functions: 10 lines in the median, 30 at the 90th percentile, 60 at most; files: 360 lines at most."""
    lengths = sorted(length for _, length in functions())
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 30
    assert [name for name, length in functions() if length > 60] == []
    assert [module(path) for path in FILES if path.read_text(encoding="utf-8").count("\n") > 360] == []


@pytest.mark.parametrize("path", FILES, ids=module)
def test_every_module_says_what_it_decides_or_hides(path: Path) -> None:
    """Every module opens with a docstring."""
    assert ast.get_docstring(tree_of(path))


def test_the_map_of_the_rooms_names_nothing_that_is_not_there() -> None:
    """Each row of the table in ARCHITECTURE.md is of a folder, and what it names by one word is a file in it."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_/]+)/` \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) > 20
    named = [(ROOT / place, name) for place, cell in rows for name in re.findall(r"`([a-z_0-9]+)`", cell)]
    gone = [f"{place.name}/{name}" for place, name in named if not any(place.glob(f"{name}*"))]
    assert gone == []


def test_the_public_surface_is_one_list_that_can_be_imported() -> None:
    """What `__all__` names is there, and nothing else is promised."""
    import sfsync

    assert [name for name in sfsync.__all__ if getattr(sfsync, name, None) is None] == []
    assert sorted(sfsync.__all__) == sfsync.__all__
