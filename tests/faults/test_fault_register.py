"""The ids of the fault model are a contract: each has a sentence, an answer and a test; the page says the same."""

from fault_table import PAGE, all_ids, page, register, shown_by


def test_every_fault_stands_in_the_register_once():
    """The register holds the sixty-eight ids in their order, each with what sfsync does."""
    assert [each.id for each in register()] == all_ids()
    assert len(all_ids()) == 68
    assert all(each.says and each.does and set(each.answer) <= set("RAJCSH") for each in register())


def test_every_fault_has_a_test():
    """No fault is only written down."""
    assert set(all_ids()) - set(shown_by()) == set()


def test_no_test_carries_an_id_that_is_none():
    """A misspelt id would make a fault look untested, or tested twice."""
    assert set(shown_by()) - set(all_ids()) == set()


def test_the_published_page_is_what_the_register_gives():
    """docs/faults.md is generated, not typed: `make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()
