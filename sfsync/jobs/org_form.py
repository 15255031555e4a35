"""The shape of an org profile file: how to log in, and the names of what holds the secrets.

The descriptions are the documentation; `sfsync schema org` prints them.
Invariant: no key of it can hold a secret.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,49}$")]
"""The name of an environment variable; longer ones could be a secret that was put in its place."""

SECRETS: Final = ("client_id", "client_secret", "access_token", "password", "private_key")
"""Settings that only the environment, the system's keyring or a private file may hold."""

ALIAS: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,49}(@[A-Za-z0-9.-]{1,79})?$"
"""An alias or a user name; none that sf could take for an option, and none so long that it could be a secret."""

EntryName = Annotated[str, Field(min_length=1, max_length=63)]
"""Half of what names an entry of a keyring; 64 characters or more could be a consumer secret in its place."""


def _variable(what: str) -> str:
    return f"The name of the environment variable that holds {what}."


def _entry(what: str) -> str:
    return f"The entry of the system's keyring that holds {what}."


class KeyringEntry(BaseModel):
    """An entry of the system's keyring, which keeps it with `keyring set SERVICE USERNAME`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    service: EntryName = Field(description="The service of the entry, 63 characters at most.")
    username: EntryName = Field(description="The user name of the entry, 63 characters at most.")


class OrgForm(BaseModel):
    """How to reach an org. Each key may also be given by SFSYNC_ORGS__NAME__KEY, which wins."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    description: str = Field("", description="What the org is for, in a sentence.")
    login: Literal["client_credentials", "jwt", "token", "password", "sf"] | None = Field(
        None,
        description="How to log in. By default token when there is an access token, client_credentials when "
        "there are a client id and secret, sf when there is an alias.",
    )
    login_url: Text | None = Field(
        None, description="Where to log in: the org's My Domain, such as https://name.my.salesforce.com."
    )
    login_url_env: Variable | None = Field(None, description=_variable("login_url"))
    instance_url: Text | None = Field(None, description="Where the org is; for login = token only.")
    instance_url_env: Variable | None = Field(None, description=_variable("instance_url"))
    api_version: Annotated[str, Field(pattern=r"^[0-9]{2,3}\.0$")] | None = Field(
        None, description="The REST API version, 50.0 at least; by default the one sfsync is made for."
    )
    org_id: Annotated[str, Field(pattern=r"^00D[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$")] | None = Field(
        None,
        description="The id of the org (Setup, Company Information). When another org answers, the command stops "
        "with exit code 6 before anything else is read. Wanted for every production org.",
    )
    loopback: bool | None = Field(
        None, description="Allow plain http to a loopback address, and nowhere else: for the emulator."
    )
    ca_file: Text | None = Field(
        None, description="A PEM file of authorities to trust, from this file's folder."
    )
    proxy: Text | None = Field(None, description="The proxy, without a password in it.")
    proxy_env: Variable | None = Field(None, description=_variable("proxy"))
    audience: Text | None = Field(
        None, description="The audience of the JWT, when it is not the login host; a host of Salesforce."
    )
    username: Text | None = Field(None, description="The user to log in as, for jwt and password.")
    username_env: Variable | None = Field(None, description=_variable("username"))
    alias: Annotated[str, Field(pattern=ALIAS)] | None = Field(
        None,
        description="The org's alias or user name in the Salesforce CLI, for login = sf: sf org list shows them.",
    )
    allow_password: bool | None = Field(
        None, description="Allow login = password, which Salesforce ends with the Winter '27 release."
    )
    max_outage_minutes: Annotated[int, Field(ge=0, le=1440)] | None = Field(
        None,
        description="How long a run waits for the org when it stops answering in the middle; 30 by default, 0 "
        "to end at once. --max-outage wins.",
    )
    ping_env: Variable | None = Field(
        None,
        description=_variable("the address that is told how each run against the org goes")
        + " A job's ping wins.",
    )
    client_id_env: Variable | None = Field(None, description=_variable("the consumer key of the app"))
    client_secret_env: Variable | None = Field(None, description=_variable("the consumer secret"))
    access_token_env: Variable | None = Field(None, description=_variable("the access token"))
    password_env: Variable | None = Field(
        None, description=_variable("the password, with the security token behind it where one is needed")
    )
    private_key_env: Variable | None = Field(None, description=_variable("the RSA key, in PEM form"))
    private_key_file: Text | None = Field(
        None, description="The file of the RSA key, from this file's folder; private to its owner (0600)."
    )
    client_id_keyring: KeyringEntry | None = Field(None, description=_entry("the consumer key of the app"))
    client_secret_keyring: KeyringEntry | None = Field(None, description=_entry("the consumer secret"))
    access_token_keyring: KeyringEntry | None = Field(None, description=_entry("the access token"))
    password_keyring: KeyringEntry | None = Field(
        None, description=_entry("the password, with the security token behind it where one is needed")
    )
    private_key_keyring: KeyringEntry | None = Field(
        None, description=_entry("the RSA key, in PEM form, where the keyring takes several lines")
    )
