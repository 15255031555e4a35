"""The faults of the SOAP endpoint: always HTTP 500, `sf:` codes for the platform's own, `soapenv:` for
envelopes that it cannot use.

Source: recorded login fault [R]; Partner WSDL, ExceptionCode and fault elements [D]; texts of envelope
faults [P].
"""

from typing import Final

from sfsync.emulator.errors import ApiError
from sfsync.emulator.soap.xml_writing import elements, fault_envelope
from sfsync.emulator.wire.messages import Reply

XML_TYPE: Final = "text/xml;charset=UTF-8"
_LOGIN: Final = "LoginFault"
_ELEMENTS: Final = {
    "INVALID_TYPE": "InvalidSObjectFault",
    "INVALID_FIELD": "InvalidFieldFault",
    "MALFORMED_ID": "InvalidIdFault",
}


class SoapFaultError(Exception):
    """A whole call refused."""

    def __init__(self, code: str, message: str, *, element: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.element = element or _ELEMENTS.get(code, "UnexpectedErrorFault")

    def reply(self) -> Reply:
        """Return the answer that the fault is."""
        details = elements([("sf:exceptionCode", self.code), ("sf:exceptionMessage", self.message)])
        detail = (
            f'<detail><sf:{self.element} xsi:type="sf:{self.element}">{details}</sf:{self.element}></detail>'
        )
        body = fault_envelope(f"sf:{self.code}", f"{self.code}: {self.message}", detail=detail)
        return Reply(500, body, content_type=XML_TYPE)


class UnusableEnvelopeError(SoapFaultError):
    """A request that is no call of a known operation; such faults carry no detail."""

    def __init__(self, message: str, *, code: str = "Client") -> None:
        super().__init__(code, message)

    def reply(self) -> Reply:
        """Return the answer that the fault is."""
        return Reply(500, fault_envelope(f"soapenv:{self.code}", self.message), content_type=XML_TYPE)


def login_fault(code: str, message: str) -> SoapFaultError:
    """Return the fault of a refused login."""
    return SoapFaultError(code, message, element=_LOGIN)


def session_fault() -> SoapFaultError:
    """Return the fault of a call without a live session."""
    message = "Invalid Session ID found in SessionHeader: Illegal Session. Session not found"
    return SoapFaultError("INVALID_SESSION_ID", message)


def fault_of(error: ApiError) -> SoapFaultError:
    """Return the fault that says what a REST error says."""
    first = error.body[0]
    return SoapFaultError(first["errorCode"], first["message"])
