"""A preset as a value: for each section of a job, the headers by which a known tool names its columns.

A *canonical column* is the name by which a preset's own rules call a column; its *headers* are what exports call it
in the tool's languages and dialects. A header is the same as another when they differ only in case, blanks,
underscores and accents, or in how Unicode spells them; nothing else is taken for the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Final

_ACCENTS: Final = re.compile("[\u0300-\u036f]")
"""Marks of Latin, Greek and Cyrillic letters; those that tell letters of other scripts apart are kept."""

_BLANKS: Final = re.compile(r"[\s_]+")


def words_of(header: str) -> str:
    """The header without case and accents, its words apart by one blank, in one Unicode spelling."""
    apart = unicodedata.normalize("NFD", header.casefold())
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _ACCENTS.sub("", apart))).strip()


def folded(header: str) -> str:
    """The header without case, blanks, underscores and accents, in one Unicode spelling."""
    return words_of(header).replace(" ", "")


@dataclass(frozen=True)
class PresetColumns:
    """What a preset says of the header of one section's file.

    `headers` are those of each canonical column. `required` are the canonical columns without which a file is no
    such export. `ignored` are headers, or patterns with `*`, that are known and left out. `own_fields` are the
    fields whose rules came from the preset, and not from the job; `key_field` is one too, but the file must have
    its column. With `others_are_fields` every further header that is an API name is taken for the field of that
    name. `footer` are patterns of lines behind the last row.
    """

    preset: str
    file: str
    headers: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    own_fields: frozenset[str] = frozenset()
    key_field: str = ""
    others_are_fields: bool = False
    footer: tuple[str, ...] = ()

    @cached_property
    def _by_folded(self) -> Mapping[str, str]:
        return {folded(header): name for name, each in self.headers.items() for header in each}

    def canonical(self, header: str) -> str | None:
        """The canonical column that a header means, or that is named so exactly."""
        return header if header in self.headers else self._by_folded.get(folded(header))

    def ignores(self, header: str) -> bool:
        """Whether the header is known and left out."""
        text = folded(header)
        return any(fnmatchcase(text, folded(each)) for each in self.ignored)

    def found_in(self, columns: Iterable[str]) -> dict[str, list[str]]:
        """The columns of a file by the canonical column that they mean."""
        found: dict[str, list[str]] = {}
        for column in columns:
            name = self.canonical(column)
            if name is not None:
                found.setdefault(name, []).append(column)
        return found


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset: its name, what it is for, and what it says of the header of each section."""

    name: str
    title: str
    file: str
    sections: Mapping[str, PresetColumns] = field(default_factory=dict)

    def section(self, name: str) -> PresetColumns | None:
        """What it says of a section, if anything; "any" stands for every section that it does not name."""
        return self.sections.get(name) or self.sections.get("any")


def header_clashes(headers: Mapping[str, Collection[str]]) -> list[tuple[str, str, str]]:
    """The headers that two canonical columns claim: header, the one column, the other."""
    seen: dict[str, str] = {}
    clashes: list[tuple[str, str, str]] = []
    for name, own in headers.items():
        for header in own:
            first = seen.setdefault(folded(header), name)
            if first != name:
                clashes.append((header, first, name))
    return clashes
