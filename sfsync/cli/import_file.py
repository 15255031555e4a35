"""The command import."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfsync.cli.options import Safety, json_option, org_option, progress_option, safety_options
from sfsync.cli.output import print_error, surroundings
from sfsync.cli.rejects_option import rejects_format_option
from sfsync.cli.role_rule_options import role_rule_options, with_role_rules
from sfsync.cli.run import plan_and_deliver, write_and_deliver
from sfsync.cli.walk_through import ASKED_INSTEAD, can_ask, walked_job
from sfsync.cli.watch_options import watch_options
from sfsync.core.deals.gone import Vanished
from sfsync.core.job import Mode, Move, allowed_moves
from sfsync.core.reading.source_spec import STANDARD_INPUT
from sfsync.errors import ConfigError, SyncError

if TYPE_CHECKING:
    from sfsync.app.workplace import Surroundings
    from sfsync.core.job import Job


@click.command(short_help="Import a file of deals, once, without a job file.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--roles", type=click.Path(path_type=Path), help="A file of contact roles; it names each deal by its key."
)
@click.option(
    "--key",
    metavar="COLUMN",
    help="The column that tells the deals apart. Without --job it must be given. Where no field of the org can "
    "hold it, the journal remembers which deal each row became.",
)
@click.option("--key-field", metavar="FIELD", help="The org's field for the key: External ID and Unique.")
@org_option
@click.option("--job", help="Use this job's mapping for FILE instead of matching the headers.")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="COLUMN=FIELD",
    help='What a column is, such as "Firm=AccountId.Name".',
)
@click.option("--ignore", multiple=True, metavar="COLUMN", help="A column to leave out.")
@click.option(
    "--numbers",
    metavar="LOCALE",
    help="How numbers are written: a locale such as de_DE (1.234,50). By default plain, 1234.50.",
)
@click.option(
    "--date-format",
    help="How dates are written: D.M.Y, D/M/Y, M/D/Y, iso-minutes, excel-serial, epoch-ms, or as %d.%m.%Y. "
    "By default 2026-09-30.",
)
@click.option(
    "--kind",
    type=click.Choice(["csv", "jsonl", "json", "xlsx", "parquet"]),
    help="What FILE is, when its name does not say it: by default csv, or for standard input what --job says. "
    "JSON needs --job.",
)
@click.option("--delimiter", help="The delimiter, when it cannot be told from the header and the first rows.")
@click.option(
    "--sheet", metavar="NAME", help="The sheet, when FILE is a workbook of which several have rows."
)
@click.option("--roles-sheet", metavar="NAME", help="The same of the file given with --roles.")
@click.option("--encoding", help="The file's encoding. [default: utf-8]")
@click.option(
    "--mode", type=click.Choice([each.value for each in Mode]), default=Mode.UPSERT.value, show_default=True
)
@click.option(
    "--picks",
    type=click.Path(path_type=Path),
    help="A CSV file that settles references: sobject, field, value, id. A run writes one to start from.",
)
@click.option(
    "--allow",
    type=click.Choice([each.value for each in Move]),
    multiple=True,
    help="A movement of deals that is otherwise a problem of its row: to an earlier stage, out of a closed stage, "
    "or closed without an amount or a close date. Can be given several times.",
)
@role_rule_options
@click.option(
    "--save-job",
    type=click.Path(path_type=Path),
    metavar="JOB.toml",
    help="On a terminal, where questions are asked: write the answers as a job file.",
)
@rejects_format_option
@click.option("--dry-run", is_flag=True, help="Show the plan only.")
@click.option("--yes", is_flag=True, help="On a terminal, do not ask before writing.")
@safety_options()
@json_option
@progress_option
@watch_options
def import_command(file: Path, *, safety: Safety, **options: object) -> int:
    """Import the deals in FILE, and the contact roles in the file given with --roles.

    FILE may be "-": the rows come from standard input. Columns are recognised by API name, label or common word;
    a column that is not is an error that names the flag to give. A rejects file of an earlier import is taken as it
    is, with the same options. Example:

    sfsync import deals.csv --roles roles.csv --key deal_id -o sandbox
    """
    progress = str(options["progress"])
    as_json = bool(options["as_json"])
    with surroundings(progress, as_json=as_json, max_outage_min=0) as plain:
        job = safety.of(_verified(_picked(_job(file, options, plain), options["picks"])))
        job = with_role_rules(job, options["primary"], options["same_contact"])
        around = safety.around(plain)
        if options["dry_run"]:
            return plan_and_deliver(job, around, as_json=as_json)[0]
        return write_and_deliver(job, around, plan_file=None, yes=bool(options["yes"]), as_json=as_json)


def _verified(job: Job) -> Job:
    """An import is looked at once and by a person, so what came of it is told unless the job says otherwise."""
    return replace(job, verify=True) if job.verify is None else job


def _job(file: Path, options: dict[str, object], around: Surroundings) -> Job:
    roles = options["roles"]
    assert roles is None or isinstance(roles, Path)
    if file == roles == STANDARD_INPUT:
        raise ConfigError(
            'FILE and --roles are both "-"', code="USAGE", hint="Standard input can be only one of them."
        )
    org = options["org"]
    if options["job"]:
        job = _by_job(str(options["job"]), file, roles, around=around, options=options)
        job = _declaring(job, _text(options["numbers"]), _text(options["date_format"]))
        job = _of_sheets(job, opportunities=options["sheet"], contact_roles=options["roles_sheet"])
        return _allowing(job, options["allow"])
    if not options["key"] and not can_ask(options):
        raise ConfigError(
            "--key is missing: the column whose value tells the deals apart",
            code="NO_KEY",
            hint="A repeated import finds its deals again by it. Give --key COLUMN, or --job JOB.",
        )
    if not org:
        raise ConfigError("-o is missing: the org to import into", code="NO_ORG", hint="Give -o NAME.")
    if not options["key"]:
        return _walked(file, roles, options, around)
    try:
        return _by_headers(file, roles, options, around)
    except SyncError as error:
        if error.code not in ASKED_INSTEAD or not can_ask(options):
            raise
        print_error(error.message, code=error.code, hint="", exit_code=error.exit_code, as_json=False)
        return _walked(file, roles, options, around)


def _walked(file: Path, roles: Path | None, options: dict[str, object], around: Surroundings) -> Job:
    """The job of a person's answers, with what the other options say."""
    job = walked_job(file, roles, options, around)
    return _allowing(replace(job, mode=Mode(str(options["mode"]))), options["allow"])


