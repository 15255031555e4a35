"""A job made from a file's headers, for imports that have no job file.

Part of the composition root: it asks the org what its fields are called, and matches the headers to them.
What is not recognised is refused with the exact flag to give; nothing is guessed from the values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sfsync.core.job import ROW_KEY, FieldRule, Job, Mode, Section, allowed_moves
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.reading.dates import FORM_NAMES, date_form
from sfsync.core.reading.headers import HeaderMatch, match_headers
from sfsync.core.reading.numbers import PLAIN, number_form
from sfsync.core.reading.rows import HEADED
from sfsync.core.reading.source_spec import STANDARD_INPUT, STANDARD_INPUT_SHOWN, SourceSpec
from sfsync.core.sobject import CONTACT_ROLE, OPPORTUNITY
from sfsync.core.wording import suggestion
from sfsync.errors import ConfigError, SourceError

_KEYED_PARENTS: Final = ("Account", "Contact")


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the person asked for on the command line."""

    deals: Path
    roles: Path | None
    org: str
    key: str
    key_field: str | None = None
    fixed: Mapping[str, str] | None = None
    ignore: tuple[str, ...] = ()
    numbers: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    kind: str = "csv"
    sheet: str | None = None
    roles_sheet: str | None = None
    mode: Mode = Mode.UPSERT
    allow: tuple[str, ...] = ()


def import_job(request: ImportRequest, describe: Callable[[str], SObjectDescribe]) -> Job:
    """The job that an import without a job file runs.

    Raises:
        ConfigError: a column is not recognised, or several fields of the org can carry the key.
        SourceError: a file cannot be read.
    """
    require_declared(request.numbers, request.date_format)
    deal_fields = describe(OPPORTUNITY)
    columns = _columns(request, request.deals, "opportunities")
    of_roles = _columns(request, request.roles, "contact_roles") if request.roles else ()
    _refuse_unknown_columns(request, (*columns, *of_roles))
    key_field = _key_field(request, columns, deal_fields)
    parents = _parent_keys(describe)
    sections = {"opportunities": _deals(request, columns, deal_fields, parents, key_field=key_field)}
    if request.roles is not None:
        keys = parents | {OPPORTUNITY: key_field or ROW_KEY}
        sections["contact_roles"] = _roles(request, request.roles, of_roles, describe(CONTACT_ROLE), keys)
    is_piped = request.deals == STANDARD_INPUT
    name = "import-standard-input" if is_piped else f"import-{request.deals.stem}"
    shown = "standard input" if is_piped else request.deals.name
    digest = hashlib.blake2b(repr(sorted(sections.items())).encode(), digest_size=16).hexdigest()
    return Job(name, request.org, sections, digest, description=f"import of {shown}", mode=request.mode)


def require_declared(numbers: str | None, date_format: str | None) -> None:
    """Refuses options that declare no known numbers or dates.

    Raises:
        ConfigError: the locale or the form of dates is not known; near names are named.
    """
    try:
        if numbers is not None and numbers != PLAIN:
            number_form(numbers)
    except ValueError as error:
        hint = "sfsync knows the locales of CLDR, by language and country."
        raise ConfigError(f"--numbers: {error}", code="NUMBER_LOCALE", hint=hint) from None
    try:
        if date_format is not None:
            date_form(date_format)
    except ValueError as error:
        hint = f"Known are {', '.join(FORM_NAMES)}, D MMM Y with a locale, and strptime formats such as %d.%m.%Y."
        raise ConfigError(f"--date-format {error}", code="DATE_FORMAT", hint=hint) from None


def _columns(request: ImportRequest, path: Path, name: str) -> tuple[str, ...]:
    from sfsync.sources import open_source

    probe = Section(name, OPPORTUNITY, _spec(request, path, name), ())
    form = open_source(probe).form
    if form.kind not in HEADED:
        raise ConfigError(
            f"{_shown(path)}: without a job file only files with a header can be imported (.csv, .xlsx, .parquet)",
            code="NEEDS_JOB",
            hint="Write a job file for JSON deals, or give --job JOB.",
        )
    return form.columns


def _shown(path: Path) -> str:
    return STANDARD_INPUT_SHOWN if path == STANDARD_INPUT else str(path)


def _refuse_unknown_columns(request: ImportRequest, columns: Sequence[str]) -> None:
    """A slip in --map would leave the field empty without a word."""
    for column in request.fixed or ():
        if column not in columns:
            raise SourceError(
                f'--map "{column}=...": no file has a column "{column}"',
                code="COLUMN_MISSING",
                hint=suggestion(column, columns),
            )


def _spec(request: ImportRequest, path: Path, name: str) -> SourceSpec:
    kind = request.kind if path == request.deals else "csv"
    sheet = request.sheet if name == "opportunities" else request.roles_sheet
    return SourceSpec(kind, path, request.delimiter, request.encoding, sheet=sheet)


