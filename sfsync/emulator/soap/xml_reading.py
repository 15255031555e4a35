"""Reads XML that a stranger sent, into plain nodes, with the standard library's expat.

Safe by refusing: no document type (so no entities of one's own and nothing fetched), and limits on bytes,
elements and depth that no client of the played operations comes near.
"""

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

_XSI_NIL: Final = "http://www.w3.org/2001/XMLSchema-instance nil"
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_MOST_BYTES: Final = 5_242_880
_MOST_ELEMENTS: Final = 50_000
_DEEPEST: Final = 32


class UnreadableXmlError(ValueError):
    """Text that is not XML, or XML that is not taken; the message is for the client."""


@dataclass(slots=True)
class Node:
    """One element: local name, namespace, its own text and the elements in it."""

    name: str
    namespace: str = ""
    text: str = ""
    is_nil: bool = False
    children: list["Node"] = field(default_factory=list)

    def child(self, name: str) -> "Node | None":
        """Return the first element of that local name in this one."""
        return next((each for each in self.children if each.name == name), None)

    def value(self, name: str) -> str | None:
        """Return the text of an element in this one, or None when it is absent, nil or blank."""
        found = self.child(name)
        return None if found is None or found.is_nil else found.text.strip() or None

    def flag(self, name: str) -> bool:
        """Return whether an element in this one says true.

        Raises: UnreadableXmlError when it says neither true nor false.
        """
        text = self.value(name) or "false"
        if text not in _BOOLEANS:
            raise UnreadableXmlError(f"'{text}' is not a valid value for the boolean {name}")
        return _BOOLEANS[text]


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Node, list[str]]] = []
        self._count = 0

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        node = Node(name, namespace, is_nil=_BOOLEANS.get(attributes.get(_XSI_NIL, ""), False))
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST:
            raise UnreadableXmlError("The document has too many or too deeply nested elements")
        if self._open:
            self._open[-1][0].children.append(node)
        else:
            self.root = node
        self._open.append((node, []))

    def end(self, _: str) -> None:
        node, parts = self._open.pop()
        node.text = "".join(parts)

    def text(self, text: str) -> None:
        self._open[-1][1].append(text)

    def doctype(self, *_: object) -> None:
        raise UnreadableXmlError("DOCTYPE is disallowed")


def read_xml(body: bytes) -> Node:
    """Return the root element of a document.

    Raises: UnreadableXmlError.
    """
    if len(body) > _MOST_BYTES:
        raise UnreadableXmlError(f"The document is longer than {_MOST_BYTES} bytes")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        parser.Parse(body, True)  # noqa: FBT003 - the library takes it by place only
    except (expat.ExpatError, LookupError, ValueError) as problem:
        raise UnreadableXmlError(str(problem)) from None
    if builder.root is None:
        raise UnreadableXmlError("Premature end of file.")
    return builder.root
