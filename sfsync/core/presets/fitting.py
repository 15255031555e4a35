"""Fits a section with a preset to the header of its file: canonical columns become the file's own.

A column of the file that is named exactly is taken as it is; else the header that means the same canonical column.
The preset's own rules go where the file lacks their columns; the job's own rules stay, so that a missing column is
told. Pure: the header comes from an opened source, or from a saved plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.plans.plan import SourceImage
from sfsync.core.presets.entries import ENTRY_COLUMNS
from sfsync.core.presets.likeness import most_alike
from sfsync.core.presets.preset import PresetColumns
from sfsync.core.reading.mapping import PLACE
from sfsync.core.reading.rows import RowSource
from sfsync.core.sobject import is_api_name
from sfsync.core.wording import listed
from sfsync.errors import SourceError

DEALS: Final = "opportunities"
_OWN_PREFIX: Final = "_sfsync_"
_MOST_HEADERS: Final = 6


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a section's source, its file as it is shown, and its kind (`core.job.SourceSpec`)."""

    columns: tuple[str, ...]
    file: str
    kind: str = "csv"

    @property
    def is_whole(self) -> bool:
        """Whether a column that is not named is not there; rows given in Python leave out what they do not say."""
        return self.kind != "rows"


def fitted_to_sources(job: Job, sources: Mapping[str, RowSource]) -> Job:
    """The job as its opened sources want it; see `fitted_job`."""
    forms = {name: source.form for name, source in sources.items()}
    return fitted_job(job, {name: Header(form.columns, form.file, form.kind) for name, form in forms.items()})


def fitted_to_images(job: Job, images: Mapping[str, SourceImage]) -> Job:
    """The job as it was for a saved plan, whose sources may be gone; see `fitted_job`."""
    headers = {name: Header(image.columns, image.file, image.kind) for name, image in images.items()}
    of_roles = {name: DEALS for name, section in job.sections.items() if section.source.listed}
    return fitted_job(
        job, headers | {name: headers[each] for name, each in of_roles.items() if each in headers}
    )


def fitted_job(job: Job, headers: Mapping[str, Header]) -> Job:
    """The job with every section fitted to its file; `headers` by section, none for sources without one.

    Raises:
        SourceError: a file lacks a column that its preset requires, or two of its columns mean the same.
    """
    if not any(each.preset for each in job.sections.values()):
        return job
    sections: dict[str, Section] = {}
    for name, section in job.sections.items():
        header = headers.get(name)
        sections[name] = fitted(section, header) if header and header.columns else section
    return replace(job, sections=sections)


def fitted(section: Section, header: Header) -> Section:
    """The section with the file's own columns; a section without a preset is what it was.

    Raises:
        SourceError: the file lacks a required column, or two columns mean the same.
    """
    if section.preset is None:
        return section
    fit = _Fit(section, section.preset, header)
    fit.require()
    rules = tuple(fitted for rule in section.rules if (fitted := fit.rule(rule)) is not None)
    if section.preset.others_are_fields:
        rules += fit.other_fields(rules)
    listed_roles = section.source.listed
    source = section.source
    if listed_roles is not None:
        own = replace(listed_roles, column=fit.known(listed_roles.column) or listed_roles.column)
        source = replace(source, listed=own)
    return replace(
        section,
        rules=rules,
        source=source,
        row_key=fit.named_if_any(section.row_key),
        lead=replace(section.lead, column=fit.named(section.lead.column)) if section.lead else None,
        replace={fit.named(column): words for column, words in section.replace.items()},
        ignore=(*section.ignore, *fit.left_out),
    )


