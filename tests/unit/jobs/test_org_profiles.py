"""Org profiles: from a file, from the environment alone, or from both; and never a secret where it may be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from sfsync.core.orgs.org_profile import Login
from sfsync.errors import ConfigError
from sfsync.jobs import load_org

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "00Dxx!CANARY.token"
ALONE = {
    "SFSYNC_ORGS__MY_BOX__INSTANCE_URL": "https://x.my.salesforce.com",
    "SFSYNC_ORGS__MY_BOX__ACCESS_TOKEN": TOKEN,
}


@pytest.fixture(name="config")
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder, away from the project's own."""
    (tmp_path / "config" / "orgs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config"


def write(config: Path, text: str, name: str = "box") -> Path:
    """A profile file."""
    path = config / "orgs" / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(config: Path, name: str, environ: Mapping[str, str]) -> ConfigError:
    """The error of a profile that cannot be used."""
    with pytest.raises(ConfigError) as caught:
        load_org(name, config_dir=config, environ=environ)
    return caught.value


@pytest.mark.parametrize("name", ["my-box", "MY_BOX", "my_box", "My-Box"])
def test_the_environment_alone_gives_an_org_in_any_spelling(config: Path, name: str) -> None:
    """Case does not count in a name, and - is _; an access token alone says how to log in."""
    profile = load_org(name, config_dir=config, environ=ALONE)
    assert profile.login is Login.TOKEN
    assert profile.instance_url == "https://x.my.salesforce.com"
    assert profile.access_token is not None
    assert profile.access_token.get_secret_value() == TOKEN
    assert TOKEN not in repr(profile) + str(profile)


def test_client_id_and_secret_mean_client_credentials(config: Path) -> None:
    """A client id and secret without a login key log in by client credentials."""
    keys = {"LOGIN_URL": "https://x.my.salesforce.com", "CLIENT_ID": "3MV", "CLIENT_SECRET": "s"}
    environ = {f"SFSYNC_ORGS__X__{key}": value for key, value in keys.items()}
    profile = load_org("x", config_dir=config, environ=environ)
    assert (profile.login, profile.login_url) == (Login.CLIENT_CREDENTIALS, "https://x.my.salesforce.com")


def test_every_setting_can_come_from_the_environment(config: Path, tmp_path: Path) -> None:
    """All settings have a variable; flags are words, files are read where they are named."""
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN-----\nx\n", encoding="utf-8")
    key.chmod(0o600)
    (tmp_path / "ca.pem").write_text("x", encoding="utf-8")
    given = {
        "LOGIN": "jwt",
        "CLIENT_ID": "3MV",
        "USERNAME": "u@x.example",
        "PRIVATE_KEY_FILE": str(key),
        "API_VERSION": "67.0",
        "AUDIENCE": "https://test.salesforce.com",
        "LOOPBACK": "True",
        "ALLOW_PASSWORD": "no",
        "CA_FILE": str(tmp_path / "ca.pem"),
        "PROXY": "http://proxy:3128",
    }
    environ = {f"sfsync_orgs__x__{name.lower()}".upper(): value for name, value in given.items()}
    profile = load_org("x", config_dir=config, environ=environ)
    assert profile.private_key is not None
    assert profile.private_key.get_secret_value() == "-----BEGIN-----\nx"
    assert (profile.loopback, profile.allow_password, profile.api_version) == (True, False, "67.0")
    assert (profile.ca_file, profile.proxy) == (tmp_path / "ca.pem", "http://proxy:3128")


def test_the_environment_wins_over_the_file_key_by_key(config: Path) -> None:
    """What the environment gives is taken from it, the rest from the file; its other variables may be unset."""
    write(config, 'login = "token"\nloopback = true\ninstance_url_env = "URL"\naccess_token_env = "TOK"\n')
    environ = {"SFSYNC_ORGS__BOX__INSTANCE_URL": "http://127.0.0.1:1", "TOK": TOKEN}
    profile = load_org("box", config_dir=config, environ=environ)
    assert (profile.instance_url, profile.loopback) == ("http://127.0.0.1:1", True)


def test_a_variable_set_to_nothing_counts_as_not_set(config: Path) -> None:
    """An empty variable, as a missing CI secret leaves one, never hides the file's own value."""
    write(config, 'login = "token"\ninstance_url = "https://x.my.salesforce.com"\naccess_token_env = "TOK"\n')
    environ = {"SFSYNC_ORGS__BOX__ACCESS_TOKEN": "", "SFSYNC_ORGS__BOX__LOGIN": "", "TOK": TOKEN}
    assert load_org("box", config_dir=config, environ=environ).login is Login.TOKEN
    error = refused(config, "box", environ | {"TOK": ""})
    assert error.code == "ORG_INCOMPLETE"
    assert "TOK is not set" in error.hint


@pytest.mark.parametrize(
    "key",
    ["client_secret", "access_token", "password", "private_key", "client_id", "token", "consumer_secret"],
)
def test_a_secret_in_a_file_is_refused_and_not_repeated(config: Path, key: str) -> None:
    """A key that holds a secret itself is refused with what to write instead, without its value."""
    write(config, f'login = "token"\n{key} = "CANARY"\n')
    error = refused(config, "box", {})
    assert f"box.toml:2: {key} is not a key: a secret never stands in a file" in str(error)
    assert '_env = "VARIABLE"' in str(error)
    assert "CANARY" not in str(error) + error.hint


@pytest.mark.parametrize("secret", ["00Dxx!CANARY", "CANARY" * 10, "CANARY-1"])
def test_a_secret_in_the_place_of_a_variables_name_is_not_repeated(config: Path, secret: str) -> None:
    """What cannot be the name of a variable may be the secret itself."""
    write(config, f'access_token_env = "{secret}"\n')
    error = refused(config, "box", {})
    assert "is no name of an environment variable" in str(error)
    assert "CANARY" not in str(error) + error.hint


def test_a_login_inside_an_address_is_refused(config: Path) -> None:
    """A proxy or address with a user and password in it is a secret in a file."""
    write(config, 'proxy = "http://me:CANARY@proxy:3128"\n')
    error = refused(config, "box", {})
    assert "proxy holds a login" in str(error)
    assert "CANARY" not in str(error)


def test_mistakes_of_a_profile_are_listed_with_their_lines(config: Path) -> None:
    """Unknown keys, wrong kinds and keys that say the same twice are all named."""
    write(
        config,
        'logn = "token"\nloopback = "yes"\nlogin = "tokn"\nusername = "a"\nusername_env = "B"\n',
    )
    message = refused(config, "box", {}).message
    lines = [each.rpartition("box.toml:")[2] for each in message.split("\n")]
    ways = '"client_credentials", "jwt", "token", "password", "sf"'
    assert lines == [
        '1: logn is not a key; did you mean "login"?',
        "2: loopback must be true or false, without quotes",
        f'3: login = "tokn" is none of {ways}; did you mean "token"?',
        "5: username_env and username both say the same thing; give one",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("ACESS_TOKEN", "CANARY", 'did you mean "access_token"?'),
        ("LOOPBACK", "CANARY", "is neither true nor false"),
        ("LOGIN", "tokn", 'login "tokn" is not known'),
        ("API_VERSION", "latest", "cannot be used"),
        ("API_VERSION", "49.0", "cannot be used"),
        ("CA_FILE", "/nowhere.pem", "there is no file"),
    ],
)
def test_a_mistake_in_the_environment_is_named(
    config: Path, variable: str, value: str, sentence: str
) -> None:
    """An unknown or unusable variable is an error, never passed over, and secrets are not repeated."""
    error = refused(config, "my_box", ALONE | {f"SFSYNC_ORGS__MY_BOX__{variable}": value})
    assert sentence in str(error)
    assert "CANARY" not in str(error) + error.hint


