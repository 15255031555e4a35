"""Which preset a file's header surely fits, and its rules with the columns of that file.

Part of the composition root. Two presets that fit alike are told, and none of them is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.presets.recognition import Recognised
from sfsync.core.suggesting.rules import KnownRule
from sfsync.jobs.preset_files import all_presets, preset_folders
from sfsync.jobs.preset_files import recognised as recognised_presets
from sfsync.jobs.preset_merging import with_presets
from sfsync.jobs.toml_file import TomlFile

_SURE: Final = 0.7
_KEY: Final = "Key__c"
_DEALS: Final = ("opportunities", "any")


@dataclass(frozen=True, slots=True)
class FittedPreset:
    """A preset that fits: its rules with the file's columns, its key column, whether roles come of a list."""

    fit: Recognised
    rules: tuple[KnownRule, ...]
    key: str | None
    has_listed: bool

    @property
    def name(self) -> str:
        """The preset's name."""
        return self.fit.preset


def fitted_preset(
    columns: Iterable[str], describe: SObjectDescribe, *, folder: Path, environ: Mapping[str, str]
) -> tuple[FittedPreset | None, list[str]]:
    """The one preset that surely fits, and what is to be told of those that do not.

    Raises:
        ConfigError: a preset file has mistakes.
    """
    header = list(columns)
    found = recognised_presets(header, job_folder=folder, environ=environ)
    fits = [each for each in found if each.section in _DEALS and not each.missing and each.score >= _SURE]
    if not fits:
        return None, [telling(each) for each in found[:1]]
    if len(fits) > 1 and fits[1].score == fits[0].score:
        return None, [f"{telling(each)}; another one fits as well, so none is taken" for each in fits[:2]]
    return _with_rules(fits[0], header, describe, folder, environ), []


def telling(fit: Recognised) -> str:
    """How well a preset fits, for a person."""
    known = f"{len(fit.matched)} of {len(fit.matched) + len(fit.unmatched)} headers"
    missing = f"; not there: {', '.join(fit.missing)}" if fit.missing else ""
    return f"score {fit.score} for {fit.preset}: it knows {known}{missing}"


def _with_rules(
    best: Recognised, header: list[str], describe: SObjectDescribe, folder: Path, environ: Mapping[str, str]
) -> FittedPreset:
    fields = describe.key_fields()
    key = fields[0].name if len(fields) == 1 else _KEY
    presets = {each.name: each for each in all_presets(preset_folders(folder, environ))}
    document: dict[str, Any] = {
        "opportunities": {"file": "deals.csv", "preset": best.preset, "key": key, "fields": {}}
    }
    if "contact_roles" in presets[best.preset].sections:
        document["contact_roles"] = {"preset": best.preset, "fields": {}}
    merged = with_presets(TomlFile(folder / "job.toml", "the suggestion", "", document), environ)
    columns = merged.columns["opportunities"].found_in(header)
    said = merged.document["opportunities"]["fields"]
    rules = {name: _known_rule(name, rule, columns) for name, rule in said.items()}
    by_key = rules.pop(key, None)
    listed = merged.document.get("contact_roles", {}).get("listed")
    return FittedPreset(
        best,
        tuple(each for each in rules.values() if each.columns),
        by_key.columns[0] if by_key and by_key.columns else None,
        has_listed=isinstance(listed, Mapping) and bool(columns.get(str(listed.get("column")))),
    )


def _known_rule(name: str, rule: Any, columns: Mapping[str, list[str]]) -> KnownRule:
    written = rule if isinstance(rule, Mapping) else {"column": rule}
    named = written.get("column")
    canonical = [named] if isinstance(named, str) else list(named or ())
    own = tuple(found for each in canonical for found in columns.get(each, ())[:1])
    match = written.get("match", ())
    return KnownRule(name, own, written.get("map", {}), (match,) if isinstance(match, str) else tuple(match))
