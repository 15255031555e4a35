"""Places in JSON texts are found as the platform's parser counts them."""

import pytest

from sfsync.emulator.errors import ApiError, UncoercibleError
from sfsync.emulator.wire.json_reading import coercion_error, locate, read_json

TEXT = '{"records": [\n  {"Name": "a, \\"b\\"", "x": [1, {}]},\n  {"CloseDate" : "oops"}\n]}'


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ([], (1, 1)),
        (["records"], (1, 13)),
        (["records", 1], (3, 3)),
        (["records", 1, "closedate"], (3, 18)),
        (["records", 9, "Name"], (1, 1)),
        (["nothing"], (1, 1)),
    ],
)
def test_locate(path: list, place: tuple[int, int]):
    """A path leads to line and column of its value, and to the start when it leads nowhere."""
    assert locate(TEXT, path) == place


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("x", "VALUE_STRING value x"),
        (5, "VALUE_NUMBER_INT value 5"),
        (1.5, "VALUE_NUMBER_FLOAT value 1.5"),
        (True, "VALUE_TRUE value true"),
        ({}, "START_OBJECT value {"),
        ([], "START_ARRAY value ["),
    ],
)
def test_coercion_errors_name_the_token(value: object, token: str):
    """The message says what was found and where."""
    error = coercion_error(UncoercibleError("date", value, "CloseDate"), TEXT, ["records", 1])
    message = error.body[0]["message"]
    assert message.startswith(f"Cannot deserialize instance of date from {token} or request")
    assert message.endswith("at [line:3, column:18]")


def test_syntax_errors_point_at_the_character():
    """A stray character is named with its code and place."""
    with pytest.raises(ApiError) as refused:
        read_json(b'{"a": 1,\n }')
    assert "(code " in refused.value.body[0]["message"]
    assert "at [line:1, column:8]" in refused.value.body[0]["message"]
