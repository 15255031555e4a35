"""What a workbook says beside its sheets: their names, the date system, which number formats are dates, shared
texts.

Source: ECMA-376-1, 18.2 (workbook), 18.4 (shared strings), 18.8 (styles; 18.8.30: the built-in number formats).
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import unquote

from sfsync.sources.workbooks.workbook_package import Package
from sfsync.sources.workbooks.workbook_xml import Elements, End, Start, read_xml, relation_id

MAX_SHARED: Final = 300_000_000
"""How many bytes the shared texts of a workbook may have together."""

MAX_TEXT: Final = 1_000_000
"""The longest text of a cell, in characters; Excel's own longest is 32,767."""

MAX_SHEETS: Final = 2_000
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")
_TRUE: Final = frozenset({"1", "true", "on"})


class Looks(Enum):
    """As what a cell's number format shows its number."""

    NUMBER = "number"
    PERCENT = "percent"
    DATE = "date"
    TIME = "time"
    LENGTH = "length of time"


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One sheet: its name and the member that holds it."""

    name: str
    member: str
    is_visible: bool


class SharedTexts:
    """The workbook's shared texts by number, kept as one block of bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])  # `MAX_SHARED` fits

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, text: str) -> None:
        """Keeps one more text."""
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self):
            raise IndexError(number)
        kept = self._bytes[self._ends[number] : self._ends[number + 1]]
        return kept.decode("utf-8", "surrogatepass")

    @property
    def size(self) -> int:
        """How many bytes they have together."""
        return len(self._bytes)


@dataclass(slots=True)
class Workbook:
    """The sheets in their order, and what cells need; `looks` and `zeros` go by the number of a style."""

    sheets: list[SheetPart] = field(default_factory=list)
    since_1904: bool = False
    must_recalculate: bool = False
    looks: dict[str, Looks] = field(default_factory=dict)
    zeros: dict[str, int] = field(default_factory=dict)
    texts: SharedTexts = field(default_factory=SharedTexts)


