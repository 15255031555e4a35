"""Secrets from the system's keyring: the real library with a keyring of the test's own, and all ways to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import InitError, KeyringLocked

from sfsync.core.orgs.org_profile import Login
from sfsync.errors import ConfigError
from sfsync.jobs import load_org
from sfsync.salesforce.session import DoorSession

ENTRY = 'service = "sfsync box", username = "cloudkicks"'
PROFILE = f"""
login_url = "https://x.my.salesforce.com"
client_id_env = "SF_ID"
client_secret_keyring = {{ {ENTRY} }}
"""
SECRET = "CANARY/of=the+keyring"

ASKS = """
import os, sys
from pathlib import Path
from sfsync.errors import ConfigError
from sfsync.jobs import load_org
try:
    load_org("box", config_dir=Path(sys.argv[1]), environ=dict(os.environ))
except ConfigError as error:
    print(error.code, error.message, error.hint)
print("keyring" in sys.modules)
"""


class Ring(KeyringBackend):
    """A keyring in memory, which nobody finds by himself; it remembers what it was asked for."""

    priority: ClassVar[float] = -1.0

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.asked: list[tuple[str, str]] = []
        self.fault: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or none."""
        self.asked.append((service, username))
        if self.fault is not None:
            raise self.fault
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keeps a secret."""
        self.held[service, username] = password


@pytest.fixture(name="ring")
def _ring() -> Iterator[Ring]:
    """The keyring that the library asks during a test."""
    ring = Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.core._keyring_backend = None


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    """A config folder with the profile `box`."""
    (tmp_path / "orgs").mkdir()
    write(tmp_path, PROFILE)
    return tmp_path


def write(config: Path, text: str) -> None:
    """Makes this the profile."""
    (config / "orgs" / "box.toml").write_text(text, encoding="utf-8")


def refused(config: Path, environ: Mapping[str, str] | None = None) -> ConfigError:
    """The error of a profile that cannot be used; it shows no secret."""
    with pytest.raises(ConfigError) as caught:
        load_org("box", config_dir=config, environ=environ or {"SF_ID": "3MV"})
    assert "CANARY" not in str(caught.value) + caught.value.hint
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


def assert_names_the_entry(error: ConfigError) -> None:
    """The message names profile, setting, service and user name."""
    names = 'service "sfsync box", user name "cloudkicks"'
    assert error.message.startswith(
        f"org profile box: client_secret is to come from the keyring ({names}), but "
    )


def test_a_secret_comes_from_the_keyring(ring: Ring, config: Path) -> None:
    """The entry's secret is the profile's, without the line end that a pipe put there, and prints as stars."""
    keyring.set_password("sfsync box", "cloudkicks", f"{SECRET}\n")
    profile = load_org("box", config_dir=config, environ={"SF_ID": "3MV"})
    assert profile.login is Login.CLIENT_CREDENTIALS
    assert profile.client_secret is not None
    assert profile.client_secret.get_secret_value() == SECRET
    assert "CANARY" not in repr(profile) + str(profile)


def test_every_secret_can_be_in_the_keyring(ring: Ring, config: Path) -> None:
    """All five secrets, the key with all its lines."""
    for name in ("client_id", "client_secret", "access_token", "password", "private_key"):
        keyring.set_password("s", name, f"-----{name}-----\nx")
    lines = [f'{name}_keyring = {{ service = "s", username = "{name}" }}' for _, name in ring.held]
    write(config, "\n".join(['login = "jwt"', 'username = "u@x.example"', *lines]))
    profile = load_org("box", config_dir=config, environ={})
    secrets = (profile.client_id, profile.client_secret, profile.access_token, profile.password)
    assert [each.get_secret_value() for each in secrets if each] == list(ring.held.values())[:4]
    assert profile.private_key is not None
    assert profile.private_key.get_secret_value() == "-----private_key-----\nx"


def test_what_a_server_repeats_of_it_can_be_taken_out(ring: Ring, config: Path) -> None:
    """The door knows it like every other secret of the profile."""
    keyring.set_password("sfsync box", "cloudkicks", SECRET)
    profile = load_org("box", config_dir=config, environ={"SF_ID": "3MV"})
    assert DoorSession(profile).secrets == (SECRET.encode(),)


def test_the_environment_wins_and_the_keyring_is_not_asked(ring: Ring, config: Path, tmp_path: Path) -> None:
    """A keyring may ask its user to unlock it, so it is left alone where a variable gives the secret."""
    environ = {"SF_ID": "3MV", "SFSYNC_ORGS__BOX__CLIENT_SECRET": "other"}
    profile = load_org("box", config_dir=config, environ=environ)
    assert profile.client_secret is not None
    assert profile.client_secret.get_secret_value() == "other"
    pem = tmp_path / "key.pem"
    pem.touch(mode=0o600)
    pem.write_text("PEM", encoding="utf-8")
    write(
        config,
        f'login = "jwt"\nclient_id_env = "SF_ID"\nusername = "u"\nprivate_key_keyring = {{ {ENTRY} }}\n',
    )
    environ = {"SF_ID": "3MV", "SFSYNC_ORGS__BOX__PRIVATE_KEY_FILE": str(pem)}
    profile = load_org("box", config_dir=config, environ=environ)
    assert profile.private_key is not None
    assert profile.private_key.get_secret_value() == "PEM"
    assert ring.asked == []


@pytest.mark.parametrize("held", [None, ""])
def test_an_entry_that_is_not_there_is_named_with_the_command_that_makes_it(
    ring: Ring, config: Path, held: str | None
) -> None:
    """No entry, or one that holds nothing: the next step can be copied into a shell."""
    if held is not None:
        keyring.set_password("sfsync box", "cloudkicks", held)
    error = refused(config)
    assert_names_the_entry(error)
    assert error.code == "NO_KEYRING_ENTRY"
    assert error.hint == "Put it there: keyring set 'sfsync box' cloudkicks"


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [
        (KeyringLocked("CANARY"), "KEYRING_LOCKED", "it is locked"),
        (InitError("CANARY"), "KEYRING_FAILED", "asking it failed (InitError)"),
        (OSError("CANARY"), "KEYRING_FAILED", "asking it failed (OSError)"),
    ],
)
def test_a_keyring_that_gives_nothing_says_why(
    ring: Ring, config: Path, fault: Exception, code: str, sentence: str
) -> None:
    """Locked, or broken in a backend's own way: its words are not repeated, what else to do is said."""
    ring.fault = fault
    error = refused(config)
    assert_names_the_entry(error)
    assert (error.code, error.message.rpartition("but ")[2]) == (code, sentence)
    assert "client_secret_env" in error.hint


