"""From a job file to a `core.job.Job`: found, read, checked, and made a value.

A bare name is looked up in the config folder's jobs; anything with a slash or an ending is a path.
Invariant: all mistakes of a file are in one error; a job that is returned needs no more checks of its own,
only those against its org.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sfsync.core.deals.gone import NO_POLICIES, Deleted, GonePolicies, Merged, Vanished
from sfsync.core.deals.lead_rule import LeadRule, LeadTarget, WhenConverted
from sfsync.core.job import (
    SECTIONS,
    Blank,
    CreateKey,
    FieldPolicy,
    FieldRule,
    Inactive,
    Job,
    Limits,
    Missing,
    Mode,
    OnRoleError,
    ProbabilityPolicy,
    RolePolicy,
    Section,
    UpdateMode,
    allowed_moves,
)
from sfsync.core.reading.repeated_keys import DuplicateKeys
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.core.sending.strategy import Strategy
from sfsync.core.wording import suggestion
from sfsync.core.writes import Route
from sfsync.errors import ConfigError
from sfsync.jobs.config_folder import find_config_folder, names_in
from sfsync.jobs.declared_meaning import factor
from sfsync.jobs.job_form import (
    DealSectionForm,
    GuardsForm,
    JobForm,
    KeyedSectionForm,
    LeadForm,
    RoleSectionForm,
    RolesForm,
    SafetyForm,
)
from sfsync.jobs.job_meaning import meaning_mistakes
from sfsync.jobs.job_sources import settled_sources
from sfsync.jobs.listed_form import ListedForm
from sfsync.jobs.mistakes import Mistake, refusal, shape_mistakes
from sfsync.jobs.picks_file import picks_path, with_picks
from sfsync.jobs.pings import job_ping
from sfsync.jobs.preset_merging import Presets, with_presets
from sfsync.jobs.role_rules import role_rules
from sfsync.jobs.rule_form import CreateKeyForm, RuleForm
from sfsync.jobs.toml_file import TomlFile, read_toml
from sfsync.jobs.undecided_lines import refuse_undecided

_HINT: Final = "Correct the job file. `sfsync schema job` prints every key and what it means."
_SECRET: Final = "secrets and logins belong to the org profile and the environment, never to a job"
_EXPLAINED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "password",
            "token",
            "access_token",
            "client_id",
            "client_secret",
            "private_key",
            "security_token",
            "username",
            "login",
            "login_url",
            "instance_url",
        ),
        _SECRET,
    ),
    "contact_roles.key": "contact roles have none; a role is known by its deal, contact and role",
}
_NOT_IN_DIGEST: Final[dict[str, bool | set[str]]] = {
    "description": True,
    "org": True,
    "guards": True,
    "picks": True,
    "threads": True,
    "ping": True,
    "safety": {"verify"},
    "strategy": True,
    **{name: {"file", "database", "query"} for name in SECTIONS},
}


def load_job(
    path_or_name: str | Path, *, org: str | None = None, environ: Mapping[str, str] | None = None
) -> Job:
    """The job of a file, or of a name in the config folder; `org` takes the place of the job's own.

    Without `environ` the environment of the process counts.

    Raises:
        ConfigError: there is no such job, or its file has mistakes; all of them are listed.
    """
    environ = os.environ if environ is None else environ
    file = read_toml(job_path(path_or_name, environ))
    refuse_undecided(file)
    presets = with_presets(file, environ)
    file = replace(file, document=presets.document)
    sources = settled_sources(file, environ)
    mistakes = [*meaning_mistakes(file.document), *sources.mistakes, *presets.mistakes]
    try:
        form = JobForm.model_validate(file.document)
    except ValidationError as error:
        mistakes += shape_mistakes(error, _model_at, explained=_EXPLAINED)
        raise refusal(file, mistakes, hint=_HINT) from None
    name = form.name or file.path.stem
    if not _is_name(name):
        mistakes.append(Mistake(("name",), f'= "{name}" is no name of a job; give one in plain letters'))
    if mistakes:
        raise refusal(file, mistakes, hint=_HINT)
    job = _job(form, sources.specs, presets, name=name, org=org, file=file)
    if form.ping is not None:
        job = replace(job, ping=job_ping(form.ping, folder=file.path.parent, environ=environ))
    if form.picks is None:
        return job
    return with_picks(job, picks_path(form.picks, folder=file.path.parent, environ=environ))


def job_path(path_or_name: str | Path, environ: Mapping[str, str]) -> Path:
    """Where the job file of a path or of a name in the config folder is.

    Raises:
        ConfigError: there is no such job.
    """
    given = Path(path_or_name)
    if isinstance(path_or_name, Path) or given.suffix == ".toml" or len(given.parts) != 1:
        path = given.absolute()
        if path.is_symlink() or path.exists():
            return path
        raise ConfigError(
            f"{given}: there is no such job file", code="NO_SUCH_JOB", hint="Correct the path of the job."
        )
    folder = find_config_folder(environ)
    if folder is None:
        raise ConfigError(
            f"there is no config folder to look up job {given} in",
            code="NO_CONFIG",
            hint="Give the path of the job file, or set SFSYNC_CONFIG to the folder that holds jobs/.",
        )
    path = folder / "jobs" / f"{given}.toml"
    if not path.is_symlink() and not path.exists():
        hint = suggestion(str(given), names_in(folder, "jobs")) or "There are no jobs in it."
        raise ConfigError(f"there is no job {given} in {folder / 'jobs'}", code="NO_SUCH_JOB", hint=hint)
    return path


def _is_name(name: str) -> bool:
    try:
        JobForm.model_validate({"name": name})
    except ValidationError:
        return False
    return True


def _model_at(path: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of the table at a path of a job file."""
    match path:
        case ():
            return JobForm
        case ("roles",):
            return RolesForm
        case ("guards",):
            return GuardsForm
        case ("safety",):
            return SafetyForm
        case ("contact_roles",):
            return RoleSectionForm
        case ("opportunities",):
            return DealSectionForm
        case ("opportunities", "lead"):
            return LeadForm
        case (name,) if name in SECTIONS:
            return KeyedSectionForm
        case ("contact_roles", "listed"):
            return ListedForm
        case (_, "fields", _):
            return RuleForm
        case (_, "fields", _, "create_key"):
            return CreateKeyForm
    return None


