"""Reads a SOAP request: the operation it asks for, and the headers of the platform that it carries.

Prefixes and the order of elements do not matter; namespaces do.
Source: SOAP 1.1; SOAP API Developer Guide, Headers [D]; texts of faults [P].
"""

from dataclasses import dataclass, field

from sfsync.emulator.soap.faults import UnusableEnvelopeError
from sfsync.emulator.soap.xml_reading import Node, UnreadableXmlError, read_xml
from sfsync.emulator.soap.xml_writing import ENVELOPE, PARTNER
from sfsync.emulator.wire.messages import Request


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request: the operation's element, and the headers by name."""

    operation: Node
    headers: dict[str, Node] = field(default_factory=dict)

    @property
    def session_id(self) -> str:
        """The session id of the SessionHeader, empty when there is none."""
        header = self.headers.get("SessionHeader")
        return (header.value("sessionId") if header else None) or ""

    def flag(self, header: str, name: str) -> bool:
        """Return whether a header of the platform says true."""
        found = self.headers.get(header)
        return found is not None and found.flag(name)


def read_envelope(request: Request) -> Envelope:
    """Return the envelope in the body of a request.

    Raises: UnusableEnvelopeError.
    """
    if "soapaction" not in request.headers:
        raise UnusableEnvelopeError("SOAPAction HTTP header missing")
    if "text/xml" not in request.headers.get("content-type", "").lower():
        raise UnusableEnvelopeError("content-type of the request should be text/xml")
    try:
        return _envelope(read_xml(request.body))
    except UnreadableXmlError as problem:
        raise UnusableEnvelopeError(str(problem)) from None


def _envelope(root: Node) -> Envelope:
    if (root.name, root.namespace) != ("Envelope", ENVELOPE):
        message = f"Only SOAP 1.1 envelopes ({ENVELOPE}) are taken here"
        raise UnusableEnvelopeError(message, code="VersionMismatch")
    body = root.child("Body")
    if body is None or body.namespace != ENVELOPE or len(body.children) != 1:
        raise UnusableEnvelopeError("The SOAP body must hold exactly one operation")
    header = root.child("Header")
    headers = {node.name: node for node in header.children if node.namespace == PARTNER} if header else {}
    return Envelope(body.children[0], headers)


def session_id_of(request: Request) -> str:
    """Return the session id that a request carries, empty when it has none or cannot be read."""
    try:
        return read_envelope(request).session_id
    except UnusableEnvelopeError:
        return ""
