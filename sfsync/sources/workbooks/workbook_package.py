"""Decides whether a workbook's container may be opened at all, and gives its members piece by piece.

A workbook is a ZIP archive of XML parts (ECMA-376, part 2). What the archive's directory says is judged before
a byte is unpacked: how many members, how large, how well packed, what they are called. What is unpacked then is
counted again, because a directory may lie.
Invariants: no member is unpacked as a whole; more than `MAX_UNPACKED` bytes are never unpacked in one pass.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from sfsync.errors import SourceError
from sfsync.sources.file_watch import cannot_open

MAX_FILE: Final = 500_000_000
"""The largest workbook file, in bytes."""

MAX_MEMBERS: Final = 5_000
MAX_UNPACKED: Final = 4_000_000_000
"""How large all members together may be, in bytes; 1,048,576 rows of 30 columns are about 1.5 GB."""

MAX_RATIO: Final = 200
"""How many times larger than packed a member may be; sheets that people have: 5 to 50 (DEFLATE: up to 1,032)."""

FREE_OF_RATIO: Final = 1_000_000
"""A member up to this many bytes may be packed as well as it likes."""

CHUNK: Final = 1 << 16

_ENTRY: Final = b"PK\x01\x02"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PROTECTED: Final = "EncryptedPackage".encode("utf-16-le")
_PACKED_ENDINGS: Final = re.compile(r"\.(zip|xls[xmb]?|docx|pptx|ods|gz|bz2|xz|7z|rar|jar)$", re.IGNORECASE)
_ENCRYPTED: Final = 0x1
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What the library raises of an archive that is damaged; NotImplementedError is a RuntimeError."""

_SAVE_NEW: Final = "Copy the sheet into a new workbook, save it as .xlsx, and name that file."


class Package:
    """The members of one workbook file, opened for one pass; a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MAX_UNPACKED
        _judge_file(path)
        try:
            self._file = path.open("rb")  # ours to close, also while a member is half read
        except OSError as error:
            raise cannot_open(path, error) from None
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._members = _judged(path, self._zip.infolist())
        except _DAMAGE as error:
            self._file.close()
            raise self.broken(f"its directory cannot be read ({error})") from None
        except SourceError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def has(self, name: str) -> bool:
        """Whether there is such a member; case does not count. Source: ECMA-376-2, part names."""
        return name.lower() in self._members

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes in pieces of at most `CHUNK`.

        Raises:
            SourceError: it is missing or damaged, or the pass unpacks more than the directory promised.
        """
        info = self._members.get(name.lower())
        if info is None:
            raise self.broken(f'its part "{name}" is missing')
        with self._reading(name), self._zip.open(info) as member:
            while piece := member.read(CHUNK):
                self._left -= len(piece)
                if self._left < 0:
                    raise _bomb(self._path, f"more than {MAX_UNPACKED:,} bytes come out of it")
                yield piece

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise self.broken(f'its part "{name}" is damaged ({error})') from None

    def broken(self, why: str) -> SourceError:
        """The error that says why the file is no workbook that can be read."""
        return SourceError(
            f"{self._path}: the workbook cannot be read: {why}",
            code="BROKEN_WORKBOOK",
            hint="Open it in a spreadsheet program and save it again as .xlsx.",
        )


def _judge_file(path: Path) -> None:
    """Returns when the file is a ZIP archive of a size and number of entries that may be looked at.

    The entries are counted in the bytes: the library builds an object for each before anybody can ask how many.
    """
    entries, size, tail = 0, 0, b""
    is_protected = False
    try:
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(0)
            while piece := file.read(1 << 20):
                size += len(piece)
                joined = tail + piece
                entries += joined.count(_ENTRY)
                is_protected = is_protected or _PROTECTED in joined
                tail = joined[-3:] if start != _OLE else joined[-len(_PROTECTED) :]
                if size > MAX_FILE or entries > MAX_MEMBERS:
                    break
    except OSError as error:
        raise cannot_open(path, error) from None
    if start == _OLE:
        raise _ole(path, is_protected=is_protected)
    if not start.startswith(b"PK"):
        what = "the file is empty" if size == 0 else "the file is no workbook, whatever its ending says"
        raise SourceError(
            f"{path}: {what}", code="NOT_A_WORKBOOK", hint="Name it by what it is, for example .csv."
        )
    if size > MAX_FILE:
        raise _bomb(path, f"it is larger than {MAX_FILE:,} bytes")
    if entries > MAX_MEMBERS:
        raise _bomb(path, f"it has more than {MAX_MEMBERS:,} members")


def _ole(path: Path, *, is_protected: bool) -> SourceError:
    """A compound file: how Excel writes what has a password, and what it wrote before 2007 ([MS-OFFCRYPTO])."""
    if is_protected:
        return SourceError(
            f"{path}: the workbook is protected by a password",
            code="WORKBOOK_PROTECTED",
            hint="Save a copy without the password (File, Info, Protect Workbook), and name that.",
        )
    return SourceError(
        f"{path}: the file is a workbook of Excel 97-2003 (.xls), whatever its ending says",
        code="SOURCE_KIND",
        hint="Save it as .xlsx and name that file.",
    )


def _judged(path: Path, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The members by their names in small letters, when none of them is what a workbook has no need of."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if ".." in name.split("/") or "\\" in name or name.startswith("/") or "\0" in info.orig_filename:
            raise _refused(path, f"a member is called {name!r}, which leads out of it")
        if info.flag_bits & _ENCRYPTED:
            raise _refused(path, f"its member {name!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refused(path, f"its member {name!r} is packed in a way that no spreadsheet uses")
        if _PACKED_ENDINGS.search(name):
            raise _refused(path, f"it holds another packed file, {name!r}")
        if name.lower() in members:
            raise _refused(path, f"it has two members {name!r}")
        if info.file_size > max(FREE_OF_RATIO, MAX_RATIO * info.compress_size):
            raise _bomb(path, f"its member {name!r} is packed more than {MAX_RATIO} times")
        members[name.lower()] = info
    total = sum(each.file_size for each in infos)
    if total > MAX_UNPACKED:
        raise _bomb(path, f"it would unpack to {total:,} bytes; at most {MAX_UNPACKED:,} are read")
    return members


def _bomb(path: Path, why: str) -> SourceError:
    return SourceError(f"{path}: the workbook is not unpacked: {why}", code="WORKBOOK_BOMB", hint=_SAVE_NEW)


def _refused(path: Path, why: str) -> SourceError:
    return SourceError(f"{path}: the workbook is not opened: {why}", code="WORKBOOK_REFUSED", hint=_SAVE_NEW)
