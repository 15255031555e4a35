"""Logging in over SOAP answers as recorded logins do, and its session ids are the tokens of REST."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests
from emulator_client import Client
from facts import fact
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin
from soap_client import Soap, as_dict, code_of, fault_of, local, results_of

from sfsync.emulator.org.definition import DefinitionError
from sfsync.emulator.server import RunningEmulator, running

PERSON = {"last_name": "Person", "password": "pass<&>word"}
ORG = {
    "users": [
        {**PERSON, "username": "api@soap.example", "security_token": "TOKEN", "api_user": True},
        {**PERSON, "username": "plain@soap.example"},
        {**PERSON, "username": "gone@soap.example", "active": False},
        {**PERSON, "username": "old@soap.example", "password_expired": True},
        {**PERSON, "username": "locked@soap.example", "login_fault": "PASSWORD_LOCKOUT"},
        {**PERSON, "username": "night@soap.example", "login_hours": "00:00-00:00"},
        {**PERSON, "username": "away@soap.example", "login_addresses": ["10.0.0.0/8"]},
        {
            **PERSON,
            "username": "stale@soap.example",
            "login_fault": "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        },
        {**PERSON, "username": "new@soap.example", "login_fault": "LOGIN_CHALLENGE_ISSUED"},
    ]
}
ESCAPED = "pass&lt;&amp;&gt;word"


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """Run an org whose users have passwords."""
    with running(ORG) as offered:
        yield offered


@pytest.fixture
def soap(emulator: RunningEmulator) -> Soap:
    """Return a SOAP client of the org."""
    return Soap(emulator)


def login(
    soap: Soap, username: str = "api@soap.example", password: str = ESCAPED + "TOKEN"
) -> requests.Response:
    """Log in and return the answer."""
    return soap.post(
        f"<p:login><p:username>{username}</p:username><p:password>{password}</p:password></p:login>",
        SOAPAction="login",
    )


@fact("9.5-address", "9.5-result", "9.5-server-url", "9.5-user-info", "9.5-host")
@fact("9.4-soap-seconds-valid")
def test_a_login_answers_session_addresses_and_user(soap: Soap, emulator: RunningEmulator):
    """The answer has the recorded elements in their order, and addresses of the instance."""
    answer = login(soap)
    result = ET.fromstring(answer.content)[-1][0][0]
    assert answer.status_code == 200
    assert [local(each.tag) for each in result] == [
        "metadataServerUrl",
        "passwordExpired",
        "sandbox",
        "serverUrl",
        "sessionId",
        "userId",
        "userInfo",
    ]
    values = as_dict(result)
    base = f"{emulator.instance_url}/services/Soap"
    assert values["serverUrl"] == f"{base}/u/64.0/{emulator.org_id[:15]}"
    assert values["metadataServerUrl"] == f"{base}/m/64.0/{emulator.org_id[:15]}"
    assert (values["passwordExpired"], values["sandbox"]) == ("false", "true")
    assert values["sessionId"].startswith(f"{emulator.org_id[:15]}!")
    info = values["userInfo"]
    assert (info["organizationId"], info["userId"]) == (emulator.org_id, values["userId"])
    assert (info["sessionSecondsValid"], info["userName"]) == ("7200", "api@soap.example")
    assert info["roleId"] is None
    assert {"accessibilityMode", "currencySymbol", "orgDefaultCurrencyIsoCode", "profileId"} <= set(info)
    assert {"organizationMultiCurrency", "organizationName", "userEmail", "userFullName"} <= set(info)
    assert {"userLanguage", "userLocale", "userTimeZone", "userType"} <= set(info)


@fact("4.10-usage-soap")
def test_a_login_does_not_tell_the_usage(soap: Soap):
    """Only REST answers carry Sforce-Limit-Info: a client cannot read the usage from its login."""
    good, refused = login(soap), login(soap, password="wrong")
    assert [each.status_code for each in (good, refused)] == [200, 500]
    assert not any("Sforce-Limit-Info" in each.headers for each in (good, refused))


@fact("3.2-session-header")
def test_a_session_id_is_an_access_token_and_the_other_way_round(soap: Soap, emulator: RunningEmulator):
    """What SOAP login issues opens REST; what the token endpoint issues opens SOAP; logout ends both."""
    session_id = results_of(login(soap))[0]["sessionId"]
    client = Client(emulator)
    client.http.headers["Authorization"] = f"Bearer {session_id}"
    assert client.call("GET", "/limits").status_code == 200
    own = Soap(emulator, session_id=session_id)
    assert own.results("<p:getUserInfo/>")[0]["userName"] == "api@soap.example"
    assert own.post("<p:logout/>").status_code == 200
    assert client.call("GET", "/limits").status_code == 401
    assert code_of(own.post("<p:getUserInfo/>")) == "INVALID_SESSION_ID"
    form = {"grant_type": "client_credentials"}
    form |= {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
    url = f"{emulator.instance_url}/services/oauth2/token"
    token = requests.post(url, form, timeout=10).json()["access_token"]
    assert Soap(emulator, session_id=token).results("<p:getUserInfo/>")[0]["userName"] == "api@soap.example"


@fact("9.5-failure")
@pytest.mark.parametrize(
    ("username", "password", "code"),
    [
        ("api@soap.example", "wrong", "INVALID_LOGIN"),
        ("api@soap.example", "", "INVALID_LOGIN"),
        ("api@soap.example", ESCAPED, "LOGIN_MUST_USE_SECURITY_TOKEN"),
        ("api@soap.example", ESCAPED + "TOKENX", "INVALID_LOGIN"),
        ("plain@soap.example", ESCAPED + "TOKEN", "INVALID_LOGIN"),
        ("nobody@soap.example", ESCAPED, "INVALID_LOGIN"),
        ("gone@soap.example", ESCAPED, "INVALID_LOGIN"),
        ("locked@soap.example", ESCAPED, "PASSWORD_LOCKOUT"),
        ("night@soap.example", ESCAPED, "LOGIN_DURING_RESTRICTED_TIME"),
        ("away@soap.example", ESCAPED, "LOGIN_DURING_RESTRICTED_DOMAIN"),
        ("stale@soap.example", ESCAPED, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"),
        ("new@soap.example", ESCAPED, "LOGIN_CHALLENGE_ISSUED"),
    ],
)
@fact("7.5-soap-invalid-login", "7.5-soap-login-codes")
def test_a_refused_login_is_a_fault_with_the_platform_s_code(
    soap: Soap, username: str, password: str, code: str
):
    """A refused login is HTTP 500 with faultcode, faultstring and detail."""
    answer = login(soap, username, password)
    fault = fault_of(answer)
    assert fault["faultcode"] == f"sf:{code}"
    assert fault["faultstring"].startswith(f"{code}: ")
    assert fault["detail"]["LoginFault"]["exceptionCode"] == code
    assert "<sf:exceptionCode>" in answer.text
    assert "<sf:exceptionMessage>" in answer.text


@fact("9.5-password-expired")
def test_an_expired_password_is_said_and_its_session_opens_nothing(soap: Soap, emulator: RunningEmulator):
    """The answer says passwordExpired, and whoever ignores it is refused at the next call."""
    (result,) = results_of(login(soap, "old@soap.example", ESCAPED))
    assert result["passwordExpired"] == "true"
    assert (
        code_of(Soap(emulator, session_id=result["sessionId"]).post("<p:getUserInfo/>"))
        == "INVALID_SESSION_ID"
    )


def test_users_without_the_api_and_users_locked_out_are_refused():
    """A user without the API gets a session that opens nothing; a locked one is told what a wrong password is."""
    users = [
        {**PERSON, "username": "api@soap.example", "api_user": True},
        {**PERSON, "username": "web@soap.example", "api_enabled": False},
        {**PERSON, "username": "out@soap.example", "locked": True},
    ]
    with running({"users": users}) as emulator:
        soap = Soap(emulator)
        session_id = results_of(login(soap, "web@soap.example", ESCAPED))[0]["sessionId"]
        refused = Soap(emulator, session_id=session_id).post("<p:getUserInfo/>")
        assert code_of(refused) == "API_CURRENTLY_DISABLED"
        assert code_of(login(soap, "out@soap.example", ESCAPED)) == "INVALID_LOGIN"


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("30.0", "UNSUPPORTED_API_VERSION"),
        ("69.0", "UNSUPPORTED_API_VERSION"),
        ("65.0", "UNSUPPORTED_API_VERSION"),
    ],
)
@fact("9.1-soap-login", "11-65")
def test_login_ends_with_version_64(emulator: RunningEmulator, version: str, code: str):
    """Retired and unknown versions are refused, and from 65 on login is; other operations go on."""
    assert code_of(login(Soap(emulator, version))) == code
    assert results_of(login(Soap(emulator, "31.0")))[0]["userId"].startswith("005")
    assert Soap(emulator, "68.0").results("<p:getServerTimestamp/>")[0]["timestamp"].endswith("Z")


def test_an_org_file_with_an_unknown_login_fault_is_refused():
    """The codes that a login may be refused with are a closed list."""
    with (
        pytest.raises(DefinitionError, match="login_fault"),
        running({"users": [{**PERSON, "username": "x@soap.example", "login_fault": "NO_SUCH"}]}),
    ):
        pass


@pytest.mark.parametrize("version", ["42.0", "59.0", "64.0"])
def test_simple_salesforce_logs_in(emulator: RunningEmulator, version: str):
    """The login body of simple-salesforce works, with its headers and its reading of the answer."""
    session_id, host = SalesforceLogin(
        username="api@soap.example",
        password="pass<&>word",
        security_token="TOKEN",
        sf_version=version,
        scratch_url=emulator.instance_url,
    )
    assert host == urlsplit(emulator.instance_url).netloc
    assert emulator.org.sessions.user_of(session_id) is not None
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        SalesforceLogin(
            username="api@soap.example", password="no", security_token="", scratch_url=emulator.instance_url
        )
    assert refused.value.code == "INVALID_LOGIN"


def test_a_chunked_login_with_lower_case_headers_works(emulator: RunningEmulator):
    """A client like jsforce sends its login in chunks, with lower-case header names and an empty SOAP header."""
    body = (
        '<se:Envelope xmlns:se="http://schemas.xmlsoap.org/soap/envelope/"><se:Header/><se:Body>'
        '<login xmlns="urn:partner.soap.sforce.com"><username>plain@soap.example</username>'
        f"<password>{ESCAPED}</password></login></se:Body></se:Envelope>"
    )
    connection = http.client.HTTPConnection(urlsplit(emulator.instance_url).netloc, timeout=10)
    headers = {"content-type": "text/xml", "soapaction": '""', "transfer-encoding": "chunked"}
    parts = (body[start : start + 50].encode() for start in range(0, len(body), 50))
    connection.request("POST", "/services/Soap/u/50.0", parts, headers, encode_chunked=True)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status == 200
    assert b"<serverUrl>" in text
