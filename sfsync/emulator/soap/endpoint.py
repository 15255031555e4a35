"""The door of the SOAP partner endpoint: version, envelope, operation, session, and the answer in XML.

Refuses in this order: a version that is not served, an envelope that cannot be used, an operation that is
not played, a missing session. Session ids are the access tokens of REST and the other way round.
Source: SOAP API Developer Guide [D]; UNSUPPORTED_API_VERSION of retired versions: Salesforce Help [D].
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from sfsync.emulator.access import user_of_session
from sfsync.emulator.call import Call
from sfsync.emulator.errors import ApiError
from sfsync.emulator.rest.versions import served_version
from sfsync.emulator.soap import converting, logging_in, record_operations
from sfsync.emulator.soap.envelope import Envelope, read_envelope
from sfsync.emulator.soap.faults import (
    XML_TYPE,
    SoapFaultError,
    UnusableEnvelopeError,
    fault_of,
)
from sfsync.emulator.soap.xml_reading import UnreadableXmlError
from sfsync.emulator.soap.xml_writing import PARTNER, Elements, envelope
from sfsync.emulator.wire.messages import Reply

Operation = Callable[[Call, Envelope], Elements]
_PREFIX: Final = "/services/soap/u/"
_NO_LOGIN_SINCE: Final = 65.0
WITH_SESSION: Final[dict[str, Operation]] = {
    "convertLead": converting.convert_lead,
    "merge": record_operations.merge_records,
    "undelete": record_operations.undelete_records,
    "emptyRecycleBin": record_operations.empty_recycle_bin,
    "logout": logging_in.logout,
    "getUserInfo": logging_in.get_user_info,
    "getServerTimestamp": logging_in.get_server_timestamp,
}


def is_soap(path: str) -> bool:
    """Whether a path belongs to this endpoint."""
    return path.lower().startswith(_PREFIX)


def answer(call: Call) -> Reply:
    """Run a SOAP operation: login, convertLead, merge, undelete, emptyRecycleBin and a few more."""
    try:
        return _answer(call)
    except SoapFaultError as fault:
        return fault.reply()
    except UnreadableXmlError as problem:
        return UnusableEnvelopeError(str(problem)).reply()
    except ApiError as error:
        return fault_of(error).reply()


def _answer(call: Call) -> Reply:
    call.version = _version(call)
    read = read_envelope(call.request)
    name = read.operation.name
    if read.operation.namespace == PARTNER and name == "login":
        if float(call.version) >= _NO_LOGIN_SINCE:
            raise SoapFaultError("UNSUPPORTED_API_VERSION", "login() is not available in this API version")
        return Reply(200, envelope(name, logging_in.login(call, read)), content_type=XML_TYPE)
    operation = WITH_SESSION.get(name) if read.operation.namespace == PARTNER else None
    if operation is None:
        wanted = f"{{{read.operation.namespace}}}{name}"
        raise UnusableEnvelopeError(
            f"No operation available for request {wanted}, please check the WSDL for the service."
        )
    call.user_id = user_of_session(call.org, read.session_id)
    call.org.usage.count(call.org.switches)
    results = operation(_with_duplicate_options(call, read), read)
    used, limit = call.org.usage.used, call.org.usage.daily_limit
    return Reply(200, envelope(name, results, used=used, limit=limit), content_type=XML_TYPE)


def _version(call: Call) -> str:
    try:
        return served_version(f"v{call.args['version']}", newest=call.org.newest_version)
    except ApiError:
        message = "Invalid Api version specified on URL"
        raise SoapFaultError("UNSUPPORTED_API_VERSION", message) from None


def _with_duplicate_options(call: Call, read: Envelope) -> Call:
    """Return the call with the DuplicateRuleHeader said as REST says it, which is what the rules read."""
    options = "; ".join(
        f"{name}={str(read.flag('DuplicateRuleHeader', name)).lower()}"
        for name in ("allowSave", "includeRecordDetails")
    )
    headers = {**call.request.headers, "sforce-duplicate-rule-header": options}
    return replace(call, request=replace(call.request, headers=headers))
