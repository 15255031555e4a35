"""The register of facts, the contract tests and the published page say the same."""

import re

import pytest
from fact_table import PAGE, SPECIFICATION, all_sides, page, register, shown_facts, sides_run


def test_every_fact_is_shown_by_a_test_or_says_why_not():
    """A fact has a test or a reason, never both, never neither."""
    tested = set(shown_facts())
    facts = register()
    assert [fact.id for fact in facts if (fact.id in tested) == bool(fact.not_played)] == []
    assert tested - {fact.id for fact in facts} == set()


def test_facts_are_named_once_and_carry_a_firm_mark():
    """Only recorded and documented facts are in the register; each id stands once."""
    facts = register()
    assert len({fact.id for fact in facts}) == len(facts)
    assert {fact.mark for fact in facts} <= {"R", "D"}


def test_every_section_of_the_specification_with_firm_facts_is_in_the_register():
    """No section that states a recorded or documented fact is passed over."""
    if not SPECIFICATION.is_file():
        pytest.skip("the specification of the platform is not beside this checkout")
    firm: set[str] = set()
    section = ""
    for line in SPECIFICATION.read_text(encoding="utf-8").splitlines():
        heading = re.match(r"#+ (\d+(?:\.\d+)?)\.? ", line)
        section = heading.group(1) if heading else section
        if section and re.search(r"\[[RD]\]", line):
            firm.add(section)
    firm -= {"13", "14"}  # the doubtful points are switches, the sources are no facts
    known = {fact.section for fact in register()}
    assert {name for name in firm if name not in known and name.partition(".")[0] not in known} == set()


def test_every_side_of_every_switch_is_tested():
    """What is not known for sure is tested whichever way it falls."""
    assert all_sides() - sides_run() == set()
    assert sides_run() - all_sides() == set()


def test_the_published_page_is_what_the_tables_give():
    """docs/emulator-coverage.md is generated, not typed: `make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
