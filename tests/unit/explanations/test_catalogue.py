"""The catalogue of codes is whole: it explains all that is emitted, and nothing in vain."""

from collections import Counter

import pytest
from code_page import NO_CODES, PAGE, emitted, page, raised

from sfsync.core.sending.row_fates import _ROW_FATES
from sfsync.core.sending.verdict import _SIGN_BY_CODE
from sfsync.explanations.catalogue import (
    FOLDER,
    Explanation,
    explanation,
    groups,
    nearest_codes,
    title_of,
)

ALL = [each for group in groups() for each in group.explanations]
OWN = [each for group in groups() if not group.is_platform for each in group.explanations]


def test_every_code_that_sfsync_emits_is_explained() -> None:
    """A new code wants an entry in sfsync/explanations/groups; what is no code stands in NO_CODES."""
    assert sorted(each for each in emitted() if explanation(each) is None) == []


def test_no_entry_explains_a_code_that_nothing_emits() -> None:
    """Each code of sfsync in the catalogue is really emitted somewhere."""
    used = {found.code for each in emitted() if (found := explanation(each)) is not None}
    assert sorted({each.code for each in OWN} - used) == []


def test_what_is_taken_for_no_code_is_no_entry() -> None:
    """A code cannot hide among the words that are none."""
    assert {each.code for each in ALL} & NO_CODES == set()


def test_every_code_of_the_platform_that_decides_something_is_explained() -> None:
    """The tables of verdicts and of rows' fates name no code without an entry."""
    decided = {*_SIGN_BY_CODE, *_ROW_FATES}
    assert sorted(each for each in decided if explanation(each) is None) == []
    assert sum(group.is_platform for group in groups() for _ in group.explanations) >= 60


def test_a_code_is_explained_once() -> None:
    """Neither two entries for a code nor two codes with the same title."""
    assert [name for name, times in Counter(each.code.casefold() for each in ALL).items() if times > 1] == []
    assert [name for name, times in Counter(each.title for each in ALL).items() if times > 1] == []


@pytest.mark.parametrize("entry", ALL, ids=lambda each: each.code)
def test_an_entry_says_all_that_a_person_asks(entry: Explanation) -> None:
    """Why, what became of the data, what to do, who can do it, and whether a second try helps; in sentences."""
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.causes
    assert entry.steps
    assert entry.who
    sentences = (*entry.causes, entry.effect, *entry.steps, entry.retry, *filter(None, [entry.source]))
    assert [each for each in sentences if not each.endswith((".", "'[postgres]'", "sfsync[postgres]'"))] == []
    assert len(entry.title) <= 75


def test_the_exit_codes_are_those_of_the_errors_that_carry_the_codes() -> None:
    """Where an error is raised with a code, the entry names the exit code that the error means."""
    missing = {
        (code, exit_code)
        for code, exit_code in raised()
        if (found := explanation(code)) is not None and exit_code not in found.exits
    }
    assert missing == set()


def test_the_platform_says_where_its_codes_are_documented() -> None:
    """A fact of the platform carries its source."""
    assert [
        each.code for group in groups() if group.is_platform for each in group.explanations if not each.source
    ] == []


def test_capitals_do_not_count_and_a_beginning_stands_for_the_rest() -> None:
    """`unknown_stage` and LOGIN_DURING_RESTRICTED_TIME are found; an unknown word is not."""
    found = explanation("unknown_stage")
    assert found is not None
    assert found.code == "UNKNOWN_STAGE"
    begun = explanation("LOGIN_DURING_RESTRICTED_TIME")
    assert begun is not None
    assert begun.code == "LOGIN_*"
    assert explanation("LOGIN_NEEDS_MY_DOMAIN") != begun
    assert explanation("NO_SUCH_THING") is None


def test_the_nearest_codes_begin_with_those_that_hold_the_word() -> None:
    """A slip finds its code, and a word finds the codes that it is part of."""
    assert nearest_codes("UNKNWON_STAGE")[0] == "UNKNOWN_STAGE"
    assert "INACTIVE_STAGE" in nearest_codes("stage")
    assert nearest_codes("xyzzy") == ()


def test_a_title_goes_on_in_a_sentence() -> None:
    """Its first letter is small, and of an unknown code there is none."""
    assert title_of("UNKNOWN_STAGE") == "the org has no such stage"
    assert title_of("SOME_CODE_OF_TOMORROW") == ""


def test_the_files_stay_small() -> None:
    """A group is read by people: 360 lines at most."""
    assert [each.name for each in FOLDER.glob("*.toml") if each.read_text().count("\n") > 360] == []


def test_the_published_page_is_what_the_catalogue_gives() -> None:
    """docs/codes.md is generated, not typed: `make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
