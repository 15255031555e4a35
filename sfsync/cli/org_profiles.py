"""The commands org list and org add: which orgs there are profiles for, and a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from sfsync.cli.options import json_option
from sfsync.cli.output import asked, is_terminal, line_asked, print_json, surroundings

if TYPE_CHECKING:
    from sfsync.jobs.org_listing import ListedOrg

_LOGINS: Final = ("sf", "client_credentials", "jwt", "token")
"""The password login is left out: it ends, and is for those who write it down themselves."""

_WANTED: Final[Mapping[str, tuple[str, ...]]] = {
    "sf": ("alias",),
    "client_credentials": ("login_url",),
    "jwt": ("login_url", "username"),
    "token": ("instance_url",),
}
"""What a profile must say itself; the secrets' variables have names of their own where none is given."""

_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "sf": (),
    "client_credentials": ("client_id_env", "client_secret_env"),
    "jwt": ("client_id_env", "private_key_file"),
    "token": ("access_token_env",),
}
_QUESTIONS: Final = {
    "alias": "Alias or user name in sf (sf org list shows them)",
    "login_url": "Address to log in at, such as https://NAME.my.salesforce.com",
    "instance_url": "Address of the org, such as https://NAME.my.salesforce.com",
    "username": "User name",
    "client_id_env": "Variable that holds the consumer key",
    "client_secret_env": "Variable that holds the consumer secret",
    "access_token_env": "Variable that holds the access token",
    "private_key_file": "File of the private key (mode 0600)",
}
_FLAGS: Final = {"login_url": "--url", "instance_url": "--url"}


@click.command("list", short_help="List the org profiles; no login, no network.")
@json_option
def list_command(*, as_json: bool) -> int:
    """List the org profiles of config/orgs/ and of the environment: how each logs in, where, and what is missing.

    No secret is read and nobody is asked, so sandbox or production is what the address looks like; sfsync org test
    asks the org itself. Exit code 2 means that a profile cannot be read. Example:

    sfsync org list
    """
    from sfsync.jobs.org_listing import list_orgs

    with surroundings("none") as around:
        found = list_orgs(environ=around.environ)
    exit_code = 2 if any(each.problem for each in found) else 0
    if as_json:
        orgs = [_document(each) for each in found]
        print_json({"schema": "sfsync.org-list/1", "orgs": orgs, "exit_code": exit_code})
        return exit_code
    if not found:
        click.echo("There is no org profile yet. Write one: sfsync org add NAME")
    for each in found:
        _draw(each)
    return exit_code


@click.command("add", short_help="Write the profile of a new org, without any secret.")
@click.argument("name")
@click.option("--login", type=click.Choice(_LOGINS), help="How to log in.")
@click.option("--url", metavar="URL", help="Where to log in; for --login token, where the org is.")
@click.option(
    "--alias", metavar="ALIAS", help="For --login sf: the alias or user name in the Salesforce CLI."
)
@click.option("--username", metavar="USER", help="For --login jwt: the user to log in as.")
@click.option("--client-id-env", metavar="VARIABLE", help="The variable that holds the consumer key.")
@click.option("--client-secret-env", metavar="VARIABLE", help="The variable that holds the consumer secret.")
@click.option("--access-token-env", metavar="VARIABLE", help="The variable that holds the access token.")
@click.option("--private-key-env", metavar="VARIABLE", help="The variable that holds the private key.")
@click.option("--private-key-file", metavar="FILE", help="The file of the private key, from config/orgs/.")
@click.option("--ca-file", metavar="FILE", help="A PEM file of authorities to trust, from config/orgs/.")
@click.option("--loopback", is_flag=True, help="Allow plain http to this machine: for the emulator.")
@click.option("--description", metavar="TEXT", help="What the org is for.")
@click.option("--pin", is_flag=True, help="Log in first, and pin the profile to the org that answers.")
@json_option
def add_command(name: str, *, pin: bool, as_json: bool, **options: Any) -> int:
    """Write config/orgs/NAME.toml: how to log in, and the names of the variables that hold the secrets.

    On a terminal it asks for what is not given. A file that is there is never replaced, and no secret is ever in
    one. With --pin it logs in first; when that fails nothing is written. Examples:

    sfsync org add sandbox --login sf --alias my-sandbox --pin

    sfsync org add production --login jwt --url https://login.salesforce.com --username ci@cloudkicks.example
    """
    from sfsync.app.org_adding import add_org
    from sfsync.jobs.org_writing import new_profile_path

    with surroundings("none") as around:
        new_profile_path(name, environ=around.environ)
        may_ask = is_terminal() and not as_json
        settings = _settings(options, may_ask=may_ask)
        pins = pin or (may_ask and asked("Log in now, and pin the profile to the org that answers?"))
        added = add_org(name, settings, pins=pins, around=around)
    listed = added.listed
    if as_json:
        pinned = {"id": added.pinned.org_id, "name": added.pinned.name} if added.pinned else None
        print_json({"schema": "sfsync.org-add/1", **_document(listed), "pinned_to": pinned, "exit_code": 0})
        return 0
    click.echo(f"{listed.file} is written; no secret is in it.")
    if added.pinned:
        from sfsync.report.safe_text import visible

        click.echo(visible(f"It is pinned to {added.pinned.name} ({added.pinned.org_id})."))
    for line in listed.missing:
        click.echo(f"  {line}")
    click.echo(f"Next: sfsync org test -o {name}")
    return 0


