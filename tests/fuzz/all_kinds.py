"""All kinds of files, by name."""

from __future__ import annotations

import book_kinds
import cell_kinds
import damaged_kinds
import database_kinds
import delimited_kinds
import document_kinds
import encoding_kinds
import parquet_kinds
from written_files import KINDS

MODULES = (
    encoding_kinds,
    delimited_kinds,
    damaged_kinds,
    document_kinds,
    book_kinds,
    parquet_kinds,
    database_kinds,
    cell_kinds,
)
"""The modules that hold the kinds; importing one makes its functions kinds."""

NAMES = tuple(KINDS)
