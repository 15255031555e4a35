"""The list of org profiles: what each says of itself, without its secrets; and a new profile's file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from sfsync.errors import ConfigError
from sfsync.jobs.org_listing import ListedOrg, list_orgs
from sfsync.jobs.org_writing import new_profile_path, profile_file, write_profile

MY_DOMAIN = "https://kicks--uat.sandbox.my.salesforce.com"
ORG_ID = "00D000000000062EAA"


@pytest.fixture(name="orgs")
def _orgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of profiles, away from the project's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "orgs").mkdir(parents=True)
    return tmp_path / "config" / "orgs"


def the(environ: Mapping[str, str]) -> ListedOrg:
    """The only org."""
    [found] = list_orgs(environ=environ)
    return found


def test_a_profile_of_a_file_and_the_environment_is_one_org(orgs: Path) -> None:
    """Its name is the file's; what the environment gives wins, and the org's id is shown whole."""
    text = f'login = "client_credentials"\nlogin_url_env = "URL"\nclient_id_env = "ID"\norg_id = "{ORG_ID[:15]}"\n'
    (orgs / "my-box.toml").write_text(text)
    found = the({"URL": MY_DOMAIN, "ID": "3MV", "SFSYNC_ORGS__MY_BOX__CLIENT_SECRET": "s"})
    assert (found.name, found.file, found.is_in_environment) == ("my-box", "config/orgs/my-box.toml", True)
    assert (found.login, found.kind, found.org_id) == ("client_credentials", "sandbox", ORG_ID)
    assert (found.host, found.missing) == (MY_DOMAIN.removeprefix("https://"), ())
    assert len(the({"URL": MY_DOMAIN}).missing) == 2


def test_no_secret_is_read_for_a_list(orgs: Path) -> None:
    """Files and keyring entries that are not there are no matter, an address in a private file is not looked up."""
    keyring = '{ service = "none", username = "none" }'
    text = 'login = "jwt"\nlogin_url = "${file:/nowhere}"\nusername = "u"\nprivate_key_file = "nowhere.pem"\n'
    (orgs / "box.toml").write_text(f"{text}client_id_keyring = {keyring}\n")
    found = the({})
    assert (found.problem, found.missing, found.host) == (None, (), "login.salesforce.com")


def test_a_file_with_mistakes_does_not_hide_the_others(orgs: Path) -> None:
    """It is listed with what is wrong; a secret in a wrong variable is not shown."""
    (orgs / "bad.toml").write_text('logn = "x"\n')
    environ = {
        "SFSYNC_ORGS__CI__LOGIN": "CANARY",
        "SFSYNC_ORGS__CI__ALIAS": "CANARY!1",
        "SFSYNC_ORGS__CI__ORG_ID": "CANARY",
        "SFSYNC_ORGS__CI__LOGIN_URL": "https://CANARY",
        "SFSYNC_ORGS__X__NONSENSE": "CANARY",
    }
    bad, ci, other = list_orgs(environ=environ)
    assert [each.problem is not None for each in (bad, ci, other)] == [True, False, True]
    assert (ci.name, ci.login, ci.host, ci.alias, ci.org_id) == ("ci", None, None, None, None)
    assert "CANARY" not in repr([bad, ci, other]) + str(bad.problem) + str(other.problem)


@pytest.mark.parametrize("name", ["", "a b", "../x", "a__b", "-x", ".x", "x" * 50, "ä"])
def test_a_new_name_stays_in_its_folder_and_fits_a_variable(orgs: Path, name: str) -> None:
    """Letters, digits and single marks."""
    with pytest.raises(ConfigError) as caught:
        new_profile_path(name, environ={})
    assert caught.value.code == "BAD_ORG_NAME"


def test_a_profile_is_never_overwritten(orgs: Path) -> None:
    """Neither one of the same name, nor one that a variable could not tell from it, nor one that came meanwhile."""
    path = new_profile_path("my-box", environ={})
    file = profile_file(path, {"login": "sf", "alias": "box", "description": 'a "quoted" \\ one'})
    (orgs / "MY_BOX.toml").write_text("mine")
    path.write_text("mine")
    with pytest.raises(ConfigError) as caught:
        new_profile_path("My-Box", environ={})
    assert caught.value.code == "ORG_EXISTS"
    with pytest.raises(ConfigError) as caught:
        write_profile(file)
    assert (caught.value.code, path.read_text()) == ("ORG_EXISTS", "mine")
    assert tomllib.loads(file.text)["description"] == 'a "quoted" \\ one'
