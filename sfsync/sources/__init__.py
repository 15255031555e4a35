"""Opens the sources of a job: delimited files, JSON documents, queries of databases, and rows given in Python.

Every kind yields the same rows (`core.reading.rows`): text or plain JSON values with the line they stand on. What a
column means is not known here.
Invariants: every row that is there is yielded once, readable or not; a file that cannot be told apart into
rows stops with a SourceError that names the line; nothing of a file is guessed but its delimiter.
"""

from sfsync.sources.opening import open_source
from sfsync.sources.openings import open_sources
from sfsync.sources.shared_out import shared_out

__all__ = ["open_source", "open_sources", "shared_out"]
