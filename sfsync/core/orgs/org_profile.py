"""How one org is reached, as a value: the way to log in, and what may answer.

Profiles are read from files and the environment in `sfsync.jobs`; only `salesforce/` opens what they hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import SecretStr

DEFAULT_API_VERSION: Final = "66.0"
"""The REST API version that a profile gets when it names none (Spring '26)."""


class Login(StrEnum):
    """The ways to log in. `password` only on request: it ends with the Winter '27 release. `sf` asks the Salesforce
    CLI, which a person has logged in.
    """

    TOKEN = "token"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT = "jwt"
    PASSWORD = "password"
    SF = "sf"


@dataclass(frozen=True, slots=True)
class OrgProfile:
    """How to reach one org; secrets are already read from where the profile names them, and never printed.

    `login_url` is the host of the token endpoint (My Domain, login or test); `instance_url` is given for
    tokens only. `alias` is the org's alias or user name in the Salesforce CLI. `loopback` allows plain http to a
    literal loopback address, and nothing else. `max_outage_s` is how long a run waits for an org that went away;
    None leaves it to the command. `org_id`, in its 18 characters, is the only org that the profile may lead to.
    """

    name: str
    login: Login
    login_url: str | None = None
    instance_url: str | None = None
    access_token: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    private_key: SecretStr | None = None
    audience: str | None = None
    alias: str | None = None
    allow_password: bool = False
    loopback: bool = False
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    max_outage_s: float | None = None
    api_version: str = DEFAULT_API_VERSION
    org_id: str | None = None
