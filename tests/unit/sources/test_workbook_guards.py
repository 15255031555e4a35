"""What could be an attack, or is no workbook, is refused by name before it is unpacked (T19, I14)."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from source_making import cells, opened
from workbook_writer import MAIN, Book, workbook, zipped

from sfsync.errors import ConfigError, SourceError

SHEET = "xl/worksheets/sheet1.xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def refusal(tmp_path, content: bytes, name: str = "x.xlsx") -> SourceError:
    """The error with which the workbook is refused, when it is opened or read."""
    with pytest.raises(SourceError) as caught:
        list(opened(tmp_path / name, content).rows())
    assert name in caught.value.message
    assert caught.value.hint
    return caught.value


def part(content: str, name: str = SHEET) -> bytes:
    """A workbook with another part in place of its own."""
    return workbook(["a"], [1], parts={name: content})


def sheet(inside: str) -> bytes:
    """A workbook whose sheet has that inside."""
    return part(f'<worksheet xmlns="{MAIN}"><sheetData>{inside}</sheetData></worksheet>')


def forged(content: bytes, member: str, *, offset: int, value: bytes) -> bytes:
    """The archive with other bytes in a member's entry in the directory."""
    place = content.rindex(member.encode()) - 46 + offset
    return content[:place] + value + content[place + len(value) :]


def test_T19_a_sheet_that_is_packed_beyond_measure_is_not_unpacked(tmp_path):
    """A quarter of a megabyte that would become 240 is refused by its directory."""
    bomb = sheet('<row><c t="inlineStr"><is><t>' + " " * 240_000_000 + "</t></is></c></row>")
    assert len(bomb) < 300_000
    error = refusal(tmp_path, bomb)
    assert error.code == "WORKBOOK_BOMB"
    assert "more than 200 times" in error.message


def test_T19_what_the_directory_adds_up_to_is_refused(tmp_path):
    """Each member may be within the ratio and all together too much."""
    content = workbook(["a"], [1], parts={"a": b"x" * 900_000, "b": b"x" * 900_000})
    for name in ("a", "b"):
        place = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode() + b"PK"))
        sizes = struct.pack("<II", 40_000_000, 2_500_000_000)
        content = content[: place + 20] + sizes + content[place + 28 :]
    error = refusal(tmp_path, content)
    assert (error.code, "would unpack to 5,0" in error.message) == ("WORKBOOK_BOMB", True)


def test_T19_a_directory_that_lies_about_a_size_is_found_out(tmp_path):
    """No more is unpacked than it says, and the rest is missed."""
    content = sheet("".join(f"<row><c><v>{n}</v></c></row>" for n in range(1_000)))
    content = forged(content, SHEET, offset=24, value=struct.pack("<I", 500))
    assert refusal(tmp_path, content).code == "BROKEN_WORKBOOK"


def test_T19_an_archive_of_very_many_members_is_not_listed(tmp_path):
    """The entries are counted in the bytes, before an object is made of each."""
    content = zipped({f"m{n}": b"" for n in range(6_000)}, zipfile.ZIP_STORED)
    error = refusal(tmp_path, content)
    assert (error.code, "more than 5,000 members" in error.message) == ("WORKBOOK_BOMB", True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../evil.xml", "leads out of it"),
        ("xl/../../evil.xml", "leads out of it"),
        ("/etc/passwd", "leads out of it"),
        ("xl\\evil.xml", "leads out of it"),
        ("xl/embeddings/inner.xlsx", "another packed file"),
        ("inner.ZIP", "another packed file"),
        ("XL/Workbook.xml", "two members"),
    ],
)
def test_members_that_no_sheet_needs_refuse_the_workbook(tmp_path, name, said):
    """Names that lead out of it, archives inside it, two parts of one name."""
    error = refusal(tmp_path, workbook(["a"], [1], parts={name: b"x"}))
    assert error.code == "WORKBOOK_REFUSED"
    assert said in error.message