class _Fit:
    """One header and what it means to a preset."""

    def __init__(self, section: Section, preset: PresetColumns, header: Header) -> None:
        self._preset = preset
        self._header = header
        self._place = section.name
        self._columns = [each for each in header.columns if each not in section.ignore]
        self._found = preset.found_in(self._columns)
        roles = section.source.listed
        self._of_entries = ENTRY_COLUMNS if roles else ()

    @property
    def left_out(self) -> list[str]:
        """The columns that the preset knows; those that a rule reads are read nevertheless."""
        return [
            each
            for each in self._columns
            if self._preset.ignores(each) or self._preset.canonical(each) is not None
        ]

    def require(self) -> None:
        """Returns when the file has every column that the preset requires."""
        for name in self._preset.required if self._header.is_whole else ():
            if name not in self._found:
                raise self._missing(name)

    def known(self, column: str) -> str | None:
        """The file's column of that name or meaning; None when there is none."""
        if column in self._of_entries or column in self._columns:
            return column
        name = self._preset.canonical(column)
        found = self._found.get(name, []) if name is not None else []
        if len(found) > 1:
            raise SourceError(
                f'{self._header.file}: the columns {listed(found)} all mean "{name}" '
                f"to preset {self._preset.preset}",
                code="PRESET_TWO_COLUMNS",
                hint=f"Name those that do not count in {self._place}.ignore, or map the field to one of them.",
            )
        return found[0] if found else None

    def named(self, column: str) -> str:
        """The file's column, or the name as it was."""
        return self.known(column) or column

    def named_if_any(self, column: str | None) -> str | None:
        """The file's column, or the name as it was; None stays."""
        return self.named(column) if column is not None else None

    def rule(self, rule: FieldRule) -> FieldRule | None:
        """The rule with the file's columns; None for a preset's rule whose columns are not there."""
        columns = tuple(found for each in rule.value_columns if (found := self.known(each)) is not None)
        if not self._header.is_whole:
            return self._renamed(rule)
        if rule.field not in self._preset.own_fields:
            return self._renamed(self._of_those_there(rule, columns))
        places = PLACE.findall(rule.compose or "")
        if (rule.value_columns and not columns) or any(self.known(each) is None for each in places):
            return None
        fewer = replace(
            rule,
            column=columns[0] if columns else None,
            or_columns=columns[1:],
            account=rule.account and self.known(rule.account),
            create={field: each for field, each in rule.create.items() if self.known(each) is not None},
        )
        return self._renamed(fewer)

    def _of_those_there(self, rule: FieldRule, columns: tuple[str, ...]) -> FieldRule:
        """The rule without those of several canonical columns that the file does not have."""
        gone = [each for each in rule.value_columns if self.known(each) is None]
        if not columns or any(self._preset.canonical(each) is None for each in gone):
            return rule
        return replace(rule, column=columns[0], or_columns=columns[1:])

    def _renamed(self, rule: FieldRule) -> FieldRule:
        key = rule.create_key
        return replace(
            rule,
            column=self.named_if_any(rule.column),
            or_columns=tuple(self.named(each) for each in rule.or_columns),
            compose=rule.compose and PLACE.sub(lambda place: f"{{{self.named(place[1])}}}", rule.compose),
            account=self.named_if_any(rule.account),
            create={field: self.named(column) for field, column in rule.create.items()},
            create_key=key and replace(key, column=self.named_if_any(key.column)),
        )

    def other_fields(self, rules: Sequence[FieldRule]) -> tuple[FieldRule, ...]:
        """A rule for every column that is the API name of a field and that nothing else takes."""
        mapped = {each.field.lower() for each in rules}
        read = {column for each in rules for column in each.value_columns}
        left = [each for each in self._columns if each not in read and not each.startswith(_OWN_PREFIX)]
        return tuple(
            FieldRule(each, column=each, match=("Id",) if _is_standard_lookup(each) else ())
            for each in left
            if is_api_name(each) and each.lower() not in mapped and each not in self.left_out
        )

    def _missing(self, name: str) -> SourceError:
        headers = self._preset.headers[name]
        free = [each for each in self._columns if self._preset.canonical(each) is None]
        alike = most_alike((name, *headers), free)
        close = f"Is it one of {listed(alike)}? " if alike else ""
        return SourceError(
            f'{self._header.file}: there is no column for "{name}", which preset {self._preset.preset} needs',
            code="PRESET_COLUMN_MISSING",
            hint=f"{close}Known headers are {listed(headers, most=_MOST_HEADERS)}. Export the column too, or "
            f"correct the header; another one is added in a preset of your own ({self._preset.file}).",
        )


def _is_standard_lookup(name: str) -> bool:
    """Whether the field is one of the platform's own lookups: their API names end in Id."""
    return name.endswith("Id") and name != "Id"
