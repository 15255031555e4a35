"""Bodies that lie on disk: one that is sent from there, and one that is taken there as it comes.

Both are files without a name, which only this process can open and which end with it, also when it is killed.
Invariants: a sent body is hashed as it is read, so that one that changed under way is noticed; a taken one never
holds a secret, not even one that was cut by two chunks; nothing is read past the deadline of the call.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from sfsync.core.org_jobs import no_room
from sfsync.salesforce.repeated_secrets import longest_spelling, without

MOST_SPOOLED_BYTES: Final = 2 * 1024**3
"""No file of results comes near: a job takes 100 MB, and a page of a query job is asked for by its rows."""

SLOWEST_BYTES_PER_S: Final = 250_000
"""The line that a large body must fit through: 2 Mbit/s. The deadline of its call grows by as much."""

_BLOCK_BYTES: Final = 64 * 1024


def private_file() -> IO[bytes]:
    """A temporary file without a name.

    Raises:
        SyncError: there is no place for it.
    """
    try:
        return tempfile.TemporaryFile("w+b", buffering=_BLOCK_BYTES, prefix="sfsync-")
    except OSError as error:
        raise no_room(error) from None


def time_for(size: int) -> float:
    """The seconds by which a call may take longer because of its size."""
    return size / SLOWEST_BYTES_PER_S


class FileBody:
    """A body of known length that is read from a file; each sending begins at its start."""

    def __init__(self, file: IO[bytes], size: int, digest: str) -> None:
        self._file = file
        self.size = size
        self._digest = digest
        self._sending: Sending | None = None

    def begin(self, deadline_s: float) -> Sending:
        """What is given to the HTTP library for one sending."""
        self._sending = Sending(self._file, self.size, deadline_s)
        return self._sending

    @property
    def was_sent_whole(self) -> bool:
        """Whether the last sending read every byte, and the bytes are still those that were written."""
        return self._sending is not None and self._sending.digest == self._digest


class Sending:
    """One reading of a body; it has a length, so that it goes with a Content-Length and in no chunks."""

    def __init__(self, file: IO[bytes], size: int, deadline_s: float) -> None:
        file.flush()
        self._file = _FromStart(file)
        self._size = self._left = size
        self._deadline_s = deadline_s
        self._hash = hashlib.blake2b(digest_size=16)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(_BLOCK_BYTES), b"")

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none past the size that was announced.

        Raises:
            TimeoutError: the deadline has passed.
        """
        if time.monotonic() > self._deadline_s:
            raise TimeoutError("the deadline of the call has passed")
        block = self._file.read(self._left if size < 0 else min(size, self._left)) or b""
        self._left -= len(block)
        self._hash.update(block)
        return block

    @property
    def digest(self) -> str:
        """The hash of what was read so far."""
        return self._hash.hexdigest()


class Spool:
    """Takes the body of a good answer; `headers` are those of the answer that it holds."""

    def __init__(self) -> None:
        self._file = private_file()
        self.headers: Mapping[str, str] = {}

    def take(
        self, chunks: Iterable[bytes], headers: Mapping[str, str], secrets: Sequence[bytes], deadline_s: float
    ) -> bool:
        """Holds a body from now on, and no other; False when it is larger or slower than it may be."""
        self._file.seek(0)
        self._file.truncate()
        self.headers = headers
        size = 0
        for chunk in _scrubbed(chunks, secrets):
            size += len(chunk)
            if size > MOST_SPOOLED_BYTES or time.monotonic() > deadline_s:
                return False
            try:
                self._file.write(chunk)
            except OSError as error:
                raise no_room(error) from None
        return True

    def lines(self) -> Iterator[str]:
        """The body as text, in pieces that end with a line feed, from its start.

        Raises:
            UnicodeDecodeError: it is no UTF-8.
        """
        return text_lines(self._file)

    def last_byte(self) -> bytes:
        """The end of the body; nothing where it is empty."""
        self._file.seek(0, os.SEEK_END)
        return os.pread(self._file.fileno(), 1, self._file.tell() - 1) if self._file.tell() else b""

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


class _FromStart(io.RawIOBase):
    """Reads a file from its start, whatever else is done with it meanwhile."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self._file.fileno(), len(buffer), self._place)
        buffer[: len(block)] = block
        self._place += len(block)
        return len(block)


def text_lines(file: IO[bytes]) -> Iterator[str]:
    """A file's text from its start, in pieces that end with a line feed.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
    """
    file.flush()
    reader = io.BufferedReader(_FromStart(file), _BLOCK_BYTES)
    return iter(io.TextIOWrapper(reader, encoding="utf-8", newline="\n"))


def _scrubbed(chunks: Iterable[bytes], secrets: Sequence[bytes]) -> Iterator[bytes]:
    """The chunks without the secrets; what could be the beginning of one is held back until more has come."""
    keep = max(longest_spelling(secrets) - 1, 0)
    held = b""
    for chunk in chunks:
        held = without(held + chunk, secrets)
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    yield held


def spooled(response: Any, spool: Spool, secrets: Sequence[bytes], deadline_s: float) -> bool:
    """Takes the body of a response of `requests` into the spool; False when it may not be taken."""
    return spool.take(response.iter_content(_BLOCK_BYTES), dict(response.headers), secrets, deadline_s)