def unescaped(text: str) -> str:
    """Text with `_x000D_` as the character that it stands for. Source: ECMA-376-1, 22.9.2.19 (ST_Xstring)."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def is_true(text: str | None) -> bool:
    """Whether an attribute says yes. Source: ECMA-376-1, 22.9.2.1 (ST_OnOff)."""
    return text in _TRUE


def read_workbook(package: Package, *, where: str) -> Workbook:
    """Everything but the sheets themselves.

    Raises:
        SourceError: a part is missing, broken or refused.
    """
    relations = _relations(package, "_rels/.rels", base="", where=where)
    main = next((each.target for each in relations.values() if each.kind == "officeDocument"), "")
    if not main.lower().endswith(".xml"):
        raise package.broken("it says of no part that it is the workbook; is it an .xlsb or .ods file?")
    folder, _, name = main.rpartition("/")
    related = _relations(package, f"{folder}/_rels/{name}.rels".lstrip("/"), base=folder, where=where)
    reader = _WorkbookReader()
    read_xml(package.chunks(main), reader, where=f"{where} ({main})")
    book = reader.book
    if len(reader.found) > MAX_SHEETS:
        raise package.broken(f"it has more than {MAX_SHEETS:,} sheets")
    for sheet, relation, is_visible in reader.found:
        part = related.get(relation)
        if part is not None and part.kind == "worksheet":
            book.sheets.append(SheetPart(sheet, part.target, is_visible))
    for part in related.values():
        if part.kind == "styles":
            styles = _StylesReader()
            read_xml(package.chunks(part.target), styles, where=f"{where} ({part.target})")
            book.looks, book.zeros = styles.looks(), styles.zeros()
        elif part.kind == "sharedStrings" and package.has(part.target):
            texts = _TextsReader(book.texts, package)
            read_xml(package.chunks(part.target), texts, where=f"{where} ({part.target})")
    return book


@dataclass(frozen=True, slots=True)
class _Relation:
    kind: str
    target: str


class _RelationsReader(Elements):
    def __init__(self, base: str) -> None:
        self._base = base
        self.found: dict[str, _Relation] = {}

    def starts(self) -> Mapping[str, Start]:
        return {"Relationship": self._relation}

    def _relation(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("TargetMode") == "External":
            return
        target = unquote(attributes.get("Target", ""))
        path = posixpath.normpath(posixpath.join("/", self._base, target)).lstrip("/")
        self.found[attributes.get("Id", "")] = _Relation(attributes.get("Type", "").rpartition("/")[2], path)


def _relations(package: Package, member: str, *, base: str, where: str) -> dict[str, _Relation]:
    reader = _RelationsReader(base)
    read_xml(package.chunks(member), reader, where=f"{where} ({member})")
    return reader.found


class _WorkbookReader(Elements):
    def __init__(self) -> None:
        self.book = Workbook()
        self.found: list[tuple[str, str, bool]] = []

    def starts(self) -> Mapping[str, Start]:
        return {"sheet": self._sheet, "workbookPr": self._properties, "calcPr": self._calculation}

    def _sheet(self, attributes: Mapping[str, str]) -> None:
        is_visible = attributes.get("state", "visible") == "visible"
        self.found.append((unescaped(attributes.get("name", "")), relation_id(attributes), is_visible))

    def _properties(self, attributes: Mapping[str, str]) -> None:
        self.book.since_1904 = is_true(attributes.get("date1904"))

    def _calculation(self, attributes: Mapping[str, str]) -> None:
        self.book.must_recalculate = is_true(attributes.get("fullCalcOnLoad"))


class _TextsReader(Elements):
    """Each `si` is one text: its own `t`, or those of its runs; how it is pronounced (`rPh`) is left out."""

    def __init__(self, texts: SharedTexts, package: Package) -> None:
        self._texts = texts
        self._package = package
        self._pieces: list[str] = []
        self._is_text = False
        self._is_sound = False
        self._length = 0

    def starts(self) -> Mapping[str, Start]:
        return {"si": self._begin, "rPh": self._begin_sound, "t": self._begin_text}

    def ends(self) -> Mapping[str, End]:
        return {"si": self._end, "rPh": self._end_sound, "t": self._end_text}

    def text(self, piece: str, /) -> None:
        if self._is_text:
            self._length += len(piece)
            if self._length > MAX_TEXT:
                raise self._package.broken(f"a text is longer than {MAX_TEXT:,} characters")
            self._pieces.append(piece)

    def _begin(self, _attributes: Mapping[str, str]) -> None:
        self._pieces, self._length = [], 0

    def _begin_sound(self, _attributes: Mapping[str, str]) -> None:
        self._is_sound = True

    def _begin_text(self, _attributes: Mapping[str, str]) -> None:
        self._is_text = not self._is_sound

    def _end_text(self) -> None:
        self._is_text = False

    def _end_sound(self) -> None:
        self._is_sound = False

    def _end(self) -> None:
        self._texts.add(unescaped("".join(self._pieces)))
        if self._texts.size > MAX_SHARED:
            raise self._package.broken(f"its texts have more than {MAX_SHARED:,} bytes")


class _StylesReader(Elements):
    def __init__(self) -> None:
        self._formats: dict[str, str] = {}
        self._used: list[str] = []
        self._is_cell_formats = False

    def starts(self) -> Mapping[str, Start]:
        return {"numFmt": self._format, "cellXfs": self._begin_cell_formats, "xf": self._style}

    def ends(self) -> Mapping[str, End]:
        return {"cellXfs": self._end_cell_formats}

    def _format(self, attributes: Mapping[str, str]) -> None:
        self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")

    def _begin_cell_formats(self, _attributes: Mapping[str, str]) -> None:
        self._is_cell_formats = True

    def _end_cell_formats(self) -> None:
        self._is_cell_formats = False

    def _style(self, attributes: Mapping[str, str]) -> None:
        if self._is_cell_formats:
            self._used.append(attributes.get("numFmtId", "0"))

    def looks(self) -> dict[str, Looks]:
        """How each style of a cell, by its number, shows a number."""
        known: dict[str, Looks] = {}
        for each in self._used:
            if each not in known:
                code = self._formats.get(each)
                known[each] = _BUILT_IN.get(each, Looks.NUMBER) if code is None else looks_of(code)
        return {str(number): known[each] for number, each in enumerate(self._used)}

    def zeros(self) -> dict[str, int]:
        """How many digits a style shows at least, by its number, where zeros lead as in ids: `00000` is 5."""
        widths = {each: len(code) for each, code in self._formats.items() if _LED_BY_ZEROS.fullmatch(code)}
        return {str(number): widths[each] for number, each in enumerate(self._used) if each in widths}


_BUILT_IN: Final[Mapping[str, Looks]] = {
    **dict.fromkeys(("9", "10"), Looks.PERCENT),
    **dict.fromkeys(map(str, (14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 59))), Looks.DATE),
    **dict.fromkeys(map(str, (18, 19, 20, 21, *range(32, 36), 45, 47)), Looks.TIME),
    "46": Looks.LENGTH,
}
"""27-36 and 50-58 are dates and times of the East Asian languages."""

_LITERAL: Final = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]?', re.IGNORECASE | re.DOTALL)
_LED_BY_ZEROS: Final = re.compile("0{2,255}")
_GENERAL: Final = re.compile("general", re.IGNORECASE)


def looks_of(code: str) -> Looks:
    """How a number format shows a number, by its letters outside quotes, escapes and brackets.

    Source: ECMA-376-1, 18.8.31.
    """
    bare = _GENERAL.sub("", _LITERAL.sub("", code).partition(";")[0]).lower()
    if "y" in bare or "d" in bare:
        return Looks.DATE
    if "[" in bare:
        return Looks.LENGTH
    if "h" in bare or "s" in bare:
        return Looks.TIME
    if "m" in bare:
        return Looks.DATE
    return Looks.PERCENT if "%" in bare else Looks.NUMBER
