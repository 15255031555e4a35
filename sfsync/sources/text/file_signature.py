"""Says what a file really is when its first bytes are not those of a text: its name may say something else.

Programs save workbooks, web pages and packed files under a name that ends in .csv. Read as text they give
rows that are none, so each is refused by what it is, with what to do.
Sources: the formats' own specifications (PKWARE APPNOTE 4.3.7, RFC 1952, [MS-CFB] 2.2, ISO 32000-1 7.5.2).
"""

from __future__ import annotations

import re
from typing import Final

START_BYTES: Final = 4096
"""How many bytes of a file's start tell what it is."""

_SAVE: Final = (
    "Open it in the program that it is for and save the sheet as CSV UTF-8, or name the real export."
)
_UNPACK: Final = "Unpack it and name the file inside."
_EXPORT: Final = "Export the rows as CSV or JSON Lines."
_PAGE: Final = (
    "Some programs export a web page under the name of a sheet: open it there and save it as CSV UTF-8. "
    "A download may also have brought a login page in place of the file."
)
_SIGNATURES: Final = (
    (b"\x1f\x8b", "packed (gzip)", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (.xls)", _SAVE),
    (b"%PDF-", "a PDF", _EXPORT),
    (b"SQLite format 3\0", "a database (SQLite)", _EXPORT),
    (b"PAR1\x15", "a column file (Parquet)", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", _EXPORT),
    (b"\xfd7zXZ\0", "packed (xz)", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed (zstd)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "packed (7z)", _UNPACK),
    (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook", "a web archive of a workbook (.mht)", _SAVE),
)
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_BZIP2: Final = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_MARKUP: Final = re.compile(
    r"\s*<(?:!doctype\b|html\b|head\b|meta\b|body\b|table\b|style\b|script\b|div\b|\?xml\b|!--)",
    re.IGNORECASE,
)
_XML: Final = re.compile(r"\s*<\?xml\b(?![^>]*>\s*<(?:!doctype\s+html|html)\b)", re.IGNORECASE)


def real_kind(start: bytes, encoding: str) -> tuple[str, str] | None:
    """What a file is, and what to do, when its start shows that it is no text of rows; None = it may be one.

    `encoding` is that of the text, if it is text.
    """
    for signature, what, hint in _SIGNATURES:
        if start.startswith(signature):
            return what, hint
    if start.startswith(_ZIP):
        return _packed(start)
    if _BZIP2.match(start):
        return "packed (bzip2)", _UNPACK
    text = start.decode(encoding, "ignore")
    if not _MARKUP.match(text):
        return None
    return ("an XML document", _SAVE) if _XML.match(text) else ("a web page (HTML)", _PAGE)


def _packed(start: bytes) -> tuple[str, str]:
    if b"mimetypeapplication/vnd.oasis.opendocument" in start:
        return "a spreadsheet (OpenDocument)", _SAVE
    if any(name in start for name in (b"[Content_Types].xml", b"xl/", b"_rels/.rels")):
        return "an Excel workbook (.xlsx)", _SAVE
    return "packed (zip)", _UNPACK
