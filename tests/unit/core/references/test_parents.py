"""Which rows mean the same new parent, what they say of it together, and what its name makes of it."""

import pytest

from sfsync.core.job import CreateKey, FieldRule, Missing
from sfsync.core.models import Reference
from sfsync.core.references.parents import Agreed, Identity, Naming, Told, agreed, identity
from sfsync.core.reports.results import RowRef
from sfsync.core.sobject import ACCOUNT, CONTACT


def rule(*match: str, key: str | None = None, **create: str) -> FieldRule:
    """A rule that makes parents; `key` is the column of their keys."""
    made = CreateKey("Key__c", key) if key else None
    return FieldRule("X", "name", match=match, missing=Missing.CREATE, create=create, create_key=made)


def naming(line: int, value: str, made: FieldRule, key: str | None = None, **texts: str) -> Naming:
    """A row that names a parent."""
    return Naming(RowRef("deals", "deals.csv", line), Reference(value, made.match), Told(made, texts, key))


def agreed_by(*namings: Naming, sobject: str = ACCOUNT) -> Agreed:
    """What the rows say together."""
    named = identity(sobject, namings[0].reference)
    assert named is not None
    return agreed(named, namings)


@pytest.mark.parametrize("text", ["Massive Dynamic", " massive dynamic", "MASSIVE DYNAMIC\t"])
def test_names_are_compared_without_case_and_blanks_around(text: str) -> None:
    """As the org's queries compare them."""
    assert identity(ACCOUNT, Reference(text, ("Name",))) == Identity(ACCOUNT, "Name", "massive dynamic")


def test_a_record_id_and_a_word_that_is_no_address_name_nobody() -> None:
    """Nothing is made of them: an id of another org, or a name where addresses are asked for, is a slip."""
    assert identity(ACCOUNT, Reference("001000000000001AAA", ("Id", "Name"))) is None
    assert identity(CONTACT, Reference("Gavin Belson", ("Email",))) is None


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Gavin Belson", "Gavin", "Belson"),
        ("Laurie van Bream", "Laurie van", "Bream"),
        ("Cher", None, "Cher"),
    ],
)
def test_a_name_is_split_at_its_last_space(text: str, first: str | None, last: str) -> None:
    """One word alone is a last name, which every contact needs."""
    texts = agreed_by(naming(2, text, rule("Name")), sobject=CONTACT).texts
    assert (texts.get("FirstName"), texts["LastName"]) == (first, last)


def test_a_last_name_from_a_column_wins_over_the_split_name() -> None:
    """The job has said where it is."""
    made = rule("Name", LastName="last")
    assert agreed_by(naming(2, "G. Belson", made, LastName="Belson"), sobject=CONTACT).texts == {
        "LastName": "Belson"
    }


def test_empty_cells_say_nothing_and_the_first_word_counts() -> None:
    """A field that the first row leaves empty is filled by a later one, without a problem."""
    made = rule("Name", Industry="industry")
    said = agreed_by(naming(2, "Hooli", made, Industry=""), naming(3, "hooli", made, Industry="Technology"))
    assert (said.texts, said.against) == ({"Name": "Hooli", "Industry": "Technology"}, {})


def test_rows_that_say_otherwise_are_named_with_both_lines() -> None:
    """Of fields and of the key alike."""
    made = rule("Name", key="number", Industry="industry")
    first = naming(2, "Hooli", made, "17", Industry="Technology")
    said = agreed_by(
        first, naming(5, "Hooli", made, "17", Industry="Banking"), naming(7, "Hooli", made, "18")
    )
    assert {place: each.code for place, each in said.against.items()} == dict.fromkeys(
        (1, 2), "PARENT_DISAGREES"
    )
    assert 'Industry of "Hooli" is "Banking" in line 5 and "Technology" in line 2' in said.against[1].message
    assert "line 7" in said.against[2].message


def test_the_key_of_several_spellings_does_not_hang_on_the_order_of_rows() -> None:
    """Should the rows come in another order tomorrow, a create that is still on its way meets the same key."""
    made = rule("Name", key="name")
    one, other = naming(2, "Hooli", made), naming(3, "HOOLI", made)
    assert agreed_by(one, other).key == agreed_by(other, one).key == "Hooli"
    assert agreed_by(one, other, naming(4, "HOOLI", made)).key == "HOOLI"
    assert agreed_by(one, other).texts == {"Name": "Hooli"}
