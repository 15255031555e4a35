"""What a file's bytes come to: whoever finds them as they were need not read its rows."""

from __future__ import annotations

import hashlib

from sfsync.core.reading.source_spec import STANDARD_INPUT, SourceSpec
from sfsync.sources.file_watch import FileWatch, cannot_open

_CHUNK = 1 << 20


def file_digest(spec: SourceSpec) -> str:
    """The digest of a source's file; "" for what is no file.

    Raises:
        SourceError: the file cannot be read, or was changed meanwhile.
    """
    path = spec.path
    if path is None or path == STANDARD_INPUT or spec.kind in ("rows", "database"):
        return ""
    watch, made = FileWatch(path), hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                made.update(chunk)
    except OSError as error:
        raise cannot_open(path, error) from None
    watch.require_unchanged()
    return made.hexdigest()
