"""What became of a section with a preset: which field comes from which column of the file, by whose rule."""

from __future__ import annotations

from dataclasses import dataclass

from sfsync.core.job import FieldRule, Job, Section
from sfsync.core.presets.preset import PresetColumns

PRESET = "preset"
JOB = "job"


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """A field, the columns of the file (or the text) that fill it, and whose rule it is: PRESET or JOB."""

    field: str
    columns: tuple[str, ...]
    words: int
    said_by: str

    @property
    def text(self) -> str:
        """The rule in a few words."""
        words = f", {self.words} words mapped" if self.words else ""
        whose = ", as the job says" if self.said_by == JOB else ""
        return f"{self.field} from {' or '.join(self.columns) or 'fixed text'}{words}{whose}"


@dataclass(frozen=True, slots=True)
class EffectiveSection:
    """A section as it is after its preset was fitted to the file.

    `left_out` are the columns of the file that the preset knows and no rule reads.
    """

    section: str
    preset: str
    file: str
    rules: tuple[EffectiveRule, ...]
    left_out: tuple[str, ...]


def effective_sections(job: Job, fitted: Job) -> tuple[EffectiveSection, ...]:
    """The sections with presets, as they are for the files of the job; `fitted` is the job fitted to them."""
    return tuple(
        _effective(section, section.preset, fitted.sections[name])
        for name, section in job.sections.items()
        if section.preset is not None
    )


def _effective(section: Section, preset: PresetColumns, fitted: Section) -> EffectiveSection:
    by_job = {each.field for each in section.rules} - preset.own_fields - {preset.key_field}
    rules = tuple(_rule(each, JOB if each.field in by_job else PRESET) for each in fitted.rules)
    listed = fitted.source.listed
    read = {column for each in rules for column in each.columns} | ({listed.column} if listed else set())
    left_out = tuple(each for each in fitted.ignore[len(section.ignore) :] if each not in read)
    return EffectiveSection(section.name, preset.preset, preset.file, rules, left_out)


def _rule(rule: FieldRule, said_by: str) -> EffectiveRule:
    columns = rule.value_columns or ((rule.compose,) if rule.compose else ())
    return EffectiveRule(rule.field, columns, len(rule.value_map or ()), said_by)
