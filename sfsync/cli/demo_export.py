"""The second act of the demo: a CRM's export in a European locale, which nobody has described.

sfsync suggest writes the job; the demo answers what it marked, shows the changed lines, and runs the job twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.errors import ConfigError

if TYPE_CHECKING:
    from sfsync.core.job import Job
    from sfsync.core.reports.report import Report

SAMPLE: Final = "hubspot_deals_de.csv"
ANSWERS: Final = {"encoding": "cp1252", '"Probelauf"': "Needs Analysis", "Probelauf": "Needs Analysis"}
"""What the demo answers to the lines that suggest marks: the first reading of the text, and a stage of its own."""

DEALS: Final = {
    "8101": ("Prospecting", "1300", "2026-12-31", "1.300,00 and 31.12.2026 14:30 in the file"),
    "8102": ("Negotiation/Review", "12225.5", "2026-12-18", '"Vertrag gesendet" in the file'),
    "8103": ("Needs Analysis", "890", "2027-02-05", '"Probelauf", as the demo answered'),
    "8104": ("Closed Won", "1234.5", "2026-11-20", "1.234,50 in the file"),
}
_MARKED: Final = re.compile(r'^(?P<key>[^=#]+?) = "DECIDE: [^"]*"')


def expect(holds: bool, what: str) -> int:  # noqa: FBT001
    """Shows whether something is as it should be; 1 when it is not."""
    click.echo(f"  {'ok ' if holds else 'NOT'} {what}")
    return 0 if holds else 1


def second_act(environ: Mapping[str, str], folder: Path, run: Callable[[Job], Report]) -> int:
    """From the export to deals in the org; how many things are not as they should be. `run` plans and writes."""
    from sfsync.jobs import load_job

    click.secho("\n4. An export that nobody has described: sfsync suggest", bold=True)
    job_file = folder / "hubspot-export.toml"
    _suggest(environ, job_file)
    refused = ""
    try:
        load_job(job_file, environ=environ)
    except ConfigError as error:
        refused = error.code
    failures = expect(refused == "UNDECIDED", "sfsync check refuses the job while something is undecided")
    click.secho("\n5. What was marked is answered; nothing else is edited", bold=True)
    failures += expect(_answer(job_file) == 2, "two lines were marked and are answered")
    click.secho("\n6. The plan is written, and the same job again", bold=True)
    job = load_job(job_file, environ=environ)
    first = run(job)
    failures += _compare(environ)
    second = run(job)
    failures += expect(first.exit_code == 0, "every row of the export is in the org")
    return failures + expect(second.usage.writes == 0, "the second run of the export wrote nothing")


def _suggest(environ: Mapping[str, str], out: Path) -> None:
    from sfsync.app.run_files import write_private
    from sfsync.app.suggestions import SuggestRequest, suggest
    from sfsync.app.workplace import Surroundings
    from sfsync.core.suggesting.job_text import job_text
    from sfsync.jobs import find_config_folder

    config = find_config_folder(environ)
    assert config is not None
    out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    request = SuggestRequest(deals=config / "samples" / SAMPLE, folder=out.parent, org="local")
    text = job_text(suggest(request, around=Surroundings(environ=environ)))
    write_private(out, text.encode())
    for line in text.splitlines():
        click.echo(f"  | {line}" if len(line) < 120 else f"  | {line[:116]}...")


def _answer(job_file: Path) -> int:
    """Answers the marked lines and shows each change; how many there were."""
    from sfsync.app.run_files import write_private

    lines, count = job_file.read_text(encoding="utf-8").splitlines(), 0
    for place, line in enumerate(lines):
        marked = _MARKED.match(line)
        if marked is None:
            continue
        lines[place] = f'{marked["key"]} = "{ANSWERS[marked["key"]]}"'
        click.echo(f"  - {line[:100]}")
        click.echo(f"  + {lines[place]}")
        count += 1
    write_private(job_file, ("\n".join(lines) + "\n").encode())
    return count


def _compare(environ: Mapping[str, str]) -> int:
    from sfsync.app.workplace import Surroundings, connected
    from sfsync.core.ports import Lookup
    from sfsync.jobs import load_org

    fields = ("Id", "Sfsync_Key__c", "StageName", "Amount", "CloseDate")
    with connected(load_org("local", environ=environ), Surroundings(environ=environ)) as gateway:
        found = gateway.fetch([Lookup("Opportunity", fields, "Sfsync_Key__c", tuple(DEALS))])[0]
    deals = {str(each["Sfsync_Key__c"]): each for each in found}
    return sum(_compare_deal(key, deals.get(key, {}), *said) for key, said in DEALS.items())


def _compare_deal(key: str, deal: Mapping[str, Any], stage: str, amount: str, day: str, why: str) -> int:
    from decimal import Decimal

    is_so = bool(deal) and deal["StageName"] == stage and Decimal(str(deal["Amount"])) == Decimal(amount)
    return expect(
        is_so and str(deal["CloseDate"]) == day, f"{key} is {amount} in {stage}, closes {day}: {why}"
    )
