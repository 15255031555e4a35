"""The commands org test and org limits: whether a run could begin, and what is left of the org's day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.cli.options import json_option, org_option
from sfsync.cli.output import print_json, surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sfsync.app.org_testing import OrgFindings
    from sfsync.core.orgs.org_limits import OrgLimit
    from sfsync.core.plans.plan import OrgIdentity

_REFUSED: Final = 4


@click.command("test", short_help="Log in, and say what a run could do there.")
@org_option
@json_option
def test_command(org: str | None, *, as_json: bool) -> int:
    """Log in, and say which org and user it is, what the user may do, what is left, and how safe creates are.

    No record is read and nothing is written; it takes some ten API calls. Exit code 4 means that the login is
    refused or a right is missing that every run needs, 75 that the org is away. Example:

    sfsync org test -o sandbox
    """
    from sfsync.app.org_testing import examine_org

    with surroundings("none") as around:
        found = examine_org(_named(org), around=around)
    exit_code = _REFUSED if found.lacking else 0
    if as_json:
        print_json(_findings_document(found, exit_code))
    else:
        _say(_findings_lines(found))
    return exit_code


@click.command("limits", short_help="Show what is used of an org's limits.")
@org_option
@json_option
def limits_command(org: str | None, *, as_json: bool) -> int:
    """Show what is used of the org's limits that a run can meet, by the org's own count; from 80 % on it warns.

    It takes two API calls and the permission View Setup and Configuration. --json has all limits of the org, and a
    list of warnings for whoever watches it. Example:

    sfsync org limits -o production
    """
    from sfsync.app.org_testing import org_limits
    from sfsync.core.orgs.org_limits import warnings_of

    with surroundings("none") as around:
        identity, limits = org_limits(_named(org), around=around)
    warnings = warnings_of(limits)
    if as_json:
        print_json(
            {
                "schema": "sfsync.org-limits/1",
                "org": _org_document(identity),
                "limits": _limits_document(limits),
                "warnings": list(warnings),
                "exit_code": 0,
            }
        )
        return 0
    _say([f"limits of {identity.name} ({identity.org_id}, {_kind(identity)})", *_limit_lines(limits)])
    _say(f"warning: {each}" for each in warnings)
    return 0


def _named(org: str | None) -> str:
    if not org:
        raise click.UsageError("which org? Give -o NAME")
    return org


def _say(lines: Iterable[str]) -> None:
    from sfsync.report.safe_text import visible

    for line in lines:
        click.echo(visible(line))


def _kind(org: OrgIdentity) -> str:
    return "sandbox" if org.is_sandbox else "production"


def _org_document(org: OrgIdentity) -> dict[str, Any]:
    return {"id": org.org_id, "name": org.name, "sandbox": org.is_sandbox}


def _limits_document(limits: Iterable[OrgLimit]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "used": each.used,
            "max": each.most,
            "remaining": each.left,
            "share": round(each.share, 4),
        }
        for each in limits
    ]


def _limit_lines(limits: Iterable[OrgLimit]) -> Iterator[str]:
    """A line for each limit that a run can meet, and for any other that is nearly full."""
    from sfsync.core.orgs.org_limits import WORDS

    shown = [each for each in limits if each.name in WORDS or each.is_nearly_full]
    width = max((len(each.words) for each in shown), default=0)
    for each in shown:
        yield f"  {each.words:<{width}}  {each.used:>11,} of {each.most:>11,}  {each.share:>4.0%}"


def _findings_document(found: OrgFindings, exit_code: int) -> dict[str, Any]:
    return {
        "schema": "sfsync.org-test/1",
        "profile": found.profile,
        "login": found.login,
        "org": _org_document(found.org),
        "instance_url": found.org.instance_url,
        "pinned": found.is_pinned,
        "user": found.user,
        "api_version": found.api_version,
        "api_versions": list(found.versions) if found.versions else None,
        "clock_skew_s": found.skew_s,
        "api_enabled": True,
        "bulk_jobs": found.has_jobs,
        "rights": {sobject: list(each) for sobject, each in found.rights.items()},
        "lacking": list(found.lacking),
        "limits": None if found.limits is None else _limits_document(found.limits),
        "guarantees": {
            name: {"route": each.route.value, "rests_on": list(each.rests_on), "better": list(each.better)}
            for name, each in found.creates.items()
        },
        "notes": list(found.notes),
        "api_calls": found.calls,
        "exit_code": exit_code,
    }


def _findings_lines(found: OrgFindings) -> Iterator[str]:
    from sfsync.core.sending.guarantees import SAFE_BECAUSE

    org = found.org
    offered = f"; the org offers {found.versions[0]} to {found.versions[1]}" if found.versions else ""
    yield f"org profile {found.profile}: logged in by {found.login}"
    yield f"  org          {org.name}, {org.org_id}, {_kind(org)}, {'' if found.is_pinned else 'not '}pinned"
    yield f"  address      {org.instance_url}"
    yield f"  user         {found.user or 'not told: the session may not ask'}"
    yield f"  API version  {found.api_version}{offered}"
    yield f"  clock        {found.skew_s:+,} s off the org's"
    yield f"  may use      the API, {'bulk jobs' if found.has_jobs else 'no bulk jobs'}"
    for sobject, rights in found.rights.items():
        yield f"  {sobject}: {', '.join(rights) or 'not seen by this user'}"
        creates = found.creates.get(sobject)
        if creates is not None and "create" in rights:
            yield f"    created by: {creates.route.value}; {SAFE_BECAUSE[creates.route]}"
    yield from _limit_lines(found.limits or ())
    yield from (f"  note: {each}" for each in found.notes)
    yield from (f"  missing: {each}" for each in found.lacking)
    yield f"It took {found.calls} API calls; nothing was written."
