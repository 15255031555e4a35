"""A header means a canonical column by its exact or folded spelling, and by nothing else."""

import unicodedata

import pytest

from sfsync.core.presets.likeness import most_alike
from sfsync.core.presets.preset import PresetColumns, folded, header_clashes

COLUMNS = PresetColumns(
    "mine",
    "mine.toml",
    {"deal name": ("Deal Name", "dealname", "Étape", "ガ"), "other": ("カ",)},
    ignored=("Number of *",),
)


@pytest.mark.parametrize(
    "header",
    ["Deal Name", "DEAL NAME", "deal_name", " Deal  Name ", "dealname", "étape", "etape", "É́tape"],
)
def test_case_blanks_underscores_and_accents_do_not_count(header: str) -> None:
    """Each of these spellings is the same header, however Unicode writes its accents."""
    assert COLUMNS.canonical(header) == "deal name"
    assert COLUMNS.canonical(unicodedata.normalize("NFD", header)) == "deal name"


@pytest.mark.parametrize("header", ["Deal Nam", "Deal - Name", "The Deal Name", "Name"])
def test_a_header_that_is_only_alike_means_nothing(header: str) -> None:
    """A near miss is never taken, whatever it looks like."""
    assert COLUMNS.canonical(header) is None


def test_marks_that_tell_letters_of_other_scripts_apart_are_kept() -> None:
    """Japanese ga and ka are two letters, in either Unicode spelling."""
    assert COLUMNS.canonical("ガ") == "deal name"
    assert COLUMNS.canonical(unicodedata.normalize("NFD", "ガ")) == "deal name"
    assert COLUMNS.canonical("カ") == "other"


def test_a_canonical_column_is_a_header_only_as_it_is_spelt() -> None:
    """What a preset calls a column is no header of its tool, so that two presets do not share one."""
    assert COLUMNS.canonical("other") == "other"
    assert COLUMNS.canonical("Other") is None


def test_ignored_headers_may_be_patterns() -> None:
    """A star stands for any characters; case and blanks do not count here either."""
    assert COLUMNS.ignores("number of Contacts")
    assert not COLUMNS.ignores("Total number of Contacts")


def test_two_canonical_columns_cannot_claim_one_header() -> None:
    """The clash names the header and both columns."""
    assert header_clashes({"a": ["Stage"], "b": ["STAGE_"]}) == [("STAGE_", "a", "b")]
    assert header_clashes({"a": ["Stage", "stage"], "b": ["Phase"]}) == []


def test_the_likest_headers_are_named_and_no_others() -> None:
    """A slip of the pen and another order of words are alike; other words are not."""
    alike = most_alike(["Deal Stage"], ["Deal Stge", "Amount", "Stage of Deal"])
    assert sorted(alike) == ["Deal Stge", "Stage of Deal"]
    assert most_alike(["Deal Stage"], ["Zip code"]) == []
    assert folded("Straße_1") == "strasse1"