def test_members_that_are_encrypted_or_oddly_packed_refuse_the_workbook(tmp_path):
    """By the flag and the method in the directory."""
    plain = workbook(["a"], [1])
    encrypted = refusal(tmp_path, forged(plain, SHEET, offset=8, value=b"\x01\x00"))
    assert (encrypted.code, "encrypted" in encrypted.message) == ("WORKBOOK_REFUSED", True)
    odd = refusal(tmp_path, zipped({"xl/workbook.xml": b"x" * 100}, zipfile.ZIP_LZMA))
    assert (odd.code, "no spreadsheet uses" in odd.message) == ("WORKBOOK_REFUSED", True)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "name", [SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "_rels/.rels"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE x>",
        f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_xml_that_declares_a_document_type_is_refused(tmp_path, name, encoding, doctype):
    """So there are no entities: nothing grows, nothing is fetched; in whatever encoding."""
    text = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}<worksheet xmlns="{MAIN}">&e;</worksheet>'
    content = workbook(["a"], [1], parts={name: text.encode(encoding)})
    error = refusal(tmp_path, content)
    assert error.code == "WORKBOOK_REFUSED"
    assert "document type" in error.message


def test_deep_nesting_and_giant_tags_are_refused(tmp_path):
    """Both cost memory before a single element is whole."""
    noise = "".join(str(n) for n in range(200_000))
    assert "nested more than 64 deep" in refusal(tmp_path, sheet("<a>" * 100_000)).message
    assert "a tag is longer" in refusal(tmp_path, sheet(f'<row spans="{noise * 2}">')).message
    kinds = "".join(f"<x{n}/>" for n in range(20_000))
    assert "kinds of elements" in refusal(tmp_path, sheet(kinds)).message


@pytest.mark.parametrize(
    "inside",
    [
        '<row r="5"/><row r="5"/>',
        '<row r="5"/><row r="4"/>',
        '<row r="1048577"/>',
        '<row r="1"><row r="2"/></row>',
        '<c r="A1"><v>1</v></c>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="ABCD1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c><c r="é1"><v>1</v></c></row>',
        "<row><c><v>1</v></c>",
        "<row></c></row>",
    ],
)
def test_a_sheet_whose_cells_stand_where_they_cannot_is_refused(tmp_path, inside):
    """Two readers would see two tables in it."""
    assert refusal(tmp_path, sheet(inside)).code == "BROKEN_WORKBOOK"


def test_two_cells_in_opposite_corners_cost_nothing(tmp_path):
    """A reader that builds the rectangle between them would need hundreds of gigabytes."""
    corners = (
        '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>'
    )
    assert cells(opened(tmp_path / "x.xlsx", sheet(corners))) == [{"a": 1}]


def test_rows_and_cells_without_addresses_follow_each_other(tmp_path):
    """Both addresses are optional."""
    rows = '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c/><c><v>2</v></c></row>'
    assert cells(opened(tmp_path / "x.xlsx", sheet(rows))) == [{"a": "", "b": 2}]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "WORKBOOK_PROTECTED", "password"),
        (OLE + b"\0" * 3_000, "SOURCE_KIND", "Excel 97-2003"),
        (b"id;name\n1;x\n", "NOT_A_WORKBOOK", "no workbook"),
        (b"", "NOT_A_WORKBOOK", "empty"),
        (b"PK\x03\x04" + b"\0" * 100, "BROKEN_WORKBOOK", "directory"),
        (workbook(["a"], [1])[:-40], "BROKEN_WORKBOOK", "directory"),
        (zipped({"readme.txt": b"x"}), "BROKEN_WORKBOOK", "_rels/.rels"),
        (zipped({"_rels/.rels": b"<a/>"}), "BROKEN_WORKBOOK", "is the workbook"),
        (Book({"Deals": []}, parts={SHEET: b"\xff\xfe\x00"}).content(), "BROKEN_WORKBOOK", "XML"),
    ],
)
def test_a_file_that_is_no_workbook_is_told_by_what_it_is(tmp_path, content, code, said):
    """By its first bytes, not by its ending."""
    error = refusal(tmp_path, content)
    assert error.code == code
    assert said in error.message