def _settings(options: Mapping[str, Any], *, may_ask: bool) -> dict[str, str | bool]:
    """The keys of the profile, from the options and the answers."""
    login = options["login"] or (_login_asked() if may_ask else None)
    if login is None:
        raise click.UsageError(f"how to log in? Give --login {'|'.join(_LOGINS)}")
    given = {key: value for key, value in options.items() if value and key not in ("url", "login")}
    if options["url"]:
        given["instance_url" if login == "token" else "login_url"] = options["url"]
    given |= {} if options["login"] and _is_whole(login, given) else _answers(login, given, may_ask=may_ask)
    return {"login": login, **given}


def _is_whole(login: str, given: Mapping[str, Any]) -> bool:
    return all(key in given for key in _WANTED[login])


def _login_asked() -> str:
    while True:
        answer = line_asked(f"How to log in ({', '.join(_LOGINS)})? ")
        if answer.strip() in _LOGINS:
            return answer.strip()
        if not answer:
            raise click.Abort


def _answers(login: str, given: Mapping[str, Any], *, may_ask: bool) -> dict[str, str]:
    answers = {}
    for key in _WANTED[login]:
        if key in given:
            continue
        if not may_ask:
            flag = _FLAGS.get(key, "--" + key.replace("_", "-"))
            raise click.UsageError(f"--login {login} needs {flag}")
        answers[key] = _answer(f"{_QUESTIONS[key]}: ", is_needed=True)
    for key in _NAMED[login]:
        if may_ask and key not in given:
            answers[key] = _answer(
                f"{_QUESTIONS[key]} (Enter: the usual SFSYNC_ORGS__... one): ", is_needed=False
            )
    return {key: value for key, value in answers.items() if value}


def _answer(question: str, *, is_needed: bool) -> str:
    while True:
        line = line_asked(question)
        if not line:
            raise click.Abort
        if line.strip() or not is_needed:
            return line.strip()


def _document(each: ListedOrg) -> dict[str, Any]:
    problem = each.problem
    return {
        "name": each.name,
        "file": each.file,
        "environment": each.is_in_environment,
        "login": each.login,
        "host": each.host,
        "alias": each.alias,
        "kind": each.kind,
        "org_id": each.org_id,
        "missing": list(each.missing),
        "problem": problem and {"code": problem.code, "message": problem.message, "hint": problem.hint},
    }


def _draw(each: ListedOrg) -> None:
    from sfsync.report.safe_text import visible

    if each.problem:
        click.echo(visible(f"{each.name}: cannot be used"))
        for line in (*each.problem.message.split("\n"), *each.problem.hint.split("\n")):
            click.echo(f"  {visible(line)}")
        return
    where = f"alias {each.alias}" if each.alias else each.host or "address not known"
    places = [each.file] if each.file else []
    places += ["the environment"] if each.is_in_environment else []
    pin = f"pinned to {each.org_id}" if each.org_id else "not pinned"
    kind = "sandbox or production: org test says" if each.kind == "unknown" else each.kind
    click.echo(
        visible(f"{each.name}: {each.login or 'no login'}, {where}, {kind}, {pin}  [{', '.join(places)}]")
    )
    for line in each.missing:
        click.echo(f"  missing {visible(line)}")
