"""A text file in its encoding: what its byte order mark says, else what the job declares, and nothing guessed.

A byte that is no text stops the source by line and byte, and shows how the line would read in the likeliest
code pages, each with the setting that says so. A file that is no text of rows at all is refused by what it
is. Line ends are given as they are. Source: The Unicode Standard, 23.8 (byte order marks).
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sfsync.core.reading.source_spec import STANDARD_INPUT, STANDARD_INPUT_SHOWN
from sfsync.errors import ConfigError, SourceError
from sfsync.sources.file_watch import FileWatch, cannot_open, require_regular, shown_path
from sfsync.sources.standard_input import spooled
from sfsync.sources.text.encoding_advice import encoding_advice, unmarked_utf_16
from sfsync.sources.text.file_signature import START_BYTES, real_kind

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 stands before UTF-16: the little-endian mark of the one begins with that of the other."""


_BIG_ENDIAN_MARKS: Final = {"utf-16": codecs.BOM_UTF16_BE, "utf-32": codecs.BOM_UTF32_BE}

_NO_MARK: Final[tuple[bytes, ...]] = ()


def open_text(path: Path, *, encoding: str, section: str) -> TextFile:
    """The file of a section, looked at but not yet read; standard input is read to its end.

    Raises:
        ConfigError: the encoding is unknown.
        SourceError: the file is missing, no text, or no regular file: a folder, a device or a pipe could hang or
            never end.
    """
    if path == STANDARD_INPUT:
        return TextFile(spooled(), encoding, shown=STANDARD_INPUT_SHOWN)
    require_regular(path, section=section)
    return TextFile(path, encoding)


class TextFile:
    """One text file, its encoding known; opening it again gives the same text, or `require_unchanged` fails.

    Text behind `written_mark`, encoded in `written_encoding`, is a file of the same form.
    """

    def __init__(self, path: Path, declared: str, *, shown: str = "") -> None:
        self.path = path
        self.name = shown or str(path)
        self._shown = shown
        self._watch = FileWatch(path)
        start = _start(path)
        marked = next((name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark)), None)
        self.encoding = marked or _known_encoding(self.name, declared)
        self.written_encoding, self.written_mark = self.encoding, ""
        if start.startswith(_BIG_ENDIAN_MARKS.get(self.encoding, _NO_MARK)):
            # by "utf-16" Python writes the machine's own order of bytes
            self.written_encoding, self.written_mark = f"{self.encoding}-be", "\ufeff"
        self._refuse_other_kinds(start, is_marked=marked is not None)

    @property
    def shown(self) -> str:
        """The path as reports show it: from the current folder where it lies below, else in full."""
        return self._shown or shown_path(self.path)

    def error(self, code: str, message: str, line: int | None = None, *, hint: str = "") -> SourceError:
        """An error of this file, with the line where it is known."""
        where = self.name if line is None else f"{self.name}:{line}"
        return SourceError(f"{where}: {message}", code=code, hint=hint)

    def lines(self) -> Iterator[str]:
        """The lines, each with its end as it is written; they end at CR, LF or both.

        Raises:
            SourceError: the file cannot be opened or read on, or a byte is no text.
        """
        with self.opened() as text:
            yield from text

    def text(self, *, max_chars: int) -> str:
        """The whole text.

        Raises:
            SourceError: it is longer than that, or cannot be read.
        """
        with self.opened() as text:
            content = text.read(max_chars + 1)
        if len(content) > max_chars:
            what = f"the file is longer than {max_chars:,} characters"
            raise self.error("TOO_LARGE", what, hint="Write it as JSON Lines, which are read line by line.")
        return content

    def require_unchanged(self) -> None:
        """Returns when the file is still the one that was opened first.

        Raises:
            SourceError: it was changed, replaced or taken away.
        """
        self._watch.require_unchanged()

    @contextmanager
    def opened(self) -> Iterator[io.TextIOWrapper]:
        """The file's text from the start, line ends as they are.

        Raises:
            SourceError: the file cannot be opened or read on, or a byte is no text.
        """
        try:
            with self.path.open(encoding=self.encoding, newline="") as text:
                yield text
        except UnicodeError as error:
            raise self._undecodable(error) from None
        except OSError as error:
            raise cannot_open(self.path, error) from None

    def _refuse_other_kinds(self, start: bytes, *, is_marked: bool) -> None:
        found = real_kind(start, self.encoding)
        if found is not None:
            what, hint = found
            raise self.error("SOURCE_KIND", f"the file is {what}, whatever its name says", hint=hint)
        unmarked = None if is_marked else unmarked_utf_16(start)
        if unmarked is not None and codecs.lookup(self.encoding).name != unmarked:
            what = f"the file is {unmarked.upper()} without a byte order mark, not {self.encoding}"
            hint = f'Say encoding = "{unmarked}" in the job, --encoding {unmarked} in an import.'
            raise self.error("ENCODING", what, 1, hint=hint)

    def _undecodable(self, error: UnicodeError) -> SourceError:
        why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        place, hint = encoding_advice(self.path, self.encoding)
        if place is None:
            return self.error("ENCODING", f"the file is not {self.encoding} ({why})", hint=hint)
        line, offset = place
        message = f"byte {offset} of the line is not {self.encoding} ({why})"
        return self.error("ENCODING", message, line, hint=hint)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(START_BYTES)
    except OSError as error:
        raise cannot_open(path, error) from None


def _known_encoding(name: str, declared: str) -> str:
    try:
        "".encode(declared)
        b"a".decode(declared, "ignore")  # idna and its like are no encodings of files, and cannot skip a byte
    except (LookupError, ValueError):
        raise ConfigError(
            f'{name}: "{declared}" is no encoding', code="ENCODING", hint="Say for example cp1252."
        ) from None
    return declared
