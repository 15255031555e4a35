"""What the connection must know of an address before it reads a request or sends the reply.

Source: REST API Developer Guide, Compression Headers [D]; Bulk API 2.0 Guide, Limits [D]: 150 MB of data a
job after base64, which is 112.5 MB as sent; responses compressed for `Accept-Encoding: gzip` exactly. The
limit of other bodies is the one documented for SOAP.
"""

import re
from dataclasses import dataclass
from typing import Final

_BULK: Final = re.compile(r"/services/data/v\d\d\.0/jobs/", re.IGNORECASE)
_UPLOAD: Final = re.compile(r"/services/data/v\d\d\.0/jobs/ingest/[^/]+/batches/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Terms:
    """The size of the largest body taken, and whether only the plain word gzip is heard."""

    most_body_bytes: int = 52_428_800
    gzip_only_exactly: bool = False


ORDINARY: Final = Terms()
_BULK_CALL: Final = Terms(gzip_only_exactly=True)
_BULK_UPLOAD: Final = Terms(most_body_bytes=150_000_000 * 3 // 4, gzip_only_exactly=True)


def terms_of(method: str, path: str) -> Terms:
    """Return the terms of a call."""
    if not _BULK.match(path):
        return ORDINARY
    if method == "PUT" and _UPLOAD.fullmatch(path.partition("?")[0]):
        return _BULK_UPLOAD
    return _BULK_CALL
