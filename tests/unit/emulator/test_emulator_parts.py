"""Small parts of the emulator that contract tests reach badly: routes, references, clock, describe."""

from datetime import UTC, datetime

import pytest

from sfsync.emulator.coverage import coverage_table
from sfsync.emulator.errors import ApiError
from sfsync.emulator.fault_actions import FailRows, action_from
from sfsync.emulator.faults import script_from
from sfsync.emulator.org.building import build_schema
from sfsync.emulator.org.clock import VirtualClock, stamp
from sfsync.emulator.org.definition import OrgDefinition
from sfsync.emulator.org.describe import describe_field
from sfsync.emulator.rest.references import names_in, resolved, resolved_url
from sfsync.emulator.server import EmulatorServer, build
from sfsync.emulator.wire.routing import RouteTable

FIELD_KEYS = """
aggregatable aiPredictionField autoNumber byteLength calculated calculatedFormula cascadeDelete
caseSensitive compoundFieldName controllerName createable custom defaultValue defaultValueFormula
defaultedOnCreate dependentPicklist deprecatedAndHidden digits displayLocationInDecimal encrypted
externalId extraTypeInfo filterable filteredLookupInfo formulaTreatNullNumberAsZero groupable
highScaleNumber htmlFormatted idLookup inlineHelpText label length mask maskType name nameField
namePointing nillable permissionable picklistValues polymorphicForeignKey precision queryByDistance
referenceTargetField referenceTo relationshipName relationshipOrder restrictedDelete
restrictedPicklist scale searchPrefilterable soapType sortable type unique updateable
writeRequiresMasterRead
"""


def _first() -> str:
    return "first"


def _second() -> str:
    return "second"


def test_routes_prefer_fixed_segments_and_keep_encoded_slashes():
    """Fixed segments win over names, and an encoded slash stays inside its value."""
    table: RouteTable = RouteTable()
    table.add("GET", "/a/{name}", _first)
    table.add("GET", "/a/fixed", _second)
    assert table.find("GET", "/A/Fixed/") == (_second, {})
    assert table.find("HEAD", "/a/x%2Fy") == (_first, {"name": "x/y"})
    for method, path, status in (("GET", "/a/b/c", 404), ("GET", "/a//", 404), ("PUT", "/a/b", 405)):
        with pytest.raises(ApiError) as refused:
            table.find(method, path)
        assert refused.value.status == status


def test_references_keep_types_and_case():
    """A whole-string reference keeps its type, others become text; a wrong path halts."""
    answers = {"r": {"id": "1", "n": 5, "records": [{"Id": "x/y"}]}}
    assert resolved({"a": "@{r.n}", "b": ["n=@{r.n}"]}, answers) == {"a": 5, "b": ["n=5"]}
    assert resolved_url("/x/@{r.records[0].Id}", answers) == "/x/x%2Fy"
    assert names_in({"a": ["@{r.id}", {"b": "@{s.id}"}]}) == {"r", "s"}
    for path in ("r.Id", "r.records[1].Id", "gone.id"):
        with pytest.raises(ApiError):
            resolved(f"@{{{path}}}", answers)


def test_virtual_clock_runs_what_is_due():
    """Actions run when the clock reaches them, once."""
    clock, ran = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC)), []
    clock.call_at(datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC), lambda: ran.append("late"))
    clock.call_at(datetime(2026, 1, 1, tzinfo=UTC), lambda: ran.append("now"))
    assert ran == ["now"]
    for _ in range(2):
        clock.advance(5)
    assert (ran, stamp(clock.now())) == (["now", "late"], "2026-01-01T00:00:10.000Z")


def test_describe_has_every_field_key_of_the_platform():
    """Field describes carry every key that the platform sends. Source: facts 4.3 [R]."""
    schema = build_schema(OrgDefinition(), pod="8d000")
    assert sorted(describe_field(schema["Opportunity"].fields["amount"])) == FIELD_KEYS.split()


def test_scripts_from_json():
    """Scripts come from flat JSON tables, and unknown words are refused."""
    script = script_from({"action": "fail_rows", "rows": [1], "nth": 2, "phase": "before_commit"})
    assert (script.action, script.nth) == (FailRows(rows=(1,)), 2)
    assert (
        script_from(
            {name: value for name, value in script.as_json().items() if name not in {"seen", "struck"}}
        ).as_json()
        == script.as_json()
    )
    for table in ({"action": "explode"}, {"action": "drop", "when": 1}, {"action": "drop", "phase": "never"}):
        with pytest.raises(ValueError):
            script_from(table)
    with pytest.raises(ValueError):
        action_from({})


def test_coverage_lists_every_route():
    """The coverage table names each played resource with what it does."""
    lines = coverage_table().splitlines()
    assert any("/composite/graph" in line and "Run graphs" in line for line in lines)
    assert len(lines) >= 35


def test_only_loopback_is_bound():
    """Any other address is refused before a socket is opened."""
    with pytest.raises(ValueError, match="only"):
        EmulatorServer("0.0.0.0", 0, build(OrgDefinition()))
