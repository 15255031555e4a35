"""How the program starts: by its module, quickly, in a shell that completes, and not at all where it cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sfsync.cli.main import VERSION

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "babel",
    "cryptography",
    "jinja2",
    "jwt",
    "lark",
    "pydantic",
    "rapidfuzz",
    "requests",
    "rich",
    "simple_salesforce",
    "sqlalchemy",
    "sqlite3",
    "tenacity",
    "urllib3",
}
"""Libraries that only the commands that need them may wait for."""

IMPORTED = (
    "import sys; from sfsync.cli.main import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
)


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in the project's folder, with this project on its path."""
    own = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=own,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (["--help"], {}),
        (["--version"], {}),
        ([], {"_SFSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "sfsync r", "COMP_CWORD": "1"}),
        ([], {"_SFSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "sfsync run ", "COMP_CWORD": "2"}),
        ([], {"_SFSYNC_COMPLETE": "bash_complete", "COMP_WORDS": "sfsync plan -o ", "COMP_CWORD": "3"}),
        ([], {"_SFSYNC_COMPLETE": "zsh_complete", "COMP_WORDS": "sfsync undo ", "COMP_CWORD": "2"}),
    ],
)
def test_help_version_and_completions_wait_for_no_library(
    tmp_path: Path, arguments: list[str], environ: dict[str, str]
) -> None:
    """Neither simple_salesforce nor any other heavy library is imported for them."""
    done = python("-c", IMPORTED, *arguments, SFSYNC_STATE=str(tmp_path), **environ)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert loaded & HEAVY == set()
    assert "sfsync.cli.main" in loaded


def test_the_module_is_the_program_and_says_the_projects_version() -> None:
    """`python -m sfsync --version` is `sfsync --version`, and pyproject.toml says the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION
    assert python("-m", "sfsync", "--version").stdout == f"sfsync, version {VERSION}\n"


def test_a_system_without_locks_of_processes_is_refused_in_words() -> None:
    """Where Python has no fcntl, as on Windows, every command is exit 2 with what to do, and no ImportError."""
    without = "import sys; sys.modules['fcntl'] = None; from sfsync.cli.main import main; main()"
    done = python("-c", without, "plan", "trailhead", "--json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["code"] == "UNSUPPORTED_PLATFORM"
    assert "WSL 2" in document["hint"]
    assert done.stderr.startswith("error: sfsync does not run on this system")


def test_from_python_too_an_unfit_system_is_refused_in_words() -> None:
    """`sfsync.plan` raises what `sfsync.SyncError` catches, and says Windows where it is Windows."""
    code = (
        "import sys; sys.platform = 'win32'\n"
        "import sfsync\n"
        "try: sfsync.plan\n"
        "except sfsync.SyncError as error: print(f'error: {error.message}\\n       {error.hint}')"
    )
    page = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    done = python("-c", code)
    assert done.stdout.startswith("error: sfsync does not run on Windows"), done.stderr
    assert f"```\n{done.stdout}```" in page


@pytest.fixture(name="program")
def _program(tmp_path: Path) -> Path:
    """A folder with a program called sfsync in it."""
    program = tmp_path / "bin" / "sfsync"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m sfsync "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)
    return program.parent


ASKED = {
    "bash": """eval "$(sfsync completion bash)"
COMP_WORDS=(sfsync run tra) COMP_CWORD=2
_sfsync_completion sfsync
echo "${COMPREPLY[@]}"
""",
    "zsh": """autoload -Uz compinit && compinit -u -D
eval "$(sfsync completion zsh)"
words=(sfsync run tra) CURRENT=3
compadd() { local list=${@[-1]}; print -r -- ${(P)list}; }
_sfsync_completion
""",
    "fish": """sfsync completion fish | source
complete --do-complete "sfsync run tra"
""",
}


@pytest.mark.parametrize("shell", sorted(ASKED))
def test_a_shell_completes_the_name_of_a_job(shell: str, program: Path) -> None:
    """With the printed script loaded, `sfsync run tra` and Tab is `sfsync run trailhead`."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    environ = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}"}
    done = subprocess.run(
        [shell, *(["--norc", "--noprofile"] if shell == "bash" else []), "-c", ASKED[shell]],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "trailhead" in done.stdout.split(), done.stderr


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete"), ("zsh", "compdef"), ("fish", "complete")])
def test_the_script_is_for_the_shell_that_was_named(shell: str, word: str) -> None:
    """Each of the three prints a script that asks sfsync in its own way."""
    done = python("-m", "sfsync", "completion", shell)
    assert done.returncode == 0
    assert f"_SFSYNC_COMPLETE={shell}_complete" in done.stdout
    assert word in done.stdout
