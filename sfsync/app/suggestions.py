"""From a file to a job that a person can review: looks at the file, asks the org what it is made of, and decides
only what is proven. Part of the composition root; nothing is written to the org and no record is read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sfsync.app.file_look import Look, look_at
from sfsync.app.preset_fit import FittedPreset, fitted_preset, telling
from sfsync.app.snapshots import read_snapshot
from sfsync.app.workplace import Surroundings, connected
from sfsync.core.job import ROW_KEY
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.ports import OrgSchema
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.suggesting.keys import key_column, key_field
from sfsync.core.suggesting.rules import OrgWords, missing_rules, overlays, rules_of_header
from sfsync.core.suggesting.standard_org import standard_describe, standard_stages
from sfsync.core.suggesting.suggestion import OpenColumn, Rejected, RuleGuess, SectionGuess, Suggestion
from sfsync.core.suggesting.undecided import Decision
from sfsync.core.wording import suggestion as near_names
from sfsync.errors import ConfigError, SourceError
from sfsync.jobs import load_org

_WANTED: Final = ("Name", "StageName", "CloseDate")
_OF_ROLES: Final = ("OpportunityId", "ContactId")
_KEYED_PARENTS: Final = ("Account", "Contact")
_OF_KEYS: Final = frozenset({"string", "textarea", "id", "email"})


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """What a person asked for. `folder` is where the job file will lie; paths in it are written from there."""

    deals: Path
    folder: Path
    roles: Path | None = None
    org: str | None = None
    snapshot: Path | None = None
    key: str | None = None
    key_field: str | None = None
    encoding: str | None = None
    roles_encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    roles_sheet: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)


def suggest(request: SuggestRequest, *, around: Surroundings | None = None) -> Suggestion:
    """What a job for the file would be.

    Raises:
        ConfigError: the org or snapshot cannot be used, the file has no header, or a preset is wrong.
        SourceError: the file cannot be read, or has no such column.
    """
    given = around or Surroundings()
    deals = _look(request, request.deals, OPPORTUNITY)
    roles = _look(request, request.roles, CONTACT_ROLE) if request.roles else None
    _require_columns(request, deals)
    with _schema(request, given) as schema:
        return _Maker(request, given.environ, _Org(schema)).made(deals, roles)


def _look(request: SuggestRequest, path: Path, sobject: str) -> Look:
    is_roles = sobject == CONTACT_ROLE
    encoding = request.roles_encoding if is_roles else request.encoding
    sheet = request.roles_sheet if is_roles else request.sheet
    spec = SourceSpec("csv", path, request.delimiter, encoding or "utf-8", sheet=sheet)
    return look_at(spec, sobject, is_encoding_said=encoding is not None)


def _require_columns(request: SuggestRequest, deals: Look) -> None:
    for column in (request.key, *request.fixed):
        if column is not None and column not in deals.columns:
            raise SourceError(
                f'{request.deals}: there is no column "{column}"',
                code="COLUMN_MISSING",
                hint=near_names(column, deals.columns),
            )


def _schema(request: SuggestRequest, around: Surroundings) -> AbstractContextManager[OrgSchema | None]:
    if request.snapshot is not None:
        return nullcontext(read_snapshot(request.snapshot))
    if request.org is not None:
        return connected(load_org(request.org, environ=around.environ), around)
    return nullcontext(None)


@dataclass(frozen=True, slots=True)
class _Org:
    """An org, a snapshot, or the standard where neither was given."""

    schema: OrgSchema | None

    def words(self, sobject: str) -> OrgWords:
        if self.schema is None:
            return OrgWords(standard_describe(sobject), standard_stages())
        return OrgWords(self.schema.describe(sobject), self.schema.stage_catalogue())

    def parent_keys(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for sobject in _KEYED_PARENTS if self.schema else ():
            describe = self._describe(sobject)
            fields = describe.key_fields() if describe else ()
            if len(fields) == 1:
                found[sobject] = fields[0].name
        return found

    def _describe(self, sobject: str) -> SObjectDescribe | None:
        assert self.schema is not None
        try:
            return self.schema.describe(sobject)
        except ConfigError:
            return None  # a user who does not see accounts looks them up by nothing


@dataclass(frozen=True, slots=True)
class _Maker:
    request: SuggestRequest
    environ: Mapping[str, str]
    org: _Org

    def made(self, deals: Look, roles: Look | None) -> Suggestion:
        words = self.org.words(OPPORTUNITY)
        preset, notes = fitted_preset(
            deals.columns, words.describe, folder=self.request.folder, environ=self.environ
        )
        section = self._deals(deals, words, preset)
        sections = [section]
        if roles is not None:
            sections.append(self._roles(roles, section))
        elif preset is not None and preset.has_listed:
            name = Decision(preset.name, why="one role for each entry of its list of contacts")
            sections.append(SectionGuess("contact_roles", {}, (), preset=name))
        else:
            notes += [
                _listed_note(each) for each, facts in deals.columns.items() if 0 < facts.filled == facts.lists
            ]
        org = Decision(self.request.org or "", (), "write the name of an org profile, or give -o ORG")
        return Suggestion(
            self.request.deals.name,
            deals.rows,
            org,
            tuple(sections),
            deals.repeats,
            (*deals.rejected, *_rejected_by_key(deals, section), *(roles.rejected if roles else ())),
            (*notes, *deals.notes, *(roles.notes if roles else ())),
        )

    def _deals(self, deals: Look, words: OrgWords, preset: FittedPreset | None) -> SectionGuess:
        settings = _settings(self.request, self.request.deals, deals, self.request.sheet)
        if preset is not None:
            return self._by_preset(deals, words, preset, settings)
        guess = rules_of_header(deals.columns, words, keys=self.org.parent_keys(), fixed=self.request.fixed)
        column, key = self._key(deals, words.describe, guess.rules, None)
        rules = tuple(each for each in guess.rules if each.field != key.value)
        missing = missing_rules([each.field for each in rules], _WANTED, list(deals.columns))
        consumed = {column.value, *column.choices}
        return SectionGuess(
            "opportunities",
            settings,
            (*rules, *missing),
            key=key,
            key_column=column,
            left_out=tuple(each for each in guess.left_out if each.column not in consumed),
            open_columns=tuple(each for each in guess.unknown if each.column not in consumed),
        )

    def _by_preset(
        self, deals: Look, words: OrgWords, preset: FittedPreset, settings: dict[str, Decision]
    ) -> SectionGuess:
        rules = tuple(overlays(preset.rules, deals.columns, words))
        column, key = self._key(deals, words.describe, rules, preset.key)
        missing = missing_rules([each.field for each in preset.rules], _WANTED, list(deals.columns))
        unknown = [each for each in preset.fit.unmatched if each not in {column.value, *column.choices}]
        is_decided = bool(column.value) and key.value != "row_key" and not key.is_open
        return SectionGuess(
            "opportunities",
            settings,
            (*rules, *missing),
            Decision(preset.name, why=telling(preset.fit)),
            key,
            column,
            key_is_preset=is_decided and column.value == preset.key,
            open_columns=tuple(OpenColumn(each, f"{preset.name} does not know it") for each in unknown),
        )

    def _key(
        self, deals: Look, describe: SObjectDescribe, rules: Sequence[RuleGuess], by_preset: str | None
    ) -> tuple[Decision, Decision]:
        """The column and the field of the key."""
        unlikely = {
            column
            for rule in rules
            if (found := describe.field(rule.field)) is not None and found.type not in _OF_KEYS
            for column in rule.columns
        }
        column = key_column(
            deals.repeats, describe, wanted=self.request.key, by_preset=by_preset, unlikely=unlikely
        )
        if self.request.key_field is not None:
            return column, Decision(self.request.key_field, why="as --key-field says")
        return column, key_field(column.value, describe, is_org=self.org.schema is not None)

    def _roles(self, roles: Look, deals: SectionGuess) -> SectionGuess:
        assert self.request.roles is not None
        words = self.org.words(CONTACT_ROLE)
        keys = self.org.parent_keys()
        key = deals.key.value if deals.key else ""
        of_key = Decision(advice="write the key field of the deals, as in [opportunities]").text
        keys[OPPORTUNITY] = {"": of_key, "row_key": ROW_KEY}.get(key, key)
        column = deals.key_column.value if deals.key_column else ""
        fixed = {column: "OpportunityId"} if column and column in roles.columns else {}
        guess = rules_of_header(roles.columns, words, keys=keys, fixed=fixed)
        missing = missing_rules([each.field for each in guess.rules], _OF_ROLES, list(roles.columns))
        settings = _settings(self.request, self.request.roles, roles, self.request.roles_sheet)
        return SectionGuess(
            "contact_roles",
            settings,
            (*guess.rules, *missing),
            left_out=guess.left_out,
            open_columns=guess.unknown,
        )


def _settings(request: SuggestRequest, path: Path, look: Look, sheet: str | None) -> dict[str, Decision]:
    """What the job says of a file: where it is, and how it is written."""
    found = {"file": Decision(Path(os.path.relpath(path.absolute(), request.folder.absolute())).as_posix())}
    if look.form.kind == "csv":
        found["delimiter"] = Decision(look.form.delimiter, why="as the header and the first rows have it")
        found["encoding"] = _encoding(look)
    if sheet is not None:
        found["sheet"] = Decision(sheet)
    return found


def _encoding(look: Look) -> Decision:
    if not look.readings:
        marked = (
            "a byte order mark says it" if look.form.encoding in ("utf-8-sig", "utf-16", "utf-32") else ""
        )
        return Decision(look.form.encoding, why=marked or "every byte of the file is read so")
    shown = [f"{each.encoding} reads {' | '.join(each.lines)}" for each in look.readings]
    why = "\n".join(
        [
            "it is not UTF-8; the rest is as the first of these reads it:",
            *shown,
            "or another one: the file does not say it",
        ]
    )
    return Decision(
        "", tuple(each.encoding for each in look.readings), f"{look.readings[0].encoding} if it reads so", why
    )


def _listed_note(column: str) -> str:
    return (
        f'"{column}" holds contacts as name (email): [contact_roles] listed = {{ column = "{column}", split = ";", '
        'pattern = "name (email)" } makes a role of each'
    )


def _rejected_by_key(deals: Look, section: SectionGuess) -> list[Rejected]:
    """Rows whose key is empty or repeated, and rows without a value that a deal needs."""
    column = section.key_column.value if section.key_column else ""
    found = [
        Rejected(f"the key in {column} stands twice", each.repeated, each.lines or ())
        for each in deals.repeats
        if each.column == column and each.repeated
    ]
    if column and deals.columns[column].blank:
        found.append(_blank(deals, column, "the key"))
    found.extend(
        _blank(deals, rule.columns[0], rule.field)
        for rule in section.rules
        if rule.field in _WANTED and len(rule.columns) == 1 and deals.columns[rule.columns[0]].blank
    )
    return found


def _blank(deals: Look, column: str, what: str) -> Rejected:
    facts = deals.columns[column]
    return Rejected(f"{what} is empty in {column}", facts.blank, (facts.first_blank,))
