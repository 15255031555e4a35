"""The reference is what the program is: generated pages are up to date, and every page is found from the index."""

from __future__ import annotations

import re

import pytest
import reference_pages
from doc_pages import ROOT, pages


@pytest.mark.parametrize("name", sorted(reference_pages.pages()))
def test_a_page_of_the_reference_is_what_the_program_gives(name: str) -> None:
    """`make docs` would write it as it is."""
    assert (reference_pages.FOLDER / name).read_text(encoding="utf-8") == reference_pages.pages()[name]


def test_the_reference_has_no_page_that_nobody_makes() -> None:
    """Each file in docs/reference is one of the generated ones."""
    assert {each.name for each in reference_pages.FOLDER.iterdir()} == set(reference_pages.pages())


def test_the_index_leads_to_every_page() -> None:
    """docs/README.md names each page of docs/ once, and the README of the project names the index."""
    index = ROOT / "docs" / "README.md"
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", index.read_text(encoding="utf-8"))
    named = [(index.parent / each).resolve() for each in links]
    own = {each for each in pages() if each != ROOT / "README.md" and each != index}
    missing = sorted(str(each.relative_to(ROOT)) for each in own - set(named))
    assert not missing, missing
    assert "](docs/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