def asked_in_a_process(config: Path, prelude: str = "", **environ: str) -> list[str]:
    """What a process of its own says that loads the profile: its error, and whether the library was imported."""
    done = subprocess.run(
        [sys.executable, "-c", prelude + ASKS, str(config)],
        env={"PATH": os.environ["PATH"], "HOME": str(config), "SF_ID": "3MV", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_library_is_imported_only_for_a_profile_that_asks(config: Path) -> None:
    """Whoever has no keyring never waits for one to be looked for."""
    write(config, PROFILE.replace(f"_keyring = {{ {ENTRY} }}", '_env = "SF_ID"'))
    assert asked_in_a_process(config) == ["False"]


def test_without_the_library_the_extra_is_named(config: Path) -> None:
    """An installation without the extra says what to install, before anything is sent."""
    [said, _] = asked_in_a_process(config, prelude="import sys\nsys.modules['keyring'] = None\n")
    assert "NO_KEYRING org profile box: client_secret is to come from the keyring" in said
    assert "pip install 'sfsync[keyring]'" in said


@pytest.mark.parametrize(
    ("backend", "code"),
    [
        ("keyring.backends.fail.Keyring", "NO_KEYRING "),
        ("keyring.backends.null.Keyring", "NO_KEYRING_ENTRY "),
        ("no_such_module.Keyring", "KEYRING_FAILED "),
        ("CANARY", "KEYRING_FAILED "),
    ],
)
def test_a_system_without_a_keyring_says_so(config: Path, backend: str, code: str) -> None:
    """The library's own settings choose what is asked; where that is nothing, an error tells it."""
    [said, is_imported] = asked_in_a_process(config, PYTHON_KEYRING_BACKEND=backend)
    assert said.startswith(f"{code}org profile box: client_secret is to come from the keyring")
    assert "CANARY" not in said
    assert is_imported == "True"


@pytest.mark.parametrize(
    "entry",
    [
        '"CANARY"',
        '{ service = "CANARY" }',
        '{ service = "s", user = "CANARY" }',
        '{ service = "s", username = "u", CANARY = 1 }',
        '{ service = "s", username = "" }',
        f'{{ service = "{"CANARY" * 11}", username = "u" }}',
    ],
)
def test_a_reference_that_is_none_is_not_repeated(config: Path, entry: str) -> None:
    """What stands where the names belong may be the secret itself."""
    write(config, f'login = "token"\naccess_token_keyring = {entry}\n')
    message = refused(config).message
    assert message.count("\n") == 0
    assert message.endswith(
        "box.toml:2: access_token_keyring is no entry of a keyring; "
        'write access_token_keyring = { service = "NAME", username = "NAME" }'
    )


def test_a_secret_that_is_named_twice_is_refused(ring: Ring, config: Path) -> None:
    """A variable, a file and an entry for one secret could differ, so one is wanted."""
    write(config, f'private_key_keyring = {{ {ENTRY} }}\nprivate_key_env = "K"\nprivate_key_file = "k.pem"\n')
    said = refused(config).message
    assert "private_key_env and private_key_file both name the secret; give one" in said
    assert "private_key_env and private_key_keyring both name the secret; give one" in said
    assert ring.asked == []


def test_a_secret_in_a_file_is_told_of_the_keyring(config: Path) -> None:
    """Who writes a secret into the profile learns both ways to keep it out."""
    write(config, 'client_secret = "CANARY"\n')
    assert 'client_secret_keyring = { service = "NAME", username = "NAME" }' in refused(config).message
