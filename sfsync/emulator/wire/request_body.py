"""Reads the body of a request: by length or in chunks, whole or not at all, and undoes its compression.

The size limit holds twice: for what comes over the wire, and for what comes out of the compression, where
the output is cut off at the limit before it is held in memory.
Invariant: a body that did not arrive whole is never handed on.
Source: REST API Developer Guide, Compression: gzip and deflate [D]; RFC 9112 for the framing.
"""

import re
import zlib
from email.message import Message
from io import BufferedIOBase
from typing import Final

from sfsync.emulator.errors import ApiError

_MOST_LINE_BYTES: Final = 16_384
_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_CHUNK_LENGTH: Final = re.compile(rb"[0-9A-Fa-f]{1,8}")
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS
_RAW_BITS: Final = -zlib.MAX_WBITS


def read_body(stream: BufferedIOBase, headers: Message, *, most_bytes: int) -> bytes:
    """Return the body that follows the headers, in plain form.

    Raises: ApiError 400 for a body that is broken, 413 for more than `most_bytes` before or after
    decompression, 415 for another compression; ConnectionAbortedError when the client left in the middle.
    """
    length = announced_length(headers, most_bytes=most_bytes)
    whole = _read_chunks(stream, most_bytes=most_bytes) if length is None else _read_exactly(stream, length)
    return _decompressed(whole, headers.get("Content-Encoding", ""), most_bytes=most_bytes)


def announced_length(headers: Message, *, most_bytes: int) -> int | None:
    """Return the announced length of the body; None when it comes in chunks.

    Raises: ApiError 400 for headers that contradict themselves, 413 for a body that is too large.
    """
    lengths, codings = headers.get_all("Content-Length", []), headers.get_all("Transfer-Encoding", [])
    if codings:
        if [coding.strip().lower() for coding in codings] != ["chunked"] or lengths:
            raise ApiError(400, "INVALID_HTTP_HEADER", "Transfer-Encoding is not only chunked")
        return None
    if len(set(lengths)) > 1 or not all(_LENGTH.fullmatch(each) for each in lengths):
        raise ApiError(400, "INVALID_HTTP_HEADER", "Content-Length is not one number")
    length = int(lengths[0]) if lengths else 0
    if length > most_bytes:
        raise _too_large(most_bytes)
    return length


def _read_chunks(stream: BufferedIOBase, *, most_bytes: int) -> bytes:
    body = bytearray()
    while size := _chunk_length(stream):
        if len(body) + size > most_bytes:
            raise _too_large(most_bytes)
        body += _read_exactly(stream, size)
        if _read_line(stream).strip():
            raise _broken("chunked")
    while _read_line(stream).strip():
        pass
    return bytes(body)


def _chunk_length(stream: BufferedIOBase) -> int:
    digits = _read_line(stream).split(b";")[0].strip()
    if not _CHUNK_LENGTH.fullmatch(digits):
        raise _broken("chunked")
    return int(digits, 16)


def _read_exactly(stream: BufferedIOBase, length: int) -> bytes:
    body = stream.read(length)
    if len(body) < length:
        raise _gone()
    return body


def _read_line(stream: BufferedIOBase) -> bytes:
    line = stream.readline(_MOST_LINE_BYTES)
    if not line.endswith(b"\n"):
        raise _gone()
    return line


def _decompressed(body: bytes, encoding: str, *, most_bytes: int) -> bytes:
    """Return the body in plain form.

    Raises: ApiError 415 for another encoding, 413 when more than `most_bytes` come out, 400 for a body that
    is broken.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            bits = _GZIP_BITS
        case "deflate":
            # Some senders mean the bare stream by "deflate"; a zlib header can be told by its checksum.
            bits = zlib.MAX_WBITS if _has_zlib_header(body) else _RAW_BITS
        case other:
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding '{other}' is not supported")
    try:
        return _inflated(body, bits, most_bytes=most_bytes)
    except zlib.error:
        raise _broken("compressed") from None


def _inflated(body: bytes, bits: int, *, most_bytes: int) -> bytes:
    """Return what the streams of a body, one behind the other, unfold to."""
    parts: list[bytes] = []
    left = most_bytes
    while body:
        stream = zlib.decompressobj(bits)
        parts.append(stream.decompress(body, left + 1))
        left -= len(parts[-1])
        if left < 0:
            raise _too_large(most_bytes)
        if not stream.eof:
            raise _broken("compressed")
        body = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] * 256 + body[1]) % 31 == 0


def _gone() -> ConnectionAbortedError:
    return ConnectionAbortedError("the client went away in the middle of a request")


def _too_large(most_bytes: int) -> ApiError:
    return ApiError(413, "EXCEEDED_MAX_SIZE_REQUEST", f"The request is larger than {most_bytes:,} bytes")


def _broken(what: str) -> ApiError:
    return ApiError(400, "INVALID_HTTP_BODY", f"The {what} body is broken")
