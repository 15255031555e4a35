"""A header is recognised by what presets know of it; the score is evidence and decides nothing."""

from sfsync.core.presets.preset import Preset, PresetColumns
from sfsync.core.presets.recognition import recognised

DEALS = PresetColumns(
    "crm", "", {"id": ("Record ID",), "name": ("Deal Name",)}, required=("id", "name"), ignored=("Notes",)
)
RESULTS = PresetColumns("results", "", {"sf id": ("sf__Id",)}, required=("sf id",), others_are_fields=True)
PRESETS = [
    Preset("crm", "CRM", "", {"opportunities": DEALS}),
    Preset("results", "Results", "", {"any": RESULTS}),
]


def test_the_presets_come_with_what_fits_and_what_does_not() -> None:
    """Known columns are told with their meaning, left-out ones with none, the rest as unmatched."""
    [found] = recognised(["record_id", "Deal Name", "Notes", "Colour"], PRESETS)
    assert (found.preset, found.section, found.missing) == ("crm", "opportunities", ())
    assert found.matched == {"record_id": "id", "Deal Name": "name", "Notes": ""}
    assert found.unmatched == ("Colour",)
    assert found.score == 0.875


def test_a_preset_whose_required_columns_are_all_there_comes_before_a_fuller_one_that_lacks_some() -> None:
    """What is missing weighs more than what is there."""
    found = recognised(["Deal Name", "Notes", "sf__Id", "x y", "z z", "w w"], PRESETS)
    assert [(each.preset, each.missing) for each in found] == [("results", ()), ("crm", ("id",))]


def test_a_header_of_api_names_alone_is_no_result_file() -> None:
    """A preset that takes any field needs at least one column that is its own."""
    assert recognised(["Name", "StageName"], PRESETS) == []
    assert recognised([], PRESETS) == []
