"""What the README shows works as it stands there."""

import re
from pathlib import Path
from typing import Any

import sfsync

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    """The one block of that language in the README."""
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return str(block)


def test_the_python_of_the_readme_brings_its_deal_to_the_org(environ: dict[str, str]) -> None:
    """Typed in as it is, in the folder of the project, it writes one deal with one role."""
    names: dict[str, Any] = {}
    exec(example("python"), names)
    report = names["report"]
    assert report.exit_code == 0
    assert [report.counts()[name]["created"] for name in ("Opportunity", "OpportunityContactRole")] == [1, 1]


def test_the_job_of_the_readme_is_a_job(tmp_path: Path) -> None:
    """It has no mistakes, and its paths lead from the job file to the exports."""
    path = tmp_path / "config" / "jobs" / "pipeline.toml"
    path.parent.mkdir(parents=True)
    path.write_text(example("toml"), encoding="utf-8")
    job = sfsync.load_job(path)
    assert (job.name, job.org, list(job.sections)) == (
        "pipeline",
        "sandbox",
        ["opportunities", "contact_roles"],
    )


def test_the_links_of_the_pages_lead_somewhere() -> None:
    """Every link of the README and of docs/ to a file of the project finds it."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
