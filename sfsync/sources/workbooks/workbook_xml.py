"""Reads a workbook's XML as a stream of elements, and refuses what XML can do beyond elements and text.

Document types (and so entities), deep nesting and giant tags are refused when they are met, before anything is
built from them. Only elements of SpreadsheetML and of package relationships have a name here; all others are
"".
Source: ECMA-376, parts 1 (transitional and strict namespaces) and 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from xml.parsers import expat

from sfsync.errors import SourceError

MAX_DEPTH: Final = 64
MAX_TOKEN: Final = 1_000_000
"""The longest tag, in bytes; text comes in pieces and has no such limit."""

_NAMESPACES: Final = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
        "http://schemas.openxmlformats.org/package/2006/relationships",
    }
)
_RELATION_IDS: Final = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)
_MAX_NAMES: Final = 10_000


Start = Callable[[Mapping[str, str]], None]
End = Callable[[], None]


class Elements:
    """What takes up the elements of one part in the order of the file: by local name, what is done when one begins
    (with its attributes) and when it ends. Elements without an entry are passed over.
    """

    def starts(self) -> Mapping[str, Start]:
        """What is done when an element begins."""
        return {}

    def ends(self) -> Mapping[str, End]:
        """What is done when an element ends."""
        return {}

    def text(self, piece: str, /) -> None:
        """A piece of text inside the element that began last."""


def relation_id(attributes: Mapping[str, str]) -> str:
    """The attribute `r:id`, or ""."""
    return next((attributes[each] for each in _RELATION_IDS if each in attributes), "")


def read_xml(pieces: Iterable[bytes], elements: Elements, *, where: str) -> None:
    """Reads a part from its first byte to its last.

    Raises:
        SourceError: it is no well-formed XML, or holds what is refused.
    """
    for _ in stepwise(pieces, elements, where=where):
        pass


def stepwise(pieces: Iterable[bytes], elements: Elements, *, where: str) -> Iterator[None]:
    """The same, with a halt after each piece, so that the caller can take away what was found."""
    reader = _Reader(elements, where)
    for piece in pieces:
        reader.feed(piece)
        yield
    reader.finish()
    yield


class _Reader:
    def __init__(self, elements: Elements, where: str) -> None:
        self._where = where
        self._depth = 0
        self._fed = 0
        self._known = elements.starts(), elements.ends()
        self._starts: dict[str, Start | None] = {}
        self._ends: dict[str, End | None] = {}
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.buffer_size = 1 << 16
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = elements.text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._doctype

    def feed(self, piece: bytes) -> None:
        self._parse(piece, is_last=False)
        self._fed += len(piece)
        if self._fed - self._parser.CurrentByteIndex > MAX_TOKEN:
            raise self._refused(f"a tag is longer than {MAX_TOKEN:,} bytes")

    def finish(self) -> None:
        self._parse(b"", is_last=True)

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise SourceError(
                f"{self._where}: this part of the workbook is no well-formed XML ({error})",
                code="BROKEN_WORKBOOK",
                hint="Open it in a spreadsheet program and save it again as .xlsx.",
            ) from None

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refused(f"its elements are nested more than {MAX_DEPTH} deep")
        try:
            handle = self._starts[name]
        except KeyError:
            handle = self._named(name)
        if handle is not None:
            handle(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        handle = self._ends[name]
        if handle is not None:
            handle()

    def _named(self, name: str) -> Start | None:
        namespace, _, local = name.rpartition(" ")
        if len(self._starts) >= _MAX_NAMES:
            raise self._refused(f"it has more than {_MAX_NAMES:,} kinds of elements")
        starts, ends = self._known
        is_ours = namespace in _NAMESPACES
        self._ends[name] = ends.get(local) if is_ours else None
        self._starts[name] = start = starts.get(local) if is_ours else None
        return start

    def _doctype(self, *_: object) -> None:
        raise self._refused("it declares a document type, as only an attack does")

    def _refused(self, why: str) -> SourceError:
        return SourceError(
            f"{self._where}: the workbook is not read: {why}",
            code="WORKBOOK_REFUSED",
            hint="Open it in a spreadsheet program and save it again as .xlsx.",
        )