def test_a_private_key_must_be_private(config: Path) -> None:
    """A key that others can read, a link, or a missing one is refused, as ssh does."""
    write(config, 'login = "jwt"\nclient_id_env = "C"\nusername = "u"\nprivate_key_file = "key.pem"\n')
    environ = {"C": "3MV"}
    assert "cannot be read" in str(refused(config, "box", environ))
    key = config / "orgs" / "key.pem"
    key.write_text("CANARY", encoding="utf-8")
    for mode in (0o640, 0o604, 0o660):
        key.chmod(mode)
        error = refused(config, "box", environ)
        assert (error.code, "CANARY" in str(error)) == ("SECRET_FILE", False)
    key.chmod(0o400)
    assert load_org("box", config_dir=config, environ=environ).login is Login.JWT
    key.rename(config / "real.pem")
    key.symlink_to("../real.pem")
    assert "is a link" in str(refused(config, "box", environ))


def test_what_a_login_needs_is_listed_at_once(config: Path) -> None:
    """Every missing piece is named with the variable that gives it."""
    write(config, 'login = "client_credentials"\nclient_id_env = "SF_ID"\n')
    error = refused(config, "box", {})
    assert str(error).endswith("login client_credentials needs login_url, client_id, client_secret")
    assert "SF_ID is not set" in error.hint
    assert "SFSYNC_ORGS__BOX__CLIENT_SECRET" in error.hint