def _key_field(request: ImportRequest, columns: Sequence[str], describe: SObjectDescribe) -> str | None:
    """The unique external id field that the key column fills; None when the org has none, so the journal serves."""
    if request.key not in columns:
        hint = suggestion(request.key, columns)
        raise SourceError(
            f'{_shown(request.deals)}: there is no column "{request.key}"', code="COLUMN_MISSING", hint=hint
        )
    said = request.key_field or (request.fixed or {}).get(request.key)
    named = describe.field(said or request.key)
    if said and named is None:
        raise ConfigError(
            f'Opportunity has no field "{said}" that could hold the key',
            code="NO_SUCH_FIELD",
            hint=suggestion(said, [each.name for each in describe.key_fields()])
            or "No field of it is External ID and Unique: without --key-field the journal remembers the rows.",
        )
    if named is not None and (said or named.is_key):
        return named.name
    candidates = describe.key_fields()
    if candidates and named is not None and named.createable:
        return (
            named.name
        )  # the column is called like another field of the org, which the schema check refuses
    if len(candidates) == 1:
        return candidates[0].name
    if candidates:
        names = ", ".join(each.name for each in candidates)
        raise ConfigError(
            f'several fields of Opportunity can carry the key "{request.key}": {names}',
            code="KEY_FIELD_UNCLEAR",
            hint="Say which with --key-field NAME.",
        )
    return None


def _parent_keys(describe: Callable[[str], SObjectDescribe]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for sobject in _KEYED_PARENTS:
        candidates = describe(sobject).key_fields()
        if len(candidates) == 1:
            keys[sobject] = candidates[0].name
    return keys


def _deals(
    request: ImportRequest,
    columns: Sequence[str],
    describe: SObjectDescribe,
    parents: Mapping[str, str],
    *,
    key_field: str | None,
) -> Section:
    fixed, keys, ignore = dict(request.fixed or {}), dict(parents), request.ignore
    if key_field is not None:
        fixed[request.key] = keys[OPPORTUNITY] = key_field
    matched = match_headers(columns, describe, fixed=fixed, ignore=ignore, keys=keys)
    # A row key needs no field; where its column is one all the same, such as Name, it fills that too.
    unmatched = [each for each in matched.unmatched if key_field or each != request.key]
    _refuse_unmatched(request.deals, unmatched, matched, describe, fixed)
    rules = matched.rules
    if key_field is None:
        rules = tuple(each for each in rules if each.column != request.key or _is_writable(each, describe))
    row_key = None if key_field else request.key
    spec = _spec(request, request.deals, "opportunities")
    allow = allowed_moves(request.allow)
    section = Section("opportunities", OPPORTUNITY, spec, rules, key_field, row_key=row_key, ignore=ignore)
    return replace(section, allow=allow, numbers=request.numbers, dates=request.date_format)


def _is_writable(rule: FieldRule, describe: SObjectDescribe) -> bool:
    field = describe.field(rule.field)
    return field is not None and field.createable


def _roles(
    request: ImportRequest,
    path: Path,
    columns: Sequence[str],
    describe: SObjectDescribe,
    keys: Mapping[str, str],
) -> Section:
    fixed = dict(request.fixed or {})
    if request.key in columns:
        fixed[request.key] = "OpportunityId"
    matched = match_headers(columns, describe, fixed=fixed, ignore=request.ignore, keys=keys)
    _refuse_unmatched(path, list(matched.unmatched), matched, describe, fixed)
    found = {each.field for each in matched.rules}
    for name in ("OpportunityId", "ContactId"):
        if name not in found:
            whose = "deal" if name == "OpportunityId" else "contact"
            raise ConfigError(
                f"{_shown(path)}: no column says which {whose} a role is for",
                code="COLUMN_MISSING",
                hint=f'Give --map "COLUMN={name}". Columns are: {", ".join(columns)}.',
            )
    section = Section("contact_roles", CONTACT_ROLE, _spec(request, path, "contact_roles"), matched.rules)
    return replace(section, ignore=request.ignore, numbers=request.numbers, dates=request.date_format)


def _refuse_unmatched(
    path: Path,
    unmatched: Sequence[str],
    matched: HeaderMatch,
    describe: SObjectDescribe,
    fixed: Mapping[str, str],
) -> None:
    if not unmatched:
        return
    advice = "\n".join(
        f'       --map "{column}=FIELD" or --ignore "{column}"   {_why_not(column, matched, describe, fixed)}'
        for column in unmatched
    )
    are = "1 column is no field" if len(unmatched) == 1 else f"{len(unmatched)} columns are no fields"
    raise ConfigError(
        f"{_shown(path)}: {are} of {describe.name} that sfsync recognises",
        code="COLUMN_NOT_RECOGNISED",
        hint=f"Say what each is:\n{advice}",
    )


def _why_not(column: str, matched: HeaderMatch, describe: SObjectDescribe, fixed: Mapping[str, str]) -> str:
    """What stands in the way of a column, and the names that are near."""
    repeated = matched.unmatched[column]
    if repeated:
        [other] = [rule.column for rule in matched.rules if rule.field == repeated]
        return f'{repeated} is column "{other}" already.'
    word = fixed.get(column, column)
    hint = suggestion(word, [each.name for each in describe.fields.values() if each.createable])
    return f'There is no field "{word}". {hint}' if column in fixed else hint
