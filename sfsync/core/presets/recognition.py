"""Which presets a file's header looks like. The score is evidence for a person; nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sfsync.core.presets.preset import Preset, PresetColumns
from sfsync.core.sobject import is_api_name


@dataclass(frozen=True, slots=True)
class Recognised:
    """How well a header fits what a preset says of a section.

    `score` is 0 to 1: half of it is how many of the file's columns the preset knows, half how many of the columns
    that it requires are there. `matched` are the file's columns with the canonical column that each means, "" for
    one that is known and left out, its own name for one that is a field's; `unmatched` are the columns that the
    preset does not know, `missing` the required canonical columns that the file does not have.
    """

    preset: str
    section: str
    score: float
    matched: Mapping[str, str]
    unmatched: tuple[str, ...]
    missing: tuple[str, ...] = ()


def recognised(columns: Sequence[str], presets: Iterable[Preset]) -> list[Recognised]:
    """What the header may be, the best first; presets that know no column that they name are left out.

    Each preset is named once for each kind of rows that the header has all required columns of, else once for the
    section that it fits best.
    """
    found: list[Recognised] = []
    for preset in presets:
        fits = [_fit(preset.name, name, each, columns) for name, each in preset.sections.items()]
        fits = sorted((each for each in fits if _is_named(each, preset.sections[each.section])), key=_order)
        whole = [each for each in fits if not each.missing]
        found += whole or fits[:1]
    return sorted(found, key=_order)


def _fit(preset: str, section: str, known: PresetColumns, columns: Sequence[str]) -> Recognised:
    matched: dict[str, str] = {}
    for column in columns:
        name = known.canonical(column)
        if name is not None:
            matched[column] = name
        elif known.ignores(column):
            matched[column] = ""
        elif known.others_are_fields and is_api_name(column):
            matched[column] = column
    missing = tuple(each for each in known.required if each not in matched.values())
    of_file = len(matched) / len(columns) if columns else 0.0
    of_required = 1 - len(missing) / len(known.required) if known.required else of_file
    unmatched = tuple(each for each in columns if each not in matched)
    return Recognised(preset, section, round((of_file + of_required) / 2, 3), matched, unmatched, missing)


def _is_named(fit: Recognised, known: PresetColumns) -> bool:
    """Whether one of the columns is the preset's own, and not just any field's."""
    return any(name in known.headers for name in fit.matched.values())


def _order(each: Recognised) -> tuple[bool, float, int, str, str]:
    return bool(each.missing), -each.score, -len(each.matched), each.preset, each.section
