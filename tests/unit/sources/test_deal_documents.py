"""Deal documents and the roles inside them: every digit kept, and nothing settled by taking the last."""

from __future__ import annotations

from decimal import Decimal

import pytest
from source_making import cells, lines, opened, unreadable

from sfsync.errors import SourceError


@pytest.fixture
def file(tmp_path):
    """A JSON Lines file to be."""
    return tmp_path / "deals.jsonl"


def refusal(path, content, kind="json", **given) -> SourceError:
    """The error that reading the file ends with."""
    with pytest.raises(SourceError) as caught:
        list(opened(path, content, kind, **given).rows())
    return caught.value


def test_a_line_is_a_row_of_its_scalar_members(file):
    """Nested objects become columns with dots, lists are left out, numbers keep their digits."""
    content = '\n{"a": 1.10, "b": {"c": {"d": null}, "e": true}, "list": [1]}\r\n\n{"a": "x"}'
    source = opened(file, content, "jsonl")
    assert cells(source) == [{"a": Decimal("1.10"), "b.c.d": None, "b.e": True}, {"a": "x"}]
    assert str(cells(source)[0]["a"]) == "1.10"
    assert lines(source) == [2, 4]
    assert source.form.kind == "jsonl"


def test_the_raw_text_is_the_document_as_it_came(file):
    """I5: a reject is what the file held."""
    [row] = opened(file, '  {"a" : 1.0e2}  \n', "jsonl").rows()
    assert row.raw == ('{"a" : 1.0e2}',)


def test_an_exponent_is_read_as_plain_digits(file):
    """1e3 is 1000, and what is beyond all fields stays for the field to refuse."""
    [row] = cells(opened(file, '{"a": 1e3, "b": 1e-7, "c": 1e400}', "jsonl"))
    assert [str(each) for each in row.values()] == ["1000", "0.0000001", "1E+400"]


@pytest.mark.parametrize("name", ["[1]", '{"a": 1}', "null", "1", "NaN"])
def test_members_whose_names_are_no_text_are_no_json(tmp_path, name):
    """In the object around the documents too; the place is told."""
    error = refusal(tmp_path / "x.json", f'{{\n{name}: 1, "opportunities": [{{"a": 1}}]}}')
    assert (error.code, "x.json:2: character 1" in error.message) == ("BAD_JSON", True)


@pytest.mark.parametrize("number", ["1e999999999", "-1e30000000", "1e-999999999", "1e10001"])
def test_a_number_that_written_out_would_fill_the_memory_is_a_problem_of_its_row(file, number):
    """A dozen characters of a file stand for a gigabyte of digits; zero is zero whatever its exponent."""
    source = opened(file, f'{{"a": {number}}}\n{{"a": 0e999999999}}\n{{"a": 1e309}}', "jsonl")
    [bad] = unreadable(source)
    assert (bad.problem.code, bad.problem.column, bad.ref.line) == ("NOT_A_NUMBER", "a", 1)
    assert len(bad.problem.message) < 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "REPEATED_KEY"),
        ('{"x": {"a": 1, "a": 2}}', "REPEATED_KEY"),
        ('{"x.a": 1, "x": {"a": 2}}', "REPEATED_KEY"),
        ('{"a": NaN}', "NOT_A_NUMBER"),
        ('{"a": -Infinity}', "NOT_A_NUMBER"),
        ('{"a": 1', "BAD_JSON"),
        ('{"a": 1} {"a": 2}', "BAD_JSON"),
        ("[1]", "NOT_AN_OBJECT"),
        ('{"a": "\\ud800"}', "BAD_CHARACTER"),
        ('{"a": "x\\u0000"}', "BAD_CHARACTER"),
        ('{"a": ["x"]}', "NOT_A_VALUE"),
        ('{"a": {"b": 1}}', "NOT_A_VALUE"),
        ('{"x":' * 100_000, "TOO_DEEP"),
        ('{"x":' * 30 + "1" + "}" * 30, "TOO_DEEP"),
    ],
)
def test_a_bad_document_is_one_bad_row(file, text, code):
    """I7: what two readers could understand differently is refused, and the next line is read."""
    source = opened(file, f'{text}\n{{"a": "good"}}\n', "jsonl")
    [bad] = unreadable(source)
    assert (bad.problem.code, bad.raw) == (code, (text,))
    assert lines(source) == [1, 2]


def test_a_number_with_very_many_digits_is_kept(file):
    """The limit of Python's own integers is not ours."""
    assert len(str(cells(opened(file, '{"a": ' + "1" * 5_000 + "}", "jsonl"))[0]["a"])) == 5_000


def test_what_we_wrote_beside_a_document_is_not_read(file):
    """Members that begin with _sfsync_ are ours."""
    assert cells(opened(file, '{"a": 1, "_sfsync_code": "X"}', "jsonl")) == [{"a": Decimal(1)}]


