"""JSON Lines and JSON documents that are wrong in their form, their types, their numbers or their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from damaged_kinds import damaged
from written_files import ANY, Draw, Row, Written, deals, kind, refused

_ID: Final = '"id": "X1", "name": "n", "stage": "Prospecting", "close": "2027-01-01"'


def _as_lines(draw: Draw) -> tuple[list[str], list[Row]]:
    rows = [replace(each, line=number) for number, each in enumerate(deals(draw), start=1)]
    return [json.dumps(each.cells, ensure_ascii=bool(draw.below(2))) for each in rows], rows


def _among_lines(draw: Draw, bad: str, *codes: str, line_is_row: bool = True) -> Written:
    """Good lines, and somewhere one that is a problem; no code: it is good, or a problem of its row."""
    lines, rows = _as_lines(draw)
    at = draw.below(len(lines) + 1)
    row = Row(None, at + 1, frozenset(codes)) if codes else None
    if row is None or not line_is_row:
        return Written(
            "deals.jsonl",
            "\n".join([*lines[:at], bad, *lines[at:]]).encode("utf-8", "surrogatepass"),
            count=len(lines) + 1,
        )
    placed = [*rows[:at], row, *(replace(each, line=(each.line or 0) + 1) for each in rows[at:])]
    content = "\n".join([*lines[:at], bad, *lines[at:]])
    return Written("deals.jsonl", content.encode("utf-8", "surrogatepass"), tuple(placed))


def _in_array(draw: Draw, form: Callable[[list[str]], str]) -> Written:
    lines, rows = _as_lines(draw)
    return Written("deals.json", form(lines).encode(), tuple(replace(each, line=None) for each in rows))


@kind
def json_lines(draw: Draw) -> Written:
    """Good documents, one a line, with blank lines between and any line end."""
    end = draw.word("\n", "\r\n")
    lines, rows = _as_lines(draw)
    parts, placed, line = [], [], 1
    for text, row in zip(lines, rows, strict=True):
        blank = draw.word("", "", end, f"  {end}")
        line += blank != ""
        placed.append(replace(row, line=line))
        parts.append(f"{blank} {text}\t{end}")
        line += 1
    return Written("deals.ndjson", "".join(parts).encode(draw.word("utf-8", "utf-8-sig")), tuple(placed))


@kind
def json_lines_in_utf16(draw: Draw) -> Written:
    """A byte order mark says the encoding of documents too."""
    lines, rows = _as_lines(draw)
    return Written("deals.jsonl", "\n".join(lines).encode(draw.word("utf-16", "utf-32")), tuple(rows))


@kind
def json_lines_broken(draw: Draw) -> Written:
    """One line is no document: cut off, two documents, a comma too many, a word that is none."""
    bad = draw.word(
        *(
            f"{{{_ID}",
            f"{{{_ID}}} {{{_ID}}}",
            f"{{{_ID}}},",
            f"{{{_ID},}}",
            "{'id': 'X1'}",
            "{id: 1}",
            "nul",
            "}",
        ),
        *(
            '{"id": "\\x41"}',
            '{"id": "a\tb"}',
            '{"id": 01}',
            '{"id": +1}',
            '{"id": .5}',
            '{"id": 1.}',
            "[1,]",
            '"',
        ),
        *(
            "// remark",
            '{"id": "\\ud8"}',
            "{" * 50,
            "\x00",
            "{} \ufeff",
            '{"id": tru}',
            "-",
            "{,}",
            "undefined",
        ),
    )
    return _among_lines(draw, bad, "BAD_JSON")


@kind
def json_lines_of_other_types(draw: Draw) -> Written:
    """A line that is JSON and no object."""
    return _among_lines(
        draw, draw.word("[]", "1", "null", "true", '"x"', "[{}]", "-0", "1e5"), "NOT_AN_OBJECT"
    )


@kind
def json_lists_for_values(draw: Draw) -> Written:
    """A list or an object where a rule wants a value."""
    bad = draw.word("[]", "{}", "[1]", '{"value": 1}', '[["x"]]', '{"a": {"b": []}}')
    return _among_lines(draw, f'{{{_ID}, "amount": {bad}}}', "NOT_A_VALUE")


@kind
def json_typed_cells(draw: Draw) -> Written:
    """Truth values, null and numbers where text is meant, and the other way round."""
    field = draw.word("id", "name", "stage", "close", "amount", "note")
    value = draw.word("true", "false", "null", "0", "-1", "1.50", "1e3", '"1e3"', '" "', '""', "20270101")
    members = {"id": '"X1"', "name": '"n"', "stage": '"Prospecting"', "close": '"2027-01-01"'} | {
        field: value
    }
    bad = "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"
    return _among_lines(draw, bad)


@kind
def json_numbers_beyond_all_bounds(draw: Draw) -> Written:
    """Numbers with exponents or digits beyond what any field, or any memory, could hold."""
    value = draw.word(
        *(
            "1e400",
            "-1e400",
            "1e-400",
            "1e999999",
            "1e1000000",
            "1e999999999",
            "-1e999999999",
            "1E-999999999",
        ),
        *(
            "1e999999999999999999",
            "1e9999999999999999999",
            "1e-9999999999999999999",
            "0e999999999",
            "-0.0",
            "0e-9999",
        ),
        *(
            "9" * 50,
            "9" * 5_000,
            "0." + "1" * 5_000,
            "1" + "0" * 20_000,
            "1." + "0" * 20_000,
            "1e40",
            "1e41",
            "1e-41",
        ),
    )
    field = draw.word("amount", "amount", "name", "id", "close", "other", "note", "stage", "weight")
    known = _ID.replace(f'"{field}": "', f'"old_{field}": "')
    written = _among_lines(draw, f'{{{known}, "{field}": {value}}}')
    return replace(written, rules={"Weight__c": '"weight"', "Seen__c": '"seen"'})


@kind
def json_no_numbers(draw: Draw) -> Written:
    """NaN and Infinity are no JSON."""
    return _among_lines(
        draw, f'{{{_ID}, "amount": {draw.word("NaN", "Infinity", "-Infinity")}}}', "NOT_A_NUMBER"
    )


@kind
def json_repeated_keys(draw: Draw) -> Written:
    """A key twice in one object, or the same column by two ways."""
    more = draw.word('"id": "X2"', '"note": 1, "note": 1', '"a.b": 1, "a": {"b": 2}', '"x": {"y": 1, "y": 2}')
    return _among_lines(draw, f"{{{_ID}, {more}}}", "REPEATED_KEY")


@kind
def json_half_surrogates(draw: Draw) -> Written:
    """Half a surrogate pair, escaped, in a cell that is mapped or in one that is not."""
    half = draw.word("\\ud800", "\\udfff", "x\\ud83d", "\\ud800\\ud800", "\\u0000")
    member = draw.word("note", "name", "other", "id")
    known = _ID.replace(f'"{member}": "', f'"old_{member}": "')
    return _among_lines(draw, f'{{{known}, "{member}": "{half}"}}', "BAD_CHARACTER")


@kind
def json_odd_keys(draw: Draw) -> Written:
    """Keys that are empty, dots, half surrogates, controls, very long, or those of our rejects."""
    key = draw.word(
        "", ".", "..", "\\ud800", "\\u0000", "\\n", "x" * 70_000, "_sfsync_code", "Amount", "id.", "\\u202e"
    )
    value = draw.word("1", '"x"', "{}", "[]", '{"": {"": 1}}', "null", '{"\\udfff": 1}')
    written = _among_lines(draw, f'{{{_ID}, "{key}": {value}}}')
    lines = [written.content] if draw.below(2) else [f'{{"{key}": {value}}}'.encode()] * 2
    if len(lines) == 1:
        return written
    return Written("deals.jsonl", b"\n".join(lines), count=2)


@kind
def json_nested_deep(draw: Draw) -> Written:
    """Objects and lists nested beyond all reason, closed or not."""
    depth = draw.random.choice([15, 16, 17, 30, 900, 5_000, 100_000])
    opened, closed = draw.random.choice([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
    inside = opened * depth + "1" + (closed * depth if draw.below(3) else "")
    if draw.below(2):
        return _among_lines(draw, f'{{{_ID}, "{draw.word("other", "note")}": {inside}}}')
    content = draw.word(f'[{{{_ID}, "o": {inside}}}]', inside, f'{{"opportunities": {inside}}}')
    return Written("deals.json", content.encode(), refusals=frozenset({ANY}))


@kind
def json_arrays(draw: Draw) -> Written:
    """Good documents in an array, in an object, indented or not."""

    def form(lines: list[str]) -> str:
        inside = ",\n".join(lines)
        return draw.word(
            f"[{inside}]",
            f" [\n{inside}\n]\n",
            f'{{"opportunities": [{inside}], "total": 3}}',
            f'{{"next": null, "opportunities" : [ {inside} ]}}',
            json.dumps([json.loads(each) for each in lines], indent=1),
        )

    return _in_array(draw, form)


@kind
def json_arrays_broken(draw: Draw) -> Written:
    """An array or object that is wrong around its documents: refused as a whole."""
    lines, _ = _as_lines(draw)
    inside = ",\n".join(lines)
    content = draw.word(
        *(
            f"[{inside}",
            f"[{inside},]",
            f"[{inside}]]",
            f"[{inside}] x",
            f"[{lines[0]} {lines[0]}]",
            f"{inside}]",
            "nul",
        ),
        *(
            f'{{"rows": [{inside}]}}',
            f'{{"opportunities": {lines[0]}}}',
            f'{{"opportunities": [{inside}]',
            "1",
            '"x"',
        ),
        *(
            f'{{"opportunities": [], "opportunities": [{inside}]}}',
            "{}",
            "{",
            "[",
            "[,]",
            "{,}",
            "null",
            "\x00",
            "[NaN",
        ),
        *(
            f"{{[1]: [{inside}]}}",
            f'{{{{}}: 1, "opportunities": [{inside}]}}',
            f'{{1: 2, "opportunities": [{inside}}}',
        ),
        *(f'{{{{"a": 1}}: 2, "opportunities": [{inside}]}}', f'{{null: 1, "opportunities": [{inside}]}}'),
        *("[" * 100_000, '{"a":' * 100_000, f'[{inside}, {{"id": 1e}}]', f'[{inside}, "\\ud8"]'),
    )
    return refused("deals.json", content.encode(), "BAD_JSON")


@kind
def json_arrays_of_anything(draw: Draw) -> Written:
    """Elements of an array that are no objects are problems of their rows."""
    lines, rows = _as_lines(draw)
    bad = draw.word("1", "null", "[]", '"x"', "true")
    content = "[" + ",".join([*lines, bad]) + "]"
    placed = [*(replace(each, line=1) for each in rows), Row(None, 1, frozenset({"NOT_AN_OBJECT"}))]
    return Written("deals.json", content.encode(), tuple(placed))


@kind
def json_without_documents(draw: Draw) -> Written:
    """Nothing, or nothing inside."""
    name = draw.word("deals.json", "deals.jsonl")
    inside = (
        draw.word("", "\n \n", "\ufeff")
        if name.endswith("l")
        else draw.word("", " \n", "[]", '{"opportunities": []}')
    )
    return refused(name, inside.encode(), "SOURCE_EMPTY")


@kind
def json_damaged(draw: Draw) -> Written:
    """A few bytes of good documents are changed, lost, doubled or moved."""
    lines, _ = _as_lines(draw)
    name = draw.word("deals.json", "deals.jsonl")
    text = "\n".join(lines) if name.endswith("l") else "[" + ",\n".join(lines) + "]"
    return Written(name, damaged(text.encode(), draw), refusals=frozenset({ANY}))