@pytest.mark.parametrize("name", ["nowhere", "../orgs/box", "/etc/passwd", ""])
def test_an_unknown_org_is_refused_with_the_known_ones(config: Path, name: str) -> None:
    """A name that is no profile, also one that would lead out of the folder, is refused."""
    write(config, 'login = "token"\n')
    error = refused(config, name, ALONE)
    assert error.code == "NO_SUCH_ORG"
    assert '"box"' in error.hint


def test_an_org_where_none_is_known_is_told_with_the_file_and_the_variable(config: Path) -> None:
    """Whoever has no profile yet reads where to write one and which variable does as well."""
    hint = refused(config, "my-box", {}).hint
    assert "Write config/orgs/my-box.toml" in hint
    assert "SFSYNC_ORGS__MY_BOX__LOGIN" in hint


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config" / "orgs").glob("*.toml")), ids=lambda each: each.stem
)
def test_every_profile_of_the_project_loads(path: Path) -> None:
    """The project's profiles need nothing but the variables that they name."""
    environ = dict.fromkeys(
        re.findall(r'_env = "(\w+)"', path.read_text("utf-8")), "https://x.my.salesforce.com"
    )
    assert environ
    assert load_org(path.stem, config_dir=path.parents[1], environ=environ).name == path.stem
    assert refused(path.parents[1], path.stem, {}).code == "ORG_INCOMPLETE"


def test_the_longest_outage_comes_from_the_file_or_the_environment(config: Path) -> None:
    """Minutes in the file; the environment wins; without either the command decides."""
    keys = {"INSTANCE_URL": "https://x.my.salesforce.com", "ACCESS_TOKEN": TOKEN}
    environ = {f"SFSYNC_ORGS__BOX__{key}": value for key, value in keys.items()}
    write(config, 'login = "token"\n')
    assert load_org("box", config_dir=config, environ=environ).max_outage_s is None
    write(config, "max_outage_minutes = 5\n")
    assert load_org("box", config_dir=config, environ=environ).max_outage_s == 300.0
    own = {**environ, "SFSYNC_ORGS__BOX__MAX_OUTAGE_MINUTES": "0"}
    assert load_org("box", config_dir=config, environ=own).max_outage_s == 0.0


@pytest.mark.parametrize("minutes", ["-1", "1.5", "soon", "1441", "٣"])
def test_an_outage_that_is_no_number_of_minutes_is_refused(config: Path, minutes: str) -> None:
    """Only whole minutes of one day are taken."""
    own = {**ALONE, "SFSYNC_ORGS__MY_BOX__MAX_OUTAGE_MINUTES": minutes}
    assert refused(config, "my-box", own).code == "BAD_VALUE"


def test_an_alias_means_a_login_by_sf(config: Path) -> None:
    """From the file or the environment; nothing else is needed."""
    write(config, 'login = "sf"\nalias = "my-sandbox"\n')
    profile = load_org("box", config_dir=config, environ={})
    assert (profile.login, profile.alias) == (Login.SF, "my-sandbox")
    given = load_org("x", config_dir=config, environ={"SFSYNC_ORGS__X__ALIAS": "ci+bot@cloudkicks.example"})
    assert (given.login, given.alias) == (Login.SF, "ci+bot@cloudkicks.example")
    missing = refused(config, "x", {"SFSYNC_ORGS__X__LOGIN": "sf"})
    assert (missing.code, missing.hint) == (
        "ORG_INCOMPLETE",
        "alias: set the environment variable SFSYNC_ORGS__X__ALIAS.",
    )


@pytest.mark.parametrize("alias", ["--json", "-o", "a b", "a\nb", "$(id)", "00Dxx!CANARY.token", "f" * 64])
def test_an_alias_that_sf_could_misread_is_refused_unsaid(config: Path, alias: str) -> None:
    """An option, a blank or what may be a secret in its place is no alias, and is not repeated."""
    write(config, f"login = 'sf'\nalias = '''{alias}'''\n")
    errors = [refused(config, "box", {}), refused(config, "x", {"SFSYNC_ORGS__X__ALIAS": alias})]
    assert [each.code for each in errors] == ["BAD_VALUE"] * 2
    assert not [each for each in errors if len(alias) > 3 and alias in each.message + each.hint]
