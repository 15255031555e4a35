"""Deal documents as rows, and the roles inside them as rows too.

A document's raw text is kept, so that a reject is the document as it came. A document that cannot be read is
a problem of its own row; what is wrong with the file as a whole stops it.
Invariants: a role's cells win over its deal's; a role's place is its document's, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sfsync.core.reading.rows import SourceForm, SourceRow, UnreadableRow
from sfsync.core.reports.results import RowRef
from sfsync.sources.cells import OWN_PREFIX, BadRow, cells_of
from sfsync.sources.documents import Document, array_documents, line_documents
from sfsync.sources.text.text_file import TextFile

DEALS = "opportunities"
"""The section whose documents hold roles, and the name under which an object may hold the list of them."""


class DocumentSource:
    """The documents of one file; see `core.reading.rows.RowSource`."""

    def __init__(self, name: str, file: TextFile, *, kind: str, wanted: Collection[str]) -> None:
        self._file = file
        self._kind = kind
        self._wanted = wanted
        self._form = SourceForm(name, file.shown, kind, (), encoding=file.encoding)

    @property
    def form(self) -> SourceForm:
        """The file's own form; documents have no fixed columns."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every document as a row of its scalar members.

        Raises:
            SourceError: the file is not JSON, has no documents, or changed meanwhile.
        """
        for document in _documents(self._file, self._kind, self._form.name):
            ref = _ref(self._form, document)
            try:
                yield SourceRow(ref, cells_of(document.members(), self._wanted), (document.raw,))
            except BadRow as bad:
                yield bad.row(ref, (document.raw,))


class NestedSource:
    """The roles inside deal documents; each knows those members of its deal that name the deal.

    No other member of the deal stands in for one that a role lacks: a deal's own `email` is not its contact's.
    """

    def __init__(
        self, file: TextFile, *, kind: str, member: str, wanted: Collection[str], of_deal: Collection[str]
    ) -> None:
        self._file = file
        self._member = member
        self._wanted = wanted
        self._of_deal = frozenset(of_deal)
        self._form = SourceForm(DEALS, file.shown, kind, (), encoding=file.encoding)

    @property
    def form(self) -> SourceForm:
        """The form of the documents' file, which belongs to the deals."""
        return self._form

    def rows(self) -> Iterator[SourceRow | UnreadableRow]:
        """Every role of every document; a document that cannot be read is the deals' problem.

        Raises:
            SourceError: the file is not JSON, has no documents, or changed meanwhile.
        """
        for document in _documents(self._file, self._form.kind, DEALS):
            ref = _ref(self._form, document)
            try:
                members = document.members()
                cells = cells_of(_without(members, self._member), ())
                deal = {name: cell for name, cell in cells.items() if name in self._of_deal}
            except BadRow:
                continue
            for role in self._roles(members.get(self._member)):
                try:
                    yield SourceRow(ref, {**deal, **cells_of(role.members(), self._wanted)}, (document.raw,))
                except BadRow as bad:
                    yield bad.row(ref, (document.raw,))

    def _roles(self, value: Any) -> Iterator[_Role]:
        if value is None:
            return
        for each in value if isinstance(value, list) else [value]:
            yield _Role(self._member, each if isinstance(value, list) else None)


class _Role:
    """One item of a document's list of roles."""

    def __init__(self, member: str, value: Any) -> None:
        self._member = member
        self._value = value

    def members(self) -> dict[str, Any]:
        """The role's members.

        Raises:
            BadRow: it is no object, or there is no list.
        """
        if isinstance(self._value, dict):
            return self._value
        message = f'"{self._member}" is not a list of objects'
        raise BadRow("BAD_ROLES", message, "Write each role as an object in a list.", column=self._member)


def _documents(file: TextFile, kind: str, name: str) -> Iterator[Document]:
    """Every document of the file, of which there is at least one."""
    document = None
    for document in line_documents(file) if kind == "jsonl" else array_documents(file, name):
        yield document
    file.require_unchanged()
    if document is None:
        raise file.error("SOURCE_EMPTY", "there are no documents in the file", hint="Was the export empty?")


def _ref(form: SourceForm, document: Document) -> RowRef:
    return RowRef(form.name, form.file, document.line, document.ordinal)


def _without(members: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        each: value for each, value in members.items() if each != name and not each.startswith(OWN_PREFIX)
    }