def test_a_compact_array_on_one_line_is_many_rows(tmp_path):
    """Documents that share a line are told apart by their ordinal."""
    rows = list(opened(tmp_path / "d.json", '[{"a":1},{"a":2},{"a":3}]', "json").rows())
    assert [(row.ref.line, row.ref.ordinal) for row in rows] == [(1, 1), (1, 2), (1, 3)]
    assert [row.raw[0] for row in rows] == ['{"a":1}', '{"a":2}', '{"a":3}']


def test_a_document_of_an_array_stands_where_its_object_starts(tmp_path):
    """Pretty-printed documents have the line of their brace."""
    content = '\ufeff[\n  {\n  "a": 1\n  },\n\n  {"a": 2}\n]\n'
    assert lines(opened(tmp_path / "d.json", content, "json")) == [2, 6]


def test_the_list_may_stand_in_an_object_under_the_sections_name(tmp_path):
    """Members beside it are passed over, wherever they stand."""
    content = '{"made": [1],\n "opportunities": [{"a": 1}],\n "contacts": []}'
    source = opened(tmp_path / "d.json", content, "json")
    assert cells(source) == [{"a": Decimal(1)}]
    assert lines(source) == [2]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('[{"a": 1}]\n[{"a": 2}]', 2),
        ('[{"a": 1}\n', 2),
        ('[{"a": 1}\n {"a": 2}]', 2),
        ('[{"a": 1},\n]', 2),
        ('{"deals": [{"a": 1}]}', 1),
        ('{"opportunities": [{"a": 1}]}\n{}', 2),
        ('{"opportunities": [], "opportunities": [{"a": 1}]}', 1),
        ('{"a": 1}\n{"a": 2}\n', 2),
        ("[" * 100_000, 1),
        ("nonsense", 1),
    ],
)
def test_a_file_that_is_no_list_of_documents_is_refused_by_line(tmp_path, content, line):
    """Nothing behind, between or around the documents is passed over."""
    error = refusal(tmp_path / "d.json", content)
    assert error.code == "BAD_JSON"
    assert f"d.json:{line}: " in error.message


@pytest.mark.parametrize("kind", ["json", "jsonl"])
@pytest.mark.parametrize("content", ["", " \n\n", "\ufeff"])
def test_i2_a_file_without_documents_is_refused(tmp_path, kind, content):
    """An empty export is told as one."""
    assert refusal(tmp_path / f"d.{kind}", content, kind).code == "SOURCE_EMPTY"


def test_i2_an_empty_list_is_refused(tmp_path):
    """So is a list without documents."""
    assert refusal(tmp_path / "d.json", "[]").code == "SOURCE_EMPTY"


def test_i1_a_byte_that_is_no_text_is_named_by_line(file):
    """JSON in another encoding is told with its place."""
    error = refusal(file, b'{"a": 1}\n{"a": "\xfc"}\n', "jsonl")
    assert error.code == "ENCODING"
    assert f"{file}:2: byte 8 of the line" in error.message


def test_a_large_array_is_read_in_linear_time(tmp_path):
    """Lines are counted once, not once for each document."""
    content = "[" + ",\n".join('{"a": 1}' for _ in range(30_000)) + "]"
    assert lines(opened(tmp_path / "d.json", content, "json"))[-1] == 30_000


ROLES = (
    '{"deal_id": "D1", "email": "deal@x", "roles": [{"role": "Buyer", "email": "a@x"}, {"role": "User"}]}\n'
    '{"deal_id": "D2"}\n'
    '{"deal_id": "D3", "roles": null}\n'
    '{"deal_id": \n'
    '{"deal_id": "D5", "roles": {"role": "Buyer"}}\n'
    '{"deal_id": "D6", "roles": ["Buyer"]}\n'
)


def test_roles_inside_documents_know_their_deal(file):
    """A role knows the member that names its deal and no other, and its place is its document's."""
    rows = list(opened(file, ROLES, "nested", nested="roles").rows())
    assert dict(rows[0].cells) == {"deal_id": "D1", "email": "a@x", "role": "Buyer"}
    assert dict(rows[1].cells) == {"deal_id": "D1", "role": "User"}
    assert [(row.ref.source, row.ref.line) for row in rows] == [
        ("opportunities", 1),
        ("opportunities", 1),
        ("opportunities", 5),
        ("opportunities", 6),
    ]


def test_roles_that_are_no_list_of_objects_are_a_problem(file):
    """A broken document is the deals' problem, broken roles are the roles' own."""
    found = unreadable(opened(file, ROLES, "nested", nested="roles"))
    assert [(each.ref.line, each.problem.code) for each in found] == [(5, "BAD_ROLES"), (6, "BAD_ROLES")]


def test_a_role_with_a_list_where_a_value_is_wanted_is_a_problem(file):
    """The other roles of the deal are read."""
    source = opened(file, '{"roles": [{"a": [1]}, {"a": 2}]}', "nested", nested="roles")
    assert [each.problem.code for each in unreadable(source)] == ["NOT_A_VALUE"]
    assert len(lines(source)) == 2