def _picked(job: Job, picks: object) -> Job:
    """The job with the picks of the command's own file, if there is one."""
    from sfsync.jobs import with_picks

    return with_picks(job, picks) if isinstance(picks, Path) else job


def _by_job(
    name: str, file: Path, roles: Path | None, *, around: Surroundings, options: dict[str, object]
) -> Job:
    from sfsync.jobs import load_job

    job = load_job(name, org=_text(options["org"]), environ=around.environ)
    said = {key: options[key] for key in ("delimiter", "encoding") if options[key]}
    kind = _text(options["kind"])
    sections = {}
    for place, path in (("opportunities", file), ("contact_roles", roles)):
        section = job.sections.get(place)
        if path is not None and section is not None:
            by_job = section.source.kind if path == STANDARD_INPUT else "csv"  # a file's ending says more
            of_file = (kind if place == "opportunities" else None) or by_job
            source = replace(section.source, path=path, kind=of_file, is_partial=True, **said)  # type: ignore[arg-type]
            # A database's rejects have its typed numbers as plain text: 1.234 is no thousand there.
            numbers = "plain" if section.source.kind == "database" else section.numbers
            kept = replace(section.gone, vanished=Vanished.IGNORE)  # a file of some rows has lost none
            sections[place] = replace(section, source=source, numbers=numbers, gone=kept)
    nested = job.sections.get("contact_roles")
    if nested is not None and nested.source.kind == "nested" and roles is None:
        sections["contact_roles"] = replace(nested, source=replace(nested.source, path=file))
    elif (
        nested is not None
        and nested.source.listed is not None
        and roles is None
        and "opportunities" in sections
    ):
        in_deals = replace(sections["opportunities"].source, listed=nested.source.listed)
        sections["contact_roles"] = replace(nested, source=in_deals)
    return replace(job, sections=sections)


def _declaring(job: Job, numbers: str | None, date_format: str | None) -> Job:
    """The job with other numbers and dates of its sections than it declares itself; its rules still win."""
    from sfsync.app.ad_hoc import require_declared

    if numbers is None and date_format is None:
        return job
    require_declared(numbers, date_format)
    sections = {
        name: replace(each, numbers=numbers or each.numbers, dates=date_format or each.dates)
        for name, each in job.sections.items()
        if name in ("opportunities", "contact_roles")
    }
    digest = hashlib.blake2b(f"{job.digest} {numbers} {date_format}".encode(), digest_size=16).hexdigest()
    return replace(job, sections={**job.sections, **sections}, digest=digest)


def _of_sheets(job: Job, **sheets: object) -> Job:
    """The job with the sheets that the command names; what a job says of its own workbook holds for FILE too."""
    sections = dict(job.sections)
    for name, sheet in sheets.items():
        if sheet and name in sections:
            section = sections[name]
            sections[name] = replace(section, source=replace(section.source, sheet=str(sheet)))
    return replace(job, sections=sections)


def _allowing(job: Job, allow: object) -> Job:
    """The job with more movements of deals allowed than it allows itself."""
    assert isinstance(allow, tuple)
    deals = job.sections.get("opportunities")
    if deals is None or not allow:
        return job
    deals = replace(deals, allow=allowed_moves([*deals.allow, *allow]))
    return replace(job, sections={**job.sections, "opportunities": deals})


def _by_headers(file: Path, roles: Path | None, options: dict[str, object], around: Surroundings) -> Job:
    from sfsync.app.ad_hoc import ImportRequest, import_job
    from sfsync.app.workplace import connected
    from sfsync.jobs import load_org

    mapped, ignore, allow = options["mapped"], options["ignore"], options["allow"]
    assert isinstance(allow, tuple)
    assert isinstance(mapped, tuple)
    assert isinstance(ignore, tuple)
    request = ImportRequest(
        deals=file,
        roles=roles,
        org=str(options["org"]),
        key=str(options["key"]),
        key_field=_text(options["key_field"]),
        fixed=dict(_pair(each) for each in mapped),
        ignore=ignore,
        numbers=_text(options["numbers"]),
        date_format=_text(options["date_format"]),
        delimiter=_text(options["delimiter"]),
        encoding=_text(options["encoding"]) or "utf-8",
        kind=_text(options["kind"]) or "csv",
        sheet=_text(options["sheet"]),
        roles_sheet=_text(options["roles_sheet"]),
        mode=Mode(str(options["mode"])),
        allow=allow,
    )
    with connected(load_org(request.org, environ=around.environ), around) as gateway:
        return import_job(request, gateway.describe)


def _text(value: object) -> str | None:
    return str(value) if value else None


def _pair(text: str) -> tuple[str, str]:
    column, found, field = text.rpartition("=")
    if not found or not column or not field:
        raise ConfigError(
            f"--map {text!r} is not COLUMN=FIELD", code="USAGE", hint='For example --map "Firm=AccountId".'
        )
    return column, field
