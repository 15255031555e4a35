"""A text file in its encoding: what its byte order mark says, else what the job declares, and nothing guessed.

A byte that is no text stops the source by line and byte, and names the key that declares an encoding. Line
ends are given as they are. Source: The Unicode Standard, 23.8 (byte order marks).
"""

from __future__ import annotations

import codecs
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sfsync.errors import ConfigError, SourceError
from sfsync.sources.file_watch import FileWatch, cannot_open

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""UTF-32 stands before UTF-16: the little-endian mark of the one begins with that of the other."""

_HINT: Final = 'Say how the file is written, for example encoding = "cp1252" (Excel on Windows).'
_WIDE: Final = ("utf-16", "utf-32", "utf16", "utf32")


def open_text(path: Path, *, encoding: str, section: str) -> TextFile:
    """The file of a section, looked at but not yet read.

    Raises:
        ConfigError: the encoding is unknown.
        SourceError: the file is missing, or no regular file: a folder, a device or a pipe could hang or never end.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise cannot_open(path, error, section=section) from None
    except ValueError:
        raise SourceError(
            f"{section}: {str(path)!r} is no path", code="SOURCE_MISSING", hint="Correct the path."
        ) from None
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise SourceError(f"{section}: {path} is {what}", code="SOURCE_NOT_A_FILE", hint="Name a file.")
    return TextFile(path, encoding)


class TextFile:
    """One text file, its encoding known; opening it again gives the same text, or `require_unchanged` fails."""

    def __init__(self, path: Path, declared: str) -> None:
        self.path = path
        self._watch = FileWatch(path)
        self.encoding = _encoding(path, declared)

    @property
    def shown(self) -> str:
        """The path as reports show it: from the current folder where it lies below, else in full."""
        try:
            return str(self.path.relative_to(Path.cwd()))
        except (ValueError, OSError):
            return str(self.path)

    def error(self, code: str, message: str, line: int | None = None, *, hint: str = "") -> SourceError:
        """An error of this file, with the line where it is known."""
        where = self.path if line is None else f"{self.path}:{line}"
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

    def _undecodable(self, error: UnicodeError) -> SourceError:
        why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        place = _bad_place(self.path, self.encoding)
        if place is None:
            return self.error("ENCODING", f"the file is not {self.encoding} ({why})", hint=_HINT)
        line, offset = place
        message = f"byte {offset} of the line is not {self.encoding} ({why})"
        return self.error("ENCODING", message, line, hint=_HINT)


def _encoding(path: Path, declared: str) -> str:
    try:
        "".encode(declared)
    except (LookupError, ValueError):
        raise ConfigError(
            f'{path}: "{declared}" is no encoding', code="ENCODING", hint="Say for example cp1252."
        ) from None
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise cannot_open(path, error) from None
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding
    return declared


def _bad_place(path: Path, encoding: str) -> tuple[int, int] | None:
    """Line and byte (both from 1) of the first byte that is no text, for encodings with plain line ends."""
    if encoding.lower().replace("_", "-").startswith(_WIDE):
        return None
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    line = 1
    with path.open("rb") as file:
        for physical in file:
            try:
                physical.decode(plain)
            except UnicodeDecodeError as error:
                before = physical[: error.start]
                return line + before.count(b"\r"), error.start - before.rfind(b"\r")
            lone = physical.count(b"\r") - physical.endswith(b"\r\n")
            line += lone + physical.endswith(b"\n")
    return None