@pytest.mark.parametrize("name", ["x.xls", "x.xlsb", "x.ods", "x.numbers", "x.feather", "x.arrow"])
def test_other_spreadsheets_and_column_files_are_refused_by_name(tmp_path, name):
    """With what to save them as."""
    with pytest.raises(ConfigError) as caught:
        opened(tmp_path / name, b"x")
    assert (caught.value.code, name in caught.value.message) == ("SOURCE_KIND", True)
    assert "as" in caught.value.hint


def test_I14_no_cut_of_a_workbook_is_anything_but_refused(tmp_path):
    """Wherever a copy broke off."""
    content = workbook(["a", "b"], *[[n, f"text {n}"] for n in range(50)])
    for cut in itertools.islice(range(len(content) - 1), 0, None, 37):
        assert refusal(tmp_path, content[:cut]).code in ("BROKEN_WORKBOOK", "NOT_A_WORKBOOK")


ON_LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
READ = """
import re, sys
sys.path[:0] = {path!r}
from pathlib import Path
from source_making import a_section
from sfsync.errors import SourceError
from sfsync.sources import open_source
def peak():
    # The most memory this program has had; getrusage would count the process that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


before = peak()
rows, code = 0, ""
try:
    for row in open_source(a_section(Path(sys.argv[1]))).rows():
        rows += 1
except SourceError as error:
    code = error.code
print(rows, peak() - before, code)
"""


def cost(path: Path, content: bytes) -> tuple[int, int, str]:
    """How many rows a workbook has, by how many bytes a process grows to read them, and why it stops."""
    path.write_bytes(content)
    here = Path(__file__).resolve()
    program = READ.format(path=[str(here.parent), str(here.parents[3])])
    words = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows, growth, code = f"{done.stdout.rstrip()} ".split(" ")[:3]
    return int(rows), int(growth), code


@ON_LINUX
def test_T19_memory_does_not_grow_with_the_rows(tmp_path):
    """A sheet of 7 MB of XML is read in less than its size."""
    rows = "".join(f"<row><c><v>{n}</v></c>{'<c><v>1234.5678</v></c>' * 8}</row>" for n in range(25_000))
    head = (
        '<row><c t="str"><v>a</v></c>' + "".join(f'<c t="str"><v>b{n}</v></c>' for n in range(8)) + "</row>"
    )
    content = sheet(head + rows)
    found, growth, _ = cost(tmp_path / "x.xlsx", content)
    assert (found, growth < 5_000_000) == (25_000, True), growth


@ON_LINUX
def test_T19_shared_texts_cost_no_more_memory_than_they_have_bytes(tmp_path):
    """Many short texts are one block of bytes, not as many objects; the modules that read them have 3 MB."""
    texts = "".join(f"<si><t>{n}</t></si>" for n in range(300_000))
    part = f'<sst xmlns="{MAIN}"><si><t>a</t></si>{texts}</sst>'
    content = workbook(["a"], ["b"], parts={"xl/sharedStrings.xml": part})
    found, growth, _ = cost(tmp_path / "x.xlsx", content)
    assert (found, growth < 5_000_000 + 0.7 * len(part)) == (1, True), growth / len(part)


@ON_LINUX
def test_T19_a_refused_tag_or_depth_costs_no_memory_to_speak_of(tmp_path):
    """It is refused when it is met, not when it is whole."""
    noise = "".join(str(n) for n in range(2_000_000))
    _, of_tag, tag = cost(tmp_path / "x.xlsx", sheet(f'<row spans="{noise}"/>'))
    _, of_depth, depth = cost(tmp_path / "y.xlsx", sheet("".join(f"<a n='{n}'>" for n in range(300_000))))
    assert (tag, depth) == ("WORKBOOK_REFUSED", "WORKBOOK_REFUSED")
    assert max(of_tag, of_depth) < 8_000_000