def _job(
    form: JobForm,
    specs: Mapping[str, SourceSpec],
    presets: Presets,
    *,
    name: str,
    org: str | None,
    file: TomlFile,
) -> Job:
    forms = {each: getattr(form, each) for each in SECTIONS}
    return Job(
        name=name,
        org=org or form.org,
        sections={
            each: replace(_section(each, section, specs[each]), preset=presets.columns.get(each))
            for each, section in forms.items()
            if section is not None
        },
        digest=_digest(form, name, presets.digests, specs),
        file=file.shown,
        description=form.description,
        mode=Mode(form.mode),
        role_policy=RolePolicy(form.roles.policy),
        on_role_error=OnRoleError(form.roles.on_error),
        role_rules=role_rules(form.roles),
        route=Route(form.safety.route) if form.safety.route else None,
        update_mode=UpdateMode(form.safety.updates or UpdateMode.AUTO),
        limits=Limits(
            max_changes=form.guards.max_changes,
            max_failures=form.guards.max_failures,
            canary=form.guards.canary,
            api_budget=form.guards.api_budget,
        ),
        verify=form.safety.verify,
        threads=form.threads,
        strategy=None if form.strategy == "auto" else Strategy(form.strategy),
    )


def _section(name: str, form: KeyedSectionForm | RoleSectionForm, spec: SourceSpec) -> Section:
    return Section(
        name=name,
        sobject=SECTIONS[name],
        source=spec,
        rules=tuple(_rule(field, rule) for field, rule in form.fields.items()),
        key=form.key if isinstance(form, KeyedSectionForm) else None,
        row_key=form.row_key if isinstance(form, KeyedSectionForm) else None,
        ignore=tuple(form.ignore),
        replace=form.replace,
        probability=ProbabilityPolicy(form.probability)
        if isinstance(form, DealSectionForm) and form.probability
        else None,
        allow=allowed_moves(form.allow) if isinstance(form, DealSectionForm) else (),
        gone=_gone(form) if isinstance(form, KeyedSectionForm) else NO_POLICIES,
        numbers=form.numbers,
        dates=form.dates,
        duplicate_keys=DuplicateKeys(form.duplicate_keys)
        if isinstance(form, KeyedSectionForm)
        else DuplicateKeys.ERROR,
        lead=_lead(form.lead) if isinstance(form, DealSectionForm) and form.lead else None,
    )


def _gone(form: KeyedSectionForm) -> GonePolicies:
    return GonePolicies(
        # Of a source that is read on from a watermark, a row that is not in the result is not gone.
        vanished=Vanished.IGNORE if form.watermark else Vanished(form.vanished),
        vanished_stage=form.vanished_stage or NO_POLICIES.vanished_stage,
        deleted=Deleted(form.deleted),
        merged=Merged(form.merged or Merged.FOLLOW),
    )


def _lead(form: LeadForm) -> LeadRule:
    return LeadRule(
        column=form.column,
        match=tuple(form.match),
        status=form.status,
        account=LeadTarget(form.account),
        contact=LeadTarget(form.contact),
        when_converted=WhenConverted(form.when_converted),
        only_status=tuple(form.only_status),
    )


def _rule(field: str, form: RuleForm) -> FieldRule:
    blank = Blank.DEFAULT if form.default is not None else Blank(form.blank or "skip")
    return FieldRule(
        field=field,
        column=form.columns[0] if form.columns else None,
        or_columns=form.columns[1:],
        as_record_id=form.record_id,
        compose=form.compose,
        constant=form.constant,
        value_map=form.map,
        keep_unmapped=form.otherwise == "keep",
        blank=blank,
        default=form.default,
        match=tuple(form.match or ()),
        date_format=form.format,
        numbers=form.numbers,
        times=factor(form.times) if form.times else None,
        policy=FieldPolicy(form.policy or FieldPolicy.GUARD),
        account=form.account,
        missing=Missing(form.missing or Missing.ERROR),
        inactive=_inactive(form),
        inactive_default=form.inactive_default,
        create=form.create,
        create_key=_create_key(form.create_key),
    )


def _inactive(form: RuleForm) -> Inactive:
    return (
        Inactive.DEFAULT if form.inactive_default is not None else Inactive(form.inactive or Inactive.ERROR)
    )


def _create_key(form: CreateKeyForm | None) -> CreateKey | None:
    return CreateKey(form.field or "", form.source) if form is not None else None


def _digest(form: JobForm, name: str, presets: Mapping[str, str], specs: Mapping[str, SourceSpec]) -> str:
    """A digest of all that a plan depends on: not its words, org, guards, or where its files lie."""
    picture: dict[str, Any] = form.model_dump(mode="json", by_alias=True, exclude=_NOT_IN_DIGEST) | {
        "name": name,
        **({"presets": presets} if presets else {}),
    }
    if queries := {each: spec.query for each, spec in specs.items() if spec.query}:
        picture["queries"] = queries
    canonical = json.dumps(picture, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
