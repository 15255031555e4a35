"""Lays the rules of presets under a job's own: what the file of a known tool means need not be said in the job.

Works on documents, so that what comes of it is checked like a job that says all of it itself.
Invariant: what the job says wins, key by key and field by field; a rule of the job that names no column, text or
constant is laid over the preset's rule, its map word by word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sfsync.core.job import SECTIONS
from sfsync.core.presets.preset import PresetColumns
from sfsync.errors import ConfigError
from sfsync.jobs.mistakes import Mistake
from sfsync.jobs.preset_files import PresetFile, preset_folders, read_preset
from sfsync.jobs.toml_file import TomlFile

_OF_HEADERS: Final = frozenset({"columns", "required", "ignored", "others", "footer", "key", "fields"})
"""Keys of a preset's section that are no keys of a job's section, or are merged by themselves."""

_OF_FILES: Final = frozenset({"delimiter", "encoding"})
"""Keys that say how a file is written: roles that have no file of their own take them from the deals."""

_VALUE_KEYS: Final = frozenset({"column", "compose", "constant"})
_SOURCES_OF_ROLES: Final = ("file", "nested", "listed")
_WITHOUT_HEADER: Final = (".json", ".jsonl", ".ndjson")


@dataclass(slots=True)
class Presets:
    """A job's document with its presets under it, what they say of headers by section, and what is wrong.

    `digests` are those of the presets' files, by section.
    """

    document: dict[str, Any]
    columns: dict[str, PresetColumns] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def with_presets(file: TomlFile, environ: Mapping[str, str]) -> Presets:
    """The job's document with its presets; one that names none is what it was.

    Raises:
        ConfigError: a preset file has mistakes of its own.
    """
    merged = Presets(dict(file.document))
    for name in SECTIONS:
        section = file.document.get(name)
        wanted = section.get("preset") if isinstance(section, Mapping) else None
        if not isinstance(section, Mapping) or not isinstance(wanted, str) or not wanted:
            continue
        try:
            preset = read_preset(wanted, preset_folders(file.path.parent, environ))
        except ConfigError as error:
            if error.code != "NO_SUCH_PRESET":
                raise
            message = f'= "{wanted}" is not there: {error.message}. {error.hint}'
            merged.mistakes.append(Mistake((name, "preset"), message, error.code))
            continue
        _merge(merged, name, section, preset)
    return merged


def _merge(merged: Presets, name: str, section: Mapping[str, Any], preset: PresetFile) -> None:
    known = preset.preset.section(name)
    if known is None:
        said = f'= "{preset.preset.name}" says nothing of {name}, only of {", ".join(preset.preset.sections)}'
        merged.mistakes.append(Mistake((name, "preset"), said))
        return
    if _has_no_header(section):
        message = "needs a file with a header; the documents of a JSON file have none"
        merged.mistakes.append(Mistake((name, "preset"), message))
        return
    under = preset.section(name)
    own = section.get("fields", {})
    if not isinstance(own, Mapping):
        return  # the form says so
    fields = _fields(under.get("fields", {}), own)
    key = section.get("key")
    key_rule = under.get("key") or (key if known.others_are_fields else None)
    key_field = key if isinstance(key, str) and key_rule and not _maps(fields, key) else ""
    if key_field:
        fields = {**fields, key_field: key_rule}
    plain = {each: value for each, value in under.items() if each not in _OF_HEADERS}
    if any(each in section for each in _SOURCES_OF_ROLES):
        plain.pop("listed", None)
    merged.document[name] = {**plain, **section, "fields": fields}
    if isinstance(plain.get("replace"), Mapping) and isinstance(section.get("replace"), Mapping):
        merged.document[name]["replace"] = {**plain["replace"], **section["replace"]}
    if "listed" in merged.document[name]:
        for each in _OF_FILES & plain.keys() - section.keys():
            del merged.document[name][each]
    said_by_job = {each.lower() for each in own}
    from_preset = {each for each in fields if each.lower() not in said_by_job and each != key}
    merged.columns[name] = replace(known, own_fields=frozenset(from_preset), key_field=key_field)
    merged.digests[name] = preset.digest


def _has_no_header(section: Mapping[str, Any]) -> bool:
    file, kind = section.get("file"), section.get("kind")
    return kind in ("json", "jsonl") or (isinstance(file, str) and file.lower().endswith(_WITHOUT_HEADER))


def _maps(fields: Mapping[str, Any], key: str) -> bool:
    return any(each.lower() == key.lower() for each in fields)


def _fields(under: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The rules by field: the job's where it says a value, else laid over the preset's."""
    spelled = {each.lower(): each for each in own}
    fields = {each: rule for each, rule in under.items() if each.lower() not in spelled}
    below = {each.lower(): rule for each, rule in under.items()}
    return fields | {each: _laid_over(below.get(each.lower()), rule) for each, rule in own.items()}


def _laid_over(under: Any, own: Any) -> Any:
    if under is None or not isinstance(own, Mapping) or own.keys() & _VALUE_KEYS:
        return own
    written_out: dict[str, Any] = {"column": under} if isinstance(under, str | list) else dict(under)
    both = written_out | dict(own)
    words, own_words = written_out.get("map"), own.get("map")
    if isinstance(words, Mapping) and isinstance(own_words, Mapping):
        both["map"] = {**words, **own_words}
    if "default" in own or "blank" in own:  # each says what the other one would
        for other in {"default", "blank"} - own.keys():
            both.pop(other, None)
    return both
