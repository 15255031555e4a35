"""Finds, reads and checks preset files.

A job's presets are looked for in `presets` beside the job file, then in `presets` of the folder above it and of the
config folder, then among those that come with sfsync; the first file of the name counts.
Invariant: all mistakes of a file are in one error, each with its line; a preset that is returned fits every section
that it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sfsync.core.job import SECTIONS
from sfsync.core.presets.entries import ENTRY_COLUMNS
from sfsync.core.presets.preset import Preset, PresetColumns, header_clashes
from sfsync.core.presets.recognition import Recognised
from sfsync.core.presets.recognition import recognised as recognised_among
from sfsync.core.wording import suggestion
from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder
from sfsync.jobs.job_meaning import rule_mistakes
from sfsync.jobs.listed_form import ListedForm
from sfsync.jobs.mistakes import Mistake, did_you_mean, refusal, shape_mistakes
from sfsync.jobs.preset_form import PresetForm, PresetSectionForm
from sfsync.jobs.rule_form import CreateKeyForm, RuleForm
from sfsync.jobs.toml_file import TomlFile, read_toml

FOLDER: Final = "presets"
ANY: Final = "any"

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_REPOSITORY: Final = _PACKAGE.parent
PACKAGED: Final = (
    _REPOSITORY / "config" / FOLDER if (_REPOSITORY / "pyproject.toml").is_file() else _PACKAGE / FOLDER
)
"""The presets that come with sfsync: config/presets of the repository it runs from, or their copy in the wheel."""

_HINT: Final = "Correct the preset file. `sfsync schema preset` prints every key and what it means."


@dataclass(frozen=True, slots=True)
class PresetFile:
    """A preset as a value, the checked document of its file, and a digest of it."""

    preset: Preset
    document: Mapping[str, Any]
    digest: str

    def section(self, name: str) -> Mapping[str, Any]:
        """The document of a section; empty where the preset says nothing of it."""
        found: Mapping[str, Any] = self.document.get(name) or self.document.get(ANY) or {}
        return found


def preset_folders(job_folder: Path | None, environ: Mapping[str, str] | None = None) -> list[Path]:
    """The folders in which presets are looked for, in order; those that are not there are left out."""
    config = find_config_folder(environ)
    folders = [job_folder / FOLDER, job_folder.parent / FOLDER] if job_folder is not None else []
    folders += [config / FOLDER] if config is not None else []
    return [each for each in dict.fromkeys((*folders, PACKAGED)) if each.is_dir()]


def read_preset(name: str, folders: Sequence[Path]) -> PresetFile:
    """The preset of that name.

    Raises:
        ConfigError: there is none, or its file has mistakes; all of them are listed.
    """
    for folder in folders:
        path = folder / f"{name}.toml"
        if "/" not in name and path.is_file():
            return _read(path)
    known = sorted({each.stem for each in _files(folders)})
    hint = suggestion(name, known) or f"There are: {', '.join(known)}."
    raise ConfigError(f'there is no preset "{name}"', code="NO_SUCH_PRESET", hint=hint)


def all_presets(folders: Sequence[Path]) -> list[Preset]:
    """Every preset that can be named, by name.

    Raises:
        ConfigError: a preset file has mistakes.
    """
    first = {path.stem: path for path in reversed([*_files(folders)])}
    return [_read(first[name]).preset for name in sorted(first)]


def recognised(
    columns: Sequence[str], *, job_folder: Path | None = None, environ: Mapping[str, str] | None = None
) -> list[Recognised]:
    """Which presets a file's header looks like, the best first.

    Raises:
        ConfigError: a preset file has mistakes.
    """
    return recognised_among(columns, all_presets(preset_folders(job_folder, environ)))


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(folder.glob("*.toml"))


def _read(path: Path) -> PresetFile:
    file = read_toml(path)
    mistakes = list(_meaning_mistakes(file.document))
    try:
        form = PresetForm.model_validate(file.document)
    except ValidationError as error:
        raise refusal(file, [*mistakes, *shape_mistakes(error, _model_at)], hint=_HINT) from None
    if mistakes:
        raise refusal(file, mistakes, hint=_HINT)
    sections = {
        name: _columns(file, each) for name in (*SECTIONS, ANY) if (each := getattr(form, name)) is not None
    }
    canonical = json.dumps(form.model_dump(mode="json", by_alias=True), sort_keys=True)
    digest = hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
    return PresetFile(Preset(path.stem, form.title, file.shown, sections), file.document, digest)


def _columns(file: TomlFile, form: PresetSectionForm) -> PresetColumns:
    headers = {
        name: tuple(header for each in dialects.values() for header in each)
        for name, dialects in form.columns.items()
    }
    return PresetColumns(
        preset=file.path.stem,
        file=file.shown,
        headers=headers,
        required=tuple(form.required),
        ignored=tuple(form.ignored),
        others_are_fields=form.others == "fields",
        footer=tuple(form.footer),
    )


def _model_at(path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of the table at a path of a preset file."""
    match path:
        case ():
            return PresetForm
        case (name,) if name in (*SECTIONS, ANY):
            return PresetSectionForm
        case (_, "listed"):
            return ListedForm
        case (_, "key") | (_, "fields", _):
            return RuleForm
        case (_, "fields", _, "create_key"):
            return CreateKeyForm
    return None


def _meaning_mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with the meaning of a preset document; what is of the wrong kind is passed over."""
    sections = [name for name in (*SECTIONS, ANY) if isinstance(document.get(name), Mapping)]
    if not sections:
        yield Mistake((), "the preset has no section; give at least one", "MISSING_KEY")
    for name in sections:
        yield from _section_mistakes(name, document[name])


def _section_mistakes(name: str, section: Mapping[str, Any]) -> Iterator[Mistake]:
    columns = section.get("columns")
    headers = {each: list(_texts(of)) for each, of in columns.items()} if isinstance(columns, Mapping) else {}
    for header, first, second in header_clashes(headers):
        yield Mistake(
            (name, "columns", second), f'claims the header "{header}", which means "{first}" already'
        )
    required = section.get("required")
    for each in required if isinstance(required, list) else ():
        if isinstance(each, str) and each not in headers:
            message = f'names "{each}", which is no canonical column{did_you_mean(each, headers)}'
            yield Mistake((name, "required"), message)
    fields = section.get("fields")
    rules = dict(fields) if isinstance(fields, Mapping) else {}
    if section.get("others") != "fields":
        own = _entry_columns(section.get("listed"))
        yield from _strange_columns(name, rules, {*headers, *own})
    yield from rule_mistakes(name, rules)


def _strange_columns(name: str, rules: Mapping[str, Any], known: set[str]) -> Iterator[Mistake]:
    for field, rule in rules.items():
        named = rule.get("column") if isinstance(rule, Mapping) else rule
        for column in _texts(named):
            if column not in known:
                message = f'reads "{column}", which is no canonical column{did_you_mean(column, known)}'
                yield Mistake((name, "fields", field), message)


def _entry_columns(listed: object) -> tuple[str, ...]:
    return ENTRY_COLUMNS if isinstance(listed, Mapping) else ()


def _texts(raw: object) -> Iterator[str]:
    """All texts in a text, a list of them, or a table of such."""
    if isinstance(raw, str):
        yield raw
    elif isinstance(raw, list):
        yield from (each for each in raw if isinstance(each, str))
    elif isinstance(raw, Mapping):
        for each in raw.values():
            yield from _texts(each)
