"""Sessions over SOAP: login by password and security token, logout, who am I, what time is it.

Who may log in is decided by `org/logins.py`, as at the token endpoint; here a refusal gets its code.
`login_fault` in the org file plays the refusals that depend on more.
Source: SOAP API Developer Guide, login and getUserInfo [D]; recorded login answers [R].
"""

from typing import Final

from sfsync.emulator.call import Call
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.definition import Table
from sfsync.emulator.org.ids import with_checksum
from sfsync.emulator.org.logins import LoginRefusal, LoginRefusedError
from sfsync.emulator.soap.envelope import Envelope
from sfsync.emulator.soap.faults import login_fault
from sfsync.emulator.soap.xml_writing import Elements

_LARGEST_ATTACHMENT: Final = 5_242_880
_CODES: Final = {
    LoginRefusal.TOKEN_MISSING: "LOGIN_MUST_USE_SECURITY_TOKEN",
    LoginRefusal.HOURS: "LOGIN_DURING_RESTRICTED_TIME",
    LoginRefusal.ADDRESS: "LOGIN_DURING_RESTRICTED_DOMAIN",
}
_INVALID: Final = "Invalid username, password, security token; or user locked out."


def login(call: Call, read: Envelope) -> Elements:
    """Open a session and say where to go on."""
    username = read.operation.value("username") or ""
    given = read.operation.child("password")
    user_id = _user(call, username, password=given.text if given else "")
    tables = call.org.definition.users
    table: Table = next((each for each in tables if each["username"].lower() == username.lower()), {})
    if "login_fault" in table:
        raise login_fault(table["login_fault"], "The user cannot log in now.")
    expired = bool(table.get("password_expired"))
    session_id = (
        f"{call.org.id[:15]}!{call.org.random_token()}" if expired else call.org.sessions.open(user_id)
    )
    call.user_id = user_id
    base = f"{call.base_url}/services/Soap"
    rest = f"{call.version}/{call.org.id[:15]}"
    result: Elements = [
        ("metadataServerUrl", f"{base}/m/{rest}"),
        ("passwordExpired", expired),
        ("sandbox", bool(call.org.storage.value("Organization", call.org.id, "IsSandbox"))),
        ("serverUrl", f"{base}/u/{rest}"),
        ("sessionId", session_id),
        ("userId", user_id),
        ("userInfo", _user_info(call)),
    ]
    return [("result", result)]


def _user(call: Call, username: str, *, password: str) -> str:
    try:
        return call.org.logins.with_password(username, password)
    except LoginRefusedError as refused:
        raise login_fault(_CODES.get(refused.reason, "INVALID_LOGIN"), _INVALID) from None


def logout(call: Call, read: Envelope) -> Elements:
    """End the session of the call."""
    call.org.sessions.end(read.session_id)
    return []


def get_user_info(call: Call, read: Envelope) -> Elements:
    """Say whose session it is."""
    del read
    return [("result", _user_info(call))]


def get_server_timestamp(call: Call, read: Envelope) -> Elements:
    """Say what time it is on the server."""
    del read
    return [("result", [("timestamp", stamp(call.org.clock.now()))])]


def _user_info(call: Call) -> Elements:
    user = call.org.storage.get("User", call.user_id) or {}
    return [
        ("accessibilityMode", False),
        ("chatterExternal", False),
        ("currencySymbol", "$"),
        ("orgAttachmentFileSizeLimit", _LARGEST_ATTACHMENT),
        ("orgDefaultCurrencyIsoCode", "USD"),
        ("orgDefaultCurrencyLocale", "en_US"),
        ("orgDisallowHtmlAttachments", False),
        ("orgHasPersonAccounts", False),
        ("organizationId", call.org.id),
        ("organizationMultiCurrency", False),
        ("organizationName", call.org.storage.value("Organization", call.org.id, "Name")),
        ("profileId", with_checksum(f"00e{call.org.pod}0000001")),
        ("roleId", None),
        ("sessionSecondsValid", int(call.org.sessions.idle.total_seconds())),
        ("userDefaultCurrencyIsoCode", None),
        ("userEmail", user["Email"]),
        ("userFullName", user["Name"]),
        ("userId", user["Id"]),
        ("userLanguage", user["LanguageLocaleKey"]),
        ("userLocale", user["LocaleSidKey"]),
        ("userName", user["Username"]),
        ("userTimeZone", user["TimeZoneSidKey"]),
        ("userType", user["UserType"]),
        ("userUiSkin", "Theme3"),
    ]
