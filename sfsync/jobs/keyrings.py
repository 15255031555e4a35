"""Asks the system's keyring for a secret, and says what is missing when it does not give one.

The library is an extra (`sfsync[keyring]`) and is imported only when a profile names an entry; which keyring
is asked is decided by the library and its own settings.
Invariants: nothing is ever written to a keyring; no text of the library or of a backend reaches a message,
because it could hold the secret; an entry is named by its service and user name.
"""

from __future__ import annotations

import shlex
from typing import NoReturn

from sfsync.errors import ConfigError
from sfsync.jobs.org_form import KeyringEntry


def read_keyring(entry: KeyringEntry, *, profile: str, key: str) -> str:
    """The secret of an entry, without the line end behind it; `key` is the setting of the profile that it is for.

    Raises:
        ConfigError: the library is not installed, there is no keyring, it is locked, or it has no such entry.
    """

    def refuse(what: str, hint: str, *, code: str) -> NoReturn:
        where = f'service "{entry.service}", user name "{entry.username}"'
        message = f"org profile {profile}: {key} is to come from the keyring ({where}), but {what}"
        raise ConfigError(message, code=code, hint=hint) from None

    otherwise = f"or give {key} by a variable ({key}_env)"
    try:
        import keyring
        from keyring.errors import KeyringLocked, NoKeyringError
    except ImportError:
        install = "Install sfsync with the extra keyring: pip install 'sfsync[keyring]'"
        refuse("the library for it is not installed", f"{install}; {otherwise}.", code="NO_KEYRING")
    try:
        found = keyring.get_password(entry.service, entry.username)
    except NoKeyringError:
        start = "Start one in this session, such as GNOME Keyring or KWallet"
        refuse("this system offers none", f"{start}; {otherwise}.", code="NO_KEYRING")
    except KeyringLocked:
        refuse("it is locked", f"Unlock it and try again; {otherwise}.", code="KEYRING_LOCKED")
    except Exception as error:  # noqa: BLE001 - a backend is anybody's code and raises what it likes
        look = "`keyring diagnose` shows how it is set up"
        refuse(f"asking it failed ({type(error).__name__})", f"{look}; {otherwise}.", code="KEYRING_FAILED")
    if not found:
        put = f"Put it there: keyring set {shlex.quote(entry.service)} {shlex.quote(entry.username)}"
        refuse("it has no such entry", put, code="NO_KEYRING_ENTRY")
    return found.rstrip("\r\n")
